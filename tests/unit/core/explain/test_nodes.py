"""Why a Node takes no pods: what decides, who acts, and what to type."""

from copy import deepcopy
from typing import Any

import pytest
from tests.unit.core.explain import worlds
from tests.unit.core.explain.worlds import NOW, RUNNING, condition

from hyperpod_operator.api.reasons import Actor
from hyperpod_operator.core.drain.marks import Owner
from hyperpod_operator.core.explain.around import Around
from hyperpod_operator.core.explain.chain import LONGEST, MOST
from hyperpod_operator.core.explain.explanation import Explanation, Level
from hyperpod_operator.core.explain.node import explain_node
from hyperpod_operator.core.explain.world import Found, Subject

INSTANCE = "i-0123456789abcdef0"
NAME = f"hyperpod-{INSTANCE}"
SUBJECT = Subject(kind="Node", plural="nodes", short="node", namespace="", name=NAME)
HEALTH = "sagemaker.amazonaws.com/node-health-status"
DRAINING = "hyperpod-operator.dev/draining"
TAINT = {"key": DRAINING, "effect": "NoSchedule"}


def node(
    *,
    name: str = NAME,
    labels: dict[str, str] | None = None,
    taints: list[dict[str, str]] | None = None,
    holder: str = "",
    ready: str = "True",
    **spec: Any,
) -> dict[str, Any]:
    instance = name.removeprefix("hyperpod-")
    return {
        "metadata": {
            "name": name,
            "labels": {
                "sagemaker.amazonaws.com/compute-type": "hyperpod",
                "sagemaker.amazonaws.com/instance-group-name": "gpu",
                "node.kubernetes.io/instance-type": "ml.p5.48xlarge",
                HEALTH: "Schedulable",
                **(labels or {}),
            },
            "annotations": {DRAINING: holder} if holder else {},
        },
        "spec": {
            "providerID": f"aws:///usw2-az1/sagemaker/cluster/hyperpod-abcdefghijkl-{instance}",
            "taints": taints or [],
            **spec,
        },
        "status": {"conditions": [{"type": "Ready", "status": ready, "message": "Kubelet stopped posting status."}]},
    }


def around(**members: Any) -> Around:
    return Around(now=NOW, operator=RUNNING, **{"clusters": [worlds.READY], **members})


def explained(resource: dict[str, Any], **members: Any) -> Explanation:
    return explain_node(SUBJECT, found=Found.FOUND, node=resource, around=around(**members))


def operation(*conditions: dict[str, Any], state: str = "Draining", **entry: Any) -> dict[str, Any]:
    made = worlds.operation(*(conditions or (condition("Ready", "False", "Draining"),)))
    made["status"]["nodes"] = [{"id": NAME, "name": NAME, "instanceId": INSTANCE, "state": state, **entry}]
    return made


def test_a_healthy_node_asks_nothing() -> None:
    found = explained(node())
    assert (found.ready, found.reason, found.step.actor) == ("True", "NodeTakesPods", Actor.NOBODY)
    assert [link.level for link in found.chain] == [Level.NODE, Level.CLUSTER]


def test_a_node_that_an_operation_drains_has_the_answer_of_the_operation() -> None:
    holder = str(Owner(kind="HyperPodNodeOperation", namespace="team", name="reboot-x", uid="u3"))
    found = explained(node(holder=holder, taints=[TAINT]), operations=[operation()])
    assert found.reason == "Draining"
    assert found.step.commands[-1] == "kubectl hyperpod explain hpno/reboot-x -n team"
    assert [link.about for link in found.chain if link.level is Level.OPERATION] == ["team/reboot-x Ready=False"]


def test_a_budget_behind_an_operation_is_yours_from_the_node_as_well() -> None:
    holder = str(Owner(kind="HyperPodNodeOperation", namespace="team", name="reboot-x", uid="u3"))
    blocked = operation(condition("Ready", "False", "EvictionBlocked"), waitingFor=["team/trainer-0"])
    found = explained(node(holder=holder, taints=[TAINT]), operations=[blocked])
    assert found.step.actor is Actor.YOU
    assert "kubectl get pdb -n team" in found.step.commands


