"""What a pass says of a HyperPodCluster, as drafts for the setter of conditions (`core.engine.conditions`)."""

from hyperpod_operator.api.conditions import Condition
from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.preflight import PreflightStatus
from hyperpod_operator.api.reasons import REASONS, Severity
from hyperpod_operator.core.cluster.concerns import judge
from hyperpod_operator.core.cluster.diagnose import said, shortfalls
from hyperpod_operator.core.cluster.existing import changed_at
from hyperpod_operator.core.cluster.node_calls import MOVE
from hyperpod_operator.core.cluster.pass_record import PassRecord
from hyperpod_operator.core.engine.conditions import SUMMARY, Draft, kept, settle, summary
from hyperpod_operator.core.engine.decision import LookAgain
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.preflight.gate import outdated
from hyperpod_operator.core.preflight.record import passed
from hyperpod_operator.core.unknown import ignored_members


def conditions(pass_record: PassRecord, ending: ResultSummary) -> list[Condition]:
    """All conditions after this pass, in a fixed order, with transition times carried over."""
    resource = pass_record.snapshot.resource
    before = resource.status.conditions or []
    drafts: list[Draft] = [
        *_summary(pass_record, ending),
        *_details(pass_record, ending),
        *_preflight(pass_record),
        *(() if pass_record.blind else judge(pass_record.snapshot).conditions),
    ]
    return settle(
        table=CLUSTER.table,
        drafts=[*drafts, *(kept(before, made=drafts) if pass_record.blind else ())],
        before=before,
        generation=resource.generation,
        now=pass_record.snapshot.now,
    )


def _summary(pass_record: PassRecord, ending: ResultSummary) -> list[Draft]:
    reason, message = ending.reason, ending.message
    if ending.settled:
        return [(ConditionType.READY, "True", Reason.CLUSTER_READY, message)]
    if isinstance(pass_record.decision, LookAgain) and (unmoved := _unmoved(pass_record, message)):
        return unmoved
    usable = _in_service(pass_record) and pass_record.snapshot.changes.none and not _short(pass_record)
    paused = REASONS[reason].severity is Severity.PAUSED
    ready = "Unknown" if pass_record.unread else "True" if paused and usable else "False"
    return summary(ready=ready, reason=reason, message=message, stalled=ending.stalled)


def checked(pass_record: PassRecord) -> PreflightStatus | None:
    """`status.preflight` after the pass: what it checked, else what was recorded and is no history yet."""
    if pass_record.snapshot.resource.preflight == "Off":
        return None
    if pass_record.preflight is None and not pass_record.blind and outdated(pass_record.snapshot):
        return None
    return pass_record.preflight or pass_record.snapshot.resource.status.preflight


def _preflight(pass_record: PassRecord) -> list[Draft]:
    """What the checks before the last costly call said; nothing where none ran."""
    found = checked(pass_record)
    said = passed(found)
    if found is None or said is None:
        return []
    fine, message = said
    if found.call and not fine:
        message = f"Checks of {found.call} fail. {message}"
    reason = Reason.CHECKS_PASSED if fine else Reason.PREFLIGHT_FAILED
    return [(ConditionType.PREFLIGHT_PASSED, "True" if fine else "False", reason, message)]


def _unmoved(pass_record: PassRecord, message: str) -> list[Draft]:
    """What Ready said of this spec before an answer that is not believed yet, with a word about that answer."""
    resource, cluster = pass_record.snapshot.resource, pass_record.snapshot.observed.cluster
    before = [one for one in resource.status.conditions or [] if one.type in set(SUMMARY) and one.reason in set(Reason)]
    if cluster is None or resource.edited:
        return []
    return [(ConditionType(one.type), one.status, Reason(one.reason), message) for one in before]


def _details(pass_record: PassRecord, ending: ResultSummary) -> list[Draft]:
    """The parts of Ready. When the world could not be read, what was known about them stands (see `kept`)."""
    if pass_record.blind:
        return []
    drafts: list[Draft] = [
        _provisioned(pass_record, ending),
        _spec_synced(pass_record, ending),
        _at_target(pass_record, ending),
    ]
    if REASONS[ending.reason].condition is ConditionType.TEARDOWN_BLOCKED:
        drafts.append((ConditionType.TEARDOWN_BLOCKED, "True", ending.reason, ending.message))
    return drafts


