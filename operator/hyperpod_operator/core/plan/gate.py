"""Which of the planned calls wait for an approval.

An approval names the digest of a plan. It opens exactly that plan. Where a plan takes several calls, what is left of it
stays approved: the record keeps a name for each approved change and for each that was sent. The rest of the plan is
proved by it when every change that is due was approved, and every approved change that is not due any more was sent.
So an edit that takes a part away, or a change in AWS, ends the approval just as one that adds to the plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from hyperpod_operator.core.engine.call import Effect, PlannedCall, PlannedChange
from hyperpod_operator.core.plan.digest import Target, digest, items, names

COUNT = "].instanceCount"
"""Ends the path of a group's count."""
REMEMBERED_MOST = 256
"""Changes of an approved plan that status names. A larger plan is approved call by call."""


class ChangePolicy(StrEnum):
    """`spec.management.changePolicy`."""

    AUTO = "Auto"
    APPROVE_DISRUPTIVE = "ApproveDisruptive"
    APPROVE_ALL = "ApproveAll"
    PLAN_ONLY = "PlanOnly"

    def gates(self, call: PlannedCall) -> bool:
        """Whether the call waits for an approval; under PlanOnly it is never sent."""
        if call.exempt:
            return False
        if call.needs_approval:
            return True
        if self is ChangePolicy.AUTO:
            return False
        return self is not ChangePolicy.APPROVE_DISRUPTIVE or call.effect.rank >= Effect.DISRUPTS.rank


STRICTNESS = (ChangePolicy.AUTO, ChangePolicy.APPROVE_DISRUPTIVE, ChangePolicy.APPROVE_ALL, ChangePolicy.PLAN_ONLY)
"""From the loosest to the strictest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What approves a plan: the digest, who set it (empty if unknown), and how: Annotation or Spec."""

    digest: str
    by: str = ""
    via: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """What is on record of the last approval (`status.lastApproval`).

    `changes` are the names of the approved changes and `sent` of those that a call carried; `done` says that the plan
    was carried out or given up. `after` is the digest of the approved plan before it. `counts` are the approved
    scale-ins by path, each from and to how many nodes.
    """

    digest: str
    after: str = ""
    changes: frozenset[str] = frozenset()
    sent: frozenset[str] = frozenset()
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    done: bool = False

    def proves(self, due: frozenset[str]) -> bool:
        """Whether these changes are what is left of the approved plan."""
        return not self.done and bool(self.changes) and due <= self.changes and self.changes - self.sent <= due

    @property
    def next_after(self) -> str:
        """What the digest of another plan follows: an approval of which something was sent is used."""
        return self.digest if self.sent or self.done else self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Every call may be sent. `approval` opened it, None where the policy asks for none."""

    digest: str
    approval: Approval | None = None
    continued: bool = False
    """Whether the calls are what is left of a plan that was approved before."""
    held: frozenset[PlannedCall] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The `held` calls wait for an approval of `digest`, or for another policy where it is PlanOnly."""

    digest: str
    held: frozenset[PlannedCall] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """An approval names another plan: the `held` calls wait for one that names `digest`."""

    digest: str
    given: Approval
    held: frozenset[PlannedCall] = field(default_factory=frozenset)


Gate = Open | Waiting | Stale


def gate(
    *,
    policy: ChangePolicy,
    calls: Sequence[PlannedCall],
    target: Target,
    approvals: Sequence[Approval] = (),
    record: Approved | None = None,
) -> Gate:
    """Whether the calls may be sent. The digest is about those that need an approval, or about all if none does."""
    gated = tuple(call for call in calls if policy.gates(call))
    after = record.next_after if record else ""
    name = digest(calls=gated or calls, target=target, after=after)
    if not gated:
        return Open(digest=name)
    held = frozenset(gated)
    if policy is ChangePolicy.PLAN_ONLY:
        return Waiting(digest=name, held=held)
    if record is not None and record.proves(
        items(calls=as_approved(gated, target=target, record=record), target=target)
    ):
        approval = next((one for one in approvals if one.digest == record.digest), None)
        if approval is not None:
            return Open(digest=record.digest, approval=approval, continued=True)
    approval = next((one for one in approvals if one.digest == name), None)
    if approval is not None:
        return Open(digest=name, approval=approval)
    used = record.digest if record is not None and (record.done or record.sent) else ""
    other = next((one for one in approvals if one.digest != used), None)
    return Stale(digest=name, given=other, held=held) if other else Waiting(digest=name, held=held)


def approve(*, calls: Sequence[PlannedCall], target: Target, opened: Open, record: Approved | None) -> Approved:
    """The record of an approval that opens a plan: `calls` are those of the plan that the policy gates."""
    if opened.continued and record is not None:
        return record
    found = items(calls=calls, target=target)
    return Approved(
        digest=opened.digest,
        after=record.next_after if record else "",
        changes=found if len(found) <= REMEMBERED_MOST else frozenset(),
        counts=scale_ins(calls) if len(found) <= REMEMBERED_MOST else {},
    )


def scale_ins(calls: Sequence[PlannedCall]) -> Mapping[str, tuple[int, int]]:
    """The counts that these calls lower, by path: from and to how many nodes."""
    return {
        change.path: (change.observed, change.wanted)
        for call in calls
        for change in call.changes
        if change.path.endswith(COUNT) and change.effect is Effect.DESTROYS
    }


def as_approved(calls: Sequence[PlannedCall], *, target: Target, record: Approved) -> tuple[PlannedCall, ...]:
    """The calls with the rest of each scale-in that has begun as the whole of it.

    Nodes end by name, as they become idle, so AWS's count falls step by step: what is left of 8 -> 4 is 6 -> 4. It ends
    no node that the approval of 8 -> 4 does not cover. Before the first step another count is another plan.
    """

    def whole(call: PlannedCall, change: PlannedChange) -> PlannedChange:
        before, after = record.counts.get(change.path, (0, 0))
        if change.wanted != after or not after < change.observed < before:
            return change
        found = replace(change, observed=before)
        begun = all(name in record.sent for name in names(replace(call, changes=(found,)), target=target))
        return found if begun else change

    return tuple(replace(call, changes=tuple(whole(call, change) for change in call.changes)) for call in calls)
