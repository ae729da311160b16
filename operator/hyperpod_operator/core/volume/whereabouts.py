"""Does this pass look where the claim's volume is: the Region, account and partition that earlier passes recorded.

A wrong value in the installation (Region, credentials) makes everything look gone. Then nothing is made, released or
recorded: another place says nothing about this claim. What binds, and by what:

- what status records, the cluster that clusterRef names and its EKS cluster: partition, Region and account;
- a KMS key: partition and Region. It may belong to another account (KMS Developer Guide, "Allowing users in other
  accounts to use a KMS key");
- a zone: its Region, which its name begins with (EC2 User Guide, "Regions and Zones").

A claim that is being deleted makes no volume: its key and zone do not matter.
"""

from collections.abc import Iterator

from hyperpod_operator.api.names import ABANDON, Reason
from hyperpod_operator.core.engine.decision import LookAgain, Wait
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.location import NOWHERE, Location, Record, elsewhere, recorded
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.decision import ClaimSnapshot, Decision


def misplaced(claim: Claim, here: Location, *, clusters: tuple[Record, ...] = ()) -> Wait | None:
    """Held with everything, deletion included, while a record of this claim is about another place.

    `clusters` is what the object that clusterRef names says of its cluster.
    """
    found = elsewhere(_records(claim, here, clusters), here)
    if found is None:
        return None
    message = (
        f"{found.record.where} is {found.record.text}, and the operator works in {here}: another {found.what}. Nothing "
        "is sent to AWS and nothing is released. Start the operator with that Region and credentials of that account, "
        "or correct that member or the cluster that clusterRef names; to release the claim without calling AWS, delete "
        f"it with the annotation {ABANDON}={claim.key.name}."
    )
    return Wait(reason=Reason.WRONG_ACCOUNT_OR_REGION, message=message, after=SLOW, stalled=True)


def unproved_absence(snapshot: ClaimSnapshot) -> Decision | None:
    """EC2 shows no volume, one is on record, and the account that was asked is not known: it may be another one."""
    claim, here = snapshot.claim, snapshot.here
    known = claim.status.volumeArn or claim.status.volumeId or (claim.requested and claim.status.remembered.creation)
    if snapshot.volume is not None or not known or not here.region or here.account:
        return None
    what = claim.status.volumeArn or claim.status.volumeId or "the request for a volume"
    message = (
        f"AWS shows no volume, and {what} is on record. The operator does not know which account it works in, because "
        "STS does not respond to GetCallerIdentity, so the volume does not count as deleted. Allow the operator to "
        "reach STS (VPC endpoint, proxy). To release the claim without calling AWS, delete it with the annotation "
        f"{ABANDON}={claim.key.name}."
    )
    if claim.deleting:
        return Wait(reason=Reason.AWS_UNREACHABLE, message=message, after=60.0)
    return LookAgain(reason=Reason.AWS_UNREACHABLE, message=message, after=60.0)


# [assumption: key-may-be-of-another-account]
def _records(claim: Claim, here: Location, clusters: tuple[Record, ...]) -> Iterator[Record]:
    status, source = claim.status, claim.spec.source.create
    yield recorded("status.volumeArn", status.volumeArn)
    yield recorded("status.attachment.clusterArn", status.attachment.clusterArn if status.attachment else None)
    yield recorded("spec.clusterRef.clusterArn", claim.spec.clusterRef.clusterArn)
    yield from clusters
    yield Record(where="status.region", text=status.region or "", binds=Location(region=status.region or ""))
    if claim.deleting or source is None:
        return
    yield recorded("spec.source.create.kmsKeyId", source.kmsKeyId, account=False)
    if zone := source.availabilityZone:
        # A zone's name begins with its Region: another one is named by the zone as a whole.
        binds = NOWHERE if zone.startswith(here.region) else Location(region=zone)
        yield Record(where="spec.source.create.availabilityZone", text=zone, binds=binds)