def _provisioned(pass_record: PassRecord, ending: ResultSummary) -> Draft:
    cluster = pass_record.snapshot.observed.cluster
    if _in_service(pass_record) and cluster:
        return (ConditionType.PROVISIONED, "True", Reason.PROVISIONED, f"{cluster.arn} is {cluster.status}.")
    return (ConditionType.PROVISIONED, "False", ending.reason, ending.message)


def _spec_synced(pass_record: PassRecord, ending: ResultSummary) -> Draft:
    """Whatever it says, members of the spec that nobody looks at are not passed over without a word."""
    kind, status, reason, message = _synced(pass_record, ending)
    return (kind, status, reason, message + ignored_members(pass_record.snapshot.resource.unknown))


def _synced(pass_record: PassRecord, ending: ResultSummary) -> Draft:
    changes = pass_record.snapshot.changes
    held = ", ".join(changes.unknown_groups)
    if (
        not _in_service(pass_record)
        or pass_record.result
        or not changes.none
        or changes.scaled_outside
        or changes.protected_groups
    ):
        return (ConditionType.SPEC_SYNCED, "False", ending.reason, ending.message)
    if pass_record.snapshot.observed.tags is None and not pass_record.snapshot.resource.was_synced:
        # Tags were not read, and something was open when they were last: the next look in service tells.
        return (ConditionType.SPEC_SYNCED, "False", ending.reason, ending.message)
    if held:
        message = (
            f"AWS has groups that the spec does not name: {held}. The operator leaves them alone, because it deletes "
            "only groups that it created, in clusters that it created. Add them to the spec to manage them, or "
            "delete them in AWS."
        )
        return (ConditionType.SPEC_SYNCED, "True", Reason.UNKNOWN_GROUPS, message)
    if changes.offsets:
        return (ConditionType.SPEC_SYNCED, "True", Reason.COUNT_OFFSET, _offsets(pass_record))
    if changes.minimum_above_count:
        words = " ".join(changes.minimum_above_count[name] for name in sorted(changes.minimum_above_count))
        return (ConditionType.SPEC_SYNCED, "True", Reason.MINIMUM_ABOVE_COUNT, words)
    return (ConditionType.SPEC_SYNCED, "True", Reason.IN_SYNC, "AWS holds what the spec asks for.")


def _offsets(pass_record: PassRecord) -> str:
    """Which nodes went or came by name, and the edit that says the same in the spec."""
    told = []
    for name, offset in sorted(pass_record.snapshot.changes.offsets.items()):
        count = pass_record.snapshot.resource.groups[name].instanceCount
        what = "moved" if offset.operation == MOVE else "deleted"
        where = "out of" if offset.value < 0 else "into"
        told.append(
            f"Nodes were {what} {where} group {name} ({abs(offset.value)}, {offset.operation}); the operator neither "
            f"replaces nor removes them. Change instanceCount of {name} from {count} to "
            f"{max(0, count + offset.value)} to match, or to any other count."
        )
    return " ".join(told)


def _at_target(pass_record: PassRecord, ending: ResultSummary) -> Draft:
    cluster = pass_record.snapshot.observed.cluster
    kind = ConditionType.GROUPS_AT_TARGET
    if cluster is None or not _owned(pass_record):
        return (kind, "False", ending.reason, ending.message)
    short = shortfalls(pass_record.snapshot.observed, since=changed_at(pass_record.snapshot))
    if short:
        first = next((item for item in short if item.stalled), short[0])
        return (kind, "False", first.reason, said(short))
    if pass_record.snapshot.changes.scaled_outside or pass_record.snapshot.changes.groups_added:
        return (kind, "False", ending.reason, ending.message)
    return (kind, "True", Reason.AT_TARGET, f"{cluster.current_count}/{cluster.target_count} nodes.")


def _owned(pass_record: PassRecord) -> bool:
    return pass_record.snapshot.owned


def _in_service(pass_record: PassRecord) -> bool:
    """AWS serves the cluster: it may be changing, but it was made and is neither failed nor going."""
    cluster = pass_record.snapshot.observed.cluster
    if cluster is None or not _owned(pass_record):
        return False
    made = cluster.status == "InService" or bool(pass_record.snapshot.resource.status.remembered.provisionedAt)
    return made and cluster.status not in {"Deleting", "Failed", "Creating"}


def _short(pass_record: PassRecord) -> bool:
    return bool(shortfalls(pass_record.snapshot.observed, since=None))
