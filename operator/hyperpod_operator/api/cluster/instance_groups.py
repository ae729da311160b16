"""An instance group (ClusterInstanceGroupSpecification): same instances, same script, same AMI."""

from typing import Annotated

from pydantic import ConfigDict, Field

from hyperpod_operator.api.cluster.kubernetes_config import KubernetesConfig
from hyperpod_operator.api.cluster.management import GroupManagement
from hyperpod_operator.api.cluster.network import NetworkInterface, VpcConfig
from hyperpod_operator.api.cluster.software import AutoPatchConfig, ScheduledUpdateConfig
from hyperpod_operator.api.cluster.storage import InstanceStorageConfigs
from hyperpod_operator.api.common.bounds import (
    ATOMIC,
    DeepHealthChecks,
    ImageId,
    ImageReleaseVersion,
    InstanceCount,
    InstanceGroupName,
    InstanceType,
    RoleArn,
    S3Uri,
    ScriptName,
    ThreadsPerCore,
    TrainingPlanArn,
)
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.rules import NEW_GROUP, checked_types, fixed_in_group, rule, rules


class InstanceRequirements(Model):
    """API member ClusterInstanceRequirements: makes the group a flexible one."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.instanceTypes.all(t, self.instanceTypes.exists_one(u, u == t))",
                message="each instance type may stand in instanceTypes once: remove the duplicate",
                path=".instanceTypes",
            )
        )
    )

    instanceTypes: Annotated[list[InstanceType], Field(min_length=1, max_length=20, json_schema_extra=ATOMIC)] = Field(
        description="1 to 20 instance types in order of priority: the first with capacity is used. Types can be added; "
        "AWS refuses to remove one that has running instances."
    )


class LifeCycleConfig(Model):
    """API member ClusterLifeCycleConfig."""

    sourceS3Uri: S3Uri | None = Field(
        default=None,
        description="Where the lifecycle scripts are, as s3://bucket/prefix. Buckets named sagemaker-... work with the "
        "managed policy AmazonSageMakerClusterInstanceRolePolicy; others need a policy of their own.",
    )
    onCreate: ScriptName | None = Field(
        default=None,
        description="File under sourceS3Uri that runs on each instance when it is created or replaced, for example "
        "on_create.sh. A script that fails makes the instance fail.",
    )
    onInitComplete: ScriptName | None = Field(
        default=None,
        description="File under sourceS3Uri that runs on each instance after the AMI-based initialisation.",
    )


class SpotOptions(Model):
    """API member ClusterSpotOptions: an empty marker."""


class OnDemandOptions(Model):
    """API member ClusterOnDemandOptions: an empty marker."""


class CapacityRequirements(Model):
    """API member ClusterCapacityRequirements."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.spot) != has(self.onDemand)",
                message="set exactly one of spot: {} and onDemand: {}",
            )
        )
    )

    spot: SpotOptions | None = Field(
        default=None,
        description="spot: {} asks for Spot capacity: cheaper, and AWS may take an instance back at two minutes' "
        "notice. Has quotas of its own. Cannot be combined with trainingPlanArn.",
    )
    onDemand: OnDemandOptions | None = Field(default=None, description="onDemand: {} asks for On-Demand capacity.")


