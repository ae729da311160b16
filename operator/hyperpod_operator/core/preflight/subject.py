"""What is checked: a cluster about to be made, or groups that one gets or that grow, with the facts about them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec, InstanceGroup, RestrictedInstanceGroup
from hyperpod_operator.core.location import Location
from hyperpod_operator.core.preflight.facts import Facts, nothing

AnyGroup = InstanceGroup | RestrictedInstanceGroup


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One group that the call adds, or one that it scales out: `count` is how many instances come."""

    name: str
    types: tuple[str, ...]
    count: int
    role: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    spec: AnyGroup
    restricted: bool

    @property
    def spot(self) -> bool:
        capacity = getattr(self.spec, "capacityRequirements", None)
        return bool(capacity and capacity.spot is not None)

    @property
    def plan(self) -> str:
        return self.spec.trainingPlanArn or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A group that the cluster has in AWS and keeps. `count` is its target count: quotas count what was asked for."""

    types: tuple[str, ...]
    count: int
    name: str = ""
    subnets: tuple[str, ...] = ()
    spot: bool = False
    plan: str = ""


@dataclass(frozen=True, kw_only=True)
class ClusterSubject:
    """`here` is where the calls go; `adds` names the groups that the call adds, all of them for a new cluster. `grows`
    has how many instances come to each group that it scales out.

    Groups that are added hold their call; so where there are any, they alone are judged, and `beside` counts the
    others.
    """

    spec: HyperPodClusterSpec
    here: Location
    facts: Facts
    now: datetime
    name: str = ""
    """The cluster's name in AWS."""
    new: bool = True
    adds: frozenset[str] = frozenset()
    grows: Mapping[str, int] = field(default_factory=nothing)
    holds: tuple[Held, ...] = ()
    created_at: datetime | None = None
    """When the cluster was created; None for a new one, and where AWS does not say."""

    @cached_property
    def groups(self) -> tuple[Planned, ...]:
        """What is judged: the groups that the call adds, or if there are none those that it scales out."""
        if self.new or self.adds:
            return tuple(group for group in self.every_group if self.new or group.name in self.adds)
        return self._growing

    @property
    def beside(self) -> tuple[Planned, ...]:
        """Groups that grow while others are added: they count, and they are not judged."""
        return self._growing if self.adds and not self.new else ()

    @cached_property
    def _growing(self) -> tuple[Planned, ...]:
        return tuple(replace(one, count=self.grows[one.name]) for one in self.every_group if one.name in self.grows)

    @cached_property
    def every_group(self) -> tuple[Planned, ...]:
        return tuple(self._planned())

    def _planned(self) -> Iterator[Planned]:
        for restricted, groups in (
            (False, self.spec.instanceGroups or []),
            (True, self.spec.restrictedInstanceGroups or []),
        ):
            for group in groups:
                vpc = group.overrideVpcConfig or self.spec.vpcConfig
                yield Planned(
                    name=group.instanceGroupName,
                    types=types_of(group),
                    count=group.instanceCount,
                    role=group.executionRole,
                    subnets=tuple(vpc.subnets),
                    security_groups=tuple(vpc.securityGroupIds),
                    spec=group,
                    restricted=restricted,
                )

    @property
    def eks_arn(self) -> str:
        return self.spec.orchestrator.eks.clusterArn

    @property
    def karpenter(self) -> bool:
        return bool(self.spec.autoScaling and self.spec.autoScaling.mode == "Enable")

    @property
    def has_history(self) -> bool:
        """Whether SageMaker keeps events of the cluster: not of a new one, and only with continuous provisioning."""
        return not self.new and self.spec.nodeProvisioningMode == "Continuous"

    @property
    def instances(self) -> int:
        """Instances of the cluster after the call, as quotas count them."""
        return sum(one.count for one in (*self.groups, *self.beside)) + sum(one.count for one in self.holds)


def types_of(group: AnyGroup) -> tuple[str, ...]:
    """The instance types that a group may get, in order of priority."""
    if isinstance(group, InstanceGroup) and group.instanceRequirements is not None:
        return tuple(group.instanceRequirements.instanceTypes)
    return (group.instanceType,) if group.instanceType else ()
