"""Which Events a pass leaves: the call that was made, what vanished, and each reason that is new."""

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.status import Condition, HyperPodClusterStatus
from hyperpod_operator.core.cluster.ending import Ending
from hyperpod_operator.core.cluster.plan import CreateCluster, operation
from hyperpod_operator.core.cluster.story import Accepted, Refused, Story
from hyperpod_operator.core.cluster.verdict import Act
from hyperpod_operator.core.errors import TREATMENTS
from hyperpod_operator.core.ports import Event

WORRYING = frozenset(
    {
        Reason.ADOPTION_ANNOUNCED,
        Reason.AWS_ERROR,
        Reason.AWS_UNREACHABLE,
        Reason.CAPACITY_SHORTAGE,
        Reason.CONFIRMING_DELETION,
        Reason.COUNT_OFFSET,
        Reason.HEALTH_NOT_REPORTED,
        Reason.INSTANCES_GONE,
        Reason.MANY_NODES_UNHEALTHY,
        Reason.NODES_NEVER_JOINED,
        Reason.NODES_UNHEALTHY,
        Reason.GROUP_DEGRADED,
        Reason.MINIMUM_ABOVE_COUNT,
        Reason.ROLLING_BACK,
        Reason.THROTTLED,
        Reason.UNKNOWN_GROUPS,
        Reason.UNKNOWN_OUTCOME,
    }
)
"""Reasons that nobody has to act on and that a person still wants to see as a Warning."""


def events(story: Story, end: Ending, new: HyperPodClusterStatus) -> tuple[Event, ...]:
    """Events: the call that was made, the cluster that vanished, and each condition that changed."""
    made: list[Event] = []
    if isinstance(story.verdict, Act) and story.result is not None:
        made.append(_call_event(story.verdict, story.result))
        if story.situation.resource.status.missing and isinstance(story.verdict.action, CreateCluster):
            name = story.situation.resource.cluster_name
            message = f"Cluster {name} was deleted outside of the operator (confirmed by two looks); creating it again."
            made.insert(0, Event(type="Warning", reason=Reason.CLUSTER_DISAPPEARED, action="Observe", message=message))
    before = {condition.type: condition for condition in story.situation.resource.status.conditions or []}
    for condition in new.conditions or []:
        if condition.type in {ConditionType.RECONCILING, ConditionType.STALLED}:
            continue  # they say what Ready says
        was = before.get(condition.type)
        if was is None or (was.status, was.reason) != (condition.status, condition.reason):
            made.append(_condition_event(condition, stalled=end.stalled))
    # One Event per reason: the conditions that changed with the first of them say the same in other words.
    first = {event.reason: event for event in reversed(made)}
    return tuple(event for event in made if first[event.reason] is event)


def _call_event(act: Act, result: Accepted | Refused) -> Event:
    if isinstance(result, Accepted):
        return Event(type="Normal", reason=act.reason, action=operation(act.action), message=act.message)
    error = result.error
    request = f" (request {error.request_id})" if error.request_id else ""
    reason = TREATMENTS[error.kind].reason
    message = f"{error.operation} failed ({error.code}): {error.message}{request}"
    return Event(type="Warning", reason=reason, action=operation(act.action), message=message)


def _condition_event(condition: Condition, *, stalled: bool) -> Event:
    warning = (stalled and condition.status != "True") or condition.reason in WORRYING
    return Event(
        type="Warning" if warning else "Normal",
        reason=condition.reason,
        action="Observe",
        message=f"{condition.type} is {condition.status}: {condition.message}",
    )