class InstanceGroup(Model):
    """An entry of `spec.instanceGroups` (API member ClusterInstanceGroupSpecification)."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.instanceType) != has(self.instanceRequirements)",
                message="set exactly one of instanceType and instanceRequirements",
            ),
            rule(
                "has(self.instanceType) == has(oldSelf.instanceType)",
                message=f"a group cannot switch between instanceType and instanceRequirements: {NEW_GROUP}",
                reason="FieldValueForbidden",
            ),
            rule(
                "!has(oldSelf.instanceType) || !has(self.instanceType) || self.instanceType == oldSelf.instanceType",
                message=f"instanceType of an existing group cannot change: {NEW_GROUP}",
                reason="FieldValueForbidden",
                path=".instanceType",
            ),
            rule(
                "self.executionRole == oldSelf.executionRole",
                message=f"executionRole of an existing group cannot change: {NEW_GROUP}",
                reason="FieldValueForbidden",
                path=".executionRole",
            ),
            fixed_in_group("threadsPerCore"),
            fixed_in_group("overrideVpcConfig"),
            fixed_in_group("instanceStorageConfigs", listed=True),
            fixed_in_group("trainingPlanArn"),
            fixed_in_group("capacityRequirements"),
            rule(
                "!has(self.minInstanceCount) || self.minInstanceCount <= self.instanceCount",
                message="minInstanceCount cannot be larger than instanceCount: lower it or raise instanceCount",
                path=".minInstanceCount",
            ),
            rule(
                "!has(self.onStartDeepHealthChecks) || !has(self.kubernetesConfig) || "
                "!has(self.kubernetesConfig.taints) || self.kubernetesConfig.taints.size() == 0",
                message="HyperPod does not run deep health checks on groups with custom taints: remove "
                "kubernetesConfig.taints or onStartDeepHealthChecks",
            ),
            checked_types(flexible=True),
            rule(
                "!has(self.trainingPlanArn) || !has(self.capacityRequirements) || !has(self.capacityRequirements.spot)",
                message="a training plan is reserved capacity and cannot be Spot: remove trainingPlanArn or "
                "capacityRequirements.spot",
            ),
        )
    )

    instanceGroupName: InstanceGroupName = Field(
        description="Name of the group, 1 to 63 letters, digits and inner dashes; unique over instanceGroups and "
        "restrictedInstanceGroups. It identifies the group: another name is another group."
    )
    instanceCount: InstanceCount = Field(
        description="How many instances the group should have, 0 to 6758. Raising it launches instances. Lowering it "
        "ends nodes that the operator chooses, when no pods run on them; spec.management.disruption says what it does "
        "about pods. 0 keeps the empty group. Who owns the count is chosen with management.countOwner."
    )
    minInstanceCount: InstanceCount | None = Field(
        default=None,
        description="How many instances must run before the group counts as InService, 0 to instanceCount. If they do "
        "not within 3 hours, AWS rolls a new group back to 0 and a changed one to its former counts. Needs "
        "nodeProvisioningMode Continuous. Unset means 0 to AWS.",
    )
    instanceType: InstanceType | None = Field(
        default=None,
        description="The instance type with its ml. prefix, for example ml.p5.48xlarge. Exactly one of this and "
        "instanceRequirements. Cannot change on an existing group.",
    )
    instanceRequirements: InstanceRequirements | None = Field(
        default=None,
        description="Several instance types for one (flexible) group. Exactly one of this and instanceType. Needs "
        "nodeProvisioningMode Continuous.",
    )
    executionRole: RoleArn = Field(
        description="ARN of the IAM role that the instances assume. Cannot change on an existing group. Keep the role "
        "until the cluster is gone: AWS uses it to remove the nodes' network interfaces."
    )
    lifeCycleConfig: LifeCycleConfig | None = Field(
        default=None,
        description="Scripts that set up each instance. A change applies to instances launched from then on. In "
        "practice AWS asks for it on groups of EKS clusters.",
    )
    threadsPerCore: ThreadsPerCore | None = Field(
        default=None,
        description="1 switches multithreading off, 2 on; types without multithreading take 1 only. Cannot change on "
        "an existing group. Unset leaves the choice to AWS.",
    )
    instanceStorageConfigs: InstanceStorageConfigs | None = Field(
        default=None,
        description="Up to 4 storages for each instance. Cannot change on an existing group. Unset: none beyond the "
        "root volume.",
    )
    onStartDeepHealthChecks: DeepHealthChecks | None = Field(
        default=None,
        description="1 to 3 checks that run when instances are created or updated: InstanceStress, "
        "InstanceConnectivity, MultiNodeTrainingValidation. They take from minutes to hours, nodes are unschedulable "
        "meanwhile, and bad ones are replaced. For GPU and Trainium groups without custom taints.",
    )
    trainingPlanArn: TrainingPlanArn | None = Field(
        default=None,
        description="ARN of the SageMaker training plan whose reserved capacity the group uses. Cannot change on an "
        "existing group.",
    )
    overrideVpcConfig: VpcConfig | None = Field(
        default=None,
        description="Subnets and security groups of this group instead of spec.vpcConfig, for example to place it in "
        "another zone. Cannot change on an existing group.",
    )
    scheduledUpdateConfig: ScheduledUpdateConfig | None = Field(
        default=None,
        description="When and how AWS updates the AMI of the group on a schedule. Unset: not managed; a new group has "
        "none, and one that AWS has stays when you remove it here.",
    )
    imageId: ImageId | None = Field(
        default=None,
        description="AMI of the instances: a HyperPod public AMI, a custom AMI of this account (unencrypted, one "
        "volume), or default for the latest system image (taken when the group is created; to bring an existing "
        "group back to it, pin imageReleaseVersion). On an existing group a change calls UpdateClusterSoftware, "
        "which replaces root volumes and does not drain unless scheduledUpdateConfig.deploymentConfig gives a "
        "rollingUpdatePolicy. Unset: AWS chooses, and the operator leaves the AMI alone.",
    )
    imageReleaseVersion: ImageReleaseVersion | None = Field(
        default=None,
        description="Release of the HyperPod-managed AMI as MAJOR.MINOR.PATCH, for example 1.2.3. On an existing group "
        "a change calls UpdateClusterSoftware, which replaces root volumes and does not drain unless "
        "scheduledUpdateConfig.deploymentConfig gives a rollingUpdatePolicy. Unset: the latest at launch, and the "
        "operator leaves it alone.",
    )
    autoPatchConfig: AutoPatchConfig | None = Field(
        default=None,
        description="Lets HyperPod apply PATCH releases of the AMI to this group by itself. Unset: not managed.",
    )
    kubernetesConfig: KubernetesConfig | None = Field(
        default=None, description="Labels and taints that HyperPod keeps on the nodes of the group."
    )
    capacityRequirements: CapacityRequirements | None = Field(
        default=None,
        description="Spot or On-Demand capacity, exactly one. Cannot change on an existing group. Unset leaves the "
        "choice to AWS.",
    )
    networkInterface: NetworkInterface | None = Field(
        default=None, description="Network interface of the instances. Unset leaves it to AWS."
    )
    management: GroupManagement | None = Field(
        default=None, description="How the operator treats this group. Not sent to AWS."
    )
