"""What status keeps of a plan and of its approval.

The moment of a plan stays while the plan does, so that a pass that finds the same plan writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import assert_never

from hyperpod_operator.api.common.plan import (
    ACTIONS_MOST,
    FAILURES_MOST,
    LINES_MOST,
    NODES_MOST,
    ApprovedCount,
    LastApproval,
    PlannedAction,
    PlanStatus,
    PlanTarget,
)
from hyperpod_operator.api.common.preflight import PreflightStatus
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot
from hyperpod_operator.core.cluster.node_choice import busy
from hyperpod_operator.core.cluster.parts import sendable
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord
from hyperpod_operator.core.cluster.plan import (
    Action,
    AddTags,
    CreateCluster,
    DeleteCluster,
    DeleteNodes,
    DeleteTags,
    UpdateCluster,
    UpdateClusterSoftware,
    operation,
)
from hyperpod_operator.core.cost.cluster import configurations
from hyperpod_operator.core.cost.plan import plan_cost
from hyperpod_operator.core.engine.call import Effect, PlannedCall, PlannedChange
from hyperpod_operator.core.engine.journal import PENDING, Operations
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.plan.digest import CREATION, ENCODING, Target, names
from hyperpod_operator.core.plan.gate import COUNT, Open, Stale, Waiting, approve
from hyperpod_operator.core.plan.model import Plan
from hyperpod_operator.core.plan.nodes import Concerned, of_call
from hyperpod_operator.core.plan.plan import approved
from hyperpod_operator.core.plan.summary import summary
from hyperpod_operator.core.preflight.model import Result

NOTHING: Mapping[str, Concerned] = MappingProxyType({})
LINE_MOST = 256
SUMMARY_MOST = 512
AT_REST = frozenset({"InService", "Failed"})


def planned(pass_record: PassRecord, *, operations: Operations | None) -> PlanStatus | None:
    """`status.plan` after the pass, whose journal is `operations`; a pass that learned nothing about AWS leaves it as
    it was."""
    snapshot, old = pass_record.snapshot, pass_record.snapshot.resource.status.plan
    plan = snapshot.plan
    if pass_record.blind or plan is None:
        return old
    if snapshot.observed.cluster is not None and not snapshot.owned and not plan.steps:
        return None
    concerned = snapshot.concerned or _departing(snapshot)
    new = shown(
        plan,
        state=state(pass_record, plan, operations=operations),
        concerned=concerned,
        cost=_cost(snapshot, plan),
        failures=failures(pass_record.preflight),
    )
    if old is not None and old.model_copy(update={"computedAt": None}) == new:
        return old
    stays = old is not None and old.digest == new.digest and old.computedAt
    return new.model_copy(update={"computedAt": stays or stamp(snapshot.now)})


def _departing(snapshot: ClusterSnapshot) -> Mapping[str, Concerned]:
    """The nodes that are about to end, while the operator waits for what runs on them."""
    found = snapshot.departures
    if found is None or found.unsynced:
        return {}
    known = not found.read.problem
    nodes = [each.node for one in found.chosen for each in one.nodes if each.node]
    pods = busy(found.read.pods, nodes=nodes, now=snapshot.now)
    return {
        one.departure.group: Concerned(
            nodes=tuple(each.instance_id for each in one.nodes),
            pods=sum(len(pods.get(each.host, ())) for each in one.nodes) if known else None,
        )
        for one in found.chosen
    }


def _cost(snapshot: ClusterSnapshot, plan: Plan) -> str:
    """What the plan adds per hour, in words; empty where that is not read, or nothing."""
    if snapshot.prices is None:
        return ""
    found = plan_cost(plan.calls, configurations(snapshot.observed.cluster), snapshot.prices)
    return str(found)[:SUMMARY_MOST] if found is not None else ""


def shown(
    plan: Plan,
    *,
    state: str,
    concerned: Mapping[str, Concerned] = NOTHING,
    cost: str = "",
    failures: Sequence[str] = (),
) -> PlanStatus:
    """The plan as status has it, without its moment. `failures` are of the calls that bring instances."""
    actions, calls = [], plan.calls[:ACTIONS_MOST]
    for call, chosen in zip(calls, worst_first(calls), strict=True):
        listed = [str(change)[:LINE_MOST] for change in chosen]
        about = of_call(call, concerned)
        nodes = call.nodes or (about.nodes if about is not None else ())
        actions.append(
            PlannedAction(
                call=call.operation,
                effect=call.effect,
                changes=listed or None,
                moreChanges=(len(call.changes) - len(listed)) or None,
                nodes=list(nodes[:NODES_MOST]) or None,
                pods=about.pods if about is not None else None,
                nodeCount=call.node_count or None,
                wouldFail=[_line(words) for words in failures[:FAILURES_MOST]] or None if brings(call) else None,
                waits=True if call in plan.waiting else None,
            )
        )
    return PlanStatus(
        digest=plan.gate.digest,
        encoding=ENCODING,
        state=state,
        target=_target(plan.target),
        summary=summary(plan.calls)[:SUMMARY_MOST],
        cost=cost or None,
        actions=actions or None,
        moreActions=(len(plan.calls) - len(actions)) or None,
    )


def worst_first(calls: Sequence[PlannedCall], *, most: int = LINES_MOST) -> list[list[PlannedChange]]:
    """The changes of each call that are shown, in the order of the call: where there are too many, those that destroy
    or disrupt most, so that no line of a long plan hides the end of a group."""
    places = [(at, place) for at, call in enumerate(calls) for place in range(len(call.changes))]
    places.sort(key=lambda one: -calls[one[0]].changes[one[1]].effect.rank)
    kept = frozenset(places[:most])
    return [
        [change for place, change in enumerate(call.changes) if (at, place) in kept] for at, call in enumerate(calls)
    ]


def failures(found: PreflightStatus | None) -> tuple[str, ...]:
    """The messages of the checks that fail."""
    return tuple(
        one.message or one.name for one in (found.checks if found else None) or () if one.result == Result.FAIL
    )


def brings(call: PlannedCall) -> bool:
    """Whether instances come by a call, so that preflight is about it."""
    return any(change.effect is Effect.ADDS and change.node_count for change in call.changes)


def _line(text: str) -> str:
    return text if len(text) <= LINE_MOST else f"{text[: LINE_MOST - 3]}..."


def state(pass_record: PassRecord, plan: Plan, *, operations: Operations | None) -> str:
    """How far the plan is: None, Pending, Approved, Stale or Applying."""
    if not plan.steps:
        return "None"
    match plan.gate:
        case Waiting():
            return "Pending"
        case Stale():
            return "Stale"
        case Open(approval=None):
            return "Applying" if _under_way(operations) else "Pending"
        case Open():
            record = last_approval(pass_record)
            return "Applying" if record is not None and record.sent else "Approved"
        case _:
            assert_never(plan.gate)


def _under_way(operations: Operations | None) -> bool:
    """Whether a call of this pass, or one whose effect AWS does not show yet, is on its way."""
    return operations is not None and len(operations) > 0 and operations[-1].state in PENDING


def last_approval(pass_record: PassRecord) -> LastApproval | None:
    """`status.lastApproval` after the pass."""
    snapshot, old = pass_record.snapshot, pass_record.snapshot.resource.status.lastApproval
    plan = snapshot.plan
    if pass_record.blind or plan is None:
        return old
    result, sent = pass_record.result, None
    if result is not None and (isinstance(result, Accepted) or result.error.kind is ErrorKind.UNKNOWN_OUTCOME):
        sent = result.action
    new = with_sent(snapshot, sent)
    if new is None or new.completedAt is not None or not new.sent or pass_record.result is not None:
        return new
    cluster, gate, last = snapshot.observed.cluster, plan.gate, snapshot.resource.status.last
    # AWS rolls no creation back: a cluster that was made and goes again was ended by others.
    made = last is not None and last.operation == CREATION
    resting = cluster is None or cluster.status in AT_REST or made
    open_still = isinstance(gate, Open) and gate.approval is not None
    return new.model_copy(update={"completedAt": stamp(snapshot.now)}) if resting and not open_still else new


def before_call(snapshot: ClusterSnapshot, act: Act) -> LastApproval | None:
    """The record to store before a call that an approval opened; None for a call that needs none."""
    plan = snapshot.plan
    if plan is None or not any(plan.policy.gates(step) for step in carried_steps(snapshot, act.action)):
        return None
    return with_sent(snapshot, act.action)


def with_sent(snapshot: ClusterSnapshot, action: Action | None) -> LastApproval | None:
    """The record of the approval that opens this plan, or the stored one, with the changes of `action` as sent."""
    old, plan = snapshot.resource.status.lastApproval, snapshot.plan
    if plan is None or not isinstance(plan.gate, Open) or plan.gate.approval is None:
        return old
    record = approve(calls=plan.gated, target=plan.target, opened=plan.gate, record=approved(old))
    given, stored = plan.gate.approval, old is not None and old.digest == record.digest and old.completedAt is None
    carried = sent_names(snapshot, action) if action is not None else frozenset[str]()
    sent = record.sent | (carried & record.changes) if record.changes else record.sent | carried
    return LastApproval(
        digest=record.digest,
        by=(old.by if stored and old is not None else given.by) or None,
        at=old.at if stored and old is not None else stamp(snapshot.now),
        via=(old.via if stored and old is not None else given.via) or None,
        after=record.after or None,
        changes=sorted(record.changes) or None,
        sent=sorted(sent) or None,
        counts=[
            ApprovedCount(path=path, observed=before, wanted=after)
            for path, (before, after) in sorted(record.counts.items())
        ]
        or None,
    )


def sent_names(snapshot: ClusterSnapshot, action: Action) -> frozenset[str]:
    """Names of the changes that a call carries."""
    plan = snapshot.plan
    if plan is None:
        return frozenset()
    steps = carried_steps(snapshot, action)
    return frozenset(name for step in steps if step.changes for name in names(step, target=plan.target))


def carried_steps(snapshot: ClusterSnapshot, action: Action) -> Sequence[PlannedCall]:
    """The steps of the plan that a call carries out, with the changes that it makes: of a group whose count waits for
    its nodes, the other ones. What the step needs an approval for stays its effect."""
    later = {change.path for change in snapshot.changes.scaling_in}
    by_name = isinstance(action, DeleteNodes)

    def made(change: PlannedChange) -> bool:
        return change.path.endswith(COUNT) if by_name else change.path not in later

    steps = _steps_of(snapshot, action)
    return [
        step if all(map(made, step.changes)) else replace(step, changes=tuple(filter(made, step.changes)))
        for step in steps
    ]


def _steps_of(snapshot: ClusterSnapshot, action: Action) -> Sequence[PlannedCall]:
    steps = snapshot.plan.steps if snapshot.plan is not None else ()
    same = [step for step in steps if step.operation == operation(action)]
    match action:
        case UpdateCluster():
            chosen = sendable(snapshot)
            return [step for step in same if step.part in chosen]
        case UpdateClusterSoftware(request=request):
            named = {group["instanceGroupName"] for group in request["instanceGroups"]}
            return [step for step in same if step.part in named]
        case DeleteNodes(group=name):
            # How the operator carries out a lower count: the step is the same.
            return [step for step in steps if step.operation == "UpdateCluster" and step.part == name]
        case AddTags() | DeleteTags() | CreateCluster() | DeleteCluster():
            return same[:1]
        case _:
            assert_never(action)


def _target(target: Target) -> PlanTarget:
    return PlanTarget(
        clusterArn=target.cluster_arn or None,
        creationTime=target.creation_time or None,
        name=target.name or None,
        region=target.region or None,
        account=target.account or None,
    )
