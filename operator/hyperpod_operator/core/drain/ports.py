"""What a drain needs of the Kubernetes API, as Protocols."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from hyperpod_operator.core.drain.budget import Budget
from hyperpod_operator.core.drain.marks import HeldBy, Marks, Owner
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.rules import DrainRules


class Answer(StrEnum):
    """How the API server answered an eviction."""

    ACCEPTED = "Accepted"
    """The pod is being deleted."""
    GONE = "Gone"
    """There is no such pod any more, or it is another one of its name."""
    BUDGET = "Budget"
    """A PodDisruptionBudget does not allow it now (HTTP 429): it is tried again."""
    DENIED = "Denied"
    """The operator may not evict this pod (HTTP 401 or 403), or an admission policy refuses it."""
    FAILED = "Failed"
    """Another error, or no answer: nobody knows whether the pod is evicted. It is tried again, which is harmless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evicted:
    """The answer about one pod; `message` has the API server's words where it refused, the budget's among them."""

    pod: Pod
    answer: Answer
    message: str = ""

    @property
    def blocked(self) -> bool:
        """Whether a person has to change something before the pod may go: a budget, a policy, or a right."""
        return self.answer in (Answer.BUDGET, Answer.DENIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodsRead:
    """The pods that are bound to the nodes that were asked for, without those that never leave.

    With a `problem` the pods prove nothing: an empty tuple is not an empty node.
    """

    pods: tuple[Pod, ...] = ()
    budgets: tuple[Budget, ...] = ()
    """PodDisruptionBudgets of the namespaces in which several pods of one gang are; none where they cannot be read."""
    problem: str = ""
    """Why the pods are not known, in words that begin a sentence and end without a full stop."""
    denied: bool = False
    """Whether it needs user action: the operator lacks a right. Otherwise the problem passes."""


class PodReader(Protocol):
    """Reads the pods of nodes for as long as they are needed, and holds nothing afterwards. Never raises."""

    async def read(
        self,
        *,
        owner: Owner,
        nodes: frozenset[str],
        on_change: Callable[[], None],
        rules: DrainRules | None = None,
    ) -> PodsRead:
        """The pods of these nodes, from a watch that this call starts or goes on with.

        `on_change` is called when a pod of them came, changed or went, until `release`. A need that is not renewed by a
        further call within 15 minutes ends by itself. With `rules` the pods have what these look at (gangs, labels of
        their namespaces), and the budgets of their gangs are read.
        """
        ...

    async def fresh(self, *, nodes: frozenset[str]) -> PodsRead:
        """The pods of these nodes from the API server itself, without gangs: for the last look before a node ends."""
        ...

    def release(self, *, owner: Owner) -> None:
        """`owner` needs no pods any more. Harmless if it needed none."""
        ...


class Evictor(Protocol):
    """Evicts through the Eviction API, which honors PodDisruptionBudgets."""

    async def evict(self, gang: Sequence[Pod]) -> tuple[Evicted, ...]:
        """Evict the pods of one gang. Never raises.

        Several pods are asked about first (dry run): if one of them is refused, none is evicted, and the answers say
        which one.
        """
        ...


class NodeMarks(Protocol):
    """The taint, the annotation and the lifecycle conditions of single Nodes (`core.drain.marks`).

    Methods raise StaleObject (the Node changed meanwhile: come again) or KubernetesError.
    """

    async def mark(self, *, node: str, marks: Marks) -> HeldBy | None:
        """Make the Node show `marks`; writes nothing that is so already. HeldBy if it is drained for another owner,
        and then nothing is changed. A Node that is gone is no error."""
        ...

    async def unmark(self, *, node: str, owner: Owner) -> None:
        """Take off everything that `mark` put on for this owner, and nothing else."""
        ...
