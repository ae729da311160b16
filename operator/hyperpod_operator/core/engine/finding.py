"""What a concern finds, and how the findings of a pass become one decision.

A concern is one independent question about the snapshot (ownership, pause, updates, tags, node health). The list of
concerns of a kind is ordered: an earlier concern may keep later ones from acting, and never hides what they say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar

from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.core.engine.conditions import Said, type_of
from hyperpod_operator.core.engine.decision import Wait

SnapshotT = TypeVar("SnapshotT")
ActionT = TypeVar("ActionT")
ActionT_co = TypeVar("ActionT_co", covariant=True)


class Blocks(StrEnum):
    """What a finding keeps from happening in the same pass."""

    NOTHING = "Nothing"
    ACTIONS = "Actions"
    """Later concerns are judged and reported; their actions wait."""
    EVERYTHING = "Everything"
    """Later concerns are not judged: without this one answered, nothing can be said about them."""


@dataclass(frozen=True, kw_only=True)
class Finding(Generic[ActionT_co]):
    """At most one action, why the object is not yet what its spec asks for, the conditions that the concern owns, and
    when to look again, in seconds."""

    action: ActionT_co | None = None
    wait: Wait | None = None
    conditions: tuple[Said, ...] = ()
    wake_after: float | None = None
    blocks: Blocks = Blocks.NOTHING


def describes(said: Said | None) -> Finding[Any]:
    """The finding of a concern that only says how things are."""
    return Finding(conditions=() if said is None else (said,))


@dataclass(frozen=True, kw_only=True)
class Concern(Generic[SnapshotT, ActionT_co]):
    """`owns` are the condition types that this concern alone may set; None from `judge`: nothing to say."""

    name: str
    judge: Callable[[SnapshotT], Finding[ActionT_co] | None]
    owns: frozenset[ConditionType] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Chain(Generic[SnapshotT, ActionT_co]):
    """The judge of a concern that is an ordered list of small policies: the first that answers is what it finds.

    `blocks` is what an answer blocks; a wait for a call to settle blocks actions in any case.
    """

    policies: tuple[Callable[[SnapshotT], ActionT_co | Wait | None], ...]
    blocks: Blocks = Blocks.NOTHING

    def __call__(self, snapshot: SnapshotT) -> Finding[ActionT_co] | None:
        for policy in self.policies:
            answer = policy(snapshot)
            if isinstance(answer, Wait):
                blocks = Blocks.ACTIONS if answer.settling and self.blocks is Blocks.NOTHING else self.blocks
                return Finding(wait=answer, wake_after=answer.after, blocks=blocks)
            if answer is not None:
                return Finding(action=answer, blocks=self.blocks)
        return None


@dataclass(frozen=True, kw_only=True)
class Decision(Generic[ActionT_co]):
    """`acting` is the name of the concern whose action is taken, empty without one.

    `waits` are the waits of all concerns by name, and `judged` the concerns that were asked, both in their order.
    `follows`: another concern has an action that nothing blocks and that does not yield; a later pass takes it.
    `user_first`: a concern that needs a user's action speaks before one that comes earlier and waits.
    """

    action: ActionT_co | None
    acting: str
    waits: tuple[tuple[str, Wait], ...]
    conditions: tuple[Said, ...]
    wake_after: float | None
    judged: tuple[str, ...]
    follows: bool = False
    user_first: bool = False

    @property
    def wait(self) -> Wait | None:
        """What is waited for, by the first concern that waits; what else needs a user's action is said with it."""
        if not self.waits:
            return None
        waits = [wait for _, wait in self.waits]
        urgent = (wait for wait in waits if wait.stalled and self.user_first)
        first = next(urgent, waits[0])
        also = dict.fromkeys(
            f" Also ({other.reason}): {other.message}"
            for other in waits
            if other.stalled and other is not first and other.message != first.message
        )
        after = first.after if self.wake_after is None else min(first.after, self.wake_after)
        return replace(first, message=first.message + "".join(also), after=after)


def judge(
    concerns: Sequence[Concern[SnapshotT, ActionT]],
    snapshot: SnapshotT,
    *,
    yields: Callable[[ActionT], int] = lambda _: False,
    user_first: bool = False,
) -> Decision[ActionT]:
    """Ask every concern in order, until one blocks everything, and merge what they find.

    `yields` names actions that are taken only where no other one is due, for example a call that AWS rejected lately;
    of several, the one with the least number.
    `user_first` is for a kind without a phase: nobody reads on behind a reason that says to wait.
    """
    found: list[tuple[Concern[SnapshotT, ActionT], Finding[ActionT] | None]] = []
    for concern in concerns:
        finding = concern.judge(snapshot)
        found.append((concern, finding))
        if finding is not None and finding.blocks is Blocks.EVERYTHING:
            break
    return replace(merge(found, yields=yields), user_first=user_first)


def merge(
    found: Sequence[tuple[Concern[SnapshotT, ActionT], Finding[ActionT] | None]],
    *,
    yields: Callable[[ActionT], int] = lambda _: False,
) -> Decision[ActionT]:
    """The first action that no earlier finding blocks, the earliest wake-up, all waits and all conditions.

    Raises ValueError where a concern sets a condition that it does not own: two of them would overwrite each other.
    """
    due: list[tuple[str, ActionT]] = []
    waits: list[tuple[str, Wait]] = []
    conditions: list[Said] = []
    blocked = False
    for concern, finding in found:
        if finding is None:
            continue
        foreign = {type_of(one) for one in finding.conditions} - concern.owns
        if foreign:
            raise ValueError(f"concern {concern.name} sets conditions that it does not own: {sorted(foreign)}")
        conditions += finding.conditions
        if finding.wait is not None:
            waits.append((concern.name, finding.wait))
        if finding.action is not None and not blocked:
            due.append((concern.name, finding.action))
        blocked = blocked or finding.blocks is not Blocks.NOTHING
    wakes = [one.wake_after for _, one in found if one is not None and one.wake_after is not None]
    eager = [one for one in due if not yields(one[1])]
    acting, action = next(iter([*eager, *sorted(due, key=lambda one: yields(one[1]))]), ("", None))
    return Decision(
        action=action,
        acting=acting,
        waits=tuple(waits),
        conditions=tuple(conditions),
        wake_after=min(wakes, default=None),
        judged=tuple(concern.name for concern, _ in found),
        follows=any(name != acting for name, _ in eager),
    )
