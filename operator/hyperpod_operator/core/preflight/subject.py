"""What is checked: a cluster about to be made, or groups about to be added to one, with the facts about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from hyperpod_operator.api.cluster import HyperPodClusterSpec, InstanceGroup, RestrictedInstanceGroup
from hyperpod_operator.core.location import Location
from hyperpod_operator.core.preflight.facts import Facts

AnyGroup = InstanceGroup | RestrictedInstanceGroup


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One group that the call adds."""

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


@dataclass(frozen=True, kw_only=True)
class ClusterSubject:
    """`here` is where the calls go; `adds` names the groups that the call adds, all of them for a new cluster."""

    spec: HyperPodClusterSpec
    here: Location
    facts: Facts
    now: datetime
    name: str = ""
    """The cluster's name in AWS."""
    new: bool = True
    adds: frozenset[str] = frozenset()
    created_at: datetime | None = None
    """When the cluster was created; None for a new one, and where AWS does not say."""
    shortages: tuple[str, ...] = ()
    """Instance types for which AWS had no capacity in this cluster's recent events."""

    @cached_property
    def groups(self) -> tuple[Planned, ...]:
        """The groups that the call adds."""
        return tuple(group for group in self.every_group if self.new or group.name in self.adds)

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
    def instances(self) -> int:
        """Instances of all groups together."""
        return sum(group.count for group in self.every_group)


def types_of(group: AnyGroup) -> tuple[str, ...]:
    """The instance types that a group may get, in order of priority."""
    if isinstance(group, InstanceGroup) and group.instanceRequirements is not None:
        return tuple(group.instanceRequirements.instanceTypes)
    return (group.instanceType,) if group.instanceType else ()
