"""What a pass says of a HyperPodCluster, as drafts for the setter of conditions (`core.engine.conditions`)."""

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons import REASONS, Severity
from hyperpod_operator.api.status import Condition
from hyperpod_operator.core.cluster.diagnose import shortfalls
from hyperpod_operator.core.cluster.living import changed_at
from hyperpod_operator.core.cluster.node_calls import MOVE
from hyperpod_operator.core.cluster.node_health import nodes_healthy
from hyperpod_operator.core.cluster.story import Story
from hyperpod_operator.core.engine.conditions import SUMMARY, Draft, kept, settle, summary
from hyperpod_operator.core.engine.decision import LookAgain
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.preflight.record import passed
from hyperpod_operator.core.unknown import ignored_members


def conditions(story: Story, ending: ResultSummary) -> list[Condition]:
    """All conditions after this pass, in a fixed order, with transition times carried over."""
    resource = story.situation.resource
    before = resource.status.conditions or []
    drafts: list[Draft] = [*_summary(story, ending), *_details(story, ending), *_preflight(story)]
    return settle(
        table=CLUSTER.table,
        drafts=[*drafts, *(kept(before, made=drafts) if story.blind else ())],
        before=before,
        generation=resource.generation,
        now=story.situation.now,
    )


def _summary(story: Story, ending: ResultSummary) -> list[Draft]:
    reason, message = ending.reason, ending.message
    if ending.settled:
        return [(ConditionType.READY, "True", Reason.CLUSTER_READY, message)]
    if isinstance(story.verdict, LookAgain) and (unmoved := _unmoved(story, message)):
        return unmoved
    usable = _in_service(story) and story.situation.changes.none and not _short(story)
    paused = REASONS[reason].severity is Severity.PAUSED
    ready = "Unknown" if story.unread else "True" if paused and usable else "False"
    return summary(ready=ready, reason=reason, message=message, stalled=ending.stalled)


def _preflight(story: Story) -> list[Draft]:
    """What the checks before the last costly call said; nothing where none ran."""
    said = passed(story.preflight or story.situation.resource.status.preflight)
    if said is None or story.situation.resource.preflight == "Off":
        return []
    fine, message = said
    reason = Reason.CHECKS_PASSED if fine else Reason.PREFLIGHT_FAILED
    return [(ConditionType.PREFLIGHT_PASSED, "True" if fine else "False", reason, message)]


def _unmoved(story: Story, message: str) -> list[Draft]:
    """What Ready said of this spec before an answer that is not believed yet, with a word about that answer."""
    resource, cluster = story.situation.resource, story.situation.observed.cluster
    before = [one for one in resource.status.conditions or [] if one.type in set(SUMMARY) and one.reason in set(Reason)]
    if cluster is None or resource.edited:
        return []
    return [(ConditionType(one.type), one.status, Reason(one.reason), message) for one in before]


def _details(story: Story, ending: ResultSummary) -> list[Draft]:
    """The parts of Ready. When the world could not be read, what was known about them stands (see `kept`)."""
    if story.blind:
        return []
    drafts: list[Draft] = [_provisioned(story, ending), _spec_synced(story, ending), _at_target(story, ending)]
    if REASONS[ending.reason].condition is ConditionType.TEARDOWN_BLOCKED:
        drafts.append((ConditionType.TEARDOWN_BLOCKED, "True", ending.reason, ending.message))
    health = nodes_healthy(story) if _owned(story) else None
    return [*drafts, health] if health else drafts


def _provisioned(story: Story, ending: ResultSummary) -> Draft:
    cluster = story.situation.observed.cluster
    if _in_service(story) and cluster:
        return (ConditionType.PROVISIONED, "True", Reason.PROVISIONED, f"{cluster.arn} is {cluster.status}.")
    return (ConditionType.PROVISIONED, "False", ending.reason, ending.message)


def _spec_synced(story: Story, ending: ResultSummary) -> Draft:
    """Whatever it says, members of the spec that nobody looks at are not passed over without a word."""
    kind, status, reason, message = _synced(story, ending)
    return (kind, status, reason, message + ignored_members(story.situation.resource.unknown))


def _synced(story: Story, ending: ResultSummary) -> Draft:
    changes = story.situation.changes
    held = ", ".join(changes.unknown_groups)
    if not _in_service(story) or story.result or not changes.none or changes.scaled_outside:
        return (ConditionType.SPEC_SYNCED, "False", ending.reason, ending.message)
    if story.situation.observed.tags is None and not story.situation.resource.was_synced:
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
        return (ConditionType.SPEC_SYNCED, "True", Reason.COUNT_OFFSET, _offsets(story))
    if changes.minimum_above_count:
        words = " ".join(changes.minimum_above_count[name] for name in sorted(changes.minimum_above_count))
        return (ConditionType.SPEC_SYNCED, "True", Reason.MINIMUM_ABOVE_COUNT, words)
    return (ConditionType.SPEC_SYNCED, "True", Reason.IN_SYNC, "AWS holds what the spec asks for.")


def _offsets(story: Story) -> str:
    """Which nodes went or came by name, and the edit that says the same in the spec."""
    told = []
    for name, offset in sorted(story.situation.changes.offsets.items()):
        count = story.situation.resource.groups[name].instanceCount
        what = "moved" if offset.operation == MOVE else "deleted"
        where = "out of" if offset.value < 0 else "into"
        told.append(
            f"Nodes were {what} {where} group {name} ({abs(offset.value)}, {offset.operation}); the operator neither "
            f"replaces nor removes them. Change instanceCount of {name} from {count} to "
            f"{max(0, count + offset.value)} to match, or to any other count."
        )
    return " ".join(told)


def _at_target(story: Story, ending: ResultSummary) -> Draft:
    cluster = story.situation.observed.cluster
    kind = ConditionType.GROUPS_AT_TARGET
    if cluster is None or not _owned(story):
        return (kind, "False", ending.reason, ending.message)
    short = shortfalls(story.situation.observed, since=changed_at(story.situation))
    if short:
        first = next((item for item in short if item.stalled), short[0])
        return (kind, "False", first.reason, "; ".join(str(item) for item in short[:5]))
    if story.situation.changes.scaled_outside or story.situation.changes.groups_added:
        return (kind, "False", ending.reason, ending.message)
    return (kind, "True", Reason.AT_TARGET, f"{cluster.current_count}/{cluster.target_count} nodes.")


def _owned(story: Story) -> bool:
    return story.situation.owned


def _in_service(story: Story) -> bool:
    """AWS serves the cluster: it may be changing, but it was made and is neither failed nor going."""
    cluster = story.situation.observed.cluster
    if cluster is None or not _owned(story):
        return False
    made = cluster.status == "InService" or bool(story.situation.resource.status.provisionedAt)
    return made and cluster.status not in {"Deleting", "Failed", "Creating"}


def _short(story: Story) -> bool:
    return bool(shortfalls(story.situation.observed, since=None))
