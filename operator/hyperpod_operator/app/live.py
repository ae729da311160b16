"""What AWS shows of the cluster of a manifest, with the caller's own credentials."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from hyperpod_operator.app.remedies import words
from hyperpod_operator.core.cluster.changes import Changes
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.location import Location
from hyperpod_operator.core.observed import Observed, ObservedCluster
from hyperpod_operator.core.ports import Clusters


def at_first(resource: Resource, *, here: Location, now: datetime) -> ClusterSnapshot:
    """The snapshot before AWS was asked."""
    return ClusterSnapshot(
        resource=resource,
        observed=Observed(cluster=None),
        changes=Changes(),
        ownership=Ownership.UNREAD,
        now=now,
        allowed_regions=frozenset({resource.spec.region or ""} - {""}),
        here=here,
    )


async def look(clusters: Clusters, resource: Resource) -> tuple[Observed, Sequence[str]]:
    """What AWS shows, and the reads that it refused. Raises CloudError if the cluster itself cannot be read."""
    cluster = await clusters.describe(name=resource.cluster_name)
    observed, refused = Observed(cluster=cluster), list[str]()
    if cluster is None:
        return observed, refused
    try:
        observed = replace(observed, tags=await clusters.tags(arn=cluster.arn))
    except CloudError as error:
        if error.kind is not ErrorKind.DENIED:
            raise
        refused.append(f"who owns the cluster, and which of its tags differ: {words(error).rstrip('.')}")
    if _counts_moved(resource, cluster):
        try:
            observed = replace(observed, nodes=await clusters.nodes(name=cluster.arn))
            events = await clusters.events(name=cluster.arn, enough=lambda _: True) if cluster.continuous else ()
            observed = replace(observed, events=events)
        except CloudError as error:
            if error.kind is not ErrorKind.DENIED:
                raise
            refused.append(f"why counts differ (nodes may have been moved or deleted by name): {words(error)}")
    return observed, refused


def _counts_moved(resource: Resource, cluster: ObservedCluster) -> bool:
    """Whether a count that was applied differs now: moved and deleted nodes may explain it."""
    return any(
        (record := resource.recorded_groups.get(group.name)) is not None
        and record.remembered.appliedInstanceCount not in {None, group.target_count}
        for group in cluster.groups
    )
