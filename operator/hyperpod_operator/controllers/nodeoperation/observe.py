"""Read what one pass over an operation needs: the HyperPodCluster object, the cluster, its nodes and tags in AWS."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.api.names import Reason
from hyperpod_operator.controllers.parse import InvalidSpecError, parse_spec
from hyperpod_operator.controllers.reconciler import Unconfirmed, before_the_call
from hyperpod_operator.core.cluster.resource import is_autoscaled, runs_autoscaler
from hyperpod_operator.core.location import Elsewhere, Location, elsewhere, location_of, recorded, records_of_cluster
from hyperpod_operator.core.nodeoperation.snapshot import Cluster, Obstacle
from hyperpod_operator.core.observed import ObservedCluster
from hyperpod_operator.core.ports import Cloud, Key, Objects
from hyperpod_operator.core.tenancy import Named, Tenancy
from hyperpod_operator.core.tenancy.matters import Matter


class Clusters:
    """HyperPodClusters as operations see them. Raises CloudError and KubernetesError."""

    def __init__(self, *, objects: Objects, cloud: Cloud, allowed_regions: frozenset[str], tenancy: Tenancy) -> None:
        self._objects = objects
        self._cloud = cloud
        self._allowed = allowed_regions
        self._tenancy = tenancy

    async def look(self, key: Key, *, started: bool, known: str = "", over: bool = False) -> Cluster | Obstacle:
        """The cluster of this object, or why the operation cannot use it. `started`: nodes are chosen already; `known`
        is the ARN of the cluster that an earlier pass accepted; `over`: nothing is begun; it may be going."""
        stored = await self._objects.read(key)
        if stored is None:
            message = f"There is no HyperPodCluster {key}. Correct clusterRef in a new operation, or create it."
            return Obstacle(reason=Reason.CLUSTER_NOT_FOUND, message=message, final=started, stalled=True)
        try:
            spec = parse_spec(stored, HyperPodClusterSpec)
        except InvalidSpecError:
            message = f"The spec of HyperPodCluster {key} cannot be read; see that object."
            return Obstacle(reason=Reason.CLUSTER_NOT_FOUND, message=message, stalled=True)
        if stored.deleting and not over:
            message = f"HyperPodCluster {key} is being deleted."
            return Obstacle(reason=Reason.CLUSTER_NOT_FOUND, message=message, final=True, stalled=True)
        region, eks = spec.region or "", spec.orchestrator.eks.clusterArn
        if region and region not in self._allowed:
            message = f"Region {region} of HyperPodCluster {key} is not allowed by this installation."
            return Obstacle(reason=Reason.REGION_NOT_ALLOWED, message=message, stalled=True)
        named = [
            Named(path="clusterRef.name", matter=Matter.REGIONS, value=region or self._cloud.region),
            Named(path="clusterRef.name", matter=Matter.EKS_CLUSTERS, value=eks),
        ]
        if refusal := self._tenancy.refusal(namespace=key.namespace, named=named):
            return Obstacle(reason=Reason.NOT_ALLOWED, message=refusal, stalled=True)
        here = await self._cloud.location(region=region)
        records = (recorded("status.clusterArn", known), *records_of_cluster(key.name, stored.body))
        if misplaced := elsewhere(records, here):
            return _misplaced(misplaced, here)
        clusters = self._cloud.clusters(region=region)
        observed = await clusters.describe(name=spec.clusterName or key.name)
        if observed is None:
            message = f"AWS has no cluster of HyperPodCluster {key}. The operation waits for it; see that object."
            return Obstacle(reason=Reason.CLUSTER_NOT_FOUND, message=message, stalled=True)
        if known and observed.arn != known:
            message = (
                f"HyperPodCluster {key} has another cluster now: {observed.arn}. The operation is about {known}, whose "
                "nodes are gone with it. Create another operation for nodes of the new cluster."
            )
            return Obstacle(reason=Reason.CLUSTER_NOT_FOUND, message=message, final=True, stalled=True)
        nodes, tags = await asyncio.gather(
            clusters.nodes(name=observed.arn, logical_ids=observed.continuous), clusters.tags(arn=observed.arn)
        )
        found = Cluster(
            observed=observed,
            instances={node.instance_id: node for node in nodes if node.instance_id},
            tags=tags,
            uid=stored.uid,
            generation=stored.generation,
            region=region,
            eks_cluster_arn=eks,
            change_policy=(spec.management and spec.management.changePolicy) or "Auto",
            paused=bool(spec.management and spec.management.paused),
            filled_by_need=_scaled_by_karpenter(spec, observed),
        )
        if not found.owned:
            message = (
                f"The tags of {observed.arn} do not name HyperPodCluster {key}, so the operator changes none of its "
                "nodes. See that object: it says whether the cluster is adopted or belongs to another one."
            )
            return Obstacle(reason=Reason.NOT_OWNED, message=message, stalled=True)
        return found

    async def paused(self, keys: Iterable[Key]) -> bool:
        """Whether one of these objects pauses the operator, where no more is known of its cluster."""
        found = [await self._objects.read(key) for key in keys]
        specs = [one.body.get("spec") or {} for one in found if one is not None]
        return any((one.get("management") or {}).get("paused") for one in specs)

    async def unchanged(self, key: Key, seen: Cluster) -> None:
        """Raises Unconfirmed where this object was edited since, or does not own the cluster any more: it may have been
        paused, or ask for an approval by now."""
        with before_the_call():
            stored = await self._objects.read(key)
            tags = await self._cloud.clusters(region=seen.region).tags(arn=seen.arn)
        asked = (stored.uid, stored.generation, stored.deleting) if stored is not None else None
        if asked != (seen.uid, seen.generation, False):
            raise Unconfirmed(f"HyperPodCluster {key} was edited before the call had its turn.")
        if not replace(seen, tags=tags).owned:
            raise Unconfirmed(f"The tags of {seen.arn} do not name HyperPodCluster {key} any more.")


def _scaled_by_karpenter(spec: HyperPodClusterSpec, observed: ObservedCluster) -> frozenset[str]:
    """The groups that an autoscaler of AWS scales: all whose count the spec does not keep for the operator."""
    if not is_autoscaled(spec, in_aws=runs_autoscaler(observed)):
        return frozenset()
    kept = {
        one.instanceGroupName
        for several in (spec.instanceGroups, spec.restrictedInstanceGroups)
        for one in several or ()
        if one.management and one.management.countOwner == "Operator"
    }
    return frozenset(group.name for group in observed.groups) - kept


def paused(*clusters: Cluster) -> Obstacle | None:
    """Why nothing is changed on clusters whose owner has paused the operator there; what AWS was asked for goes on."""
    found = next((one for one in clusters if one.paused), None)
    if found is None:
        return None
    message = (
        f"spec.management.paused of the HyperPodCluster of {found.arn} is set: the operation starts no node and asks "
        "AWS for nothing until it is removed."
    )
    return Obstacle(reason=Reason.PAUSED, message=message)


def apart(source: Cluster, target: Cluster) -> Obstacle | None:
    """Why no node can move between two clusters: an instance stays in its Region and account."""
    from_there, to_there = location_of(source.arn), location_of(target.arn)
    if not from_there.differences(to_there):
        return None
    message = (
        f"{source.arn} is in {from_there}, and {target.arn} is in {to_there}. Nodes move within one Region and "
        "account. Name a cluster of the same Region and account in move.clusterRef of a new operation."
    )
    return Obstacle(reason=Reason.WRONG_ACCOUNT_OR_REGION, message=message, stalled=True)


def _misplaced(found: Elsewhere, here: Location) -> Obstacle:
    message = (
        f"{found.record.where} is {found.record.text}, and the operator works in {here}: another {found.what}. The "
        "operator sends no call about nodes. Start the operator with "
        "that Region and credentials of that account, or correct the HyperPodCluster."
    )
    return Obstacle(reason=Reason.WRONG_ACCOUNT_OR_REGION, message=message, stalled=True)
