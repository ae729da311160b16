"""All facts about one cluster, side by side: each service is asked only about what the spec names."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from hyperpod_operator.api.volume.resource import EBSVolumeClaimSpec
from hyperpod_operator.aws.call.caller import Caller
from hyperpod_operator.aws.facts import account, eks, file_systems, history, iam, network, stores
from hyperpod_operator.aws.facts.reader import BUDGET, PATIENCE, Answers, Reader
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.preflight.addresses import wanted
from hyperpod_operator.core.preflight.facts import NOT_GATHERED, EksCluster, Endpoint, Facts, RouteTable, Subnet
from hyperpod_operator.core.preflight.model import Fact, Unread
from hyperpod_operator.core.preflight.subject import ClusterSubject
from hyperpod_operator.core.preflight.tables import quotas
from hyperpod_operator.core.preflight.volume import QUOTA_NAMES, VolumeFacts

T = TypeVar("T")

SERVICES = ("ec2", "eks", "iam", "service-quotas", "s3")
"""Services that nearly every preflight of a cluster asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Subnets, and what is known of their VPCs."""

    subnets: Fact[Mapping[str, Subnet]]
    routes: Fact[tuple[RouteTable, ...]]
    endpoints: Fact[frozenset[Endpoint]]
    dns: Fact[Mapping[str, frozenset[str]]]


class AwsFacts:
    """Implements `core.preflight.ports.ClusterFacts` in one Region."""

    def __init__(
        self,
        *,
        caller: Callable[[str], Caller],
        identity: Callable[[], Awaitable[str]],
        monotonic: Callable[[], float] = time.monotonic,
        budget: int = BUDGET,
        patience: float = PATIENCE,
    ) -> None:
        """`caller` gives the Caller of a service, `identity` the caller's ARN; it may raise CloudError."""
        self._caller = caller
        self._identity = identity
        self._monotonic = monotonic
        self._budget = budget
        self._patience = patience
        self._answers = Answers(monotonic=monotonic)

    async def prepare(self) -> None:
        """Read what stands for an hour: a dozen pages, one after another, for which the first creation would wait
        longest. Never raises."""
        await account.quotas(self._reader(), ())

    async def gather(self, subject: ClusterSubject, *, max_age: float = math.inf) -> Facts:
        """Never raises."""
        reader = self._reader(max_age=max_age)
        names = [*_quotas(subject), quotas.CLUSTER_SIZE, quotas.ALL_CLUSTERS]
        # The quotas have no part in the budget: nothing has to wait for their pages.
        facts, listed = await asyncio.gather(self._within_budget(reader, subject), account.quotas(reader, names))
        return replace(facts, quotas=listed, calls=reader.calls)

    async def eks_cluster(self, arn: str) -> Fact[EksCluster | None]:
        """Never raises."""
        return await eks.cluster(self._reader(), arn)

    async def _within_budget(self, reader: Reader, subject: ClusterSubject) -> Facts:
        """All but the quotas."""
        named = wanted(subject)
        types = [name.removeprefix("ml.") for name in named.types]
        known = await self._known_types()
        cluster, places, groups, (offered, described), passed = await asyncio.gather(
            eks.cluster(reader, subject.eks_arn),
            _places(reader, named.subnets),
            network.security_groups(reader, named.security_groups),
            asyncio.gather(network.offerings(reader, types), network.instance_types(reader, types)),
            self._pass_role(reader, named.roles),
        )
        plans, scripts, keys, systems, addons = await asyncio.gather(
            _each(named.plans, lambda arn: account.training_plan(reader, arn)),
            _each(named.scripts, lambda address: stores.script(reader, address)),
            _each(named.keys, lambda key: stores.key(reader, key)),
            file_systems.file_systems(reader, named.file_systems),
            eks.addons(reader, subject.eks_arn),
        )
        # Those that may need many calls come last: what is left of the budget is theirs.
        roles = await _each(named.roles, lambda arn: iam.role(reader, arn))
        short = await history.shortages(reader, subject.name, now=subject.now) if subject.has_history else NOT_GATHERED
        used = await account.usage(reader, eks_arn=subject.eks_arn, but=subject.name)
        return Facts(
            known_types=known,
            eks=cluster,
            addons=addons,
            subnets=places.subnets,
            route_tables=places.routes,
            endpoints=places.endpoints,
            dns=places.dns,
            security_groups=groups,
            offerings=offered,
            types=described,
            roles=roles,
            pass_role=passed,
            scripts=scripts,
            keys=keys,
            usage=used,
            shortages=short,
            plans=plans,
            file_systems=systems,
        )

    async def gather_claim(self, spec: EBSVolumeClaimSpec, *, max_age: float = math.inf) -> VolumeFacts:
        """What the checks of an EBSVolumeClaim need of EC2, KMS and Service Quotas. Never raises."""
        reader, source = self._reader(max_age=max_age), spec.source.create
        kind = (spec.volume.volumeType if spec.volume else None) or "gp3"
        zones, listed, stored = await asyncio.gather(
            network.zones(reader),
            account.quotas(reader, [QUOTA_NAMES[kind]], service="ebs"),
            network.stored(reader, kind) if source else _nothing(),
        )
        key = await stores.key(reader, source.kmsKeyId) if source and source.kmsKeyId else NOT_GATHERED
        snapshot = await network.snapshot(reader, source.snapshotId) if source and source.snapshotId else NOT_GATHERED
        caller = await self._caller_arn() if source and source.kmsKeyId else NOT_GATHERED
        return VolumeFacts(
            zones=zones,
            quotas=listed,
            stored=stored,
            key=key,
            caller=caller,
            snapshot=snapshot,
            calls=reader.calls,
        )

    def _reader(self, *, max_age: float = math.inf) -> Reader:
        return Reader(
            caller=self._caller,
            answers=self._answers,
            budget=self._budget,
            patience=self._patience,
            monotonic=self._monotonic,
            max_age=max_age,
        )

    async def _known_types(self) -> frozenset[str]:
        """ClusterInstanceType of the API model; no call."""
        try:
            model = await self._caller("sagemaker").model()
        except CloudError:
            return frozenset()
        return frozenset(model.shape_for("ClusterInstanceType").enum)

    async def _caller_arn(self) -> Fact[str]:
        """The role or user that calls."""
        try:
            found = iam.source_of(await self._identity())
        except CloudError as error:
            return Unread(why=f"it is not known who the caller is: {error.message}")
        return found or Unread(why="the credentials belong to no role or user that a key's policy may name")

    async def _pass_role(self, reader: Reader, roles: Sequence[str]) -> Fact[Mapping[str, bool]]:
        try:
            return await iam.pass_role(reader, await self._identity(), roles)
        except CloudError as error:
            return Unread(why=f"it is not known who the caller is: {error.message}")


