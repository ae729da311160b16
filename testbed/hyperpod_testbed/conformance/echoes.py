"""Questions that several calls answer together: what events say, what comes first, what AWS adds to an answer."""

from collections.abc import Iterator, Mapping
from typing import Any

from hyperpod_testbed.conformance.question import REFUSALS, Question, group_of, lag, nodes_in
from hyperpod_testbed.conformance.record import Call, Record
from hyperpod_testbed.conformance.run import GROUP
from hyperpod_testbed.conformance.steps.groups import FAILED

TROUBLE = ("trouble.script", "trouble.capacity")
NOISE = "lost orchestration-ready"


def _events(record: Record, step: str) -> list[dict[str, Any]]:
    """The events that the last look of this step listed."""
    listed = [call.get("Events") for call in record.of(step) if call.ok]
    return list(listed[-1] or []) if listed else []


def _causes(call: Call) -> Iterator[str]:
    """FailureMessage, in whichever part of an event's metadata it stands."""
    parts = call.get("EventDetails", "EventDetails", "EventMetadata")
    for part in parts.values() if isinstance(parts, Mapping) else ():
        if isinstance(part, Mapping) and part.get("FailureMessage"):
            yield str(part["FailureMessage"])


def _event_cause(record: Record) -> str | None:
    for step in TROUBLE:
        for call in record.of(f"{step}.event"):
            if call.get("EventDetails", "EventLevel") != "Error":
                continue
            for cause in _causes(call):
                description = str(call.get("EventDetails", "Description"))
                return "description" if cause in description else "metadata"
    return None


def _paired_events(record: Record) -> bool | None:
    for step in TROUBLE:
        errors = [one for one in _events(record, f"{step}.events") if one.get("EventLevel") == "Error"]
        if errors:
            return {"Instance", "InstanceGroup"} <= {one.get("ResourceType") for one in errors}
    return None


def _scaling_noise(record: Record) -> bool | None:
    call = record.first("scaling.events")
    if call is None or not call.ok:
        return None
    return any(NOISE in str(event.get("Description")) for event in call.get("Events") or [])


def _failed_nodes(record: Record) -> str | None:
    """Whether the node whose lifecycle script failed was ever listed as failed; the step looks for ten minutes.

    Unanswered where the cluster has NodeRecovery None: nothing replaces the node, so it may stay listed for that.
    """
    unrepaired = any(call.get("NodeRecovery") == "None" for call in record.of("joining.settled"))
    if unrepaired or not _events(record, "trouble.script.events"):
        return None
    words = {(node.get("InstanceStatus") or {}).get("Status") for node in nodes_in(record.of("trouble.script.nodes"))}
    return "listed" if words & FAILED else "unlisted"


def _scale_in(record: Record) -> str | None:
    """Which of both is seen first to have fallen from two to one."""
    listed = counted = 2
    for call in record.of("scaling.in."):
        if call.step == "scaling.in.nodes" and call.ok:
            listed = sum(node.get("InstanceGroupName") == GROUP for node in nodes_in([call]))
        elif call.step == "scaling.in.describe" and (group := group_of(call, GROUP)) is not None:
            counted = group.get("CurrentCount", counted)
        if listed != counted:
            return "nodes_first" if listed < counted else "count_first"
    return None


def _busy_code(record: Record) -> str | None:
    call = record.first("software.update-cluster")
    return call.code if call is not None and call.code in REFUSALS else None


def _empty_storage(record: Record) -> bool | None:
    group = group_of(record.first("joining.settled"), GROUP)
    return None if group is None else group.get("InstanceStorageConfigs") == []


def _fill_defaults(record: Record) -> bool | None:
    group = group_of(record.first("joining.settled"), GROUP)
    return None if group is None else "ThreadsPerCore" in group


def _restricted(record: Record) -> str | None:
    call = record.judged("refusals.restricted-beside")
    if call is None or not (call.ok or call.code in REFUSALS):
        return None
    return "accept" if call.ok else "refuse"


def _encryption(record: Record) -> bool | None:
    call = record.first("disks.create")
    return None if call is None or not call.ok else bool(call.get("Encrypted"))


ECHOES: tuple[Question, ...] = (
    Question(
        option="restricted_beside_groups",
        asks="May a cluster have restricted instance groups beside others?",
        answer=_restricted,
    ),
    Question(
        option="fill_defaults",
        asks="Does DescribeCluster show members that the request left open?",
        answer=_fill_defaults,
    ),
    Question(
        option="empty_storage_echoed",
        asks="Does DescribeCluster show an empty list of InstanceStorageConfigs?",
        answer=_empty_storage,
    ),
    Question(
        option="read_lag.ListTags",
        asks="For how many seconds does ListTags not show a tag that was added?",
        answer=lag("echo.tag", "echo.tag-visible"),
    ),
    Question(option="event_cause", asks="Where does an event have its cause?", answer=_event_cause),
    Question(
        option="paired_events",
        asks="Does a failed launch make an Error event of the instance and one of its group?",
        answer=_paired_events,
    ),
    Question(option="failed_nodes", asks="Does ListClusterNodes show a failed node?", answer=_failed_nodes),
    Question(
        option="encryption_by_default",
        asks="Is a volume encrypted when the request does not say?",
        answer=_encryption,
    ),
    Question(option="scale_in", asks="Which falls first, the list of nodes or CurrentCount?", answer=_scale_in),
    Question(
        option="scaling_noise",
        asks="Does scaling make events about nodes that lost their orchestration-ready status?",
        answer=_scaling_noise,
    ),
    Question(
        option="busy_code",
        asks="Which code has UpdateCluster during a software update?",
        answer=_busy_code,
    ),
)
"""In the order of the script."""
