"""What a pass leaves behind: one status, the Events that tell what changed, and how the pass ended.

Status is a function of the stored status and the pass. Equal input gives equal output (no heartbeat, no
request id), so a settled cluster is never written to.
"""

from dataclasses import replace
from typing import assert_never

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.audit import history
from hyperpod_operator.core.cluster.concerns import judge
from hyperpod_operator.core.cluster.conditions import checked, conditions
from hyperpod_operator.core.cluster.decision import Act
from hyperpod_operator.core.cluster.ending import ending
from hyperpod_operator.core.cluster.events import events
from hyperpod_operator.core.cluster.guards import untagged
from hyperpod_operator.core.cluster.inventory import (
    auto_scaling,
    group_statuses,
    groups_summary,
    node_counts,
    node_problems,
)
from hyperpod_operator.core.cluster.memory import (
    adoption,
    attempts,
    create_failures,
    created_arn,
    groups,
    last_seen,
    missing,
    operations,
    origin,
    owner_uid,
    provisioned_at,
)
from hyperpod_operator.core.cluster.mirror import mirrored
from hyperpod_operator.core.cluster.node_health import node_health
from hyperpod_operator.core.cluster.parts import goes_on, remembered
from hyperpod_operator.core.cluster.pass_record import PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import (
    CreateCluster,
    DeleteNodes,
    UpdateCluster,
    concern,
    operation,
)
from hyperpod_operator.core.cluster.tag_memory import applied_tag_keys, sent_tags
from hyperpod_operator.core.cluster.training_plans import training_plans
from hyperpod_operator.core.cost.cluster import cost
from hyperpod_operator.core.engine.conditions import initial, settle
from hyperpod_operator.core.engine.decision import Report
from hyperpod_operator.core.engine.journal import CallState, called, cleared
from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.errors import TREATMENTS
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.outcome import Again, Blocked, Done, Failed, Gone, Outcome, Requeue
from hyperpod_operator.core.plan.record import before_call, last_approval, planned

FAILURE_MOST = 2048
"""Longest failure message that is copied; the schema admits 8,192 characters."""

PATIENCE = 3
"""Passes in a row that may fail to read a healthy cluster before its status says so."""


def report(pass_record: PassRecord) -> Report[HyperPodClusterStatus]:
    """The report of a pass that ended, well or not."""
    end = ending(pass_record)
    snapshot, old = pass_record.snapshot, pass_record.snapshot.resource.status
    if pass_record.unread is not None and _shrugged_off(pass_record):
        return Report(status=old, events=(), outcome=end.outcome)
    new = _status(pass_record, end)
    mark, told = mirrored(pass_record)
    new = updated(new, {"mirroredEvents": mark})
    outcome, soon = end.outcome, snapshot.timings.debounce
    if goes_on(pass_record, new.rejectedGroups or []):
        outcome = Blocked(end.reason, soon)
    elif isinstance(pass_record.result, Rejected) and isinstance(outcome, Blocked) and judge(snapshot).follows:
        # What AWS rejected holds up no other concern: its call is made next.
        outcome = Blocked(end.reason, min(soon, outcome.after))
    if snapshot.still_marked is not None:
        outcome = _sooner(outcome, end.reason, snapshot.still_marked.again(snapshot.timings))
    return Report(status=new, events=(*events(pass_record, end, new), *told), outcome=outcome)


def _sooner(outcome: Outcome, reason: Reason, after: float) -> Outcome:
    """The outcome of a pass that left something to do: the next one comes in `after` seconds at the latest."""
    match outcome:
        case Done():
            return Requeue(reason, after)
        case Requeue() | Blocked():
            return replace(outcome, after=min(after, outcome.after))
        case Failed() | Gone() | Again():
            return outcome
        case _:
            assert_never(outcome)


