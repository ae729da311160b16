"""What a preview says of one resource, and what whoever previews can see."""

from dataclasses import dataclass

from hyperpod_operator.core.engine.call import PlannedCall

BEING_DELETED = "the object is being deleted, and applying the manifest does not stop that"


@dataclass(frozen=True, kw_only=True)
class Preview:
    """`exists`: whether AWS has the cluster, or the volume. `blocked` is why the operator would do nothing of it, empty
    if it would.

    `waiting` are those of the calls that wait for an approval, or for another change policy.

    `notes` are differences that stay as they are, and what delays the calls. `unknown` are questions that whoever
    previews cannot answer: the operator may do more, or less, than `calls`.
    """

    name: str
    cluster_name: str
    region: str
    exists: bool
    calls: tuple[PlannedCall, ...] = ()
    waiting: frozenset[PlannedCall] = frozenset()
    blocked: str = ""
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether something changes, or may."""
        return bool(self.calls or self.unknown)


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What whoever previews can see. `memory`: the API server said what the status of the object holds, or that there
    is no object. `refused` are reads that AWS refused, in words."""

    memory: bool
    refused: tuple[str, ...] = ()
