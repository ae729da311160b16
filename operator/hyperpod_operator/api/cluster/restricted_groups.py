"""A restricted instance group (ClusterRestrictedInstanceGroupSpecification), for Amazon Nova customisation.

It has no lifecycle scripts, no minimum count, no flexible types, no AMI choice and no Kubernetes settings: the
API has no such members.
"""

from pydantic import ConfigDict, Field

from hyperpod_operator.api.cluster.management import GroupManagement
from hyperpod_operator.api.cluster.network import VpcConfig
from hyperpod_operator.api.cluster.software import ScheduledUpdateConfig
from hyperpod_operator.api.cluster.storage import EnvironmentConfig, InstanceStorageConfigs
from hyperpod_operator.api.common.bounds import (
    DeepHealthChecks,
    InstanceCount,
    InstanceGroupName,
    InstanceType,
    RoleArn,
    ThreadsPerCore,
    TrainingPlanArn,
)
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.rules import NEW_GROUP, checked_types, fixed_in_group, rule, rules


class RestrictedInstanceGroup(Model):
    """An entry of `spec.restrictedInstanceGroups`."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            *(
                rule(
                    f"self.{member} == oldSelf.{member}",
                    message=f"{member} of an existing group cannot change: {NEW_GROUP}",
                    reason="FieldValueForbidden",
                    path=f".{member}",
                )
                for member in ("instanceType", "executionRole")
            ),
            fixed_in_group("threadsPerCore"),
            fixed_in_group("overrideVpcConfig"),
            fixed_in_group("instanceStorageConfigs", listed=True),
            fixed_in_group("trainingPlanArn"),
            checked_types(flexible=False),
        )
    )

    instanceGroupName: InstanceGroupName = Field(
        description="Name of the group, 1 to 63 letters, digits and inner dashes; unique over instanceGroups and "
        "restrictedInstanceGroups. It identifies the group: another name is another group."
    )
    instanceCount: InstanceCount = Field(
        description="How many instances the group should have, 0 to 6758. Lowering it ends nodes that the operator "
        "chooses, as spec.management.disruption says. 0 keeps the group and its file system."
    )
    instanceType: InstanceType = Field(
        description="The instance type with its ml. prefix, for example ml.p5.48xlarge. Cannot change on an existing "
        "group."
    )
    executionRole: RoleArn = Field(
        description="ARN of the IAM role that the instances assume; for a restricted group the only way to grant "
        "access. Cannot change on an existing group. Keep the role until the cluster is gone."
    )
    threadsPerCore: ThreadsPerCore | None = Field(
        default=None,
        description="1 switches multithreading off, 2 on; types without multithreading take 1 only. Cannot change on "
        "an existing group. Unset leaves the choice to AWS.",
    )
    instanceStorageConfigs: InstanceStorageConfigs | None = Field(
        default=None, description="Up to 4 storages for each instance. Cannot change on an existing group."
    )
    onStartDeepHealthChecks: DeepHealthChecks | None = Field(
        default=None,
        description="1 to 3 checks that run when instances are created or updated: InstanceStress, "
        "InstanceConnectivity, MultiNodeTrainingValidation. Nodes are unschedulable meanwhile.",
    )
    trainingPlanArn: TrainingPlanArn | None = Field(
        default=None,
        description="ARN of the SageMaker training plan whose reserved capacity the group uses. Cannot change on an "
        "existing group.",
    )
    overrideVpcConfig: VpcConfig | None = Field(
        default=None,
        description="Subnets and security groups of this group instead of spec.vpcConfig. Cannot change on an existing "
        "group.",
    )
    scheduledUpdateConfig: ScheduledUpdateConfig | None = Field(
        default=None,
        description="When and how AWS updates the AMI of the group on a schedule. Unset: not managed; a new group has "
        "none, and one that AWS has stays when you remove it here.",
    )
    environmentConfig: EnvironmentConfig | None = Field(
        default=None, description="The service-managed environment of the group."
    )
    management: GroupManagement | None = Field(
        default=None, description="How the operator treats this group. Not sent to AWS."
    )
