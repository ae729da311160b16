"""What a concern finds, and how the findings of a pass become one decision.

A concern is one independent question about the snapshot (ownership, pause, updates, tags, node health). The list of
concerns of a kind is ordered: an earlier concern may keep later ones from acting, and never hides what they say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.core.engine.conditions import Draft

SnapshotT = TypeVar("SnapshotT")
ActionT = TypeVar("ActionT")


class Blocks(StrEnum):
    """What a finding keeps from happening in the same pass."""

    NOTHING = "Nothing"
    ACTIONS = "Actions"
    """Later concerns are judged and reported; their actions wait."""
    EVERYTHING = "Everything"
    """Later concerns are not judged: without this one answered, nothing can be said about them."""


@dataclass(frozen=True, kw_only=True)
class Finding(Generic[ActionT]):
    """At most one action, the conditions that the concern owns, and when to look again, in seconds."""

    action: ActionT | None = None
    conditions: tuple[Draft, ...] = ()
    wake_after: float | None = None
    blocks: Blocks = Blocks.NOTHING


@dataclass(frozen=True, kw_only=True)
class Concern(Generic[SnapshotT, ActionT]):
    """`owns` are the condition types that this concern alone may set; None from `judge`: nothing to say."""

    name: str
    owns: frozenset[ConditionType]
    judge: Callable[[SnapshotT], Finding[ActionT] | None]


@dataclass(frozen=True, kw_only=True)
class Decision(Generic[ActionT]):
    """`acting` is the name of the concern whose action is taken, empty without one.

    `judged` are the concerns that were asked, in their order.
    """

    action: ActionT | None
    acting: str
    conditions: tuple[Draft, ...]
    wake_after: float | None
    judged: tuple[str, ...]


def judge(concerns: Sequence[Concern[SnapshotT, ActionT]], snapshot: SnapshotT) -> Decision[ActionT]:
    """Ask every concern in order, until one blocks everything, and merge what they find."""
    found: list[tuple[Concern[SnapshotT, ActionT], Finding[ActionT] | None]] = []
    for concern in concerns:
        finding = concern.judge(snapshot)
        found.append((concern, finding))
        if finding is not None and finding.blocks is Blocks.EVERYTHING:
            break
    return merge(found)


def merge(
    found: Sequence[tuple[Concern[SnapshotT, ActionT], Finding[ActionT] | None]],
) -> Decision[ActionT]:
    """The first action that no earlier finding blocks, the earliest wake-up, and all conditions.

    Raises ValueError where a concern sets a condition that it does not own: two of them would overwrite each other.
    """
    action, acting, blocked = None, "", False
    conditions: list[Draft] = []
    for concern, finding in found:
        if finding is None:
            continue
        foreign = {draft[0] for draft in finding.conditions} - concern.owns
        if foreign:
            raise ValueError(f"concern {concern.name} sets conditions that it does not own: {sorted(foreign)}")
        conditions += finding.conditions
        if finding.action is not None and action is None and not blocked:
            action, acting = finding.action, concern.name
        blocked = blocked or finding.blocks is not Blocks.NOTHING
    wakes = [one.wake_after for _, one in found if one is not None and one.wake_after is not None]
    return Decision(
        action=action,
        acting=acting,
        conditions=tuple(conditions),
        wake_after=min(wakes, default=None),
        judged=tuple(concern.name for concern, _ in found),
    )
