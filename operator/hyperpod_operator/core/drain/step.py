"""One look at a drain: which pods to evict now, which to wait for and why, and whether it is over.

The whole drain is this function called again and again with what is on the nodes then. Nothing is remembered between
two calls, so a restart changes nothing. It is linear in the pods.

Gangs and pods that share a PodDisruptionBudget divide what it allows, in an order that changes with time: whoever the
API server refuses for another reason takes its part in vain, and must not do so in every step.

A gang is the pods of one workload on the nodes that are drained. They are evicted together or not at all; a pod of it
that a rule skips, and one that runs on another node, is not part of it: the operator evicts no pod from a node that it
does not drain.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hyperpod_operator.api.names import COMPUTE_TYPE
from hyperpod_operator.core.drain.budget import Budget, by_namespace, less, refusal
from hyperpod_operator.core.drain.pod import Pod, awaited
from hyperpod_operator.core.drain.rules import Behavior, DrainRules, OnTimeout
from hyperpod_operator.core.drain.turns import by_lot, gang_key
from hyperpod_operator.core.moments import stamp

OVERDUE = timedelta(minutes=1)
"""From the end of a pod's grace period on: its kubelet has killed it by then."""
STAYS = (
    "it is being deleted, and is still there after its grace period, which ended at {}: a process of it does not end, "
    "its kubelet does not respond, or a finalizer keeps it. If nothing of it has to be kept, delete it with `kubectl "
    "delete pod --force --grace-period=0`, or remove the finalizer"
)
UNSEEN = (
    "the operator sees no Node of HyperPod there, so it cannot keep new pods off, and evicts none. Check that the Node "
    f"has the label {COMPUTE_TYPE}=hyperpod, or delete the pod"
)
RETURNS = (
    "it came after the drain began, so it tolerates the taint or names its node, and another may come in its place. "
    "The operator evicts it at {}; if it comes back, stop what creates it"
)
RETURNS_MOST = timedelta(minutes=10)
"""Longest time that such a pod is left alone."""
COMPLETES = "the operator waits until it completes"
UNREADABLE = (
    "it is not known whether a rule of the drain matches it: the labels of its namespace cannot be read, or the rule's "
    "selector is not valid"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A pod that is still there and is not evicted now, and why."""

    pod: Pod
    why: str
    blocked: bool = False
    """Whether a PodDisruptionBudget keeps it from being evicted."""

    def __str__(self) -> str:
        return f"{self.pod}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainStep:
    """What to do now. `gangs` are evicted one after the other, each of them whole."""

    gangs: tuple[tuple[Pod, ...], ...] = ()
    waiting: tuple[Waiting, ...] = ()
    timed_out: bool = False
    """Whether `drainTimeoutSeconds` is over and pods are left: nothing more is evicted, but with `Force`, where these
    pods are asked once more before they end with their node."""
    wake_after: float | None = None
    """Seconds until a timeout of the drain changes the answer; None without one."""
    budgets: tuple[Budget, ...] = ()
    """What the budgets still allow once `gangs` leave: for another drain of the same pass."""

    @property
    def evict(self) -> tuple[Pod, ...]:
        """All pods to evict now, those of one gang side by side."""
        return tuple(pod for gang in self.gangs for pod in gang)

    @property
    def done(self) -> bool:
        """Whether no pod is left that has to leave."""
        return not self.gangs and not self.waiting


def step(
    *,
    pods: Iterable[Pod],
    rules: DrainRules,
    started_at: datetime,
    now: datetime,
    budgets: Sequence[Budget] = (),
    unreachable: frozenset[str] = frozenset(),
    unseen: frozenset[str] = frozenset(),
) -> DrainStep:
    """`pods` are all pods of the nodes that are drained together, `unreachable` those nodes without a live kubelet, and
    `unseen` those that cannot be tainted, because the operator sees no Node."""
    last = rules.on_timeout is OnTimeout.FORCE and _over(rules.drain_timeout, since=started_at, now=now)
    patient = not last and not _over(rules.wait_completed_timeout, since=started_at, now=now)
    waiting: list[Waiting] = []
    leaving: list[Pod] = []
    held: dict[str, str] = {}
    """Gangs that cannot go now, and why."""
    for pod in awaited(pods, unreachable=unreachable, now=now):
        behavior = rules.behavior(pod)
        if behavior is Behavior.SKIP:
            continue
        why = _why(pod, behavior, patient=patient, seen=pod.node not in unseen, now=now)
        if not why and not last and (due := _due(pod, since=started_at)) is not None and now < due:
            why = RETURNS.format(stamp(due))
        if why:
            waiting.append(Waiting(pod=pod, why=why))
            if pod.gang and not pod.deleting_since:
                held.setdefault(pod.gang, f"{pod.gang} leaves as one, and {pod} is waited for")
        else:
            leaving.append(pod)
    gangs: list[tuple[Pod, ...]] = []
    known = dict(by_namespace(budgets))
    together = _gangs(leaving, atomic=rules.gang_atomic)
    for gang in by_lot(together, key=gang_key, now=now) if known else together:
        shared = known.get(gang[0].namespace, ())
        unready = held.get(gang[0].gang, "") if rules.gang_atomic else ""
        if obstacle := unready or _refused(gang, shared):
            waiting += [Waiting(pod=pod, why=obstacle, blocked=not unready) for pod in gang]
            continue
        gangs.append(gang)
        if shared:
            known[gang[0].namespace] = less(shared, gang)
    if (gangs or waiting) and _over(rules.drain_timeout, since=started_at, now=now):
        if rules.on_timeout is OnTimeout.FORCE:
            return DrainStep(gangs=tuple(gangs), waiting=tuple(waiting), timed_out=True, budgets=tuple(budgets))
        left = [Waiting(pod=pod, why="it was not evicted in time") for gang in gangs for pod in gang]
        return DrainStep(waiting=(*waiting, *left), timed_out=True, budgets=tuple(budgets))
    return DrainStep(
        gangs=tuple(gangs),
        waiting=tuple(waiting),
        wake_after=_wake(rules, since=started_at, now=now),
        budgets=tuple(budget for several in known.values() for budget in several),
    )


def _why(pod: Pod, behavior: Behavior | None, *, patient: bool, seen: bool, now: datetime) -> str:
    """Why a pod is waited for and not evicted; empty for one that is to be evicted."""
    if pod.deleting_since:
        over = now - pod.deleting_since >= OVERDUE
        return (STAYS if over else "it is being deleted; its grace period ends at {}").format(stamp(pod.deleting_since))
    if not seen:
        return UNSEEN
    if behavior is None:
        return UNREADABLE
    return COMPLETES if behavior is Behavior.WAIT_COMPLETED and patient else ""


def _due(pod: Pod, *, since: datetime) -> datetime | None:
    """When a pod that came after the drain began is evicted: once it has been there for as long as the drain lasted
    then. One that comes back each time is evicted ever more seldom."""
    if pod.created_at is None or pod.created_at <= since:
        return None
    return pod.created_at + min(pod.created_at - since, RETURNS_MOST)


def _gangs(pods: Iterable[Pod], *, atomic: bool) -> Iterable[tuple[Pod, ...]]:
    """In the order in which the first pod of each comes."""
    together: dict[str, list[Pod]] = defaultdict(list)
    for pod in pods:
        together[pod.gang if pod.gang and atomic else f"pod {pod.uid}"].append(pod)
    return (tuple(gang) for gang in together.values())


def _refused(gang: Sequence[Pod], budgets: Sequence[Budget]) -> str:
    """A single pod needs no arithmetic: the API server decides."""
    return refusal(gang, budgets) if len(gang) > 1 else ""


def _over(limit: timedelta | None, *, since: datetime, now: datetime) -> bool:
    return limit is not None and now - since >= limit


def _wake(rules: DrainRules, *, since: datetime, now: datetime) -> float | None:
    limits = (limit for limit in (rules.wait_completed_timeout, rules.drain_timeout) if limit is not None)
    left = [(since + limit - now).total_seconds() for limit in limits]
    return min((seconds for seconds in left if seconds > 0), default=None)
