"""How the pass ends: one reason, one message, one time for the next look.

Verdicts already say this for themselves; calls and failures get theirs from the treatment table, so that the
same kind of failure reads the same everywhere.
"""

from typing import assert_never

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.decision import Act, NeedTags
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import (
    AddTags,
    CreateCluster,
    DeleteCluster,
    DeleteNodes,
    DeleteTags,
    UpdateCluster,
    UpdateClusterSoftware,
    concern,
    operation,
)
from hyperpod_operator.core.cluster.start_over import otherwise
from hyperpod_operator.core.engine.decision import InSync, LookAgain, RemoveFinalizer, Wait
from hyperpod_operator.core.engine.failure import failure_message
from hyperpod_operator.core.engine.journal import CallState, entry_of
from hyperpod_operator.core.engine.pauses import growing
from hyperpod_operator.core.engine.result import ResultSummary, as_recorded, failed, waiting
from hyperpod_operator.core.errors import SLOW, TREATMENTS, CloudError, ErrorKind
from hyperpod_operator.core.observed import EksUse
from hyperpod_operator.core.outcome import Done, Gone
from hyperpod_operator.core.text import counted, sentence

IN_USE_TRIES = 60
"""Tries, one a minute, in which the deletion of another HyperPod cluster of the same EKS cluster should have ended."""
IN_USE_PAUSE = 60.0
"""Seconds between tries while another HyperPod cluster of the EKS cluster is shown, or in the first hour."""
IN_USE_LATER = 600.0
"""Seconds between tries when AWS shows no other cluster and still refuses after an hour."""
BUSY_BY_TEXT = 60.0
"""Seconds before a call is made again that AWS called invalid with words about a state."""
CONFLICT_TRIES = 36
"""Tries, soon one in five minutes, in which the work that AWS calls a conflict should have ended: three hours, one more
than deep health checks take."""
NODES_NAMED = 5
"""Nodes that a message about a call names."""
AFTER_TAGS = 1.0
"""Seconds after a tag call: usually something else is left to do."""


def ending(pass_record: PassRecord) -> ResultSummary:
    """The end of the pass; a reason whose record says so is Stalled, whoever gave it."""
    return as_recorded(_ending(pass_record))


def _ending(pass_record: PassRecord) -> ResultSummary:
    """Exactly one of: could not look, called and was refused, called, held, released, settled."""
    if pass_record.unread is not None:
        return _broken(pass_record.unread)
    if isinstance(pass_record.result, Rejected):
        return _refused(pass_record, pass_record.result)
    if isinstance(pass_record.result, Accepted):
        return _accepted(pass_record, pass_record.result)
    match pass_record.decision:
        case Wait(reason=reason, message=message, after=after, stalled=stalled):
            return waiting(reason=reason, message=message, after=after, stalled=stalled)
        case LookAgain(reason=reason, message=message, after=after):
            return waiting(reason=reason, message=message, after=after)
        case RemoveFinalizer(reason=reason, message=message):
            return ResultSummary(outcome=Gone(), reason=reason, message=message)
        case InSync(message=message):
            return ResultSummary(outcome=Done(), reason=Reason.CLUSTER_READY, message=message, settled=True)
        case NeedTags() | Act() | None:
            raise AssertionError("a pass ends with tags read, and a call has a result")
        case _:
            assert_never(pass_record.decision)


def refusals(pass_record: PassRecord) -> int:
    """How often in a row this very call was refused, this time included."""
    result = pass_record.result
    if not isinstance(result, Rejected):
        return 1
    last = entry_of(pass_record.snapshot.resource.status.operations, concern(result.action))
    again = last is not None and last.fingerprint == result.fingerprint and last.state == CallState.REJECTED
    return 1 + ((last.attempts or 0) if again and last is not None else 0)


def _accepted(pass_record: PassRecord, result: Accepted) -> ResultSummary:
    timings = pass_record.snapshot.timings
    match result.action:
        case CreateCluster():
            reason, after, what = Reason.CREATING, timings.poll, "AWS is creating the cluster."
        case UpdateClusterSoftware():
            reason, after, what = Reason.UPDATING_SOFTWARE, timings.poll, "AWS is replacing the software."
        case DeleteCluster():
            deleting = pass_record.snapshot.resource.deleting
            reason = Reason.DELETING if deleting else Reason.RECREATING
            after, what = timings.poll, "AWS is deleting the cluster."
        case AddTags() | DeleteTags():
            return _tagged(pass_record)
        case UpdateCluster():
            reason, after, what = Reason.UPDATING, timings.poll, "AWS is updating the cluster."
        case DeleteNodes(instance_ids=ids):
            reason, after = Reason.SCALING, timings.debounce
            what = (
                f"AWS is ending {counted(len(ids), 'node')} by name: "
                f"{', '.join(ids[:NODES_NAMED])}{_not_taken(result)}."
            )
        case _:
            assert_never(result.action)
    message = f"{operation(result.action)} was accepted. {what}"
    return waiting(reason=reason, message=message, after=after)


