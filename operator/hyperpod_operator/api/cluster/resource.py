"""The HyperPodCluster resource: what a user writes. Re-exports the parts that other floors name."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from hyperpod_operator.api.cluster.instance_groups import InstanceGroup
from hyperpod_operator.api.cluster.management import GroupManagement, Management
from hyperpod_operator.api.cluster.network import VpcConfig
from hyperpod_operator.api.cluster.restricted_groups import RestrictedInstanceGroup
from hyperpod_operator.api.cluster.rules import ROOT_RULES, SPEC_RULES
from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.api.cluster.storage import RestrictedInstanceGroupsConfig
from hyperpod_operator.api.common.bounds import (
    ClusterName,
    EksClusterArn,
    Percentage,
    Region,
    RoleArn,
    TagKey,
    TagValue,
    keyed,
)
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.rules import rule, rules, unchangeable
from hyperpod_operator.api.names import API_VERSION, CLUSTER_KIND, GROUP

__all__ = [
    "AutoScaling",
    "EksOrchestrator",
    "GroupManagement",
    "HyperPodCluster",
    "HyperPodClusterSpec",
    "HyperPodClusterStatus",
    "InstanceGroup",
    "Management",
    "Orchestrator",
    "RestrictedInstanceGroup",
    "RestrictedInstanceGroupsConfig",
    "Tag",
    "TieredStorageConfig",
    "VpcConfig",
]


class EksOrchestrator(Model):
    """API member ClusterOrchestratorEksConfig."""

    clusterArn: EksClusterArn = Field(
        description="ARN of the EKS cluster whose nodes the instances become. Cannot change."
    )


class Orchestrator(Model):
    """API member ClusterOrchestrator. This operator serves EKS alone, so `eks` is required and Slurm is left out."""

    eks: EksOrchestrator = Field(description="The EKS cluster that orchestrates the HyperPod cluster.")


class AutoScaling(Model):
    """API member ClusterAutoScalingConfig."""

    mode: Literal["Enable", "Disable"] = Field(
        description="Enable: HyperPod runs Karpenter, which scales the groups that a HyperpodNodeClass names. Needs "
        "nodeProvisioningMode Continuous and clusterRole, nodeRecovery Automatic or unset, and groups without deep "
        "health checks and training plans."
    )
    autoScalerType: Literal["Karpenter"] | None = Field(
        default=None, description="The autoscaler; Karpenter is the only one."
    )


class TieredStorageConfig(Model):
    """API member ClusterTieredStorageConfig."""

    mode: Literal["Enable", "Disable"] = Field(
        description="Enable: AWS installs a memory daemon on the nodes that holds checkpoints. Disable: it removes it."
    )
    instanceMemoryAllocationPercentage: Percentage | None = Field(
        default=None, description="Percent of the nodes' memory for checkpoints, 0 to 100. Unset leaves it to AWS."
    )


class Tag(Model):
    """API member Tag."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!self.key.lowerAscii().startsWith('aws:')",
                message="tag keys that start with aws: are reserved by AWS: choose another key",
                path=".key",
            ),
            rule(
                f"!self.key.lowerAscii().startsWith('{GROUP}/')",
                message=f"tags under {GROUP}/ say who owns the cluster and are set by the operator: choose another key",
                path=".key",
            ),
        )
    )

    key: TagKey = Field(description="Tag key, 1 to 128 characters.")
    value: TagValue = Field(description="Tag value, up to 256 characters; may be empty.")


InstanceGroups = Annotated[
    list[InstanceGroup], Field(min_length=1, max_length=100, json_schema_extra=keyed("instanceGroupName"))
]
RestrictedInstanceGroups = Annotated[
    list[RestrictedInstanceGroup], Field(min_length=1, max_length=100, json_schema_extra=keyed("instanceGroupName"))
]