def test_a_node_of_a_scale_in_has_the_answer_of_the_cluster() -> None:
    holder = str(Owner(kind="HyperPodCluster", namespace="team", name="research", uid="u1"))
    found = explained(node(holder=holder, taints=[TAINT]), clusters=[worlds.unready("WaitingForWorkloads")])
    assert found.reason == "WaitingForWorkloads"


def test_a_holder_that_may_not_be_read_is_named() -> None:
    holder = str(Owner(kind="HyperPodNodeOperation", namespace="ops", name="reboot-y", uid="u9"))
    found = explained(node(holder=holder, taints=[TAINT]))
    assert "HyperPodNodeOperation ops/reboot-y" in found.step.what
    assert found.step.commands == ("kubectl hyperpod explain hpno/reboot-y -n ops",)


def test_an_operation_under_way_without_a_taint_is_found_by_its_nodes() -> None:
    checking = operation(condition("Ready", "False", "Operating"), state="Waiting")
    assert explained(node(), operations=[checking]).reason == "Operating"


def test_an_operation_that_has_ended_explains_nothing() -> None:
    ended = operation(condition("Ready", "True", "OperationComplete"), state="Succeeded")
    assert explained(node(), operations=[ended]).reason == "NodeTakesPods"


@pytest.mark.parametrize("state", ["UnschedulablePendingReplacement", "UnschedulablePendingReboot"])
def test_a_repair_that_hyperpod_has_announced_is_aws_turn(state: str) -> None:
    found = explained(node(labels={HEALTH: state}))
    assert (found.reason, found.step.actor) == (state, Actor.AWS)
    assert found.step.what.startswith("Nothing")


@pytest.mark.parametrize("state", ["UnschedulablePendingReplacement", "UnschedulablePendingReboot"])
def test_a_label_is_no_repair_where_hyperpod_repairs_nothing(state: str) -> None:
    cluster = deepcopy(worlds.READY)
    cluster["spec"]["nodeRecovery"] = "None"
    found = explained(node(labels={HEALTH: state}), clusters=[cluster])
    assert (found.reason, found.step.actor) == (state, Actor.YOU)
    assert f"kubectl hyperpod replace {NAME} -n team" in found.step.commands


@pytest.mark.parametrize(("recovery", "actor"), [(None, Actor.AWS), ("Automatic", Actor.AWS), ("None", Actor.YOU)])
def test_an_unhealthy_node_is_yours_only_where_hyperpod_repairs_nothing(recovery: str | None, actor: Actor) -> None:
    cluster = deepcopy(worlds.READY)
    cluster["spec"]["nodeRecovery"] = recovery
    faults = {"sagemaker.amazonaws.com/fault-reasons": "XidError"}
    found = explained(node(labels={HEALTH: "Unschedulable", **faults}), clusters=[cluster])
    assert found.step.actor is actor
    assert f"kubectl hyperpod replace {NAME} -n team" in found.step.commands
    assert "HyperPod says: XidError." in found.chain[0].says


def test_a_deep_health_check_is_no_fault() -> None:
    labels = {HEALTH: "Unschedulable", "sagemaker.amazonaws.com/deep-health-check-status": "InProgress"}
    assert explained(node(labels=labels)).reason == "DeepHealthChecks"


def test_a_cordon_is_yours_to_lift() -> None:
    found = explained(node(unschedulable=True))
    assert (found.step.actor, found.step.commands) == (Actor.YOU, (f"kubectl uncordon {NAME}",))


def test_a_silent_kubelet_has_its_words_in_the_chain() -> None:
    found = explained(node(ready="Unknown"))
    assert (found.ready, found.reason, found.step.actor) == ("Unknown", "NodeNotReady", Actor.YOU)
    assert "The kubelet: Kubelet stopped posting status." in found.chain[0].says


def test_a_taint_of_yours_is_named() -> None:
    found = explained(node(taints=[{"key": "team", "value": "blue", "effect": "NoExecute"}]))
    assert (found.reason, found.step.what) == ("Tainted", "The Node takes only pods that tolerate team=blue:NoExecute.")


