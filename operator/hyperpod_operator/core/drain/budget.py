"""Whether PodDisruptionBudgets let all pods of a gang go at once.

The Eviction API takes one pod at a time. Asked pod by pod, a budget that allows two disruptions would let two of four
pods go and then refuse: the job is broken, and the node is not empty. So before the first eviction of a gang, its
budgets are compared with its size. Gangs and single pods that leave in the same step share what a budget allows: each
takes its part, and what is left counts for the next. The API server still has the last word on each pod.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hyperpod_operator.api.common.drain import LabelSelector
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.selectors import matches
from hyperpod_operator.core.text import counted

MOST = 50
"""Budgets of a namespace that are looked at; a tenant with more of them leaves it to the API server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One PodDisruptionBudget; `selector` None selects no pod (policy/v1: null selects none, empty selects all)."""

    namespace: str
    name: str
    selector: LabelSelector | None = field(hash=False)
    allowed: int
    """`status.disruptionsAllowed`."""
    spares_unready: bool = False
    """Whether pods that are not Ready leave without taking anything of it: as many as it asks for are healthy, or its
    `unhealthyPodEvictionPolicy` is AlwaysAllow."""
    taken: int = 0
    """How many of them are for pods that leave in the same pass."""

    @property
    def left(self) -> int:
        return max(0, self.allowed - self.taken)


def by_namespace(budgets: Sequence[Budget]) -> Mapping[str, Sequence[Budget]]:
    """Budgets by their namespace, without namespaces that have too many."""
    found: dict[str, list[Budget]] = defaultdict(list)
    for budget in budgets:
        if budget.selector is not None:
            found[budget.namespace].append(budget)
    return {namespace: several for namespace, several in found.items() if len(several) <= MOST}


def refusal(gang: Sequence[Pod], budgets: Iterable[Budget]) -> str:
    """Which budget of its namespace does not let all of these pods go at once; empty if none is known to."""
    for budget in budgets:
        chosen = _chosen(gang, budget)
        if chosen > budget.left:
            enough = chosen <= budget.allowed
            taken = f" ({budget.taken} of them for pods that leave first)" if enough else ""
            return (
                f"PodDisruptionBudget {budget.namespace}/{budget.name} allows {budget.allowed} disruptions now{taken}, "
                f"and {counted(chosen, 'pod')} of {gang[0].gang} have to leave together"
            )
    return ""


def less(budgets: Iterable[Budget], gang: Sequence[Pod]) -> tuple[Budget, ...]:
    """The budgets of a namespace once these pods leave. A pod that a budget would refuse takes nothing of it."""
    return tuple(
        replace(budget, taken=budget.taken + chosen)
        if budget.left and (chosen := min(_chosen(gang, budget), budget.left))
        else budget
        for budget in budgets
    )


def _chosen(gang: Sequence[Pod], budget: Budget) -> int:
    """The pods that take something of the budget. The API server evicts one that is pending without asking any, and one
    that is not Ready by the budget's own policy (kubernetes.io, "Specifying a Disruption Budget for your Application",
    Unhealthy Pod Eviction Policy): the pods of a job that hangs on a broken node do not keep it."""
    return sum(
        1
        for pod in gang
        if not pod.is_pending and (pod.is_ready or not budget.spares_unready) and matches(budget.selector, pod.labels)
    )
