"""What is counted about claims, as a Protocol."""

from typing import Protocol

from hyperpod_operator.core.ports import Key


class VolumeMetrics(Protocol):
    """Never raises."""

    def claim_state(self, *, key: Key, phase: str, ready: bool, modifications_left: int) -> None:
        """What a claim says of itself after a pass."""
        ...

    def claim_gone(self, *, key: Key) -> None: ...

    def volume_step(self, *, operation: str, code: str) -> None:
        """A step ended; `code` is OK or the error code, EC2's own where there is one."""
        ...

    def volume_attached(self, *, seconds: float, moved: bool) -> None:
        """A volume was seen attached, so long after that was asked for; `moved`: it was on another node before."""
        ...

    def volume_followed(self, *, seconds: float) -> None:
        """A volume was seen attached to another node, so long after AWS said that its own is gone."""
        ...

    def volumes_orphaned(self, *, region: str, count: int) -> None:
        """How many volumes in this region carry the tag of a claim that does not exist any more."""
        ...

    def volume_detached(self, *, seconds: float) -> None:
        """A volume was seen free, so long after the detach was wanted."""
        ...
