"""What a drain does with a pod: the first rule that matches, and what unset members of the block mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from hyperpod_operator.api.common.drain import Drain, DrainRule
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.selectors import all_of, matches, matches_namespace, needs_labels

DRAIN_TIMEOUT = timedelta(hours=1)
"""Unless `drainTimeoutSeconds` says otherwise."""


class Behavior(StrEnum):
    """What happens to a pod."""

    DRAIN = "Drain"
    SKIP = "Skip"
    WAIT_COMPLETED = "WaitCompleted"


class OnTimeout(StrEnum):
    """What happens when `drainTimeoutSeconds` is over."""

    ABORT = "Abort"
    FORCE = "Force"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainRules:
    """A drain block with its defaults filled in. A timeout of None is none."""

    rules: Sequence[DrainRule] = ()
    default: Behavior = Behavior.DRAIN
    gang_atomic: bool = True
    wait_completed_timeout: timedelta | None = None
    drain_timeout: timedelta | None = DRAIN_TIMEOUT
    on_timeout: OnTimeout = OnTimeout.ABORT

    @property
    def needs_namespaces(self) -> bool:
        """Whether labels of namespaces have to be read."""
        return any(needs_labels(rule.namespaceSelector) for rule in self.rules)

    def behavior(self, pod: Pod) -> Behavior | None:
        """By the first rule that matches; None where it cannot be known whether one does."""
        for rule in self.rules:
            chosen = _chooses(rule, pod)
            if chosen is None:
                return None
            if chosen:
                return Behavior(rule.behavior)
        return self.default


def drain_rules(block: Drain | None) -> DrainRules:
    """The rules of a block of a spec; an absent one drains everything within an hour."""
    block = block or Drain()
    return DrainRules(
        rules=tuple(block.rules or ()),
        default=Behavior(block.defaultBehavior or Behavior.DRAIN),
        gang_atomic=block.gangAtomic is not False,
        wait_completed_timeout=_limit(block.waitCompletedTimeoutSeconds),
        drain_timeout=DRAIN_TIMEOUT if block.drainTimeoutSeconds is None else _limit(block.drainTimeoutSeconds),
        on_timeout=OnTimeout(block.onTimeout or OnTimeout.ABORT),
    )


def _chooses(rule: DrainRule, pod: Pod) -> bool | None:
    return all_of(
        [
            matches(rule.podSelector, pod.labels),
            matches_namespace(rule.namespaceSelector, name=pod.namespace, labels=pod.namespace_labels),
        ]
    )


def _limit(seconds: int | None) -> timedelta | None:
    return timedelta(seconds=seconds) if seconds else None
