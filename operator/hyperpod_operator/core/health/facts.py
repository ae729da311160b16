"""What SageMaker and the spec say about the nodes of one cluster: the other half of every decision about a Node."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hyperpod_operator.core.health.instance_types import describe
from hyperpod_operator.core.location import cluster_id
from hyperpod_operator.core.observed import ObservedCluster, ObservedGroup, ObservedNode

ON_DEMAND, SPOT, TRAINING_PLAN = "on-demand", "spot", "training-plan"

# [assumption: failed-node-has-two-words]
FAILING = frozenset({"Failure", "Failed"})
"""ClusterInstanceStatus of an instance that is broken; the API's enum says Failure, AWS's prose says Failed."""
# [assumption: deep-check-is-not-sickness]
CHECKING = "DeepHealthCheckInProgress"
RUNNING = "Running"
DELETING = "Deleting"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFacts:
    """One instance group. `capacity_type` is on-demand, spot or training-plan."""

    name: str
    instance_type: str = ""
    """The group's only type; empty for a group with several."""
    deep_checks: bool = False
    capacity_type: str = ON_DEMAND
    leaving: bool = False
    """Whether AWS deletes the group: its instances end, and their Nodes follow."""
    accelerated: bool | None = None
    """Whether its instances have GPUs or Neuron devices, which HyperPod watches; None when that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFacts:
    """One entry of ListClusterNodes."""

    instance_id: str
    group: str
    instance_type: str
    status: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    """What the last pass over a HyperPodCluster learnt. `enforce` is spec.management.nodeHealth."""

    cluster_id: str
    name: str
    enforce: bool = True
    groups: Mapping[str, GroupFacts] = field(default_factory=dict)
    instances: Mapping[str, InstanceFacts] = field(default_factory=dict)

    def accelerated(self, *, group: str, instance_type: str) -> bool | None:
        """Whether HyperPod watches the health of such a node's accelerators; None when that is not known."""
        if instance_type:
            known = describe(instance_type)
            if known is not None:
                return known.accelerated
        found = self.groups.get(group)
        return found.accelerated if found else None


def facts(*, cluster: ObservedCluster, nodes: Iterable[ObservedNode], enforce: bool, name: str) -> ClusterFacts:
    """From DescribeCluster and the last ListClusterNodes."""
    return ClusterFacts(
        cluster_id=cluster_id(cluster.arn),
        name=name,
        enforce=enforce,
        groups={group.name: _group(group) for group in cluster.groups},
        instances={
            node.instance_id: InstanceFacts(
                instance_id=node.instance_id,
                group=node.group,
                instance_type=node.instance_type,
                status=node.status,
                message=node.message,
            )
            for node in nodes
            if node.instance_id
        },
    )


def _group(group: ObservedGroup) -> GroupFacts:
    members = group.members
    several = (members.get("instanceRequirements") or {}).get("instanceTypes") or []
    types = [members["instanceType"]] if members.get("instanceType") else list(several)
    known = [described.accelerated for name in types if (described := describe(name)) is not None]
    return GroupFacts(
        name=group.name,
        instance_type=types[0] if len(types) == 1 else "",
        leaving=group.status == DELETING,
        deep_checks=bool(members.get("onStartDeepHealthChecks")),
        capacity_type=_capacity(members),
        accelerated=known[0] if known and len(set(known)) == 1 else None,
    )


def _capacity(members: Mapping[str, object]) -> str:
    if members.get("trainingPlanArn"):
        return TRAINING_PLAN
    requirements = members.get("capacityRequirements")
    return SPOT if isinstance(requirements, dict) and "spot" in requirements else ON_DEMAND
