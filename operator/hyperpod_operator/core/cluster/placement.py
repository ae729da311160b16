"""Does this pass look where the cluster is? If not, nothing that it sees, or does not see, means anything.

Which ARNs bind, and by what:

- `status.clusterArn` and the EKS cluster: partition, Region and account. HyperPod and its EKS cluster share all three.
- roles: partition and account. A role is passed within its own account only (IAM User Guide, "Grant a user permissions
  to pass a role to an AWS service"). IAM has no Regions.
- KMS keys and training plans: partition and Region. A key may belong to another account (KMS Developer Guide, "Allowing
  users in other accounts to use a KMS key").
- S3: nothing. A bucket name has neither Region nor account.
"""

from collections.abc import Iterator, Mapping

from hyperpod_operator.api.names import ABANDON, Reason
from hyperpod_operator.core.cluster.decision import ClusterSnapshot, Decision
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.once import once
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.location import Record, elsewhere, recorded
from hyperpod_operator.core.observed import Json

# [assumption: key-may-be-of-another-account]
REGIONAL = frozenset({"volumeKmsKeyId", "kmsKeyId", "trainingPlanArn"})
"""Members whose ARN may be of another account."""
# [assumption: role-passed-in-own-account]
ROLES = frozenset({"executionRole", "clusterRole"})


# [assumption: cluster-shares-place-with-eks]
def misplaced(snapshot: ClusterSnapshot) -> Decision | None:
    """The cluster, or what it is made of, lies elsewhere: nothing is sent and nothing is released."""
    resource, here = snapshot.resource, snapshot.here
    found = elsewhere(_records(resource), here)
    if found is None:
        return None
    where = found.record.where
    way = (
        "Start the operator with that Region and credentials of that account"
        if where.startswith("status.")
        else f"Correct {where}, or start the operator with that Region and credentials of that account"
    )
    give_up = (
        f" To release the resource without calling AWS, set the annotation {ABANDON}." if resource.deleting else ""
    )
    message = (
        f"{where} is {found.record.text}, and the operator works in {here}: another {found.what}. The operator changes "
        f"and releases nothing, because the state here proves nothing about it. {way}.{give_up}"
    )
    return Wait(reason=Reason.WRONG_ACCOUNT_OR_REGION, message=message, after=SLOW, stalled=True)


def unproved_end(snapshot: ClusterSnapshot) -> Decision | None:
    """No cluster is shown, one is on record, and the account that was asked is not known: it may be another one."""
    recorded = snapshot.resource.status.clusterArn
    if snapshot.observed.cluster or not recorded or not snapshot.here.region or snapshot.here.account:
        return None
    message = (
        f"AWS shows no cluster, and {recorded} is on record. The operator does not know which account it works in, "
        "because STS does not respond to GetCallerIdentity, so the cluster does not count as deleted. Allow the "
        "operator to reach STS (VPC endpoint, proxy). To release the resource without calling AWS, set the "
        f"annotation {ABANDON} and delete this resource."
    )
    return Wait(reason=Reason.AWS_UNREACHABLE, message=message, after=60.0)


@once
def _records(resource: Resource) -> tuple[Record, ...]:
    """An object that is being deleted is bound by its cluster alone."""
    return tuple(_all_records(resource))


def _all_records(resource: Resource) -> Iterator[Record]:
    cluster = resource.status.clusterArn
    yield recorded("status.clusterArn", cluster)
    if resource.deleting and cluster:
        return
    yield recorded("spec.orchestrator.eks.clusterArn", resource.eks_cluster_arn)
    if not resource.deleting:
        yield from _named(resource.stated, path="spec")


def _named(value: Json | Mapping[str, Json], *, path: str) -> Iterator[Record]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(item, dict | list):
                yield from _named(item, path=f"{path}.{name}")
            elif not isinstance(item, str):
                continue
            elif name in ROLES:
                yield recorded(f"{path}.{name}", item, region=False)
            elif name in REGIONAL:
                yield recorded(f"{path}.{name}", item, account=False)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            name = item.get("instanceGroupName", index) if isinstance(item, dict) else index
            yield from _named(item, path=f"{path}[{name}]")
