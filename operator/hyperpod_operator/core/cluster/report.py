"""What a pass leaves behind: one status, the Events that tell what changed, and how the pass ended.

Status is a function of the stored status and the pass. Equal input gives equal output (no heartbeat, no
request id), so a settled cluster is never written to.
"""

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.status import HyperPodClusterStatus
from hyperpod_operator.core.cluster.conditions import conditions
from hyperpod_operator.core.cluster.ending import ending
from hyperpod_operator.core.cluster.events import events
from hyperpod_operator.core.cluster.guards import untagged
from hyperpod_operator.core.cluster.inventory import group_statuses, groups_summary, node_counts, node_problems
from hyperpod_operator.core.cluster.memory import (
    adoption,
    applied_tag_keys,
    attempts,
    create_failures,
    created_arn,
    groups,
    last_seen,
    missing,
    operations,
    origin,
    provisioned_at,
    sent_tags,
)
from hyperpod_operator.core.cluster.mirror import mirrored
from hyperpod_operator.core.cluster.node_health import node_health, waits_for_a_person
from hyperpod_operator.core.cluster.parts import goes_on, remembered
from hyperpod_operator.core.cluster.plan import (
    UpdateCluster,
    concern,
    operation,
)
from hyperpod_operator.core.cluster.story import Story
from hyperpod_operator.core.cluster.verdict import Act
from hyperpod_operator.core.engine.conditions import initial, settle
from hyperpod_operator.core.engine.decision import Report
from hyperpod_operator.core.engine.journal import CallState, called, cleared
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.errors import TREATMENTS
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.outcome import Blocked

FAILURE_MOST = 2048
"""Longest failure message that is copied; the schema admits 8,192 characters."""

PATIENCE = 3
"""Passes in a row that may fail to read a healthy cluster before its status says so."""


def report(story: Story) -> Report[HyperPodClusterStatus]:
    """The report of a pass that ended, well or not."""
    end = _unhealthy(story, ending(story))
    old = story.situation.resource.status
    if story.unread is not None and _shrugged_off(story):
        return Report(status=old, events=(), outcome=end.outcome)
    new = _status(story, end)
    mark, told = mirrored(story)
    new = new.model_copy(update={"mirroredEvents": mark})
    outcome = end.outcome
    if goes_on(story, new.rejectedGroups or []):
        outcome = Blocked(end.reason, story.situation.timings.debounce)
    return Report(status=new, events=(*events(story, end, new), *told), outcome=outcome)


def _unhealthy(story: Story, end: ResultSummary) -> ResultSummary:
    """Ready means usable: sick nodes that nobody repairs wait for a person."""
    words = waits_for_a_person(story) if end.settled else ""
    if not words:
        return end
    reason = Reason.NODES_UNHEALTHY
    outcome = Blocked(reason, story.situation.timings.resync)
    return ResultSummary(outcome=outcome, reason=reason, message=words, stalled=True)


def intent(story: Story, act: Act) -> HyperPodClusterStatus:
    """The status to store *before* a call that brings something into AWS: CreateCluster, or new groups.

    A process that dies after the call finds this record and knows that a cluster may exist that AWS does not
    show yet; without it a restart could send the call a second time.
    """
    situation = story.situation
    old = situation.resource.status
    journal = called(
        old.operations,
        concern=concern(act.action),
        operation=operation(act.action),
        state=CallState.INTENDED,
        fingerprint=act.fingerprint,
        attempts=attempts(story, act.fingerprint),
        now=situation.now,
    )
    made = settle(
        table=CLUSTER.table,
        drafts=initial(reason=act.reason, message=act.message),
        before=[],
        generation=situation.resource.generation,
        now=situation.now,
    )
    # The checks of preflight are not made again for a call that was made: what they found is stored with its intent.
    checked = {"preflight": story.preflight or old.preflight}
    if isinstance(act.action, UpdateCluster):
        groups = {"operations": journal, "instanceGroups": group_statuses(story, creating=True)}
        return old.model_copy(update=checked | groups)
    return old.model_copy(
        update=checked
        | {
            "observedGeneration": situation.resource.generation,
            "conditions": made if not old.conditions else old.conditions,
            "operations": cleared(journal),
            "clusterStatus": None,
            "clusterArn": None,
            "provisionedAt": None,
            "missing": None,
            "rejectedGroups": None,
            "instanceGroups": group_statuses(story, creating=True),
        }
    )


def _shrugged_off(story: Story) -> bool:
    """A read that failed for a moment says nothing about a cluster that was looked at before."""
    unread = story.unread
    passing = unread is not None and not TREATMENTS[unread.kind].stalled
    known = bool(story.situation.resource.status.conditions) and not story.situation.resource.edited
    return passing and known and story.failures < PATIENCE


def _status(story: Story, end: ResultSummary) -> HyperPodClusterStatus:
    situation, resource = story.situation, story.situation.resource
    old, cluster = resource.status, situation.observed.cluster
    fields: dict[str, object] = {
        "observedGeneration": resource.generation,
        "conditions": conditions(story, end),
        "operations": operations(story, end),
        "rejectedGroups": remembered(story, end),
        "adoption": adoption(story, end),
        "createFailures": create_failures(story),
        "preflight": None if resource.preflight == "Off" else story.preflight or old.preflight,
    }
    if not story.looked or not story.blind:
        # A pass that ended before it asked AWS has done all that a request can have of it.
        fields["lastHandledReconcileAt"] = resource.reconcile_requested_at or old.lastHandledReconcileAt
    if not story.blind and not untagged(situation):
        owned = situation.owned
        fields |= {
            "region": situation.here.region or resource.spec.region,
            "clusterArn": cluster.arn if cluster and owned else created_arn(story),
            "clusterStatus": cluster.status if cluster and owned else last_seen(story, end),
            "failureMessage": (cluster.failure_message[:FAILURE_MOST] or None) if cluster and owned else None,
            "creationTime": stamp(cluster.created_at) if cluster and owned and cluster.created_at else None,
            "origin": origin(story),
            "provisionedAt": provisioned_at(story),
            "nodes": node_counts(story) if owned else None,
            "instanceGroups": groups(story, owned=owned),
            "groupsSummary": groups_summary(story) if owned else None,
            "nodeProblems": node_problems(story) if owned else None,
            "nodeHealth": node_health(story) if owned else None,
            "appliedTagKeys": applied_tag_keys(story),
            "sentTags": sent_tags(story),
        }
    new = old.model_copy(update=fields)
    return new.model_copy(update={"missing": missing(story, status=new)})
