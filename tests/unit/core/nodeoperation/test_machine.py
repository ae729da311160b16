"""The machine of an operation against a world that does anything: whatever comes, what must not happen does not.

The world is small (three nodes, their pods, Kubernetes' marks, AWS) and everything in it may change between two passes.
AWS carries a call out or not, answers or not, and refuses single nodes; HyperPod and other clients act on
the nodes, too.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.core.nodeoperation import builders
from tests.unit.core.nodeoperation.builders import IDS, NOW, OPERATIONS, entry, instance, node, operation, spec, tainted

from hyperpod_operator.api.names import DRAINING
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.ports import PodsRead
from hyperpod_operator.core.engine.finding import judge
from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.nodeoperation.answers import answered, failed, intended
from hyperpod_operator.core.nodeoperation.concerns import CONCERNS
from hyperpod_operator.core.nodeoperation.machine import advance
from hyperpod_operator.core.nodeoperation.operation import CALLS, Operation
from hyperpod_operator.core.nodeoperation.plan import Call, Evict, Expire, Mark, Unmark
from hyperpod_operator.core.nodeoperation.record import PassRecord
from hyperpod_operator.core.nodeoperation.report import report
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot
from hyperpod_operator.core.nodeoperation.states import FINAL, IN_FLIGHT, State
from hyperpod_operator.core.nodeoperation.timings import OperationTimings
from hyperpod_operator.core.nodes.batch import BATCH, BatchAnswer, NodeFailure
from hyperpod_operator.core.observed import ObservedNode
from hyperpod_operator.core.outcome import Done

ANSWERS = ("accepted", "lost", "unseen", "refused", "denied", "partial")
"""`lost`: done without an answer; `unseen`: neither; `refused`: each node by itself; `partial`: the first one."""


@dataclass
class World:
    """What is there besides the operation: nodes by instance id, pods, marks, and what AWS was asked."""

    wanted: Operation
    instances: dict[str, ObservedNode] = field(default_factory=dict)
    boots: Counter[str] = field(default_factory=Counter)
    pods: set[str] = field(default_factory=set)
    """Instances with a pod."""
    budget: bool = False
    """Whether a budget refuses every eviction."""
    marks: dict[str, str] = field(default_factory=dict)
    tainted: dict[str, datetime] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    now: datetime = NOW
    answer: str = "accepted"
    asked: Counter[str] = field(default_factory=Counter)
    """How often AWS was asked about a node without saying that it did nothing."""
    left: list[Callable[[], None]] = field(default_factory=list)
    """What AWS has accepted and not carried out yet."""
    serial: int = 0
    over: bool = False

    def snapshot(self) -> Snapshot:
        nodes = [node(name, boot_id=f"{name}-{self.boots[name]}", **self._held(name)) for name in self.instances]
        running = [name for name in self.instances if name in self.pods]
        pods = tuple(Pod(namespace="ml", name=name, uid=name, node=f"hyperpod-{name}") for name in running)
        return builders.snapshot(
            self.wanted, entries=self.entries, instances=self.instances.values(), nodes=nodes, now=self.now,
            pods=PodsRead(pods=pods),
        )  # fmt: skip

    def _held(self, name: str) -> dict[str, Any]:
        """The annotation and the taint of a Node that is drained for the operation."""
        since = self.tainted.get(f"hyperpod-{name}")
        return {"annotations": {DRAINING: str(self.wanted.owner)}, "taints": (tainted(since),)} if since else {}

    def reconcile(self) -> None:
        """One pass, as the controller makes it."""
        before = self.entries
        seen = advance(self.snapshot())
        decision = judge(CONCERNS, seen)
        action = decision.action
        record = PassRecord(snapshot=seen, before=before, decision=decision)
        match action:
            case Mark():
                for name in action.entries:
                    self.marks[seen.by_id[name].name or ""] = str(action.phase)
                    self.tainted.setdefault(seen.by_id[name].name or "", self.now)
                marked = {name: str(action.phase) for name in action.entries}
                seen = self._updated(seen, lambda one: {"marked": marked[one.id]} if one.id in marked else {})
            case Unmark():
                for name in action.nodes:
                    self.marks.pop(name, None)
                    self.tainted.pop(name, None)
                seen = self._updated(seen, lambda one: {"marked": None} if one.name in action.nodes else {})
            case Evict():
                if not self.budget:
                    self.pods -= {pod.name for gang in action.gangs for pod in gang}
            case Call():
                self._check(seen, action)
                seen = self._called(intended(seen, action), action)
            case Expire() | None:
                pass
        made = report(replace(record, snapshot=seen))
        self.over = isinstance(made.outcome, Done) and action is None
        self.entries = seen.entries
        self.wanted = replace(self.wanted, status=made.status)

    def _updated(self, seen: Snapshot, change: Callable[[Entry], dict[str, Any]]) -> Snapshot:
        return replace(seen, entries=tuple(updated(one, change(one)) for one in seen.entries))

    def _check(self, seen: Snapshot, action: Call) -> None:
        """AWS is asked only about nodes that are tainted and empty, unless the drain may be forced."""
        assert not self.wanted.suspended
        for name in action.entries:
            one = seen.by_id[name]
            assert one.state in {State.DRAINING, State.SENT}
            if one.state == State.DRAINING:
                assert one.name in self.marks
                assert one.instanceId not in self.pods or self.wanted.spec.drain is not None

    def _called(self, seen: Snapshot, action: Call) -> Snapshot:
        ids, answer = action.planned.nodes, self.answer
        if answer == "denied":
            return failed(seen, action, _error(ErrorKind.DENIED))
        if answer == "refused":
            refusals = tuple(NodeFailure(instance_id=one, code="NodeIdInUse", message="later") for one in ids)
            return answered(seen, action, BatchAnswer(failed=refusals))
        token = f"{action.batch}" if action.planned.operation == "MoveClusterNodes" else ""
        for one in ids:
            # A move is repeated under its token, and AWS carries it out once.
            self.asked[f"{one} {token}"] += 0 if token and self.asked[f"{one} {token}"] else 1
        if answer == "unseen":
            return failed(seen, action, _error(ErrorKind.UNKNOWN_OUTCOME))
        carried = ids[:1] if answer == "partial" else ids
        self.left += [lambda one=one: self.carry_out(one) for one in carried]  # type: ignore[misc]
        if answer == "lost":
            return failed(seen, action, _error(ErrorKind.UNKNOWN_OUTCOME))
        return answered(seen, action, BatchAnswer(successful=frozenset(carried), unanswered=frozenset(ids[1:])))

    def carry_out(self, name: str) -> None:
        if name not in self.instances:
            return
        match self.wanted.spec.operation:
            case "Reboot":
                self.boots[name] += 1
            case "Replace":
                self.replace(name)
            case "Delete":
                del self.instances[name]
            case "Move":
                self.instances[name] = instance(name, group="spare")
            case _:
                self.instances[name] = instance(name, status="DeepHealthCheckInProgress")
                self.left.append(lambda: self.instances.update({name: instance(name)}))

    def replace(self, name: str) -> None:
        self.serial += 1
        new = f"i-{0xF000 + self.serial:017x}"
        del self.instances[name]
        self.instances[new] = instance(new, launched_at=self.now, logical_id=f"logical-{name}")

    def event(self, kind: str, name: str) -> None:
        """Something happens that the operation did not do."""
        there = name in self.instances
        match kind:
            case "evict":
                self.pods.discard(name)
            case "pod":
                # The taint keeps new pods off.
                self.pods |= {name} if f"hyperpod-{name}" not in self.marks else set()
            case "budget":
                self.budget = not self.budget
            case "suspend" | "resume":
                wanted = self.wanted.spec.model_copy(update={"suspend": kind == "suspend"})
                self.wanted = replace(self.wanted, spec=wanted)
            case "delete":
                self.wanted = replace(self.wanted, deleting=True)
            case "HyperPod replaces" if there:
                self.replace(name)
            case "HyperPod reboots" if there:
                self.boots[name] += 1
            case "others delete" if there:
                del self.instances[name]
            case "status is lost":
                pass
            case "time":
                self.now += timedelta(seconds=90)
            case "AWS":
                work, self.left = self.left, []
                for one in work:
                    one()
            case _ if kind in ANSWERS:
                self.answer = kind


def _error(kind: ErrorKind) -> CloudError:
    return CloudError(kind=kind, operation="Batch", code=str(kind), message="no")


EVENTS = (
    "pass",
    "evict",
    "pod",
    "budget",
    "suspend",
    "resume",
    "delete",
    "HyperPod replaces",
    "HyperPod reboots",
    "others delete",
    "time",
    "AWS",
    *ANSWERS,
)


def world(kind: str, *, most: int = 2, **members: Any) -> World:
    made = World(wanted=operation(spec(kind, IDS, maxInFlight=most, **members)))
    made.instances = {name: instance(name) for name in IDS}
    made.pods = {IDS[0]}
    made.entries = tuple(entry(name) for name in IDS)
    return made


@pytest.mark.parametrize("kind", OPERATIONS)
@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from(IDS)), max_size=40))
def test_whatever_happens_no_node_is_asked_about_twice_and_nothing_is_left_behind(
    kind: str, steps: list[tuple[str, str]]
) -> None:
    found = world(kind)
    for event, name in steps:
        before = {one.id: one for one in found.entries}
        if event == "pass":
            found.reconcile()
        else:
            found.event(event, name)
        ended = {one.id: one.state for one in before.values() if one.state in FINAL}
        assert {one.id: one.state for one in found.entries if one.id in ended} == ended
        assert sum(one.state in IN_FLIGHT for one in found.entries) <= 2
    # From here on the world is kind: every operation ends, and its marks are gone.
    found.event("resume", "")
    found.budget, found.answer = False, "accepted"
    for _ in range(400):
        found.reconcile()
        found.event("AWS", "")
        if not found.marks and (found.over or found.wanted.deleting):
            break
        found.now += timedelta(seconds=60)
    assert not found.marks
    assert {one.state for one in found.entries} <= FINAL
    assert max(found.asked.values(), default=0) <= 1


@pytest.mark.parametrize("kind", OPERATIONS)
def test_an_operation_in_a_kind_world_succeeds(kind: str) -> None:
    found = world(kind)
    for _ in range(60):
        found.reconcile()
        found.event("AWS", "")
        found.now += timedelta(seconds=60)
    assert {one.state for one in found.entries} == {State.SUCCEEDED}


@pytest.mark.parametrize("answer", ["accepted", "lost"])
@pytest.mark.parametrize("kind", OPERATIONS)
def test_a_node_that_is_given_up_keeps_its_marks_until_aws_has_done_what_it_was_asked_for(
    kind: str, answer: str
) -> None:
    found = world(kind, most=1)
    found.answer = answer
    while not found.left:
        found.reconcile()
        found.now += timedelta(seconds=20)
    (marked,) = found.marks
    found.event("delete", "")
    for _ in range(50):
        found.reconcile()
        assert set(found.marks) == {marked}
        found.now += timedelta(seconds=60)
    for _ in range(5):
        found.event("AWS", "")
        found.reconcile()
        found.now += timedelta(seconds=60)
    assert not found.marks


@pytest.mark.parametrize("kind", OPERATIONS)
def test_a_node_about_which_aws_does_nothing_is_given_back_after_an_hour(kind: str) -> None:
    found = world(kind, most=1)
    while not found.left:
        found.reconcile()
        found.now += timedelta(seconds=20)
    found.event("delete", "")
    for _ in range(70):
        found.reconcile()
        found.now += timedelta(seconds=60)
    assert not found.marks
    assert "Nothing of what AWS was asked for was seen" in (found.entries[0].message or "")


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("Delete", marks=pytest.mark.slow),
        pytest.param("Reboot", marks=pytest.mark.long),
        pytest.param("Replace", marks=pytest.mark.long),
    ],
)
def test_a_thousand_nodes_take_linear_passes_and_full_calls(kind: str) -> None:
    """Each pass writes status once; a mark, a call and an unmark each cover many nodes."""
    ids = tuple(f"i-{number:017x}" for number in range(1, 1001))
    found = World(wanted=operation(spec(kind, ids, maxInFlight="100%")))
    found.instances = {name: instance(name) for name in ids}
    found.entries = tuple(entry(name) for name in ids)
    passes, calls = 0, Counter[str]()
    original = found._called

    def counted(seen: Snapshot, action: Call) -> Snapshot:
        calls[action.planned.operation] += 1
        return original(seen, action)

    found._called = counted  # type: ignore[method-assign]
    while not (found.over and not found.marks):
        found.reconcile()
        found.event("AWS", "")
        found.now += timedelta(seconds=10)
        passes += 1
        assert passes <= 301  # one of them waits until no pod can come to the first nodes
    assert {one.state for one in found.entries} == {State.SUCCEEDED}
    assert calls == {CALLS[kind]: 1000 / BATCH[CALLS[kind]]}
    confirmed = OperationTimings().missing / 10 if kind == "Delete" else 0
    assert passes <= 1000 / 25 * 4 + 10 + confirmed
