"""How the AMI of a group moves on: by schedule (ScheduledUpdateConfig) or by itself (AutoPatchConfig)."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from hyperpod_operator.api.common.bounds import (
    AlarmName,
    BatchSize,
    DrainTimeout,
    IdleWaitWindow,
    PatchDate,
    ScheduleExpression,
    WaitInterval,
    keyed,
)
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.rules import rule, rules

# [assumption: software-update-words]
SYSTEM_UPDATING = "SystemUpdating"
"""Status of a cluster and its groups while their software is updated, as documented; seen was `Updating`."""
SOFTWARE_UPDATING = frozenset({"Pending", "InProgress", "RollbackInProgress"})
"""SoftwareUpdateStatus of a group while an update works or goes back."""


class CapacitySize(Model):
    """API member CapacitySizeConfig."""

    type: Literal["INSTANCE_COUNT", "CAPACITY_PERCENTAGE"] = Field(
        description="Whether value counts instances (INSTANCE_COUNT) or is a percentage (CAPACITY_PERCENTAGE)."
    )
    value: BatchSize = Field(description="Instances, or percent of the group, at a time; at least 1.")


class RollingUpdatePolicy(Model):
    """API member RollingDeploymentPolicy."""

    maximumBatchSize: CapacitySize = Field(description="How many instances are updated at a time at most.")
    rollbackMaximumBatchSize: CapacitySize | None = Field(
        default=None, description="How many instances are rolled back at a time at most. Unset leaves it to AWS."
    )


class Alarm(Model):
    """API member AlarmDetails."""

    alarmName: AlarmName = Field(description="Name of an Amazon CloudWatch alarm, 1 to 255 characters.")


class DeploymentConfig(Model):
    """API member DeploymentConfiguration."""

    rollingUpdatePolicy: RollingUpdatePolicy | None = Field(
        default=None,
        description="Update in batches: instances are cordoned and drained first, and one whose pods a "
        "PodDisruptionBudget protects is skipped. Unset updates without draining.",
    )
    waitIntervalInSeconds: WaitInterval | None = Field(
        default=None,
        description="Pause between batches in seconds, 0 to 3600; the alarms are watched meanwhile. Unset leaves it "
        "to AWS.",
    )
    autoRollbackConfiguration: (
        Annotated[list[Alarm], Field(min_length=1, max_length=10, json_schema_extra=keyed("alarmName"))] | None
    ) = Field(
        default=None,
        description="1 to 10 CloudWatch alarms; one that fires during the update makes AWS roll back to the former "
        "AMI. Unset: no automatic rollback.",
    )


class ScheduledUpdateConfig(Model):
    """API member ScheduledUpdateConfig."""

    scheduleExpression: ScheduleExpression = Field(
        description="When AWS updates the AMI of the group, as an AWS cron expression, for example "
        "cron(0 4 ? * SUN *). Each update replaces the root volume of every instance."
    )
    deploymentConfig: DeploymentConfig | None = Field(
        default=None,
        description="How updates roll through the group. The operator also uses it when a change of imageId or "
        "imageReleaseVersion makes it call UpdateClusterSoftware. Unset: all at once, without draining.",
    )


class PatchSchedule(Model):
    """API member ClusterPatchSchedule."""

    nextPatchDate: PatchDate | None = Field(
        default=None,
        description="RFC 3339 instant of the next automatic patch, for example 2026-11-30T04:00:00Z. AWS sets it when "
        "it finds a patch; set it here only to move that patch. A date that has passed has no effect.",
    )


class DrainPolicy(Model):
    """API member ClusterDrainPolicy."""

    drainTimeoutInSeconds: DrainTimeout | None = Field(
        default=None,
        description="How long to wait for the pods of an instance to leave, in seconds, 0 to 5400. AWS's default is "
        "3600.",
    )
    onDrainTimeout: Literal["Force", "Skip"] | None = Field(
        default=None,
        description="Skip: the instance keeps its AMI and is uncordoned. Force: the remaining pods are deleted without "
        "regard to PodDisruptionBudgets. AWS's default is Skip.",
    )


class AutoPatchConfig(Model):
    """API member ClusterAutoPatchConfig."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.patchingStrategy != 'DrainFirst' || "
                "(has(self.deploymentConfig) && has(self.deploymentConfig.rollingUpdatePolicy))",
                message="patchingStrategy DrainFirst patches in batches: set "
                "deploymentConfig.rollingUpdatePolicy.maximumBatchSize",
                reason="FieldValueRequired",
                path=".deploymentConfig",
            ),
            rule(
                "self.patchingStrategy == 'DrainFirst' || !has(self.drainPolicy)",
                message="drainPolicy works with patchingStrategy DrainFirst only: remove it or choose DrainFirst",
                path=".drainPolicy",
            ),
            rule(
                "self.patchingStrategy != 'DrainFirst' || !has(self.idleWaitWindowInSeconds)",
                message="idleWaitWindowInSeconds works with patchingStrategy WhenIdle and WhenAllIdle only: remove it "
                "or choose one of these",
                path=".idleWaitWindowInSeconds",
            ),
        )
    )

    patchingStrategy: Literal["WhenIdle", "WhenAllIdle", "DrainFirst"] = Field(
        description="WhenIdle: cordon all instances and patch each as it becomes idle. WhenAllIdle: patch only when "
        "all are idle. DrainFirst: cordon, evict and patch in batches. HyperPod cordons and uncordons by itself."
    )
    patchSchedule: PatchSchedule | None = Field(
        default=None, description="Moves the next automatic patch. Unset leaves the date to AWS."
    )
    deploymentConfig: DeploymentConfig | None = Field(
        default=None,
        description="Batch sizes, pauses and rollback of rolling patches. DrainFirst requires "
        "rollingUpdatePolicy.maximumBatchSize.",
    )
    idleWaitWindowInSeconds: IdleWaitWindow | None = Field(
        default=None,
        description="How long patching waits for instances to become idle, in seconds, 3600 (1 hour) to 2160000 (25 "
        "days); those that do not keep their AMI. For WhenIdle and WhenAllIdle. AWS's default is 86400.",
    )
    drainPolicy: DrainPolicy | None = Field(
        default=None, description="What happens to pods before an instance is patched. For DrainFirst only."
    )
