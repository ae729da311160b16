"""Which nodes a plan ends or restarts, and how many pods run on them: for the person who approves it.

They are no part of the digest: pods come and go, and which nodes a scale-in takes is decided when it is carried out.
What a plan shows is the choice that the operator would make now.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hyperpod_operator.core.engine.call import Effect, PlannedCall, PlannedChange

_GROUP = re.compile(r"\w+\[([^\]]*)\]")
COUNT = "].instanceCount"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """Instance ids of the nodes, and the pods that keep them from being idle; None where that is not known."""

    nodes: tuple[str, ...] = ()
    pods: int | None = None


def groups(steps: Iterable[PlannedCall], *, all_groups: Iterable[str]) -> Mapping[str, int | None]:
    """By group, how many of its nodes end or restart; None for all of them."""
    found: dict[str, int | None] = {}
    for change in (change for step in steps for change in step.changes if change.effect.rank >= Effect.DISRUPTS.rank):
        for name in _names(change, all_groups):
            lowers = change.path.endswith(COUNT) and found.get(name, 0) is not None
            found[name] = change.observed - change.wanted if lowers else None
    return found


def of_call(call: PlannedCall, concerned: Mapping[str, Concerned]) -> Concerned | None:
    """What a call concerns; None for one that ends and restarts nothing, or of which nothing is known."""
    names = groups((call,), all_groups=concerned)
    found = [concerned[name] for name in names if name in concerned]
    if not found:
        return None
    pods = [one.pods for one in found]
    return Concerned(
        nodes=tuple(node for one in found for node in one.nodes),
        pods=None if None in pods else sum(count for count in pods if count is not None),
    )


def _names(change: PlannedChange, all_groups: Iterable[str]) -> tuple[str, ...]:
    """The groups of a change; a change of the cluster itself is about nodes only where it ends the cluster."""
    found = _GROUP.match(change.path)
    if found is not None:
        return (found[1],)
    return tuple(all_groups) if change.effect is Effect.DESTROYS else ()
