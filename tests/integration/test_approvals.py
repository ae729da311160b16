"""Who may approve a plan, on a real API server: an editor is refused, an approver is not, and warnings warn."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.release import MUTATING, SERVES_MUTATING_POLICIES, needs_mutating_policies, served
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.api.admission import PolicySettings, all_policies
from hyperpod_operator.api.names import (
    API_VERSION,
    APPROVE_PLAN,
    APPROVED_BY,
    CLUSTER_KIND,
    CLUSTER_PLURAL,
    GROUP,
    NODE_OPERATION_KIND,
    NODE_OPERATION_PLURAL,
)
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.control_plane.api import MERGE, Answer
from hyperpod_testbed.waiting import until

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.control_plane

NAMESPACE = "team"
OPERATOR = "system:serviceaccount:hyperpod-operator:hyperpod-operator"
ELSEWHERE = "system:serviceaccount:elsewhere:hyperpod-operator"
"""The account of another installation, as its own chart grants it."""
EDITOR, APPROVER = "editor@example.com", "approver@example.com"
ONE, OTHER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
WRITE = ["get", "list", "create", "update", "patch"]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """One of its own, because the policies are for the whole cluster; with the beta API of mutating policies."""
    servers = frozenset({"etcd", "kube-apiserver"})
    with ControlPlane(components=servers, extra_args={"kube-apiserver": MUTATING}) as plane:
        plane.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        plane.install_crds(ROOT / "crds")
        for name in ("approvals.yaml", "approved-by.yaml"):
            for manifest in served(all_policies(PolicySettings())[name]):
                plane.api.apply(manifest)
        _grant(plane, "edit", verbs=WRITE, users=[EDITOR, APPROVER, OPERATOR, ELSEWHERE])
        status = [f"{kind}/status" for kind in (CLUSTER_PLURAL, NODE_OPERATION_PLURAL)]
        _grant(plane, "record", verbs=["approve"], users=[ELSEWHERE], resources=status)
        _grant(plane, "approve", verbs=["approve"], users=[APPROVER], names=["research", "reboot"])
        approve_all = {"changePolicy": "ApproveAll"}
        for made in (cluster("research", approve_all), cluster("other", approve_all), operation("reboot")):
            plane.wait_until_admitted(made)
            plane.api.apply(made)
        _wait_until_in_force(plane)
        yield plane


def _grant(
    plane: ControlPlane,
    name: str,
    *,
    verbs: list[str],
    users: list[str],
    names: list[str] | None = None,
    resources: Sequence[str] = (
        CLUSTER_PLURAL,
        f"{CLUSTER_PLURAL}/status",
        NODE_OPERATION_PLURAL,
        f"{NODE_OPERATION_PLURAL}/status",
    ),
) -> None:
    rule = {"apiGroups": [GROUP], "resources": list(resources), "verbs": verbs}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [rule | ({"resourceNames": names} if names else {})],
    }
    plane.api.apply(role)
    plane.kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", *(f"--user={user}" for user in users))


def _wait_until_in_force(plane: ControlPlane) -> None:
    """Policies are compiled a moment after they are stored."""

    def in_force() -> bool:
        removed = patch(plane, EDITOR, {"spec": {"instanceGroups": [group_spec()]}})
        return bool(removed.warnings) and all(
            annotate(plane, EDITOR, ONE, **which).refused
            and (not SERVES_MUTATING_POLICIES or APPROVED_BY in annotations(annotate(plane, APPROVER, ONE, **which)))
            for which in ({}, {"kind": NODE_OPERATION_PLURAL, "name": "reboot"})
        )

    until(in_force, "the policies are in force")


def cluster(name: str, management: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": CLUSTER_KIND,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec(management=management, **members),
    }


def operation(name: str, approved: str = "") -> dict[str, Any]:
    nodes = {"names": ["hyperpod-i-0123456789abcdef0"]}
    return {
        "apiVersion": API_VERSION,
        "kind": NODE_OPERATION_KIND,
        "metadata": {"name": name, "namespace": NAMESPACE, "annotations": {APPROVE_PLAN: approved} if approved else {}},
        "spec": {"clusterRef": {"name": "research"}, "operation": "Reboot", "nodes": nodes},
    }


def create(plane: ControlPlane, user: str, made: dict[str, Any]) -> Answer:
    return plane.api.judge_new(made, user=user)


def patch(
    plane: ControlPlane,
    user: str,
    change: dict[str, Any],
    *,
    kind: str = CLUSTER_PLURAL,
    name: str = "research",
    status: bool = False,
) -> Answer:
    path = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{kind}/{name}" + ("/status" if status else "")
    return plane.api.ask("PATCH", path, change, kind=MERGE, query={"dryRun": "All"}, user=user)


def annotate(plane: ControlPlane, user: str, digest: str | None, **fields: Any) -> Answer:
    return patch(plane, user, {"metadata": {"annotations": {APPROVE_PLAN: digest}}}, **fields)


def annotations(answer: Answer) -> dict[str, str]:
    return dict(answer.body["metadata"]["annotations"])


def managed(plane: ControlPlane, user: str, **management: Any) -> Answer:
    return patch(plane, user, {"spec": {"management": management}})


def test_an_editor_may_not_approve(plane: ControlPlane) -> None:
    for answer in (annotate(plane, EDITOR, ONE), managed(plane, EDITOR, approvedPlan=ONE)):
        assert "you may not approve plans" in answer.words


def test_an_approver_may(plane: ControlPlane) -> None:
    for answer in (annotate(plane, APPROVER, ONE), managed(plane, APPROVER, approvedPlan=ONE)):
        assert not answer.refused, answer.words


def test_an_approver_of_one_cluster_may_not_approve_another(plane: ControlPlane) -> None:
    assert "you may not approve plans" in annotate(plane, APPROVER, ONE, name="other").words


def test_an_editor_may_not_create_an_approved_cluster(plane: ControlPlane) -> None:
    assert "you may not approve plans" in create(plane, EDITOR, cluster("made", {"approvedPlan": ONE})).words


def test_an_editor_may_not_approve_an_operation(plane: ControlPlane) -> None:
    said = annotate(plane, EDITOR, ONE, kind=NODE_OPERATION_PLURAL, name="reboot").words
    assert "you may not approve this HyperPodNodeOperation: that needs the verb approve on" in said
    assert not patch(plane, EDITOR, {"spec": {"suspend": True}}, kind=NODE_OPERATION_PLURAL, name="reboot").refused


@needs_mutating_policies
def test_an_approver_may_approve_an_operation_and_is_written_down(plane: ControlPlane) -> None:
    made = annotate(plane, APPROVER, ONE, kind=NODE_OPERATION_PLURAL, name="reboot")
    assert annotations(made)[APPROVED_BY] == APPROVER


@pytest.mark.parametrize("user", [EDITOR, APPROVER])
def test_only_an_approver_of_it_may_create_an_approved_operation(plane: ControlPlane, user: str) -> None:
    assert not create(plane, EDITOR, operation("plain")).refused
    assert "you may not approve this" in create(plane, user, operation("made", ONE)).words


def test_nobody_approves_an_operation_in_another_name(plane: ControlPlane) -> None:
    change = {"metadata": {"annotations": {APPROVED_BY: "other@example.com"}}}
    assert "set your own name" in patch(plane, EDITOR, change, kind=NODE_OPERATION_PLURAL, name="reboot").words


def test_an_editor_may_not_move_an_approval_to_another_digest(plane: ControlPlane) -> None:
    plane.api.merge(CLUSTER_PLURAL, "research", {"metadata": {"annotations": {APPROVE_PLAN: ONE}}}, namespace=NAMESPACE)
    assert "you may not approve plans" in annotate(plane, EDITOR, OTHER).words
    assert not annotate(plane, EDITOR, ONE).refused
    assert not annotate(plane, EDITOR, None).refused


@pytest.mark.parametrize("loose", ["Auto", "ApproveDisruptive", None])
def test_an_editor_may_not_loosen_the_policy(plane: ControlPlane, loose: str | None) -> None:
    assert "you may not loosen" in managed(plane, EDITOR, changePolicy=loose).words
    assert not managed(plane, APPROVER, changePolicy=loose).refused


@pytest.fixture
def rolled_back(plane: ControlPlane) -> Iterator[str]:
    """A cluster with a changePolicy of a newer release, after the definition was rolled back."""
    definition = json.loads(plane.kubectl("get", "crd", f"{CLUSTER_PLURAL}.{GROUP}", "-o", "json").stdout)
    schema = "/spec/versions/0/schema/openAPIV3Schema"
    about = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    words = about["management"]["properties"]["changePolicy"]["enum"]
    path = f"{schema}/properties/spec/properties/management/properties/changePolicy/enum"

    def known(*more: str) -> None:
        change = [{"op": "replace", "path": path, "value": [*words, *more]}]
        plane.kubectl("patch", "crd", f"{CLUSTER_PLURAL}.{GROUP}", "--type=json", "-p", json.dumps(change))

    newer = cluster("newer", {"changePolicy": "ApproveTwice"})
    known("ApproveTwice")
    until(lambda: not create(plane, APPROVER, newer).refused, "the newer definition is in force")
    plane.api.apply(newer)
    known()
    until(lambda: create(plane, APPROVER, newer).refused, "the older definition is in force")
    yield "newer"
    plane.kubectl("delete", CLUSTER_PLURAL, "newer", "-n", NAMESPACE)


def test_a_change_policy_of_a_newer_release_is_the_strictest_and_locks_nobody_out(
    plane: ControlPlane, rolled_back: str
) -> None:
    labelled = patch(plane, EDITOR, {"metadata": {"labels": {"team": "ml"}}}, name=rolled_back)
    assert not labelled.refused, labelled.words
    looser = {"spec": {"management": {"changePolicy": "ApproveAll"}}}
    assert "you may not loosen" in patch(plane, EDITOR, looser, name=rolled_back).words
    _grant(plane, "approve-newer", verbs=["approve"], users=[APPROVER], names=[rolled_back])
    until(lambda: not patch(plane, APPROVER, looser, name=rolled_back).refused, "an approver may loosen it")


def test_an_editor_may_make_the_policy_stricter(plane: ControlPlane) -> None:
    assert not managed(plane, EDITOR, changePolicy="PlanOnly").refused


def test_an_editor_may_not_write_the_record_of_an_approval(plane: ControlPlane) -> None:
    change = {"status": {"lastApproval": {"digest": ONE}}}
    assert "you may not change status.lastApproval" in patch(plane, EDITOR, change, status=True).words
    assert not patch(plane, OPERATOR, change, status=True).refused


def test_an_editor_may_not_write_the_plan_that_others_approve(plane: ControlPlane) -> None:
    """A harmless plan beside the digest of another one would be approved by whoever reads it."""
    change = {"status": {"plan": {"digest": ONE, "encoding": "v1", "state": "Pending", "summary": "tag team set"}}}
    assert "you may not change status.plan" in patch(plane, EDITOR, change, status=True).words
    assert not patch(plane, OPERATOR, change, status=True).refused
    assert not patch(plane, EDITOR, {"status": {"region": "us-west-2"}}, status=True).refused


def test_where_nothing_waits_the_plan_needs_no_right(plane: ControlPlane) -> None:
    """The operator of another installation whose roles do not have it goes on."""
    plane.api.apply(cluster("free", {"changePolicy": "Auto"}))
    change = {"status": {"plan": {"digest": ONE, "encoding": "v1", "state": "Pending", "summary": "tag team set"}}}
    assert not patch(plane, EDITOR, change, name="free", status=True).refused


def test_an_editor_may_not_write_the_plan_of_an_operation_that_others_approve(plane: ControlPlane) -> None:
    """A digest beside nodes that are not its own. The cluster has the change policy, so the plan says that it waits."""
    which = {"kind": NODE_OPERATION_PLURAL, "name": "reboot", "status": True}
    free = {"status": {"plan": {"digest": ONE, "encoding": "v1", "state": "Pending", "actions": [{"call": "Reboot"}]}}}
    waits = {"status": {"plan": free["status"]["plan"] | {"actions": [{"call": "Reboot", "waits": True}]}}}
    stale = {"status": {"plan": free["status"]["plan"] | {"state": "Stale"}}}
    for change in (waits, stale):
        assert "you may not change status.plan" in patch(plane, EDITOR, change, **which).words
        for user in (OPERATOR, ELSEWHERE, APPROVER):
            assert not (answer := patch(plane, user, change, **which)).refused, answer.words
    for change in (free, {"status": {"summary": "0/1"}}):
        assert not (answer := patch(plane, EDITOR, change, **which)).refused, answer.words
    plane.api.merge(NODE_OPERATION_PLURAL, "reboot/status", waits, namespace=NAMESPACE)
    for change in (free, {"status": {"plan": None}}):
        assert "you may not change status.plan" in patch(plane, EDITOR, change, **which).words


@pytest.mark.parametrize(
    "written",
    [
        {"lastApproval": {"digest": ONE}},
        {"plan": {"digest": ONE, "encoding": "v1", "state": "Pending", "summary": "tag team set"}},
    ],
)
def test_another_installation_may_write_the_record_and_not_approve(
    plane: ControlPlane, written: dict[str, Any]
) -> None:
    assert not patch(plane, ELSEWHERE, {"status": written}, status=True).refused
    for answer in (annotate(plane, ELSEWHERE, OTHER), managed(plane, ELSEWHERE, approvedPlan=OTHER)):
        assert "you may not approve plans" in answer.words


@needs_mutating_policies
def test_the_approver_is_written_down(plane: ControlPlane) -> None:
    assert annotations(annotate(plane, APPROVER, OTHER))[APPROVED_BY] == APPROVER


def test_nobody_approves_in_another_name(plane: ControlPlane) -> None:
    change = {"metadata": {"annotations": {APPROVED_BY: "other@example.com"}}}
    assert "set your own name" in patch(plane, EDITOR, change).words


def test_a_removed_group_is_warned_of(plane: ControlPlane) -> None:
    answer = patch(plane, EDITOR, {"spec": {"instanceGroups": [group_spec()]}})
    assert not answer.refused
    assert "removes an instance group" in answer.words


def test_an_undrained_software_update_is_warned_of(plane: ControlPlane) -> None:
    groups = [group_spec(imageReleaseVersion="1.2.3"), spec()["instanceGroups"][1]]
    assert "without draining" in patch(plane, EDITOR, {"spec": {"instanceGroups": groups}}).words


def test_a_removed_field_that_aws_keeps_is_warned_of(plane: ControlPlane) -> None:
    groups = spec()["instanceGroups"]
    scriptless = [{key: value for key, value in groups[0].items() if key != "lifeCycleConfig"}, groups[1]]
    for change in ({"nodeRecovery": None}, {"instanceGroups": scriptless}):
        answer = patch(plane, EDITOR, {"spec": change})
        assert not answer.refused
        assert "removes a field that AWS keeps" in answer.words


def test_a_harmless_edit_is_not_warned_of(plane: ControlPlane) -> None:
    answer = patch(plane, EDITOR, {"spec": {"nodeRecovery": "None"}})
    assert (answer.refused, answer.warnings) == (False, ())


def test_deleting_an_adopted_cluster_with_its_resource_is_warned_of(plane: ControlPlane) -> None:
    path = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{CLUSTER_PLURAL}/other/status"
    plane.api.send("PATCH", path, body={"status": {"origin": "Adopted"}}, kind=MERGE)
    answer = patch(plane, EDITOR, {"spec": {"management": {"deletionPolicy": "Delete"}}}, name="other")
    assert "deletes the cluster in AWS" in answer.words
