"""One open question about AWS: which option of the simulator it settles, and how its answer is read off a record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hyperpod_testbed.conformance.record import Call, Record

REFUSALS = frozenset({"ValidationException", "ConflictException"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`option` is the switch, or `option.entry` for one that is a mapping; `asks` the question in words; `answer` reads
    it off a record. Not `settable`: the simulator has one answer, and `option` is only a name."""

    option: str
    asks: str
    answer: Callable[[Record], Any]
    settable: bool = True
    grain: float | None = None
    """Set where the question is about a duration: `option` is a member of `Timings` then, or a sum of members as
    `a+b`, and this is how many seconds lie between two looks of the script."""


def lag(asked: str, visible: str) -> Callable[[Record], float | None]:
    """The longest time from a call of `asked` until a read of `visible` showed it, in whole seconds."""

    def answer(record: Record) -> float | None:
        waits: list[float] = []
        since: float | None = None
        for call in record.calls:
            if call.step == asked and call.ok:
                since = call.at
                waits.append(0.0)
            elif call.step == visible and since is not None:
                waits[-1] = call.at - since
        return float(round(max(waits))) if waits else None

    return answer


def group_of(call: Call | None, name: str) -> dict[str, Any] | None:
    """The instance group of this name in an answer of DescribeCluster."""
    groups = (call.get("InstanceGroups") if call and call.ok else None) or []
    return next((one for one in groups if one.get("InstanceGroupName") == name), None)


def nodes_in(calls: Sequence[Call]) -> list[dict[str, Any]]:
    """All nodes that these calls of ListClusterNodes listed."""
    return [node for call in calls for node in call.get("ClusterNodeSummaries") or []]