def test_a_preference_keeps_no_pods_off() -> None:
    assert explained(node(taints=[{"key": "x", "effect": "PreferNoSchedule"}])).reason == "NodeTakesPods"


def test_a_node_that_hyperpod_did_not_bring_is_not_looked_at() -> None:
    assert explained(node(providerID="aws:///us-west-2a/i-0123456789abcdef0")).reason == "NotOfHyperPod"


def test_a_node_without_a_readable_cluster_says_so() -> None:
    found = explained(node(), clusters=[])
    assert found.reason == "NoClusterObject"
    assert "abcdefghijkl" in found.step.what


def test_a_group_that_lacks_nodes_is_in_the_chain() -> None:
    group = {"instanceGroupName": "gpu", "currentCount": 1, "targetCount": 4, "message": "No capacity."}
    found = explained(node(), clusters=[worlds.unready("CapacityShortage", instanceGroups=[group])])
    assert ("gpu 1/4 nodes", "No capacity.") in [(link.about, link.says) for link in found.chain]


def test_a_claim_with_a_volume_on_the_node_is_in_the_chain() -> None:
    here = worlds.claim(condition("Ready", "True", "ClaimReady"))
    elsewhere = worlds.claim()
    elsewhere["status"]["attachment"]["instanceId"] = "i-0fffffffffffffff0"
    told = [link for link in explained(node(), claims=[elsewhere, here]).chain if link.level is Level.CLAIM]
    assert [(link.about, link.says) for link in told] == [
        ("team/cache Ready=True", "Volume vol-0123456789abcdef0 is attached here.")
    ]


def missing(**members: Any) -> Explanation:
    return explain_node(SUBJECT, found=Found.MISSING, node=None, around=around(**members))


def test_a_node_that_was_replaced_names_the_one_in_its_place() -> None:
    done = operation(condition("Ready", "True", "OperationComplete"), state="Succeeded", replacedBy="i-0new")
    found = missing(operations=[done])
    assert "another instance, i-0new, has its place" in found.step.what
    assert found.step.actor is Actor.NOBODY


def test_an_instance_that_never_joined_has_the_answer_of_its_cluster() -> None:
    problem = {"instanceId": INSTANCE, "instanceGroupName": "gpu", "status": "Failure", "message": "Script failed."}
    assert missing(clusters=[worlds.unready("LifecycleScriptFailed", nodeProblems=[problem])]).reason == (
        "LifecycleScriptFailed"
    )


def test_a_node_that_nothing_knows_is_not_found() -> None:
    assert missing().reason == "NotFound"


def test_a_node_that_may_not_be_read_names_the_right() -> None:
    found = explain_node(SUBJECT, found=Found.FORBIDDEN, node=None, around=around())
    assert (found.subject, found.reason) == (f"Node {NAME}", "Forbidden")
    assert found.step.commands == ("kubectl auth can-i get nodes",)


def test_the_answer_is_bounded_whatever_is_around() -> None:
    taints = [{"key": f"k{n}", "value": "v" * 63, "effect": "NoSchedule"} for n in range(500)]
    events = [
        {"type": "Warning", "reason": f"R{n}", "note": f"{n:03d} " * 150, "eventTime": "2026-11-28T11:59:00Z"}
        for n in range(200)
    ]
    found = explained(node(taints=taints), events=events)
    assert len(found.chain) <= MOST
    assert max(len(link.says) for link in found.chain) <= LONGEST
    assert found.left_out == 195


def test_the_order_of_what_is_around_changes_nothing() -> None:
    holder = str(Owner(kind="HyperPodNodeOperation", namespace="team", name="reboot-x", uid="u3"))
    other = worlds.operation(condition("Ready", "False", "Operating"))
    other["metadata"]["name"] = "other"
    listed = [operation(), other]
    resource = node(holder=holder, taints=[TAINT])
    assert explained(resource, operations=listed) == explained(resource, operations=listed[::-1])


@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, [None], [{"key": 3}]])
@pytest.mark.parametrize("member", ["metadata", "spec", "status"])
def test_odd_members_are_passed_over(member: str, odd: object) -> None:
    assert explained({**node(), member: odd}).step.what
