"""Read from AWS what one pass needs, and no more: the only reader of a pass.

A settled cluster costs one DescribeCluster per pass. Tags, nodes and events are read when a decision or a
report hangs on them, and on a slow full sync that is spread over the hour by the object's name, so that a restart
does not read everything at once.
"""

import logging
import zlib
from collections.abc import Callable
from dataclasses import replace

from hyperpod_operator.controllers.cluster.causes import Causes
from hyperpod_operator.core.cluster.causes import far_enough, short_groups
from hyperpod_operator.core.cluster.diagnose import AT_REST
from hyperpod_operator.core.cluster.existing import change_began
from hyperpod_operator.core.cluster.guards import taken_off
from hyperpod_operator.core.cluster.offsets import evidence_decides
from hyperpod_operator.core.cluster.ownership import Ownership, ownership
from hyperpod_operator.core.cluster.report import PATIENCE
from hyperpod_operator.core.cluster.resource import Resource, with_autoscaler
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.observed import Observed, ObservedCluster
from hyperpod_operator.core.ports import Clusters, Key

logger = logging.getLogger(__name__)


class FullSyncs:
    """When each object's tags and nodes are due for another look. RAM only: losing it costs one look each."""

    def __init__(self, *, period: float, monotonic: Callable[[], float]) -> None:
        self._period = period
        self._monotonic = monotonic
        self._due: dict[Key, float] = {}

    def due(self, key: Key) -> bool:
        """Whether the full sync is due; the first one comes at a moment of the period that the name decides."""
        now = self._monotonic()
        if key not in self._due:
            share = zlib.crc32(str(key).encode()) / 2**32
            self._due[key] = now + share * self._period
        return now >= self._due[key]

    def done(self, key: Key) -> None:
        self._due[key] = self._monotonic() + self._period

    def forget(self, key: Key) -> None:
        self._due.pop(key, None)


class Proofs:
    """Which cluster's tags named each object when this process last read them.

    What status records is not enough to act on the cluster's Nodes: whoever writes a status could name another's
    cluster. RAM only: losing it costs one look at the tags of each cluster.
    """

    def __init__(self) -> None:
        self._proved: dict[Key, tuple[str, str]] = {}

    def __len__(self) -> int:
        return len(self._proved)

    def holds(self, resource: Resource, cluster: ObservedCluster) -> bool:
        return self._proved.get(resource.key) == (resource.uid, cluster.arn)

    def learn(self, resource: Resource, observed: Observed) -> None:
        """Take in what a pass saw; one that read no tags changes nothing."""
        if observed.cluster is None or observed.tags is None:
            return
        self._proved.pop(resource.key, None)
        if ownership(resource=resource, observed=observed) is Ownership.OURS:
            self._proved[resource.key] = (resource.uid, observed.cluster.arn)

    def forget(self, key: Key) -> None:
        self._proved.pop(key, None)


async def observe(
    *,
    clusters: Clusters,
    resource: Resource,
    causes: Causes,
    proofs: Proofs,
    full_sync: bool,
    list_nodes: bool = False,
    failures: int = 0,
) -> Observed:
    """Describe first; the rest follows from it. Raises CloudError.

    `list_nodes`: a decision about a Node needs what SageMaker says about single instances. `failures` counts the passes
    in a row that failed.
    """
    cluster = await clusters.describe(name=resource.cluster_name)
    if cluster is None:
        return Observed(cluster=None)
    resource, observed = with_autoscaler(resource, cluster=cluster), Observed(cluster=cluster)
    if full_sync or not proofs.holds(resource, cluster) or _tags_decide(resource, observed):
        observed = await _tags_if_known(clusters=clusters, observed=observed)
    if ownership(resource=resource, observed=observed) not in {Ownership.OURS, Ownership.RECORDED}:
        return observed
    try:
        if full_sync or list_nodes or resource.status.remembered.missing or _nodes_tell(resource, cluster):
            observed = replace(observed, nodes=await clusters.nodes(name=cluster.arn))
        if cluster.continuous and (full_sync or _events_explain(resource, cluster)):
            return await _observe_events(clusters=clusters, resource=resource, observed=observed, causes=causes)
    except CloudError as error:
        # An answer that cannot be understood is like that for long: what it only explains is not waited for.
        garbled = error.operation == "ListClusterEvents" and error.kind is ErrorKind.MALFORMED
        if (failures < PATIENCE and not garbled) or _rests_on_details(resource, observed):
            raise
        logger.warning("The pass over %s goes on without nodes or events of its cluster: %s", resource.key, error)
    return observed


