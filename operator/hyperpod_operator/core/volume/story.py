"""Everything that one pass saw, decided and did: the input of its report."""

from dataclasses import dataclass

from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.volume.plan import CloudStep, Step
from hyperpod_operator.core.volume.ports import Attachment, Modification, Snapshot, Volume
from hyperpod_operator.core.volume.verdict import Situation, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The step was taken. `answer` is what AWS said, where the call answers with something."""

    step: Step
    answer: Volume | Modification | Snapshot | Attachment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The call failed; `error.kind` and `error.ec2_code` say what may be concluded from that."""

    step: CloudStep
    error: CloudError


@dataclass(frozen=True, kw_only=True)
class Story:
    """`verdict` is None when the world could not be read (`unread` says why); `result` when nothing was called.

    `failures` counts the passes in a row that failed to read, so that one lost packet does not make a healthy
    claim look sick.
    """

    situation: Situation
    verdict: Verdict | None = None
    result: Accepted | Refused | None = None
    unread: CloudError | None = None
    failures: int = 0
