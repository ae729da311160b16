"""How long a refusal stands: one rule for a whole call and for a group of it."""

import zlib

from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.engine.pauses import growing


# [assumption: validation-may-be-state]
def refusal_pause(snapshot: ClusterSnapshot, *, mark: str | None, attempts: int | None) -> float:
    """Seconds for which a refusal of the call `mark` stands.

    It differs by up to a tenth from one object and call to another, so that those that one cause refused together are
    not sent again together; for one object and call it is the same in each pass.
    """
    timings = snapshot.timings
    whole = growing(first=timings.refusal, most=timings.refusal_most, attempts=attempts)
    chance = zlib.crc32(f"{snapshot.resource.uid}{mark or ''}".encode()) / 2**32
    return whole * (0.9 + 0.2 * chance)