def _rests_on_details(resource: Resource, observed: Observed) -> bool:
    """Whether nodes and events decide, and do not only explain: whether a count is put right, the remains of a creation
    are cleared away, or a group that AWS does not show is gone. Whoever ends nodes lists them in any case."""
    if resource.deleting:
        return False
    failed = observed.cluster is not None and observed.cluster.status == "Failed"
    doubted = observed.nodes is None and resource.status.remembered.missing is not None
    return failed or doubted or evidence_decides(resource, observed)


async def _observe_events(*, clusters: Clusters, resource: Resource, observed: Observed, causes: Causes) -> Observed:
    """What HyperPod reports, back to the last change where a group is short, with the causes of the newest errors."""
    cluster = observed.cluster
    if cluster is None:
        return observed
    since, short = change_began(resource), short_groups(cluster)
    events = await clusters.events(name=cluster.arn, enough=lambda found: far_enough(found, groups=short, since=since))
    return await causes.explained(clusters=clusters, observed=replace(observed, events=events), since=since)


async def observe_tags(*, clusters: Clusters, observed: Observed) -> Observed:
    """The same look with the ownership tags read afresh: every mutation of an existing cluster needs that."""
    if observed.cluster is None:
        return observed
    return replace(observed, tags=await clusters.tags(arn=observed.cluster.arn))


async def _tags_if_known(*, clusters: Clusters, observed: Observed) -> Observed:
    """Tags for the report. Where reads disagree about whether there is such a cluster, its tags stay unread."""
    try:
        return await observe_tags(clusters=clusters, observed=observed)
    except CloudError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return observed
        raise


def _tags_decide(resource: Resource, observed: Observed) -> bool:
    """Whether tags matter now: the owner is unproved, the wish is new, or it was not fulfilled when last looked at.

    What one edit left to do after its first call is found so (tags follow an update, one call a pass), and so are
    tags that AWS accepted and did not show yet.
    """
    unproved = ownership(resource=resource, observed=observed) is Ownership.UNREAD
    cluster = observed.cluster
    open_wish = cluster is not None and cluster.status == "InService" and not resource.was_synced
    doubted = resource.status.remembered.missing is not None
    unseen = bool(resource.status.remembered.sentTags)
    return (
        unproved or doubted or resource.edited or resource.requested_anew or open_wish or taken_off(resource) or unseen
    )


def _nodes_tell(resource: Resource, cluster: ObservedCluster) -> bool:
    """Whether single nodes matter: something is under way, or a count moved, or trouble was reported."""
    status = resource.status
    counted = (status.nodes.current, status.nodes.target) if status.nodes else (None, None)
    return (
        cluster.status != "InService"
        or any(group.current_count != group.target_count or group.status not in AT_REST for group in cluster.groups)
        or counted != (cluster.current_count, cluster.target_count)
        or bool(status.nodeProblems)
    )


def _events_explain(resource: Resource, cluster: ObservedCluster) -> bool:
    """They say why nodes do not come, why a change does not end, and why a group is smaller than its spec."""
    if any(
        group.name in resource.groups
        and group.target_count < resource.groups[group.name].instanceCount
        and not resource.counts_are_external(group.name)
        for group in cluster.groups
    ):
        return True
    short = any(group.current_count < group.target_count for group in cluster.groups)
    return cluster.status != "InService" or short
