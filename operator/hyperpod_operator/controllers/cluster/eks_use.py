"""Which HyperPod cluster an EKS cluster has: looked for when AWS refuses a second one."""

from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.location import eks_cluster_of
from hyperpod_operator.core.observed import EksUse
from hyperpod_operator.core.ports import Clusters

MOST = 50
"""Clusters that one look describes; ListClusters does not show EKS clusters."""


# [assumption: one-cluster-for-one-eks]
async def used_by(*, clusters: Clusters, eks_cluster_arn: str) -> EksUse:
    """Never raises CloudError: the refusal stands whether its cause can be read or not.

    Clusters that are going are described first. One that stays counts for more: only it needs a person.
    """
    going = EksUse()
    try:
        listed = sorted(await clusters.listed(), key=lambda one: one.status != "Deleting")
        for one in listed[:MOST]:
            cluster = await clusters.describe(name=one.name)
            if cluster is None or eks_cluster_of(cluster.members) != eks_cluster_arn:
                continue
            use = EksUse(name=cluster.name, status=cluster.status)
            if not use.going:
                return use
            going = going if going.name else use
    except CloudError as error:
        return EksUse(unread=f"{error.operation}: {error.code}")
    return going if going.name else EksUse(unlooked=max(0, len(listed) - MOST))
