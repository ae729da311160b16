"""Which node: stay for as long as AWS has it, else one that fits."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.volume.builders import (
    FIRST,
    NOW,
    SECOND,
    THIRD,
    ago,
    attached_status,
    attachment,
    claim,
    cluster,
    made_status,
    node,
    snapshot_of,
    spec,
    volume,
)

from hyperpod_operator.core.volume.observed import Candidate
from hyperpod_operator.core.volume.target import Resolved, resolve

GONE = "ShuttingDown"


def aimed(**target: Any) -> dict[str, Any]:
    follow = target.pop("followNode", None)
    return spec(attachment={"target": target, **({"followNode": follow} if follow else {})})


def chosen(wanted: dict[str, Any], *nodes: Candidate, **more: Any) -> str:
    """The instance, or the reason why there is none that can be attached to now."""
    status = more.pop("status", made_status())
    found = resolve(snapshot_of(claim(wanted, status=status), nodes=nodes, **more))
    if isinstance(found, Resolved) and found.hold is None:
        return found.node.instance_id
    assert found.hold is not None
    return str(found.hold.reason)


def full(trouble: dict[str, Any]) -> dict[str, int] | None:
    """What is counted, where the trouble is that the node has as many volumes as it takes."""
    return {FIRST: trouble["limit"]} if "limit" in trouble else None


def lost(instance_id: str = FIRST, **record: Any) -> dict[str, Any]:
    return attached_status(instance_id, lostTime=ago(minutes=5), **record)


GROUP = aimed(instanceGroupName="workers")
FOLLOWING = aimed(instanceId=FIRST, followNode="Replacement")
OTHER_GROUPS = (("gpu", 1), ("cpu", 0))


@pytest.mark.parametrize(
    "target", [{"nodeName": f"hyperpod-{SECOND}"}, {"instanceId": SECOND}, {"nodeLogicalId": "second"}]
)
def test_a_node_is_found_by_each_of_its_names(target: dict[str, str]) -> None:
    assert chosen(aimed(**target), node(FIRST), node(SECOND, logical_id="second")) == SECOND


def test_of_a_group_the_emptiest_node_is_taken() -> None:
    taken = {FIRST: 3, SECOND: 1}
    assert chosen(GROUP, node(FIRST), node(SECOND), node(THIRD, "others"), taken=taken) == SECOND


@pytest.mark.parametrize("status", [made_status(), lost(THIRD)], ids=["first choice", "after a loss"])
def test_a_cordoned_node_is_taken_last(status: dict[str, Any]) -> None:
    """Its pods could not start there: the volume keeps them to the node."""
    cordoned = node(FIRST, cordoned=True, launched_at=NOW)
    assert chosen(GROUP, cordoned, node(SECOND), status=status, taken={SECOND: 5}) == SECOND
    assert chosen(GROUP, cordoned, status=status) == FIRST


def test_a_selector_narrows_the_group() -> None:
    wanted = aimed(instanceGroupName="workers", nodeSelector={"rack": "b"})
    assert chosen(wanted, node(FIRST, labels={"rack": "a"}), node(SECOND, labels={"rack": "b"})) == SECOND


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": "Failure"},
        {"status": "SystemUpdating"},
        {"status": "DeepHealthCheckInProgress"},
        {"ready": False},
        {"ready": None},
        {"schedulable": False},
        {"limit": 32},
        {"availability_zone": "us-west-2a", "availability_zone_id": "usw2-az1"},
    ],
)
def test_a_node_in_trouble_is_not_picked(trouble: dict[str, Any]) -> None:
    assert chosen(GROUP, node(FIRST, **trouble), node(SECOND), taken=full(trouble)) == SECOND


@pytest.mark.parametrize("trouble", [{"status": "Failure"}, {"ready": False}, {"schedulable": False}, {"limit": 32}])
def test_a_node_in_trouble_keeps_what_it_has(trouble: dict[str, Any]) -> None:
    """The instance lives, so the volume is its own: anything else would be two heads for one disk."""
    nodes = (node(FIRST, **trouble), node(SECOND))
    found = resolve(snapshot_of(claim(GROUP, status=attached_status()), nodes=nodes, taken=full(trouble)))
    assert isinstance(found, Resolved)
    assert found.node.instance_id == FIRST


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"status": "Pending"}, "NodeNotRunning"),
        ({"schedulable": False}, "NodeUnschedulable"),
        ({"limit": 32}, "AttachmentLimit"),
        ({"availability_zone": "us-west-2a", "availability_zone_id": "usw2-az1"}, "AZMismatch"),
    ],
)
def test_why_nothing_is_attached_to_a_given_node(trouble: dict[str, Any], reason: str) -> None:
    assert chosen(aimed(instanceId=FIRST), node(FIRST, **trouble), node(SECOND), taken=full(trouble)) == reason


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ((), "NodeNotRunning"),
        ((node(status=GONE),), "NodeNotRunning"),
        ((node(ready=False),), "NodeNotRunning"),
        ((node(limit=9),), "NoCapacity"),
        ((node(availability_zone="us-west-2a", availability_zone_id="usw2-az1"),), "AZMismatch"),
    ],
)
def test_why_no_node_of_a_group_fits(nodes: tuple[Candidate, ...], reason: str) -> None:
    assert chosen(GROUP, *nodes, taken={FIRST: 9}) == reason


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ((), "has no node for instanceGroupName=workers. Correct"),
        ((node(FIRST, group="worker"), node(SECOND, group="gpu")), "; it has nodes of gpu, worker. "),
        ((node(FIRST, group="gpu", status=GONE),), "has no node for instanceGroupName=workers. Correct"),
    ],
)
def test_a_group_without_nodes_is_named_beside_those_that_have_some(nodes: tuple[Candidate, ...], said: str) -> None:
    """A misspelt group looks like one that is empty."""
    found = resolve(snapshot_of(claim(GROUP, status=made_status()), nodes=nodes))
    assert found.hold is not None
    assert said in found.hold.message


TYPE = "node.kubernetes.io/instance-type"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"nodeLogicalId": FIRST}, "; there is one with this instanceId: set instanceId instead of nodeLogicalId."),
        (
            {"nodeLogicalId": f"hyperpod-{FIRST}"},
            "; there is one with this nodeName: set nodeName instead of nodeLogicalId.",
        ),
        ({"instanceId": SECOND}, f"no node for instanceId={SECOND}. Correct"),
        (
            {"instanceGroupName": "workers", "nodeSelector": {TYPE: "g5.xlarge"}},
            f": no node has {TYPE}=g5.xlarge, they have ml.g5.xlarge.",
        ),
        ({"instanceGroupName": "workers", "nodeSelector": {"team": "nlp"}}, "workers,team=nlp. Correct"),
    ],
    ids=["instance id", "name", "absent", "type without its prefix", "unknown label"],
)
def test_what_a_target_may_have_meant_is_named(target: dict[str, Any], said: str) -> None:
    nodes = (node(FIRST, labels={TYPE: "ml.g5.xlarge"}), node(THIRD, group="gpu", labels={TYPE: "ml.p5.48xlarge"}))
    found = resolve(snapshot_of(claim(aimed(**target), status=made_status()), nodes=nodes))
    assert found.hold is not None
    assert said in found.hold.message


@pytest.mark.parametrize(
    ("desired", "reason"), [(frozenset(), "NodeNotFound"), (frozenset({"workers"}), "NodeNotRunning")]
)
def test_a_group_that_nobody_asks_for_is_not_waited_for(desired: frozenset[str], reason: str) -> None:
    found = resolve(
        snapshot_of(
            claim(GROUP, status=made_status()), cluster=cluster(counts=OTHER_GROUPS), nodes=(), desired_groups=desired
        )
    )
    assert found.hold is not None
    assert (found.hold.reason, found.hold.stalled) == (reason, reason == "NodeNotFound")
    assert ("no instance group workers; it has cpu, gpu. Correct" in found.hold.message) == (not desired)


def test_a_group_that_the_cluster_loses_while_its_nodes_are_there_is_still_looked_for() -> None:
    assert chosen(GROUP, node(), cluster=cluster(counts=OTHER_GROUPS)) == FIRST


def test_restricted_groups_are_told_without_asking_aws() -> None:
    closed = cluster(restricted=("workers",))
    assert chosen(GROUP, node(), cluster=closed) == "RestrictedInstanceGroup"
    assert chosen(aimed(instanceId=FIRST), node(), cluster=closed) == "RestrictedInstanceGroup"


def test_an_absent_cluster_is_said_to_be_absent() -> None:
    assert chosen(GROUP, cluster=None) == "ClusterNotFound"


def test_zones_are_compared_by_id_or_by_name_and_never_across() -> None:
    by_name = volume(availability_zone="us-west-2b", availability_zone_id="")
    assert chosen(GROUP, node(availability_zone_id=""), volume=by_name) == FIRST
    by_id = volume(availability_zone="", availability_zone_id="usw2-az2")
    assert chosen(GROUP, node(availability_zone=""), volume=by_id) == FIRST
    assert chosen(GROUP, node(availability_zone_id="", availability_zone="us-west-2a"), volume=by_id) == FIRST


def test_a_node_without_room_is_left_out_for_a_while() -> None:
    refused = [{"instanceId": FIRST, "code": "AttachmentLimitExceeded", "time": ago(minutes=1)}]
    status = attached_status(state="detached", refused=refused)
    assert chosen(GROUP, node(FIRST), node(SECOND), status=status) == SECOND
    later = NOW + timedelta(minutes=10)
    assert chosen(GROUP, node(FIRST), node(SECOND), status=status, now=later) == FIRST


def test_after_a_loss_the_node_launched_since_then_comes_first() -> None:
    new = node(THIRD, launched_at=NOW - timedelta(minutes=1))
    assert chosen(GROUP, node(FIRST, status=GONE), node(SECOND), new, status=lost()) == THIRD


def test_after_a_loss_another_node_of_the_group_will_do() -> None:
    assert chosen(GROUP, node(SECOND), node(THIRD, "others"), status=lost()) == SECOND


AWAY = {"availability_zone": "us-west-2c", "availability_zone_id": "usw2-az3"}
UNJOINED = node(THIRD, node_name="", ready=None, availability_zone="", availability_zone_id="")


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ((node(SECOND, **AWAY), node(THIRD, **AWAY)), "AZMismatch"),
        ((node(SECOND, **AWAY),), "WaitingForReplacement"),
        ((node(SECOND, **AWAY), node(THIRD, status=GONE, **AWAY)), "WaitingForReplacement"),
        ((node(SECOND, **AWAY), UNJOINED), "WaitingForReplacement"),
        ((node(SECOND, **AWAY), node(THIRD, ready=False)), "WaitingForReplacement"),
    ],
    ids=["all elsewhere", "one is to come", "one ends", "a zone is unknown", "one is not ready"],
)
def test_a_replacement_in_another_zone_is_told_once_no_node_is_to_come(nodes: tuple[Any, ...], reason: str) -> None:
    """The group has two nodes."""
    assert chosen(GROUP, node(FIRST, status=GONE), *nodes, status=lost()) == reason


@pytest.mark.parametrize(
    ("world", "reason", "said"),
    [
        ({"cluster": cluster(counts=OTHER_GROUPS)}, "NodeNotFound", "no instance group workers; it has cpu, gpu"),
        (
            {"cluster": cluster(counts=OTHER_GROUPS), "desired_groups": frozenset({"workers"})},
            "WaitingForReplacement",
            "if",
        ),
        ({"cluster": cluster(target=0)}, "WaitingForReplacement", "scaled to 0 nodes. Add nodes"),
        ({}, "WaitingForReplacement", "Nothing to do if the node is being replaced; otherwise"),
    ],
    ids=["no group", "a group to come", "scaled to none", "being replaced"],
)
def test_a_node_that_is_lost_with_its_group_is_not_said_to_be_replaced(
    world: dict[str, Any], reason: str, said: str
) -> None:
    for wanted, target in ((GROUP, "instanceGroupName=workers"), (FOLLOWING, f"instanceId={FIRST}")):
        found = resolve(snapshot_of(claim(wanted, status=lost(target=target)), nodes=(), **world)).hold
        assert found is not None
        assert (found.reason, found.stalled) == (reason, reason == "NodeNotFound")
        assert said in found.message


def test_a_full_node_is_not_said_to_be_unready() -> None:
    nodes = (node(FIRST, limit=1), node(SECOND, status="Pending"))
    found = resolve(snapshot_of(claim(GROUP, status=made_status()), nodes=nodes, taken={FIRST: 1})).hold
    assert found is not None
    assert "that has a free attachment slot is Running" in found.message


def test_a_node_of_another_group_is_no_replacement() -> None:
    wanted = aimed(instanceId=FIRST, followNode="Replacement")
    status = lost(target=f"instanceId={FIRST}")
    assert chosen(wanted, node(THIRD, "others"), status=status) == "WaitingForReplacement"


def test_a_given_node_is_followed_only_where_the_spec_says_so() -> None:
    status = lost(target=f"instanceId={FIRST}")
    assert chosen(aimed(instanceId=FIRST), node(SECOND), status=status) == "NodeNotFound"
    assert chosen(aimed(instanceId=FIRST, followNode="Replacement"), node(SECOND), status=status) == SECOND


def test_a_logical_id_alone_is_no_ground_to_follow() -> None:
    status = lost(target="nodeLogicalId=one", nodeLogicalId="one")
    heir = node(SECOND, logical_id="one")
    assert chosen(aimed(nodeLogicalId="one"), heir, status=status) == "NodeNotFound"
    elsewhere = node(THIRD, "others", logical_id="one")
    wanted = aimed(nodeLogicalId="one", followNode="Replacement")
    assert chosen(wanted, elsewhere, status=status) == "WaitingForReplacement"


def test_of_equal_replacements_the_one_with_the_logical_id_is_taken() -> None:
    status = lost(target="nodeLogicalId=one", nodeLogicalId="one")
    wanted = aimed(nodeLogicalId="one", followNode="Replacement")
    assert chosen(wanted, node(SECOND), node(THIRD, logical_id="one"), status=status) == THIRD


def test_an_edited_target_that_the_node_still_fits_moves_nothing() -> None:
    assert chosen(GROUP, node(SECOND), node(FIRST), status=attached_status(SECOND, target="instanceId=x")) == SECOND


def test_an_edited_target_chooses_anew() -> None:
    assert chosen(aimed(instanceId=SECOND), node(FIRST), node(SECOND), status=attached_status()) == SECOND


def missing(ref: dict[str, str], **more: Any) -> str:
    """What is said where there is no cluster."""
    found = resolve(snapshot_of(claim({**GROUP, "clusterRef": ref}, status=made_status()), cluster=None, **more))
    assert found.hold is not None
    return found.hold.message


def test_a_missing_object_is_told_apart_from_a_missing_cluster_by_name() -> None:
    said = missing({"name": "gone"}, no_object=True)
    assert said.startswith("Namespace team has no HyperPodCluster object gone.")
    assert missing({"name": "gone"}).startswith("AWS has no cluster for HyperPodCluster gone.")


@pytest.mark.parametrize(
    "ref", [{"clusterName": "ml"}, {"clusterArn": "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl"}]
)
def test_a_cluster_that_aws_lacks_is_named_with_its_region(ref: dict[str, str]) -> None:
    (named,) = ref.values()
    assert missing(ref, region="us-west-2").startswith(f"AWS has no HyperPod cluster {named} in Region us-west-2.")


@pytest.mark.parametrize(("others", "found"), [((node(SECOND),), SECOND), ((), "NodeNotRunning")])
def test_a_volume_that_is_free_does_not_follow_its_node_to_another_group(
    others: tuple[Candidate, ...], found: str
) -> None:
    """MoveClusterNodes keeps the instance's id. A volume that is attached stays: AWS moves no node that has one."""
    moved = node(FIRST, group="spare")
    assert chosen(GROUP, moved, *others, status=attached_status()) == found
    assert chosen(GROUP, moved, *others, status=attached_status(), volume=volume(attachment())) == FIRST
    assert (
        chosen(aimed(instanceId=FIRST), moved, *others, status=attached_status(target=f"instanceId={FIRST}")) == FIRST
    )
