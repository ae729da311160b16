"""Does this pass look where the claim's volume is: the Region, account and partition that earlier passes recorded.

A wrong value in the installation (Region, credentials) makes everything look gone. Then nothing is made, released or
recorded: another place says nothing about this claim.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hyperpod_operator.api.names import ABANDON, Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.volume.claim import Claim

ARN_PARTS = 6
"""arn:partition:service:region:account:resource"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where AWS is asked; an empty member is not known."""

    partition: str = ""
    region: str = ""
    account: str = ""


def misplaced(claim: Claim, place: Place) -> Wait | None:
    """Held with everything, deletion included, while a record of this claim is about another place."""
    found = next(_elsewhere(claim, place), None)
    if found is None:
        return None
    here = " ".join(word for word in (place.partition, place.region, place.account) if word)
    message = (
        f"{found}, and the operator works in {here}. Nothing is sent to AWS and nothing is released. Start the "
        "operator with that Region and credentials of that account, or correct the cluster that clusterRef names; "
        f"to release the claim without calling AWS, delete it with the annotation {ABANDON}={claim.key.name}."
    )
    return Wait(reason=Reason.WRONG_ACCOUNT_OR_REGION, message=message, after=SLOW, stalled=True)


def place_of(arn: str) -> Place:
    """What an ARN says; all empty for something else."""
    parts = arn.split(":")
    if len(parts) < ARN_PARTS or parts[0] != "arn":
        return Place()
    return Place(partition=parts[1], region=parts[3], account=parts[4])


def _elsewhere(claim: Claim, place: Place) -> Iterator[str]:
    """Each record of another place, in words."""
    status = claim.status
    arns = (
        ("status.volumeArn", status.volumeArn),
        ("status.attachment.clusterArn", status.attachment.clusterArn if status.attachment else None),
        ("spec.clusterRef.clusterArn", claim.spec.clusterRef.clusterArn),
    )
    for member, arn in arns:
        if arn and _differs(place_of(arn), place):
            yield f"{member} is {arn}"
    if status.region and _differs(Place(region=status.region), place):
        yield f"status.region is {status.region}"


def _differs(recorded: Place, here: Place) -> bool:
    pairs = (
        (recorded.partition, here.partition),
        (recorded.region, here.region),
        (recorded.account, here.account),
    )
    return any(was and now and was != now for was, now in pairs)
