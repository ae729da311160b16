"""Everything that one pass saw, decided and did: the input of its report."""

from dataclasses import dataclass

from hyperpod_operator.api.common.preflight import PreflightStatus
from hyperpod_operator.core.cluster.decision import ClusterSnapshot, Conclusion
from hyperpod_operator.core.cluster.plan import Action, CreateCluster
from hyperpod_operator.core.engine.decision import LookAgain
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.nodes.batch import BatchAnswer
from hyperpod_operator.core.observed import EksUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """AWS took the call. `arn` is CreateCluster's answer, `nodes` that of a call that names nodes."""

    action: Action
    fingerprint: str
    arn: str = ""
    nodes: BatchAnswer | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The call failed; `error.kind` says what may be concluded from that."""

    action: Action
    fingerprint: str
    error: CloudError
    eks_use: EksUse | None = None
    """Where AWS refused a second HyperPod cluster for an EKS cluster: which one it has."""
    by_words: bool = False
    """AWS called the request invalid, and its words are about a state."""


@dataclass(frozen=True, kw_only=True)
class PassRecord:
    """`decision` is None when the world could not be read (`unread` says why); `result` when nothing was called.

    `failures` counts the passes in a row that failed to read, so that one lost packet does not make a healthy
    cluster look sick. `looked` is false for a pass that ended before it asked AWS: what was known stands.
    """

    snapshot: ClusterSnapshot
    decision: Conclusion | None = None
    result: Accepted | Rejected | None = None
    unread: CloudError | None = None
    failures: int = 0
    looked: bool = True
    preflight: PreflightStatus | None = None
    """What the checks of this pass said; None where none ran."""

    @property
    def blind(self) -> bool:
        """Whether this pass learnt nothing about AWS: it did not look, got no answer, or does not believe it yet."""
        return self.unread is not None or not self.looked or isinstance(self.decision, LookAgain)

    @property
    def creates(self) -> bool:
        """Whether this pass asked AWS for a new cluster: what an earlier one left says nothing about it."""
        return self.result is not None and isinstance(self.result.action, CreateCluster)
