"""Many nodes turn unhealthy at once: the health agent may be wrong. The operator taints them and raises a warning.

It never delays a taint: an unhealthy node that receives pods costs a training run, a tainted healthy node costs
only time. The warning says what to check before automatic recovery replaces half of a cluster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

SHARE = 0.2
AT_LEAST = 5
WINDOW = timedelta(minutes=10)


class Lane(IntEnum):
    """The priority of pending changes to Nodes, highest first."""

    TAINT = 0
    UNTAINT = 1
    LABEL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MassFailure:
    """So many of a cluster's nodes turned unhealthy within the window."""

    nodes: int
    of: int

    @property
    def message(self) -> str:
        return (
            f"{self.nodes} of {self.of} nodes turned unhealthy within {WINDOW.seconds // 60} minutes. This "
            "suggests a common cause: check the health monitoring agent (namespace aws-hyperpod), a driver or AMI "
            "update, and the network, before HyperPod replaces them; set spec.nodeRecovery to None to prevent that. "
            "These nodes get no new pods meanwhile."
        )


def mass_failure(turned: Sequence[datetime], *, nodes: int, now: datetime) -> MassFailure | None:
    """`turned` is when each unhealthy node turned so; None while that is no more than nodes break by themselves."""
    recent = sum(1 for moment in turned if now - moment <= WINDOW)
    return MassFailure(nodes=recent, of=nodes) if recent >= max(AT_LEAST, SHARE * nodes) else None
