"""Questions about how long AWS takes, each named for the member of the simulator's `Timings` that it settles.

`a+b` is the time that both take together, where the record shows no border between them. A lag that the record shows is
not a part of a duration: where a read may lag, the time counts from the first look that shows the beginning.
"""

from collections.abc import Callable, Iterator
from typing import Any

from hyperpod_testbed.conformance.nodes import joining
from hyperpod_testbed.conformance.question import Question, group_of, lag, nodes_in
from hyperpod_testbed.conformance.record import Call, Record
from hyperpod_testbed.conformance.run import CLOSE_POLL, GROUP, POLL, SMALL_GROUP

_ROLLED_BACK = {"Failed", "RollbackComplete", "RollbackInProgress"}
_NODE_POLL = 5.0
"""Seconds between looks at nodes whose move or end a step waits for."""


def _listings(record: Record, step: str) -> Iterator[tuple[float, list[dict[str, Any]]]]:
    """The nodes of each ListClusterNodes of a step, with the time of the call."""
    for call in record.of(step):
        if call.ok and call.operation == "ListClusterNodes":
            yield call.at, nodes_in([call])


def _status(node: dict[str, Any]) -> Any:
    return (node.get("InstanceStatus") or {}).get("Status")


def _first(record: Record, step: str, seen: Callable[[dict[str, Any]], bool]) -> float | None:
    """When a node was first listed of which this is true."""
    return next((at for at, nodes in _listings(record, step) if any(seen(node) for node in nodes)), None)


def _accepted(record: Record, step: str) -> Call | None:
    call = record.judged(step)
    return call if call is not None and call.ok else None


def _between(began: float | None, ended: float | None) -> float | None:
    return None if began is None or ended is None else max(ended - began, 0.0)


def _cluster_setup(record: Record) -> float | None:
    created = _accepted(record, "creation.create")
    return _between(created.at if created else None, _first(record, "joining.", lambda _: True))


def _allocate(record: Record) -> float | None:
    listed = _first(record, "joining.", lambda _: True)
    return _between(listed, _first(record, "joining.", lambda node: bool(node.get("InstanceId"))))


def _boot(record: Record) -> float | None:
    """Of the instance that took longest."""
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    for at, nodes in _listings(record, "joining."):
        for node in nodes:
            if name := node.get("InstanceId"):
                began.setdefault(name, at)
                if _status(node) == "Running":
                    ended.setdefault(name, at)
    return max((ended[name] - began[name] for name in ended), default=None)


def _reboot(record: Record) -> float | None:
    """Unanswered where no look found the node in another status than Running."""
    asked = _accepted(record, "nodes.reboot")
    if asked is None:
        return None
    (node,) = asked.request["NodeIds"]
    looks = [
        (at, _status(one))
        for at, nodes in _listings(record, "nodes.reboot.wait.nodes")
        for one in nodes
        if one.get("InstanceId") == node
    ]
    if not looks or looks[0][1] == "Running":
        return None
    return _between(asked.at, next((at for at, status in looks if status == "Running"), None))


def _move(record: Record) -> tuple[float, float | None, float | None] | None:
    """When a move was asked for, when the node was in the target group, and when it ran there."""
    asked = _accepted(record, "nodes.move")
    if asked is None:
        return None
    (moved,) = asked.request["NodeIds"]

    def arrived(node: dict[str, Any]) -> bool:
        return node.get("InstanceId") == moved and node.get("InstanceGroupName") == SMALL_GROUP

    there = _first(record, "nodes.move.wait", arrived)
    runs = _first(record, "nodes.move.wait", lambda node: arrived(node) and _status(node) == "Running")
    return asked.at, there, runs


def _move_detach(record: Record) -> float | None:
    found = _move(record)
    return _between(found[0], found[1]) if found else None


def _move_attach(record: Record) -> float | None:
    found = _move(record)
    return _between(found[1], found[2]) if found else None


def _node_delete(record: Record) -> float | None:
    """Until both the list of nodes and the count of the group have fallen."""
    asked, listed, counted = _accepted(record, "scaling.in"), 2, 2
    if asked is None:
        return None
    for call in record.of("scaling.in."):
        if call.step == "scaling.in.nodes" and call.ok:
            listed = sum(node.get("InstanceGroupName") == GROUP for node in nodes_in([call]))
        elif (group := group_of(call, GROUP)) is not None:
            counted = group.get("CurrentCount", counted)
        if listed == counted == 1:
            return call.at - asked.at
    return None


def _patch(record: Record) -> float | None:
    """Of an update that was not rolled back."""
    asked, after = _accepted(record, "software.update"), record.first("software.after")
    groups = (after.get("InstanceGroups") if after else None) or []
    if asked is None or not groups or {group.get("SoftwareUpdateStatus") for group in groups} & _ROLLED_BACK:
        return None
    return _between(asked.at, record.of("software.rest")[-1].at)


def _shown(step: str, *, first: Callable[[Call], bool], last: Callable[[Call], bool]) -> Callable[[Record], Any]:
    """The longest time from a look of which `first` is true to one of which `last` is, over all rounds of a step."""

    def answer(record: Record) -> float | None:
        waits: list[float] = []
        since: float | None = None
        for call in record.of(step):
            since = call.at if since is None and first(call) else since
            if since is not None and last(call):
                waits.append(call.at - since)
                since = None
        return max(waits, default=None)

    return answer


