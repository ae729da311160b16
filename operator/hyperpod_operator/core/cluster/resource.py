"""The HyperPodCluster object as a pass sees it: the user's wish and what earlier passes recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from hyperpod_operator.api import names
from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec, InstanceGroup, RestrictedInstanceGroup
from hyperpod_operator.api.cluster.status import HyperPodClusterStatus, InstanceGroupStatus
from hyperpod_operator.core.observed import Json, ObservedCluster
from hyperpod_operator.core.owner_tag import owner_tag
from hyperpod_operator.core.ports import Key

CREATED = "Created"
"""Origin of a cluster or group that came into being through a call of ours."""
ADOPTED = "Adopted"
"""Origin of a cluster or group that was there before and that the spec took over."""
EXTERNAL = "External"
"""Origin of a group that somebody else added and that the spec did not name when it was first seen."""

TAG_VALUE_MOST = 256
"""Longest tag value (API member Tag.Value)."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One HyperPodCluster, parsed. `status` is what is stored, so it is what survived a restart."""

    key: Key
    uid: str
    generation: int
    deleting: bool
    reconcile_requested_at: str
    spec: HyperPodClusterSpec
    status: HyperPodClusterStatus
    approve_plan: str = ""
    """The digest that the annotation approves."""
    approved_by: str = ""
    """Who set that annotation, as far as it is known."""
    approved_by_spec: str = ""
    """Who set `spec.management.approvedPlan`, as far as it is known."""
    requested_by: str = ""
    """The field manager that last wrote the spec, as far as it is known."""
    unknown: tuple[str, ...] = ()
    """Paths of members of the stored spec that this version does not know; the first few."""
    autoscaled: bool = False
    """Whether AWS runs an autoscaler for the cluster (see `with_autoscaler`)."""

    @property
    def cluster_name(self) -> str:
        """AWS's ClusterName: deterministic, so that a create that was cut off finds itself again."""
        return self.spec.clusterName or self.key.name

    @property
    def eks_cluster_arn(self) -> str:
        return self.spec.orchestrator.eks.clusterArn

    @property
    def requested_anew(self) -> bool:
        """Whether a person asked for a reconcile since the last pass that finished."""
        return bool(self.reconcile_requested_at) and (self.reconcile_requested_at != self.status.lastHandledReconcileAt)

    @property
    def edited(self) -> bool:
        """Whether the spec changed since status was last written."""
        return self.status.observedGeneration != self.generation

    @property
    def was_synced(self) -> bool:
        """Whether the last pass that could tell saw AWS hold what the spec asks for."""
        found = (item.status for item in self.status.conditions or [] if item.type == names.ConditionType.SPEC_SYNCED)
        return next(found, "True" if self.status.remembered.provisionedAt else "") == "True"

    @property
    def paused(self) -> bool:
        return bool(self.spec.management and self.spec.management.paused)

    @property
    def deletion_policy(self) -> str:
        """Delete or Retain. Unset means Delete for a cluster that we created and Retain for an adopted one."""
        chosen = self.spec.management.deletionPolicy if self.spec.management else None
        return chosen or ("Retain" if self.status.origin == ADOPTED else "Delete")

    @property
    def adopts(self) -> bool:
        return bool(self.spec.management and self.spec.management.adoptionPolicy == "IfUnowned")

    @property
    def preflight(self) -> str | None:
        """Enforce, Warn or Off; None leaves it to the installation."""
        return self.spec.management.preflight if self.spec.management else None

    @property
    def recreates_deleted(self) -> bool:
        """Whether a cluster that was deleted in AWS by others is created again."""
        return bool(self.spec.management and self.spec.management.onExternalDelete == "Recreate")

    @property
    def protected(self) -> bool:
        """Whether the cluster as a whole is protected from deletion."""
        return bool(self.spec.management and self.spec.management.deletionProtection)

    @cached_property
    def stated(self) -> Mapping[str, Json]:
        """The spec as JSON, without what it leaves unset: several questions of a pass go through all of it."""
        stated: dict[str, Json] = self.spec.model_dump(mode="json", exclude_none=True)
        return stated

    @cached_property
    def protected_groups(self) -> frozenset[str]:
        """Groups that are protected from deletion: by the spec, or by the last one that named them."""
        named = {
            name for name, group in self.groups.items() if group.management and group.management.deletionProtection
        }
        recorded = {
            name
            for name, record in self.recorded_groups.items()
            if record.remembered.deletionProtection and name not in self.groups
        }
        return frozenset(named | recorded)

    @property
    def recreates(self) -> bool:
        return bool(self.spec.management and self.spec.management.onCreateFailure == "Recreate")

    @cached_property
    def groups(self) -> Mapping[str, InstanceGroup | RestrictedInstanceGroup]:
        """Every group of the spec by name, of either kind."""
        both: list[InstanceGroup | RestrictedInstanceGroup] = [
            *(self.spec.instanceGroups or []),
            *(self.spec.restrictedInstanceGroups or []),
        ]
        return {group.instanceGroupName: group for group in both}

    @cached_property
    def recorded_groups(self) -> Mapping[str, InstanceGroupStatus]:
        return {group.instanceGroupName: group for group in self.status.instanceGroups or []}

    def counts_are_external(self, name: str) -> bool:
        """Whether the operator does not own this group's count: by choice, or because Karpenter scales the cluster."""
        group = self.groups.get(name)
        chosen = group.management.countOwner if group and group.management else None
        scaled = is_autoscaled(self.spec, in_aws=self.autoscaled)
        return (chosen or ("External" if scaled else "Operator")) == "External"

    @cached_property
    def ownership_tags(self) -> Mapping[str, str]:
        """The tags that prove whose cluster this is (EKS cluster, namespace/name, uid)."""
        return {
            names.TAG_OWNER_UID: self.uid,
            names.TAG_OWNER: owner_tag(self.key, most=TAG_VALUE_MOST),
            names.TAG_EKS_CLUSTER: self.eks_cluster_arn[:TAG_VALUE_MOST],
        }

    @cached_property
    def wanted_tags(self) -> Mapping[str, str]:
        return {tag.key: tag.value for tag in self.spec.tags or []}


def with_autoscaler(resource: Resource, *, cluster: ObservedCluster | None) -> Resource:
    """The resource, with what AWS shows of an autoscaler. No call follows from one answer that lacks it: an update is
    sent only if a second look, right before the call, shows the same (see `requests.replaced`)."""
    scaled = runs_autoscaler(cluster)
    return resource if scaled == resource.autoscaled else replace(resource, autoscaled=scaled)


def runs_autoscaler(cluster: ObservedCluster | None) -> bool:
    """Whether AWS shows an autoscaler of the cluster."""
    return cluster is not None and (cluster.members.get("autoScaling") or {}).get("mode") == "Enable"


def is_autoscaled(spec: HyperPodClusterSpec, *, in_aws: bool) -> bool:
    """Whether Karpenter scales the cluster. One that AWS runs (`in_aws`) counts where the spec does not mention it."""
    scaling = spec.autoScaling
    return scaling.mode == "Enable" if scaling else in_aws


def desired(group: InstanceGroup | RestrictedInstanceGroup) -> dict[str, Json]:
    """A group of the spec as the API's JSON: what is ours (`management`) is not AWS's."""
    return group.model_dump(mode="json", exclude_none=True, exclude={"management"})