async def _nothing() -> Unread:
    return NOT_GATHERED


async def _each(names: Sequence[str], read: Callable[[str], Awaitable[T]]) -> dict[str, T]:
    return dict(zip(names, await asyncio.gather(*(read(name) for name in names)), strict=True))


def _quotas(subject: ClusterSubject) -> Iterator[str]:
    """Names of the quotas on the instances of each group."""
    for group in subject.groups:
        for name in group.types:
            yield quotas.of_type(name)
            if group.spot:
                yield quotas.of_type(name, spot=True)
            if group.plan:
                yield quotas.reserved(name)
        if group.restricted:
            yield quotas.RESTRICTED_STORAGE


async def _places(reader: Reader, ids: Sequence[str]) -> _Places:
    """The VPCs are known by the subnets; nobody asks about them where there are none."""
    subnets = await network.subnets(reader, ids)
    found = {} if isinstance(subnets, Unread) else subnets
    vpcs = sorted({one.vpc_id for one in found.values()})
    if not vpcs:
        why = subnets if isinstance(subnets, Unread) else Unread(why="none of the subnets exists")
        return _Places(subnets=subnets, routes=why, endpoints=why, dns=why)
    routes, endpoints, dns = await asyncio.gather(
        network.route_tables(reader, vpcs), network.endpoints(reader, vpcs), network.dns(reader, vpcs)
    )
    return _Places(subnets=subnets, routes=routes, endpoints=endpoints, dns=dns)
