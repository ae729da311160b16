"""The admission policies on a real API server: what people are told, and what the operator is refused."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from tests.release import MUTATING, SERVES_MUTATING_POLICIES, needs_mutating_policies, served

from hyperpod_operator.api.admission import PolicySettings, all_policies
from hyperpod_operator.api.admission.nodes import ANNOTATIONS
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.control_plane.api import JSON_PATCH, MERGE, STRATEGIC, Answer
from hyperpod_testbed.waiting import until

pytestmark = pytest.mark.control_plane

NAMESPACE = "hyperpod-operator"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:hyperpod-operator"
SETTINGS = PolicySettings(instance_types=("p5.48xlarge", "trn1.32xlarge"), action="Deny")
TYPE = "node.kubernetes.io/instance-type"
HEALTH = "sagemaker.amazonaws.com/node-health-status"
TAINT = {"key": HEALTH, "value": "Unschedulable", "effect": "NoSchedule"}
NAME = "hyperpod-i-0aaaaaaaaaaaaaaaa"
PROVIDER_ID = "aws:///use1-az4/sagemaker/cluster/hyperpod-abcdefghijkl-i-0aaaaaaaaaaaaaaaa"
SICK = f"/api/v1/nodes/{NAME}"
THEIRS = {"key": "example.com/theirs", "value": "x", "effect": "NoExecute"}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """One of its own, because the policies are for the whole cluster; with the beta API of mutating policies."""
    servers = frozenset({"etcd", "kube-apiserver"})
    with ControlPlane(components=servers, extra_args={"kube-apiserver": MUTATING}) as plane:
        for namespace in (NAMESPACE, "plain", "prefixed"):
            plane.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
            plane.api.apply(account, namespace=namespace)
        prefixed = {"metadata": {"labels": {"hyperpod-operator.dev/add-ml-prefix": "true"}}}
        plane.api.merge("namespaces", "prefixed", prefixed)
        for manifest in served(chain.from_iterable(all_policies(SETTINGS).values())):
            plane.api.apply(manifest)
        rights = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "all-of-nodes"},
            "rules": [{"apiGroups": [""], "resources": ["nodes", "nodes/status"], "verbs": ["*"]}],
        }
        plane.api.apply(rights)
        plane.kubectl("create", "clusterrolebinding", "operator", "--clusterrole=all-of-nodes", f"--user={OPERATOR}")
        _wait_until_in_force(plane)
        yield plane


def _wait_until_in_force(plane: ControlPlane) -> None:
    """Policies are compiled a moment after they are stored, in that order: cron jobs are the last to be validated."""

    def in_force() -> bool:
        selector = {TYPE: "p5.48xlarge"}
        return (
            create(plane, cron_job(nodeSelector=selector)).refused
            and create(plane, pod("probe", nodeSelector=selector)).refused
            and (
                not SERVES_MUTATING_POLICIES
                or mutated(plane, nodeSelector=selector)["nodeSelector"][TYPE].startswith("ml.")
            )
        )

    until(in_force, "the policies are in force")


def pod(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "main", "image": "example.com/image"}], **spec},
    }


def cron_job(**spec: Any) -> dict[str, Any]:
    job = {"template": {"spec": {**pod("x", **spec)["spec"], "restartPolicy": "Never"}}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "wrong"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": job}},
    }


def required(*expressions: dict[str, Any]) -> dict[str, Any]:
    terms = [{"matchExpressions": list(expressions)}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def create(plane: ControlPlane, body: dict[str, Any], *, namespace: str = "plain") -> Answer:
    return plane.api.judge_new(body, namespace=namespace)


def mutated(plane: ControlPlane, **spec: Any) -> dict[str, Any]:
    """The spec of a pod as the API server takes it in the namespace that asked for the prefix."""
    answer = create(plane, pod("mutated", **spec), namespace="prefixed")
    if answer.refused:  # not mutated yet: refused by the other policy
        return dict(spec)
    return dict(answer.body["spec"])


class TestPods:
    @pytest.mark.parametrize(
        "spec",
        [
            {"nodeSelector": {TYPE: "p5.48xlarge"}},
            {"nodeSelector": {"beta.kubernetes.io/instance-type": "p5.48xlarge"}},
            {"affinity": required({"key": TYPE, "operator": "In", "values": ["p5.48xlarge"]})},
        ],
        ids=["selector", "beta selector", "affinity"],
    )
    def test_a_type_that_exists_with_the_prefix_alone_is_told_with_the_right_line(
        self, plane: ControlPlane, spec: dict[str, Any]
    ) -> None:
        answer = create(plane, pod("wrong", **spec))
        assert answer.refused
        assert "node.kubernetes.io/instance-type: ml.p5.48xlarge" in answer.words

    def test_so_is_a_deployment_whose_pods_would_ask_for_it(self, plane: ControlPlane) -> None:
        template = {
            "metadata": {"labels": {"app": "x"}},
            "spec": pod("x", nodeSelector={TYPE: "trn1.32xlarge"})["spec"],
        }
        deployment = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "wrong"},
            "spec": {"selector": {"matchLabels": {"app": "x"}}, "template": template},
        }
        assert "ml.trn1.32xlarge" in create(plane, deployment).words

    def test_and_a_cron_job(self, plane: ControlPlane) -> None:
        assert "ml.p5.48xlarge" in create(plane, cron_job(nodeSelector={TYPE: "p5.48xlarge"})).words

    @pytest.mark.parametrize(
        "spec",
        [
            {},
            {"nodeSelector": {TYPE: "ml.p5.48xlarge"}},
            {"nodeSelector": {TYPE: "m5.xlarge"}},
            {"nodeSelector": {"sagemaker.amazonaws.com/instance-group-name": "workers"}},
            {"affinity": required({"key": TYPE, "operator": "In", "values": ["p5.48xlarge", "ml.p5.48xlarge"]})},
            {"affinity": required({"key": TYPE, "operator": "NotIn", "values": ["p5.48xlarge"]})},
        ],
        ids=["nothing", "prefix", "a type of other nodes", "right label", "either", "not in"],
    )
    def test_a_pod_that_can_find_a_node_passes(self, plane: ControlPlane, spec: dict[str, Any]) -> None:
        answer = create(plane, pod("right", **spec))
        assert not answer.refused, answer.words

    @pytest.mark.parametrize(
        ("wrong", "right"),
        [("fault-type", "fault-types"), ("node-group-name", "instance-group-name"), ("node-group", "instance-group")],
    )
    def test_a_label_that_does_not_exist_is_told_with_the_right_one(
        self, plane: ControlPlane, wrong: str, right: str
    ) -> None:
        answer = create(plane, pod("wrong", nodeSelector={f"sagemaker.amazonaws.com/{wrong}": "x"}))
        assert answer.refused
        assert f"write sagemaker.amazonaws.com/{right}" in answer.words

    def test_by_default_it_is_a_warning(self, plane: ControlPlane) -> None:
        bindings = [found for found in all_policies(PolicySettings())["pods.yaml"] if "Binding" in found["kind"]]
        assert [binding["spec"]["validationActions"] for binding in bindings] == [["Warn"]] * 3


@needs_mutating_policies
class TestPrefix:
    def test_it_is_added_to_a_selector(self, plane: ControlPlane) -> None:
        spec = mutated(plane, nodeSelector={TYPE: "p5.48xlarge", "disk": "fast"})
        assert spec["nodeSelector"] == {TYPE: "ml.p5.48xlarge", "disk": "fast"}

    def test_it_is_added_to_an_affinity_and_the_rest_stays(self, plane: ControlPlane) -> None:
        wanted = required(
            {"key": TYPE, "operator": "In", "values": ["p5.48xlarge", "m5.xlarge"]},
            {"key": "disk", "operator": "Exists"},
        )
        affinity = mutated(plane, affinity=wanted)["affinity"]["nodeAffinity"]
        (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        assert term["matchExpressions"] == [
            {"key": TYPE, "operator": "In", "values": ["ml.p5.48xlarge", "m5.xlarge"]},
            {"key": "disk", "operator": "Exists"},
        ]

    def test_a_pod_without_either_is_left_alone(self, plane: ControlPlane) -> None:
        assert "nodeSelector" not in mutated(plane)

    def test_other_namespaces_are_left_alone(self, plane: ControlPlane) -> None:
        answer = create(plane, pod("other", nodeSelector={TYPE: "m5.xlarge"}))
        assert answer.body["spec"]["nodeSelector"] == {TYPE: "m5.xlarge"}


class TestNodes:
    @pytest.fixture
    def node(self, plane: ControlPlane) -> Iterator[str]:
        body = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": NAME,
                "labels": {
                    HEALTH: "Unschedulable",
                    "team": "a",
                    TYPE: "p5.48xlarge",
                    "hyperpod-operator.dev/vol-1": "attached",
                },
                "annotations": {"example.com/note": "theirs"},
            },
            "spec": {"taints": [THEIRS], "providerID": PROVIDER_ID},
        }
        plane.api.create(body)
        yield NAME
        plane.api.delete("nodes", NAME)

    def patch(self, plane: ControlPlane, *operations: dict[str, Any], user: str = OPERATOR) -> Answer:
        return plane.api.ask("PATCH", SICK, operations, kind=JSON_PATCH, user=user)

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "add", "path": "/spec/taints/-", "value": TAINT},
            {"op": "add", "path": "/metadata/annotations/hyperpod-operator.dev~1tainted-at", "value": "now"},
            {"op": "add", "path": "/metadata/labels/hyperpod-operator.dev~1instance-type", "value": "p5.48xlarge"},
            {"op": "replace", "path": "/metadata/labels/node.kubernetes.io~1instance-type", "value": "ml.p5.48xlarge"},
            {
                "op": "add",
                "path": "/metadata/labels/hyperpod-operator.dev.node-restriction.kubernetes.io~1vol-1",
                "value": "attached",
            },
            {"op": "remove", "path": "/metadata/labels/hyperpod-operator.dev~1vol-1"},
        ],
        ids=["the taint", "its record", "its label", "the type", "a volume's label", "a volume's former label"],
    )
    @pytest.mark.usefixtures("node")
    def test_what_it_is_for_is_allowed(self, plane: ControlPlane, operation: dict[str, Any]) -> None:
        answer = self.patch(plane, operation)
        assert not answer.refused, answer.words

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "replace", "path": "/spec/taints", "value": [TAINT]},
            {"op": "remove", "path": "/spec/taints"},
            {"op": "replace", "path": "/spec/taints", "value": [{**THEIRS, "value": "y"}]},
            {"op": "add", "path": "/spec/taints/-", "value": {**TAINT, "effect": "NoExecute"}},
            {"op": "add", "path": "/spec/taints/-", "value": {**TAINT, "value": "UnschedulablePendingReplacement"}},
            {"op": "add", "path": "/spec/taints/-", "value": {"key": "mine", "effect": "NoSchedule"}},
            {"op": "add", "path": "/spec/unschedulable", "value": True},
            {"op": "replace", "path": "/metadata/labels/team", "value": "b"},
            {"op": "remove", "path": "/metadata/labels/team"},
            {"op": "add", "path": "/metadata/labels/new", "value": "x"},
            {"op": "add", "path": "/metadata/labels/hyperpod-operator.dev~1vol-2", "value": "attached"},
            {"op": "replace", "path": "/metadata/labels/hyperpod-operator.dev~1vol-1", "value": "other"},
            {"op": "add", "path": "/metadata/labels/node-restriction.kubernetes.io~1tenant", "value": "a"},
            {
                "op": "replace",
                "path": "/metadata/labels/sagemaker.amazonaws.com~1node-health-status",
                "value": "UnschedulablePendingReplacement",
            },
            {"op": "remove", "path": "/metadata/annotations/example.com~1note"},
            {"op": "add", "path": "/metadata/finalizers", "value": ["example.com/x"]},
        ],
    )
    @pytest.mark.usefixtures("node")
    def test_everything_else_is_refused_and_told(self, plane: ControlPlane, operation: dict[str, Any]) -> None:
        answer = self.patch(plane, operation)
        assert answer.refused
        assert "the operator may" in answer.words

    @pytest.mark.usefixtures("node")
    def test_nodes_are_not_deleted_nor_their_status_written(self, plane: ControlPlane) -> None:
        assert plane.api.ask("DELETE", SICK, user=OPERATOR).refused
        status = plane.api.ask(
            "PATCH", f"{SICK}/status", {"status": {"phase": "Terminated"}}, kind=MERGE, user=OPERATOR
        )
        assert status.refused
        assert "the operator may change these conditions" in status.words

    @pytest.mark.usefixtures("node")
    def test_the_conditions_of_a_drain_are_the_operators_and_no_other_is(self, plane: ControlPlane) -> None:
        def may_show(kind: str, reason: str) -> bool:
            change = {"status": {"conditions": [{"type": kind, "status": "True", "reason": reason}]}}
            return not plane.api.ask("PATCH", f"{SICK}/status", change, kind=STRATEGIC, user=OPERATOR).refused

        assert may_show("DrainInProgress", "HyperPodOperator")
        assert not may_show("DrainInProgress", "Someone")
        assert not may_show("Drained", "Someone")
        assert not may_show("DiskPressure", "HyperPodOperator")

    @pytest.mark.usefixtures("node")
    def test_the_draining_taint_may_be_added_and_removed(self, plane: ControlPlane) -> None:
        last = {"op": "add", "path": "/spec/taints/-"}
        draining = {"key": "hyperpod-operator.dev/draining", "effect": "NoSchedule"}
        assert not self.patch(plane, {**last, "value": draining}).refused
        assert self.patch(plane, {**last, "value": {**draining, "effect": "NoExecute"}}).refused
        taints = plane.api.send("GET", SICK)["spec"]["taints"]
        place = next(index for index, taint in enumerate(taints) if taint["key"] == draining["key"])
        assert not self.patch(plane, {"op": "remove", "path": f"/spec/taints/{place}"}).refused

    @pytest.mark.usefixtures("node")
    @pytest.mark.parametrize("key", ANNOTATIONS)
    def test_the_operators_annotations_may_be_added_and_removed(self, plane: ControlPlane, key: str) -> None:
        def annotate(key: str, value: str | None) -> Answer:
            change = {"metadata": {"annotations": {key: value}}}
            return plane.api.ask("PATCH", SICK, change, kind=MERGE, user=OPERATOR)

        assert [annotate(key, value).refused for value in ("x", None)] == [False, False]
        assert "the operator may change these annotations alone" in annotate("example.com/x", "y").words

    @pytest.mark.parametrize(
        ("name", "provider_id"),
        [
            ("plain", "aws:///us-east-1a/i-0aaaaaaaaaaaaaaaa"),
            ("hyperpod-i-0bbbbbbbbbbbbbbbb", PROVIDER_ID),
            ("hyperpod-i-0aaaaaaaaaaaaaaaa", f"{PROVIDER_ID}-x"),
            ("i-0aaaaaaaaaaaaaaaa", PROVIDER_ID),
            ("hyperpod-a", PROVIDER_ID),
        ],
    )
    def test_of_other_nodes_it_removes_stray_labels_alone(
        self, plane: ControlPlane, name: str, provider_id: str
    ) -> None:
        held = {f"hyperpod-operator.dev{part}/vol-1": "attached" for part in ("", ".node-restriction.kubernetes.io")}
        metadata = {"name": name, "labels": {**held, "team": "a"}}
        plane.api.create(
            {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"providerID": provider_id}}
        )
        try:
            for refused in (
                {"spec": {"taints": [TAINT]}},
                {"metadata": {"labels": {"hyperpod-operator.dev/instance-type": "p5.48xlarge"}}},
                {"metadata": {"labels": {"hyperpod-operator.dev.node-restriction.kubernetes.io/vol-2": "attached"}}},
                {"metadata": {"annotations": {"hyperpod-operator.dev/tainted-at": "now"}}},
            ):
                assert "the nodes of HyperPod alone" in self.merge(plane, name, refused).words
            for key in held:
                answer = self.merge(plane, name, {"metadata": {"labels": {key: None}}})
                assert not answer.refused, answer.words
            assert self.merge(plane, name, {"metadata": {"labels": {"team": None}}}).refused
        finally:
            plane.api.delete("nodes", name)

    def merge(self, plane: ControlPlane, name: str, change: dict[str, Any]) -> Answer:
        return plane.api.ask("PATCH", f"/api/v1/nodes/{name}", change, kind=MERGE, user=OPERATOR)

    @pytest.mark.usefixtures("node")
    def test_others_are_not_held_by_it(self, plane: ControlPlane) -> None:
        removed = {"op": "remove", "path": "/spec/taints"}
        assert self.patch(plane, removed, user="system:admin").refused  # no rights at all
        assert not self.patch(plane, removed, user="").refused
