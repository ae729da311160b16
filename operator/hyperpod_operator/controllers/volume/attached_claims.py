"""Which claims still have volumes on a cluster: nothing can be detached once the cluster is being deleted."""

from collections import defaultdict
from collections.abc import Mapping

from hyperpod_operator.controllers.volume.parse import claim_status
from hyperpod_operator.core.ports import Objects

FREE = frozenset({None, "", "detached"})


async def attached_claims(claims: Objects, *, cluster_arn: str) -> tuple[str, ...]:
    """namespace/name of the claims in scope whose status shows a volume on a node of this cluster."""
    found = []
    for stored in await claims.list():
        attachment = claim_status(stored).attachment
        if attachment is not None and attachment.clusterArn == cluster_arn and attachment.state not in FREE:
            found.append(str(stored.key))
    return tuple(sorted(found))


async def claims_by_instance(claims: Objects, *, cluster_arn: str) -> Mapping[str, tuple[str, ...]]:
    """namespace/name of the claims in scope with a volume on a node of this cluster, by the node's instance id."""
    found: dict[str, list[str]] = defaultdict(list)
    for stored in await claims.list():
        attachment = claim_status(stored).attachment
        if attachment is None or attachment.clusterArn != cluster_arn or attachment.state in FREE:
            continue
        if attachment.instanceId:
            found[attachment.instanceId].append(str(stored.key))
    return {instance: tuple(sorted(names)) for instance, names in found.items()}
