"""What differs between spec and AWS, as decisions and messages read it."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

from hyperpod_operator.api.cluster.memory import CountOffset
from hyperpod_operator.core.cluster.compare import Change
from hyperpod_operator.core.observed import EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The gaps. All empty means that AWS holds what the spec asks for."""

    cluster: tuple[Change, ...] = ()
    groups_changed: tuple[Change, ...] = ()
    groups_added: tuple[str, ...] = ()
    groups_removed: tuple[str, ...] = ()
    software: tuple[tuple[str, Change], ...] = ()
    """Group name and its image or release version that differs."""
    tags_set: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    tags_removed: tuple[str, ...] = ()
    fixed: tuple[Change, ...] = ()
    """Differences that no call can close on a living cluster or group."""
    protected_groups: tuple[str, ...] = ()
    """Groups that the operator created, that the spec names no more, and that are protected from deletion."""
    unknown_groups: tuple[str, ...] = ()
    """Groups that AWS has, the spec does not, and that are not provably the operator's: left alone."""
    scaled_outside: tuple[Change, ...] = ()
    """Groups that somebody else scaled out: scaling in would end nodes that the operator did not start."""
    offsets: Mapping[str, CountOffset] = field(default_factory=lambda: EMPTY)
    """By group: what moved or deleted nodes changed of the spec's count (see `offsets`)."""
    scaling_in: tuple[Change, ...] = ()
    """Counts to lower that wait until the nodes that go are deleted by name (see `departures`)."""
    minimum_above_count: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """Groups whose count's owner asked for fewer instances than the spec's minimum, and what that means, in words."""

    @property
    def needs_update(self) -> bool:
        return bool(self.cluster or self.groups_changed or self.groups_added or self.groups_removed)

    @property
    def needs_tags(self) -> bool:
        return bool(self.tags_set or self.tags_removed)

    @property
    def none(self) -> bool:
        """Whether nothing is left that the operator would change."""
        return not (self.needs_update or self.software or self.needs_tags or self.fixed or self.scaling_in)

    def only(self, names: Set[str]) -> "Changes":
        """The changes that one UpdateCluster makes to these groups; the empty name is the cluster itself."""
        return replace(
            self,
            fixed=(),
            software=(),
            tags_set=EMPTY,
            tags_removed=(),
            cluster=self.cluster if "" in names else (),
            groups_changed=tuple(change for change in self.groups_changed if group_of(change) in names),
            groups_added=tuple(name for name in self.groups_added if name in names),
            groups_removed=tuple(name for name in self.groups_removed if name in names),
        )

    def lines(self) -> tuple[str, ...]:
        """The changes that would be made, one line each, for messages."""
        return (
            *(str(change) for change in (*self.fixed, *self.cluster, *self.groups_changed, *self.scaling_in)),
            *(f"add group {name}" for name in self.groups_added),
            *(f"delete group {name}" for name in self.groups_removed),
            *(str(change) for _, change in self.software),
            *(f"tag {key}={value}" for key, value in self.tags_set.items()),
            *(f"untag {key}" for key in self.tags_removed),
        )


def group_of(change: Change) -> str:
    """Name of the group that a change of a group is about."""
    found = re.match(r"\w+\[([^\]]*)\]", change.path)
    return found[1] if found else ""
