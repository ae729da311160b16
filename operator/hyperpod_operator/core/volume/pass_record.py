"""Everything that one pass saw, decided and did: the input of its report."""

from dataclasses import dataclass

from hyperpod_operator.api.common.preflight import PreflightStatus
from hyperpod_operator.core.engine.decision import LookAgain
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.core.volume.decision import ClaimSnapshot, Conclusion
from hyperpod_operator.core.volume.plan import CloudStep, KubernetesStep, Step
from hyperpod_operator.core.volume.ports import Attachment, Modification, Snapshot, Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The step was taken. `answer` is what AWS said, where the call answers with something."""

    step: Step
    answer: Volume | Modification | Snapshot | Attachment | None = None
    request_id: str = ""
    """AWS's id of the call; empty for a step in Kubernetes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The call failed; `error.kind` and `error.ec2_code` say what may be concluded from that."""

    step: CloudStep
    error: CloudError


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesRejected:
    """The API server did not take the step; `error.status` is its HTTP status, 0 without an answer."""

    step: KubernetesStep
    error: KubernetesError


@dataclass(frozen=True, kw_only=True)
class PassRecord:
    """`decision` is None when the world could not be read or the finalizer not be set (`unread` says why); `result`
    when nothing was called.

    `failures` counts the passes in a row that failed to read, so that one lost packet does not make a healthy
    claim look sick.
    """

    snapshot: ClaimSnapshot
    decision: Conclusion | None = None
    result: Accepted | Rejected | KubernetesRejected | None = None
    unread: CloudError | KubernetesError | None = None
    failures: int = 0
    preflight: PreflightStatus | None = None
    """What the checks of this pass said; None where none ran."""

    @property
    def blind(self) -> bool:
        """Whether the pass did not see the world, or does not believe it yet: what an earlier one recorded stands."""
        return self.unread is not None or not self.snapshot.observed.looked or isinstance(self.decision, LookAgain)