class HyperPodClusterSpec(Model):
    """What the user wants. A member that is unset is not managed and never counts as drift."""

    model_config = ConfigDict(json_schema_extra=rules(*SPEC_RULES))

    clusterName: ClusterName | None = Field(
        default=None,
        description="Name of the cluster in SageMaker, 1 to 63 letters, digits and inner dashes. Cannot change. Unset "
        "means the name of this object.",
    )
    region: Region | None = Field(
        default=None,
        description="AWS Region of the cluster, for example us-west-2; must be one that the installation serves. "
        "Cannot change. Unset means the operator's own Region.",
    )
    orchestrator: Annotated[
        Orchestrator,
        Field(
            json_schema_extra=unchangeable(
                message="orchestrator cannot change: a HyperPod cluster stays with its EKS cluster; create another "
                "HyperPodCluster for another one"
            )
        ),
    ] = Field(description="What orchestrates the cluster. Cannot change.")
    vpcConfig: Annotated[
        VpcConfig,
        Field(
            json_schema_extra=unchangeable(
                message="vpcConfig cannot change on an existing cluster: place a new group elsewhere with its "
                "overrideVpcConfig, or create another HyperPodCluster"
            )
        ),
    ] = Field(
        description="VPC subnets and security groups of the cluster; groups can override it. Must be in the VPC of the "
        "EKS cluster. Cannot change."
    )
    instanceGroups: InstanceGroups | None = Field(
        default=None,
        description="The instance groups, identified by instanceGroupName; up to 100 (AWS documents 20 as its default "
        "quota). A new entry adds a group; removing an entry deletes the group and its instances if the operator "
        "created it. At least one group of either kind is needed.",
    )
    restrictedInstanceGroups: RestrictedInstanceGroups | None = Field(
        default=None,
        description="Restricted instance groups for Amazon Nova customisation, identified by instanceGroupName; up to "
        "100.",
    )
    restrictedInstanceGroupsConfig: RestrictedInstanceGroupsConfig | None = Field(
        default=None, description="Settings that all restricted instance groups share."
    )
    nodeRecovery: Literal["Automatic", "None"] | None = Field(
        default=None,
        description="Automatic: HyperPod reboots or replaces faulty nodes. None: faults are labelled and nothing is "
        "repaired. Can change at any time. Unset leaves it to AWS; setting it is recommended.",
    )
    nodeProvisioningMode: Literal["Continuous"] | None = Field(
        default=None,
        description="Continuous: groups scale independently, failed launches are retried, the cluster stays InService "
        "while scaling. Cannot be switched off again. Needed for minInstanceCount, instanceRequirements and "
        "autoScaling. Unset: each change is all or nothing.",
    )
    clusterRole: RoleArn | None = Field(
        default=None,
        description="ARN of the IAM role that HyperPod assumes for autoscaling; it must trust "
        "hyperpod.sagemaker.amazonaws.com. AWS refuses to change it while autoscaling is enabled.",
    )
    autoScaling: AutoScaling | None = Field(
        default=None, description="Karpenter-based autoscaling by HyperPod. Unset: not managed."
    )
    tieredStorageConfig: TieredStorageConfig | None = Field(
        default=None, description="Managed tiered checkpointing. Can change at any time. Unset: not managed."
    )
    tags: Annotated[list[Tag], Field(max_length=46, json_schema_extra=keyed("key"))] | None = Field(
        default=None,
        description="AWS tags of the cluster, identified by key; up to 46, because AWS takes 50 and the operator adds "
        "its ownership tags. Changed on the running cluster; tags that others set in AWS are left alone. A tag that "
        "you remove here is removed in AWS, also one that was there before the cluster was adopted.",
    )
    management: Management | None = Field(
        default=None, description="How the operator treats the cluster. Not sent to AWS."
    )


class HyperPodCluster(Model):
    """The resource as it is stored."""

    model_config = ConfigDict(json_schema_extra=rules(*ROOT_RULES))

    apiVersion: str = Field(default=API_VERSION, description="API group and version of the object.", max_length=253)
    kind: str = Field(default=CLUSTER_KIND, description="Kind of the object.", max_length=63)
    metadata: dict[str, Any] = Field(description="Standard object metadata.")
    spec: HyperPodClusterSpec = Field(description="What the cluster should be. See status for what it is.")
    status: HyperPodClusterStatus | None = Field(
        default=None, description="What the operator last saw and did. Written by the operator only."
    )
