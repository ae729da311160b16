"""When many nodes turn unhealthy at once, the health agent may be wrong: fence them still, and say so loudly.

The breaker holds nothing back: a sick node that receives pods costs a training run, a healthy one that is fenced
costs patience. It tells people what to look at before HyperPod's automatic recovery replaces half of a cluster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

SHARE = 0.2
AT_LEAST = 5
WINDOW = timedelta(minutes=10)


class Lane(IntEnum):
    """In which order pending changes of Nodes are made: sick nodes first, then the freed, then labels."""

    FENCE = 0
    FREE = 1
    LABEL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """So many of a cluster's nodes turned unhealthy within the window."""

    nodes: int
    of: int

    @property
    def message(self) -> str:
        return (
            f"{self.nodes} of {self.of} nodes turned unhealthy within {WINDOW.seconds // 60} minutes. Nodes do not "
            "break in such numbers by themselves: look at the health monitoring agent (namespace aws-hyperpod), a "
            "driver or AMI update, and the network, before HyperPod replaces them; setting spec.nodeRecovery to None "
            "stops that. New pods are kept off these nodes meanwhile."
        )


def storm(turned: Sequence[datetime], *, nodes: int, now: datetime) -> Storm | None:
    """`turned` is when each unhealthy node turned so; None while that is no more than nodes break by themselves."""
    recent = sum(1 for moment in turned if now - moment <= WINDOW)
    return Storm(nodes=recent, of=nodes) if recent >= max(AT_LEAST, SHARE * nodes) else None
