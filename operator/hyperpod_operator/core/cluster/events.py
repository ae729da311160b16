"""Which Events a pass leaves: the call that was made, what vanished, and each new reason that needs attention."""

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.decision import Act
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import CreateCluster, concern, operation
from hyperpod_operator.core.engine.events import first_of_each_reason, of_conditions, repeats
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.errors import TREATMENTS
from hyperpod_operator.core.ports import Event


def events(pass_record: PassRecord, end: ResultSummary, new: HyperPodClusterStatus) -> tuple[Event, ...]:
    """The call that was made, the cluster that vanished, and each condition that needs attention."""
    made: list[Event] = []
    if isinstance(pass_record.decision, Act) and pass_record.result is not None:
        if not _repeats(pass_record, pass_record.decision, pass_record.result, end):
            made.append(_call_event(pass_record.decision, pass_record.result))
        if pass_record.snapshot.resource.status.remembered.missing and isinstance(
            pass_record.decision.action, CreateCluster
        ):
            name = pass_record.snapshot.resource.cluster_name
            message = f"Cluster {name} was deleted outside of the operator (confirmed by two reads); creating it again."
            made.insert(0, Event(type="Warning", reason=Reason.CLUSTER_DISAPPEARED, action="Observe", message=message))
    before = pass_record.snapshot.resource.status.conditions or []
    made += of_conditions(CLUSTER, before=before, after=new.conditions or [], stalled=end.stalled)
    return first_of_each_reason(made)


def _repeats(pass_record: PassRecord, act: Act, result: Accepted | Rejected, end: ResultSummary) -> bool:
    """Whether AWS rejects the same call for the same reason as before; conditions may have another one by now, because
    it lasts."""
    status = pass_record.snapshot.resource.status
    return isinstance(result, Rejected) and any(
        repeats(
            status.operations,
            concern=concern(act.action),
            fingerprint=result.fingerprint,
            reason=reason,
            conditions=status.conditions or [],
        )
        for reason in (TREATMENTS[result.error.kind].reason, end.reason)
    )


def _call_event(act: Act, result: Accepted | Rejected) -> Event:
    if isinstance(result, Accepted):
        return Event(type="Normal", reason=act.reason, action=operation(act.action), message=act.message)
    error = result.error
    reason = TREATMENTS[error.kind].reason
    message = f"{error.operation} failed ({error.code}): {error.message}"
    reference = f"request {error.request_id}" if error.request_id else ""
    return Event(type="Warning", reason=reason, action=operation(act.action), message=message, reference=reference)
