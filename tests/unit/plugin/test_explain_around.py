"""`explain pod/NAME` and `explain node/NAME` against a server of dicts: what is read, and what RBAC hides."""

import json
from typing import Any

import pytest
from tests.unit.core.explain import worlds
from tests.unit.core.explain.worlds import condition
from tests.unit.plugin.fake import EVENTS, NODE, FakeServer, run, server

NAME = NODE["metadata"]["name"]  # type: ignore[index]
EVERYWHERE = "/apis/hyperpod-operator.dev/v1alpha1"
KINDS = ("hyperpodclusters", "ebsvolumeclaims", "hyperpodnodeoperations")
POD = "/api/v1/namespaces/team/pods/trainer-0"
WORDS = "0/1 nodes are available."
PENDING = {
    "metadata": {"name": "trainer-0", "namespace": "team", "uid": "p1"},
    "spec": {"nodeSelector": {"sagemaker.amazonaws.com/instance-group-name": "gpu"}},
    "status": {"phase": "Pending", "conditions": [condition("PodScheduled", "False", "Unschedulable", WORDS)]},
}
GROUP = {"instanceGroupName": "gpu", "currentCount": 1, "targetCount": 4, "message": "No capacity."}
SHORT = worlds.unready("CapacityShortage", instanceGroups=[GROUP])


def around(*clusters: dict[str, Any], operations: tuple[dict[str, Any], ...] = ()) -> FakeServer:
    """A server that also lists the kinds of all namespaces."""
    fake = server(*clusters, operations=operations)
    listed = dict(zip(KINDS, (clusters, (), operations), strict=True))
    fake.objects |= {f"{EVERYWHERE}/{plural}": [*found] for plural, found in listed.items()}
    fake.objects[f"/api/v1/nodes/{NAME}"] = NODE
    fake.objects[POD] = PENDING
    return fake


def explained(fake: FakeServer, *words: str) -> Any:
    return json.loads(run(fake, "explain", *words, "-o", "json").stdout)


@pytest.mark.parametrize("words", [("pod/trainer-0",), ("pod", "trainer-0"), ("pods/trainer-0",), ("po/trainer-0",)])
def test_a_pending_pod_leads_to_the_cluster_that_lacks_nodes(words: tuple[str, ...]) -> None:
    found = explained(around(SHORT), *words)
    assert (found["subject"], found["reason"]) == ("Pod team/trainer-0", "CapacityShortage")
    assert [link["level"] for link in found["chain"]] == ["Pod", "Condition", "Cluster", "Group"]


def test_a_pod_is_explained_as_text() -> None:
    shown = run(around(SHORT), "explain", "pod/trainer-0").output
    assert shown.startswith("Pod team/trainer-0: Ready=False, CapacityShortage")
    assert "kubectl hyperpod explain hpc/research -n team" in shown


@pytest.mark.parametrize("word", [f"node/{NAME}", "node/i-0123456789abcdef0", "no/logical-1"])
def test_each_name_of_a_node_is_taken(word: str) -> None:
    fake = around(worlds.READY)
    claim = worlds.claim()
    claim["status"]["attachment"]["nodeLogicalId"] = "logical-1"
    fake.objects["/apis/hyperpod-operator.dev/v1alpha1/namespaces/team/ebsvolumeclaims"] = [claim]
    found = explained(fake, word)
    assert (found["subject"], found["reason"]) == (f"Node {NAME}", "NodeTakesPods")


def test_a_node_that_is_not_there_says_so() -> None:
    assert explained(around(worlds.READY), "node/hyperpod-i-0aaaaaaaaaaaaaaaa")["reason"] == "NotFound"


def test_events_of_a_node_are_read_where_kubernetes_has_them() -> None:
    fake = around(worlds.READY)
    fake.objects["/apis/events.k8s.io/v1/namespaces/default/events"] = [
        {"type": "Warning", "reason": "NodeTainted", "note": "Tainted.", "eventTime": "2026-11-28T11:59:00Z"}
    ]
    assert explained(fake, f"node/{NAME}")["chain"][-1]["reason"] == "NodeTainted"


def test_events_of_an_earlier_pod_of_the_name_are_left_out() -> None:
    fake = around(SHORT)
    fake.objects[EVENTS] = [
        {
            "type": "Warning",
            "reason": "X",
            "note": "old",
            "eventTime": "2026-11-28T11:59:00Z",
            "regarding": {"uid": "p0"},
        }
    ]
    assert "X" not in [link["reason"] for link in explained(fake, "pod/trainer-0")["chain"]]


def test_what_may_not_be_read_of_all_namespaces_is_read_of_one() -> None:
    fake = around(SHORT)
    fake.refused = {f"{EVERYWHERE}/{plural}": 403 for plural in KINDS}
    found = explained(fake, "pod/trainer-0")
    assert found["reason"] == "CapacityShortage"
    assert [one.partition(":")[0] for one in found["unknown"]] == [
        "Objects of the kind HyperPodCluster in other namespaces",
        "Objects of the kind EBSVolumeClaim in other namespaces",
        "Objects of the kind HyperPodNodeOperation in other namespaces",
    ]


@pytest.mark.parametrize("path", ["/api/v1/nodes", EVENTS])
def test_what_may_not_be_read_is_said_and_the_rest_is_explained(path: str) -> None:
    fake = around(SHORT)
    fake.refused = {path: 403}
    found = explained(fake, "pod/trainer-0")
    assert found["reason"] == "CapacityShortage"
    assert len(found["unknown"]) == 1


def test_a_pod_that_may_not_be_read_names_the_right() -> None:
    fake = around(SHORT)
    fake.refused = {POD: 403}
    assert explained(fake, "pod/trainer-0")["step"]["commands"] == ["kubectl auth can-i get pods -n team"]


def test_without_the_definitions_a_pod_is_explained_by_kubernetes_alone() -> None:
    fake = around(SHORT)
    fake.served = False
    found = explained(fake, "pod/trainer-0")
    assert found["reason"] == "NoRoom"
    assert len(found["unknown"]) == len(KINDS)


@pytest.mark.parametrize("verb", ["status", "pause", "wait", "events"])
def test_only_explain_takes_pods_and_nodes(verb: str) -> None:
    assert "'pod' is no kind of the operator's" in run(around(SHORT), verb, "pod/trainer-0").stderr


def test_an_unknown_kind_names_those_that_there_are() -> None:
    assert "use hpc or evc or hpno or pod or node" in run(around(SHORT), "explain", "job/x").stderr
