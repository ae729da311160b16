"""Does this pass look where the claim's volume is: the Region, account and partition that earlier passes recorded.

A wrong value in the installation (Region, credentials) makes everything look gone. Then nothing is made, released or
recorded: another place says nothing about this claim. What binds, and by what:

- what status records, the cluster that clusterRef names and its EKS cluster: partition, Region and account;
- a KMS key: partition and Region. It may belong to another account (KMS Developer Guide, "Allowing users in other
  accounts to use a KMS key");
- a zone: its Region, which its name begins with (EC2 User Guide, "Regions and Zones").

A claim that is being deleted makes no volume: its key and zone do not matter.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

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


def misplaced(claim: Claim, place: Place, *, clusters: Mapping[str, str] | None = None) -> Wait | None:
    """Held with everything, deletion included, while a record of this claim is about another place.

    `clusters` are ARNs of the clusters that clusterRef leads to, by what names them.
    """
    found = next(_elsewhere(claim, place, clusters or {}), None)
    if found is None:
        return None
    here = " ".join(word for word in (place.partition, place.region, place.account) if word)
    message = (
        f"{found}, and the operator works in {here}. Nothing is sent to AWS and nothing is released. Start the "
        "operator with that Region and credentials of that account, or correct that member or the cluster that "
        "clusterRef names; to release the claim without calling AWS, delete it with the annotation "
        f"{ABANDON}={claim.key.name}."
    )
    return Wait(reason=Reason.WRONG_ACCOUNT_OR_REGION, message=message, after=SLOW, stalled=True)


def place_of(arn: str) -> Place:
    """What an ARN says; all empty for something else."""
    parts = arn.split(":")
    if len(parts) < ARN_PARTS or parts[0] != "arn":
        return Place()
    return Place(partition=parts[1], region=parts[3], account=parts[4])


def _elsewhere(claim: Claim, place: Place, clusters: Mapping[str, str]) -> Iterator[str]:
    """Each record of another place, in words."""
    status = claim.status
    arns = {
        "status.volumeArn": status.volumeArn,
        "status.attachment.clusterArn": status.attachment.clusterArn if status.attachment else None,
        "spec.clusterRef.clusterArn": claim.spec.clusterRef.clusterArn,
        **clusters,
    }
    for member, arn in arns.items():
        if arn and _differs(place_of(arn), place):
            yield f"{member} is {arn}"
    if status.region and _differs(Place(region=status.region), place):
        yield f"status.region is {status.region}"
    if not claim.deleting:
        yield from _made_elsewhere(claim, place)


# [assumption: key-may-be-of-another-account]
def _made_elsewhere(claim: Claim, place: Place) -> Iterator[str]:
    """What the volume to be made needs and another Region has."""
    source = claim.spec.source.create
    key, zone = (source.kmsKeyId or "", source.availabilityZone or "") if source is not None else ("", "")
    if _differs(replace(place_of(key), account=""), place):
        yield f"spec.source.create.kmsKeyId is {key}"
    if zone and place.region and not zone.startswith(place.region):
        yield f"spec.source.create.availabilityZone is {zone}"


def _differs(recorded: Place, here: Place) -> bool:
    pairs = (
        (recorded.partition, here.partition),
        (recorded.region, here.region),
        (recorded.account, here.account),
    )
    return any(was and now and was != now for was, now in pairs)
