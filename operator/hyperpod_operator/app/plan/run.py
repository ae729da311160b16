"""What the command `plan` does: manifests, AWS and the object in Kubernetes in, one report for each resource out."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.app.documents import InputError
from hyperpod_operator.app.plan.manifests import Manifest, manifests
from hyperpod_operator.app.remedies import words
from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.aws.limiter import RateLimit
from hyperpod_operator.controllers.cluster import resource_of
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.diff import Changes
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.placement import misplaced
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.cost.cluster import configurations
from hyperpod_operator.core.cost.plan import plan_cost, planned_types
from hyperpod_operator.core.cost.price import PriceList
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.observed import Observed, ObservedCluster
from hyperpod_operator.core.ports import Clusters, Key, KubernetesError, StoredObject
from hyperpod_operator.core.preview.preview import Preview, Sight, preview
from hyperpod_operator.core.text import plain

READS = RateLimit(rate=8.0, burst=16)
"""A person waits, for at most a few hundred reads; the operator has its own share of the account's rate."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The command line. `kubernetes`: whether to read objects where access to an API server is configured. `prices` are
    those of AWS's price list if None."""

    files: tuple[str, ...]
    namespace: str = "default"
    region: str = ""
    kubernetes: bool = True
    kubeconfig: str = ""
    context: str = ""
    prices: PriceList | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of one manifest: a preview, or why there is none (`error`). Kinds without plans have neither.

    `cost` is what the plan adds per hour, in words; empty where it changes no count.
    """

    manifest: Manifest
    preview: Preview | None = None
    error: str = ""
    cost: str = ""


async def plan(asked: Asked, *, stdin: Callable[[], bytes]) -> list[Report]:
    """A report for each resource, in the order of the files. Raises InputError."""
    found = manifests(asked.files, namespace=asked.namespace, stdin=stdin)
    cloud = AwsCloud(
        settings=CloudSettings(region=asked.region, connect_timeout=3.0, reads=READS), on_call=lambda **_: None
    )
    previewer = _Previewer(cloud, prices=asked.prices or cloud.prices)
    try:
        objects = await _objects(asked) if any(one.planned for one in found) else None
        try:
            return list(await asyncio.gather(*(previewer.report(one, objects) for one in found)))
        finally:
            if objects is not None:
                await objects.close()
    finally:
        await asyncio.to_thread(cloud.close)


class _Objects:
    """The objects of the API server, or why they cannot be read."""

    def __init__(self, api: Any, reader: Any, *, problem: str = "") -> None:
        self._api = api
        self._reader = reader
        self._problem = problem

    async def read(self, key: Key) -> StoredObject | None:
        """Raises KubernetesError."""
        if self._problem:
            raise KubernetesError(status=0, message=self._problem)
        stored: StoredObject | None = await self._reader.read(key)
        return stored

    async def close(self) -> None:
        if self._api is not None:
            await self._api.close()


async def _objects(asked: Asked) -> _Objects | None:
    """None where no access is configured, or none is wanted. Loading the client takes a second, so it comes late."""
    if not asked.kubernetes or not _is_configured(asked):
        return None
    from hyperpod_operator.kube.client import ApiServer
    from hyperpod_operator.kube.objects import CustomObjects

    try:
        api = await ApiServer.connect(kubeconfig=asked.kubeconfig or None, context=asked.context or None)
    except KubernetesError as error:
        return _Objects(None, None, problem=str(error))
    return _Objects(api, CustomObjects(api, CLUSTER))


def _is_configured(asked: Asked) -> bool:
    environment = os.environ.get("KUBECONFIG") or os.environ.get("KUBERNETES_SERVICE_HOST")
    return bool(asked.kubeconfig or asked.context or environment) or Path("~/.kube/config").expanduser().exists()


class _Previewer:
    def __init__(self, cloud: AwsCloud, *, prices: PriceList) -> None:
        self._cloud = cloud
        self._prices = prices

    async def report(self, manifest: Manifest, objects: _Objects | None) -> Report:
        """One report; what fails for one resource does not stop the others."""
        if manifest.problem:
            return Report(manifest=manifest, error=f"invalid: {manifest.problem}")
        if not manifest.planned:
            return Report(manifest=manifest)
        stored, memory, refused = await _memory(manifest, objects)
        resource = resource_of(_applied(manifest, stored))
        region = resource.spec.region or ""
        if not region and not self._cloud.region:
            raise InputError(
                f"{manifest.key} names no Region, and none is configured: name one with --region or AWS_REGION"
            )
        snapshot = ClusterSnapshot(
            resource=resource,
            observed=Observed(cluster=None),
            changes=Changes(),
            ownership=Ownership.UNREAD,
            now=datetime.now(UTC),
            allowed_regions=frozenset({region} - {""}),
            here=await self._cloud.location(region=region),
        )
        sight = Sight(memory=memory, refused=refused)
        if misplaced(snapshot):
            return Report(manifest=manifest, preview=preview(snapshot, Observed(cluster=None), sight=sight))
        try:
            observed, more = await _look(self._cloud.clusters(region=region), resource)
        except CloudError as error:
            return Report(manifest=manifest, error=words(error))
        found = preview(snapshot, observed, sight=replace(sight, refused=(*refused, *more)))
        return Report(manifest=manifest, preview=found, cost=await self._cost(found, observed))

    async def _cost(self, found: Preview, observed: Observed) -> str:
        groups = configurations(observed.cluster)
        types = planned_types(found.calls, groups)
        prices = await self._prices.prices(region=found.region, types=types)
        cost = plan_cost(found.calls, groups, prices)
        return str(cost) if cost is not None else ""


async def _memory(manifest: Manifest, objects: _Objects | None) -> tuple[StoredObject | None, bool, tuple[str, ...]]:
    """The stored object, whether it is known that this is all there is, and what is not known."""
    if objects is None:
        return None, False, ()
    try:
        return await objects.read(manifest.key), True, ()
    except KubernetesError as error:
        return None, False, (f"what the status of the object remembers: {plain(str(error)).rstrip('.')}",)


def _applied(manifest: Manifest, stored: StoredObject | None) -> StoredObject:
    """The object as it would be stored if the manifest were applied."""
    body: dict[str, Any] = dict(stored.body) if stored is not None else {}
    changed = body.get("spec") != manifest.body.get("spec")
    annotations = {**(stored.annotations if stored else {}), **_annotations(manifest)}
    return StoredObject(
        key=manifest.key,
        uid=stored.uid if stored else "",
        resource_version=stored.resource_version if stored else "",
        generation=(stored.generation if stored else 0) + changed,
        deleting=False,
        finalizers=stored.finalizers if stored else (),
        annotations=annotations,
        body={**body, "spec": manifest.body.get("spec")},
    )


def _annotations(manifest: Manifest) -> dict[str, str]:
    found = (manifest.body.get("metadata") or {}).get("annotations")
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


async def _look(clusters: Clusters, resource: Resource) -> tuple[Observed, Sequence[str]]:
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
        and record.appliedInstanceCount not in {None, group.target_count}
        for group in cluster.groups
    )