def _volume_is(*states: str) -> Callable[[Call], bool]:
    return lambda call: call.ok and call.get("Volumes", 0, "State") in states


def _attach(record: Record) -> float | None:
    """From the first look that shows the attachment, so that the lag of EC2 is no part of it."""
    if _accepted(record, "volumes.attach") is None:
        return None
    waits = [
        attached.at - visible.at
        for visible, attached in zip(
            _last_of_each_round(record, "volumes.attach.visible"),
            _last_of_each_round(record, "volumes.attach.attached"),
            strict=False,
        )
    ]
    return max(waits, default=None)


def _last_of_each_round(record: Record, step: str) -> list[Call]:
    """The last look of each unbroken run of looks."""
    calls = record.calls
    return [
        call
        for call, following in zip(calls, (*calls[1:], None), strict=False)
        if call.step == step and (following is None or following.step != step)
    ]


def _detach(record: Record) -> float | None:
    """Without the lag with which EC2 shows an attachment."""
    whole = lag("volumes.detach", "volumes.detach.visible")(record)
    behind = lag("volumes.attach", "volumes.attach.visible")(record)
    return None if whole is None else max(whole - (behind or 0.0), 0.0)


def _snapshot(record: Record) -> float | None:
    found = [call for call in record.of("disks.snapshot.wait") if call.get("Snapshots", 0, "State") == "completed"]
    asked = _accepted(record, "disks.snapshot")
    return _between(asked.at if asked else None, found[0].at if found else None)


def _modify(record: Record) -> float | None:
    usable = {"optimizing", "completed"}
    looks = record.of("disks.modify.wait")
    asked = _accepted(record, "disks.modify")
    found = [call for call in looks if call.get("VolumesModifications", 0, "ModificationState") in usable]
    return _between(asked.at if asked else None, found[0].at if found else None)


def _gone(record: Record) -> float | None:
    asked, looks = _accepted(record, "ending.delete"), record.of("ending.gone")
    return _between(asked.at, looks[-1].at) if asked and looks and looks[-1].missing else None


def _eks_release(record: Record) -> float | None:
    looks, tries = record.of("ending.gone"), record.of("ending.create-after")
    if not looks or not looks[-1].missing or not tries or tries[-1].held:
        return None
    return _between(looks[-1].at, tries[-1].at)


DURATIONS: tuple[Question, ...] = (
    Question(
        option="cluster_setup",
        asks="How many seconds after CreateCluster is the first node listed?",
        answer=_cluster_setup,
        grain=_NODE_POLL,
    ),
    Question(
        option="allocate",
        asks="How many seconds after that has a node an instance id?",
        answer=_allocate,
        grain=POLL,
    ),
    Question(
        option="lifecycle_script+boot",
        asks="How many seconds after that is the node Running?",
        answer=_boot,
        grain=POLL,
    ),
    Question(
        option="node_join",
        asks="How many seconds after Running does a Node exist?",
        answer=joining,
        grain=POLL,
    ),
    Question(option="reboot", asks="How many seconds does a reboot take?", answer=_reboot, grain=POLL),
    Question(
        option="move_detach",
        asks="How many seconds after MoveClusterNodes is the node in its target group?",
        answer=_move_detach,
        grain=_NODE_POLL,
    ),
    Question(
        option="lifecycle_script+move_attach",
        asks="How many seconds after that is the moved node Running?",
        answer=_move_attach,
        grain=_NODE_POLL,
    ),
    Question(
        option="node_delete",
        asks="How many seconds after a scale-in is the node gone?",
        answer=_node_delete,
        grain=_NODE_POLL,
    ),
    Question(
        option="update_settle+patch_node",
        asks="How many seconds does a software update take?",
        answer=_patch,
        grain=POLL,
    ),
    Question(
        option="volume_create",
        asks="How many seconds does a new volume show as creating?",
        answer=_shown("volumes.create.wait", first=_volume_is("creating", "available"), last=_volume_is("available")),
        grain=CLOSE_POLL,
    ),
    Question(
        option="volume_attach",
        asks="How many seconds does an attachment show as attaching?",
        answer=_attach,
        grain=CLOSE_POLL,
    ),
    Question(
        option="volume_detach",
        asks="How many seconds does a detachment take?",
        answer=_detach,
        grain=CLOSE_POLL,
    ),
    Question(
        option="snapshot",
        asks="How many seconds does a snapshot of an empty GiB take?",
        answer=_snapshot,
        grain=POLL,
    ),
    Question(
        option="volume_modify",
        asks="How many seconds after ModifyVolume can the new size be used?",
        answer=_modify,
        grain=_NODE_POLL,
    ),
    Question(
        option="node_delete+cluster_delete",
        asks="How many seconds after DeleteCluster is the cluster gone?",
        answer=_gone,
        grain=POLL,
    ),
    Question(
        option="eks_release",
        asks="How many seconds after that can the EKS cluster have another HyperPod cluster?",
        answer=_eks_release,
        grain=_NODE_POLL,
    ),
)
"""In the order of the script. A sum comes after the questions that settle its first part."""
