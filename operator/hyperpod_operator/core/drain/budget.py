"""Whether PodDisruptionBudgets let all pods of a gang go at once.

The Eviction API takes one pod at a time. Asked pod by pod, a budget that allows two disruptions would let two of four
pods go and then refuse: the job is broken, and the node is not empty. So before the first eviction of a gang, its
budgets are compared with its size. The API server still has the last word on each pod.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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


def by_namespace(budgets: Sequence[Budget]) -> Mapping[str, Sequence[Budget]]:
    """Budgets by their namespace, without namespaces that have too many."""
    found: dict[str, list[Budget]] = defaultdict(list)
    for budget in budgets:
        if budget.selector is not None:
            found[budget.namespace].append(budget)
    return {namespace: several for namespace, several in found.items() if len(several) <= MOST}


def refusal(gang: Sequence[Pod], budgets: Mapping[str, Sequence[Budget]]) -> str:
    """Which budget does not let all of these pods go at once; empty if none is known to."""
    for budget in budgets.get(gang[0].namespace, ()):
        chosen = sum(1 for pod in gang if matches(budget.selector, pod.labels))
        if chosen > budget.allowed:
            return (
                f"PodDisruptionBudget {budget.namespace}/{budget.name} allows {budget.allowed} disruptions now, and "
                f"{counted(chosen, 'pod')} of {gang[0].gang} have to leave together"
            )
    return ""
