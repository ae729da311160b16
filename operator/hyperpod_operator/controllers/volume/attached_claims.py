"""Which claims still have volumes on a cluster: nothing can be detached once the cluster is being deleted."""

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
