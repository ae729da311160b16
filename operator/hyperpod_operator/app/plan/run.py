"""What the command `plan` does: manifests, AWS and the object in Kubernetes in, one report for each resource out."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hyperpod_operator.api import kinds
from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.app.live import at_first, look
from hyperpod_operator.app.plan import server as servers
from hyperpod_operator.app.plan.manifests import Manifest, kind_of, manifests
from hyperpod_operator.app.plan.server import Server
from hyperpod_operator.app.reading import opened, require_region
from hyperpod_operator.app.remedies import words
from hyperpod_operator.aws.cloud import AwsCloud
from hyperpod_operator.controllers.cluster.resource import resource_of
from hyperpod_operator.core.cluster.concerns import situate
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.placement import misplaced
from hyperpod_operator.core.cost.cluster import configurations
from hyperpod_operator.core.cost.plan import plan_cost, planned_types
from hyperpod_operator.core.cost.price import PriceList
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.ports import KubernetesError, StoredObject
from hyperpod_operator.core.preflight.gate import due_of_calls, preflight
from hyperpod_operator.core.preflight.model import Preflight, Result
from hyperpod_operator.core.preflight.modes import ENFORCE
from hyperpod_operator.core.preview.model import Preview, Sight
from hyperpod_operator.core.preview.preview import preview
from hyperpod_operator.core.preview.server import ServerCheck
from hyperpod_operator.core.text import counted, plain

if TYPE_CHECKING:
    from hyperpod_operator.app.plan.claims import ClaimPreviewer


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
    preflight: bool = True
    """Whether the calls that bring instances are checked."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of one manifest: a preview, or why there is none (`error`). Kinds without plans have neither.

    `cost` is what the plan adds per hour, in words; empty where it changes no count. `failures` are the checks of
    preflight that fail: why AWS would reject calls that bring instances, or bring some that cannot work. `check` is
    what the API server says to the manifest.
    """

    manifest: Manifest
    preview: Preview | None = None
    error: str = ""
    cost: str = ""
    failures: tuple[str, ...] = ()
    check: ServerCheck = field(default_factory=ServerCheck)


async def plan(asked: Asked, *, stdin: Callable[[], bytes]) -> list[Report]:
    """A report for each resource, in the order of the files. Raises InputError."""
    found = manifests(asked.files, namespace=asked.namespace, stdin=stdin)
    cloud = opened(region=asked.region)
    try:
        server = await _server(asked)
        why = servers.NOT_CONFIGURED if asked.kubernetes else servers.NOT_WANTED
        previewer = _Previewer(
            cloud, server, found, prices=asked.prices or cloud.prices, preflight=asked.preflight, unasked=why
        )
        try:
            # Whose credentials these are: of several that ask at once, one alone would know it.
            await cloud.location(region="")
            return list(await asyncio.gather(*(previewer.report(one) for one in found)))
        finally:
            if server is not None:
                await server.close()
    finally:
        await asyncio.to_thread(cloud.close)


async def _server(asked: Asked) -> Server | None:
    """None where no access is configured, or none is wanted."""
    return await servers.reach(kubeconfig=asked.kubeconfig, context=asked.context) if asked.kubernetes else None


class _Previewer:
    def __init__(
        self,
        cloud: AwsCloud,
        server: Server | None,
        manifests: Sequence[Manifest],
        *,
        prices: PriceList,
        preflight: bool,
        unasked: str,
    ) -> None:
        self._cloud = cloud
        self._manifests = manifests
        self._prices = prices
        self._preflight = preflight
        self._one_at_a_time = asyncio.Lock()
        """Clusters share most of what their checks read: the second finds it cached."""
        self._server = server
        self._unasked = unasked

    async def report(self, manifest: Manifest) -> Report:
        """One report; what fails for one resource does not stop the others."""
        if manifest.problem:
            return Report(manifest=manifest, error=f"invalid: {manifest.problem}")
        stored, sight = await self._memory(manifest)
        check = await self._check(manifest, stored, sight)
        if check.rejected:
            error = f"invalid: the API server rejects it: {plain(check.rejected).rstrip('.')}"
            return Report(manifest=manifest, error=error, check=check)
        if manifest.kind == CLUSTER.name:
            found = await self._cluster(manifest, stored, sight)
        elif manifest.kind == kinds.VOLUME_CLAIM.name:
            found = await self._claim(manifest, stored, sight)
        else:
            found = Report(manifest=manifest)
        return replace(found, check=check)

    @cached_property
    def _claims(self) -> "ClaimPreviewer":
        """Made where the files have a claim: a plan of clusters loads nothing about volumes."""
        from hyperpod_operator.app.plan.claims import ClaimPreviewer

        return ClaimPreviewer(self._cloud, self._server, self._manifests)

    async def _claim(self, manifest: Manifest, stored: StoredObject | None, sight: Sight) -> Report:
        try:
            found = await self._claims.preview(_applied(manifest, stored), sight=sight)
        except CloudError as error:
            return Report(manifest=manifest, error=words(error))
        return Report(manifest=manifest, preview=found)

    async def _memory(self, manifest: Manifest) -> tuple[StoredObject | None, Sight]:
        """The stored object, and whether it is known that this is all there is."""
        if self._server is None:
            return None, Sight(memory=False)
        try:
            return await self._server.read(kind_of(manifest), manifest.key), Sight(memory=True)
        except KubernetesError as error:
            said = f"what the status of the object remembers: {plain(str(error)).rstrip('.')}"
            return None, Sight(memory=False, refused=(said,))

    async def _check(self, manifest: Manifest, stored: StoredObject | None, sight: Sight) -> ServerCheck:
        if self._server is None:
            return ServerCheck(unasked=self._unasked)
        if not sight.memory:
            return ServerCheck(unasked=self._server.problem or "the stored object cannot be read")
        return await self._server.check(kind_of(manifest), key=manifest.key, manifest=manifest.body, stored=stored)

    async def _cluster(self, manifest: Manifest, stored: StoredObject | None, sight: Sight) -> Report:
        resource = resource_of(_applied(manifest, stored))
        region = resource.spec.region or ""
        require_region(region, cloud=self._cloud, what=str(manifest.key))
        snapshot = at_first(resource, here=await self._cloud.location(region=region), now=datetime.now(UTC))
        if misplaced(snapshot):
            return Report(manifest=manifest, preview=preview(snapshot, Observed(cluster=None), sight=sight))
        try:
            observed, more = await look(self._cloud.clusters(region=region), resource)
        except CloudError as error:
            return Report(manifest=manifest, error=words(error))
        found = preview(snapshot, observed, sight=replace(sight, refused=(*sight.refused, *more)))
        found = replace(found, notes=(*found.notes, *_kept(manifest, stored)))
        cost, checked = await asyncio.gather(
            self._cost(found, observed), self._checked(situate(snapshot, observed), found)
        )
        found = replace(found, notes=(*found.notes, *_unmade(checked)))
        failures = tuple(check.message for check in checked.failed)
        return Report(manifest=manifest, preview=found, cost=cost, failures=failures)

    async def _checked(self, snapshot: ClusterSnapshot, found: Preview) -> Preflight:
        """The checks of the calls that bring instances; none where there is no such call."""
        resource = snapshot.resource
        due = due_of_calls(snapshot, found.calls, mode=resource.preflight or ENFORCE) if self._preflight else None
        if due is None:
            return Preflight(checks=())
        async with self._one_at_a_time:
            facts = await self._cloud.facts(region=resource.spec.region or "").gather(due.subject)
        return preflight(replace(due.subject, facts=facts))

    async def _cost(self, found: Preview, observed: Observed) -> str:
        groups = configurations(observed.cluster)
        types = planned_types(found.calls, groups)
        prices = await self._prices.prices(region=found.region, types=types)
        cost = plan_cost(found.calls, groups, prices)
        return str(cost) if cost is not None else ""


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
        deleting=stored.deleting if stored else False,
        finalizers=stored.finalizers if stored else (),
        annotations=annotations,
        body={**body, "spec": manifest.body.get("spec")},
    )


def _unmade(checked: Preflight) -> Iterator[str]:
    """That checks say nothing: their silence is no consent."""
    if unknown := checked.of(Result.UNKNOWN):
        yield (
            f"{len(unknown)} of {counted(len(checked.checks), 'check')} could not be made: hyperpod-operator preflight "
            "-f FILE says why of each; rights that may be missing are in docs/iam/operator-preflight.json"
        )


def _kept(manifest: Manifest, stored: StoredObject | None) -> Iterator[str]:
    """Members that hold the operator back, which the stored object has and the manifest does not name: an apply leaves
    those alone that another client has set."""
    before, after = _management(stored.body if stored is not None else {}), _management(manifest.body)
    if before.get("paused") is True and "paused" not in after:
        yield (
            "spec.management.paused is true in the stored object, and the manifest does not name it: where another "
            "client has set it, an apply keeps it, and the operator sends nothing"
        )
    policy = before.get("changePolicy")
    if policy and policy != "Auto" and "changePolicy" not in after:
        yield (
            f"spec.management.changePolicy is {plain(str(policy))} in the stored object, and the manifest does not "
            "name it: where another client has set it, an apply keeps it, and calls may wait"
        )


def _management(body: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = body.get("spec")
    found = spec.get("management") if isinstance(spec, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _annotations(manifest: Manifest) -> dict[str, str]:
    found = (manifest.body.get("metadata") or {}).get("annotations")
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