def _not_taken(result: Accepted) -> str:
    """What AWS says of nodes that it did not take; these are tried again."""
    failed = result.nodes.failed if result.nodes is not None else ()
    said = "; ".join(f"{one.instance_id} ({one.code}: {one.message})" for one in failed[:NODES_NAMED])
    return f"; not taken: {said}" if said else ""


def _tagged(pass_record: PassRecord) -> ResultSummary:
    if not isinstance(pass_record.decision, Act):
        raise AssertionError("only a decision to act makes a call")
    return waiting(reason=pass_record.decision.reason, message=pass_record.decision.message, after=AFTER_TAGS)


def _refused(pass_record: PassRecord, result: Rejected) -> ResultSummary:
    error, timings = result.error, pass_record.snapshot.timings
    if error.kind is ErrorKind.ROLE_PROPAGATION:
        if refusals(pass_record) >= timings.role_propagation_attempts:
            message = f"{failure_message(error)} The operator retries every 5 minutes."
            return waiting(reason=Reason.PERMISSION_DENIED, message=message, after=SLOW, stalled=True)
        text = failure_message(error)
        return waiting(reason=Reason.ROLE_PROPAGATION, message=text, after=timings.role_propagation)
    cluster = pass_record.snapshot.observed.cluster
    if error.kind is ErrorKind.BUSY and cluster is not None and cluster.status == "Failed":
        message = (
            f"AWS reports the cluster as Failed ({cluster.failure_message or 'no reason given'}) and rejects changes: "
            f"{sentence(error.message)} The operator retries every 5 minutes.{otherwise(pass_record.snapshot)}"
        )
        return waiting(reason=Reason.CLUSTER_FAILED, message=message, after=SLOW, stalled=True)
    if error.kind is ErrorKind.EKS_IN_USE:
        return _eks_in_use(pass_record, result)
    if error.kind is ErrorKind.BUSY:
        return _busy(pass_record, result)
    if error.kind is ErrorKind.INVALID and pass_record.snapshot.resource.deleting:
        # No edit of a deleted object changes the call, and `guards.rejected_before` does not hold it.
        message = (
            f"{error.operation} failed ({error.code}): {sentence(error.message)} Remove in AWS what keeps it from "
            "being done. The operator retries every 5 minutes."
        )
        return waiting(reason=Reason.SPEC_REJECTED, message=message, after=SLOW, stalled=True)
    return _broken(error)


def _busy(pass_record: PassRecord, result: Rejected) -> ResultSummary:
    """ConflictException is a state of the cluster, which is over soon, or one that AWS does not show; a text may be
    about anything."""
    error, tries = result.error, refusals(pass_record)
    message = failure_message(error)
    if result.by_words:
        return waiting(reason=Reason.CLUSTER_BUSY, message=message, after=BUSY_BY_TEXT)
    lasts = tries > CONFLICT_TRIES
    if lasts:
        name = pass_record.snapshot.resource.cluster_name
        message += (
            f" AWS has refused it {counted(tries, 'time')} in a row: check the cluster's events (aws sagemaker "
            f"list-cluster-events --cluster-name {name}), or ask AWS Support. The operator retries every 5 minutes."
        )
    after = growing(first=pass_record.snapshot.timings.poll, most=SLOW, attempts=tries)
    return waiting(reason=Reason.CLUSTER_BUSY, message=message, after=after, stalled=lasts)


# [assumption: one-cluster-for-one-eks]
def _eks_in_use(pass_record: PassRecord, result: Rejected) -> ResultSummary:
    """AWS has another HyperPod cluster for the EKS cluster: one that is going is waited for, one that stays is not."""
    error, use = result.error, result.eks_use or EksUse()
    reason, eks = Reason.EKS_CLUSTER_IN_USE, pass_record.snapshot.resource.eks_cluster_arn
    if use.going:
        message = (
            f"AWS is deleting HyperPod cluster {use.name}, which {eks} has until then. The operator retries every "
            "minute."
        )
        return waiting(reason=reason, message=message, after=IN_USE_PAUSE)
    if use.name:
        message = (
            f"{eks} has HyperPod cluster {use.name} ({use.status}) already, and can have only one. Delete that "
            "cluster, or name another EKS cluster. The operator retries every minute."
        )
        return waiting(reason=reason, message=message, after=IN_USE_PAUSE, stalled=True)
    why = "AWS lists no HyperPod cluster of this EKS cluster, so the deletion of one may be about to end."
    if use.unread:
        why = f"Which one cannot be read ({use.unread}): sagemaker:ListClusters is in the policy of docs/iam.md."
    elif use.unlooked:
        more = counted(use.unlooked, "HyperPod cluster")
        why = f"It is none of those that the operator described; AWS lists {more} more (aws sagemaker list-clusters)."
    words, remedy = error.message.rstrip(". "), TREATMENTS[error.kind].remedy
    message = f"{error.operation} failed ({error.code}): {words}. {why} {remedy}"
    if refusals(pass_record) > IN_USE_TRIES:
        return waiting(reason=reason, message=message, after=IN_USE_LATER, stalled=True)
    return waiting(reason=reason, message=message, after=IN_USE_PAUSE)


def _broken(error: CloudError) -> ResultSummary:
    return failed(failure_message(error), TREATMENTS[error.kind])