def intent(pass_record: PassRecord, act: Act) -> HyperPodClusterStatus | None:
    """The status to store *before* a call that must not be repeated (CreateCluster, new groups, nodes by name), and
    before one that an approval opened. None for all others.

    A process that dies after the call finds this record and knows that a cluster may exist that AWS does not
    show yet; without it a restart could send the call a second time. What was sent of an approved plan is recorded
    before it is sent, so that an approval is never used twice.
    """
    snapshot = pass_record.snapshot
    approval = before_call(snapshot, act)
    old = snapshot.resource.status
    if approval is not None:
        old = old.model_copy(update={"lastApproval": approval})
    adds_groups = isinstance(act.action, UpdateCluster) and bool(snapshot.changes.groups_added)
    if not isinstance(act.action, CreateCluster | DeleteNodes) and not adds_groups:
        return old if approval is not None else None
    journal = called(
        old.operations,
        concern=concern(act.action),
        operation=operation(act.action),
        state=CallState.INTENDED,
        fingerprint=act.fingerprint,
        attempts=attempts(pass_record, act),
        now=snapshot.now,
    )
    made = settle(
        table=CLUSTER.table,
        drafts=initial(reason=act.reason, message=act.message),
        before=[],
        generation=snapshot.resource.generation,
        now=snapshot.now,
    )
    # The checks of preflight are not made again for a call that was made: what they found is stored with its intent.
    preflight = {"preflight": pass_record.preflight or old.preflight}
    if isinstance(act.action, DeleteNodes):
        return old.model_copy(update={"operations": journal, "instanceGroups": group_statuses(pass_record)})
    if isinstance(act.action, UpdateCluster):
        groups = {"operations": journal, "instanceGroups": group_statuses(pass_record, creating=True)}
        return old.model_copy(update=preflight | groups)
    return updated(
        old,
        preflight
        | {
            "observedGeneration": snapshot.resource.generation,
            "conditions": made if not old.conditions else old.conditions,
            # What was called of an earlier cluster says nothing about this one.
            "operations": cleared(entry for entry in journal if entry.concern == concern(act.action)),
            "clusterArn": None,
            "provisionedAt": None,
            "ownerUid": None,
            "missing": None,
            "rejectedGroups": None,
            "instanceGroups": group_statuses(pass_record, creating=True),
        },
    )


def _shrugged_off(pass_record: PassRecord) -> bool:
    """A read that failed for a moment says nothing about a cluster that was looked at before."""
    unread = pass_record.unread
    passing = unread is not None and not TREATMENTS[unread.kind].stalled
    known = bool(pass_record.snapshot.resource.status.conditions) and not pass_record.snapshot.resource.edited
    return passing and known and pass_record.failures < PATIENCE


def _status(pass_record: PassRecord, end: ResultSummary) -> HyperPodClusterStatus:
    snapshot, resource = pass_record.snapshot, pass_record.snapshot.resource
    old, cluster = resource.status, snapshot.observed.cluster
    journal = operations(pass_record, end)
    fields: dict[str, object] = {
        "observedGeneration": resource.generation,
        "conditions": conditions(pass_record, end),
        "operations": journal,
        "rejectedGroups": remembered(pass_record, end),
        "adoption": adoption(pass_record, end),
        "plan": planned(pass_record, operations=journal),
        "lastApproval": last_approval(pass_record),
        "history": history(pass_record),
        "preflight": checked(pass_record),
        "createFailures": create_failures(pass_record),
    }
    if not pass_record.looked or not pass_record.blind:
        # A pass that ended before it asked AWS has done all that a request can have of it.
        fields["lastHandledReconcileAt"] = resource.reconcile_requested_at or old.lastHandledReconcileAt
    if not pass_record.blind and not untagged(snapshot):
        owned = snapshot.owned
        entries = groups(pass_record, owned=owned)
        fields |= {
            "region": snapshot.here.region or resource.spec.region,
            "clusterArn": cluster.arn if cluster and owned else created_arn(pass_record),
            "clusterStatus": cluster.status if cluster and owned else last_seen(pass_record),
            "failureMessage": (cluster.failure_message[:FAILURE_MOST] or None) if cluster and owned else None,
            "cost": cost(cluster, entries or [], snapshot.prices)
            if cluster and owned and snapshot.prices is not None
            else None,
            "trainingPlans": training_plans(snapshot) if owned else None,
            "autoScaling": auto_scaling(cluster) if cluster and owned else None,
            "creationTime": stamp(cluster.created_at) if cluster and owned and cluster.created_at else None,
            "origin": origin(pass_record),
            "nodes": node_counts(pass_record) if owned else None,
            "instanceGroups": entries,
            "groupsSummary": groups_summary(pass_record) if owned else None,
            "nodeProblems": node_problems(pass_record) if owned else None,
            "nodeHealth": node_health(pass_record) if owned else None,
            "provisionedAt": provisioned_at(pass_record),
            "ownerUid": owner_uid(pass_record),
            "appliedTagKeys": applied_tag_keys(pass_record),
            "sentTags": sent_tags(pass_record),
        }
    new = updated(old, fields)
    return updated(new, {"missing": missing(pass_record, status=new)})
