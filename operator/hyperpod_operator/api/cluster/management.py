"""Fields for the operator and not for AWS. All of them are under a key named `management`.

There are no defaults in the schema: what an unset field means can depend on whether the operator created the cluster,
and an operator that is newer than the stored object must be able to distinguish "unset" from "chosen".
"""

from typing import Annotated, Literal

from pydantic import Field

from hyperpod_operator.api.common.drain import DrainSeconds
from hyperpod_operator.api.common.model import Model


class Disruption(Model):
    """`spec.management.disruption`: what happens to running pods before the operator ends their node."""

    runningWorkloads: Literal["Wait", "Drain", "Ignore"] | None = Field(
        default=None,
        description="What happens to running pods before a node ends because you lower instanceCount, remove a group "
        "or delete this object. Wait: the operator chooses the nodes, keeps new pods off them and waits until their "
        "pods are gone. Drain: it also evicts their pods. Ignore: nothing is waited for, and AWS chooses the nodes of "
        "a scale-in at random. Pods of DaemonSets, static pods and finished pods do not count. Unset means Wait.",
    )
    drainTimeoutSeconds: DrainSeconds | None = Field(
        default=None,
        description="How long Drain evicts pods, in seconds. Afterwards the operator evicts no more, and waits for the "
        "pods that are left. 0 means no limit. Unset means 3600.",
    )


class Management(Model):
    """`spec.management`: how the operator treats the cluster as a whole."""

    paused: bool | None = Field(
        default=None,
        description="true: the operator observes and reports, and changes nothing in AWS; it does not delete either. "
        "Unset means false.",
    )
    changePolicy: Literal["Auto", "ApproveDisruptive", "ApproveAll", "PlanOnly"] | None = Field(
        default=None,
        description="Which changes in AWS wait for an approval of the plan in status.plan, the deletion of this object "
        "included. Auto: none. ApproveDisruptive: those that restart or end nodes, groups or the cluster. ApproveAll: "
        "all. PlanOnly: the operator shows its plan and changes nothing. Ownership tags wait for no approval. Unset "
        "means Auto.",
    )
    approvedPlan: Annotated[str, Field(max_length=71, pattern=r"^sha256:[0-9a-f]{64}$")] | None = Field(
        default=None,
        description="Digest of the plan that you approve, as in status.plan.digest. For approvals in Git; with kubectl "
        "use the annotation hyperpod-operator.dev/approve-plan.",
    )
    deletionPolicy: Literal["Delete", "Retain"] | None = Field(
        default=None,
        description="What happens to the cluster in AWS when you delete this object. Delete: the operator calls "
        "DeleteCluster, and the object stays until the cluster is gone. Retain: the cluster stays, and the operator "
        "removes its ownership tags. Unset means Delete for a cluster that the operator created and Retain for an "
        "adopted one.",
    )
    adoptionPolicy: Literal["Never", "IfUnowned"] | None = Field(
        default=None,
        description="What happens if AWS already has a cluster of this name. Never: the operator reports NotOwned and "
        "leaves it alone. IfUnowned: it adopts the cluster unless it has the tags of another owner, and announces the "
        "changes in status.adoption first. Unset means Never.",
    )
    onCreateFailure: Literal["Hold", "Recreate"] | None = Field(
        default=None,
        description="What happens if the creation of a cluster fails. Hold: the operator keeps it for inspection and "
        "reports CreateFailed. Recreate: it deletes the cluster and retries a few times, with backoff. Unset means "
        "Hold.",
    )
    preflight: Literal["Enforce", "Warn", "Off"] | None = Field(
        default=None,
        description="What happens when a check before CreateCluster, or before a group is added, fails. Enforce: the "
        "call waits until the check passes. Warn: the call is made and the failure is reported. Off: nothing is "
        "checked. A check that may not read what it needs never holds a call back. Unset means the installation's "
        "default, which is Enforce.",
    )
    attachedVolumes: Literal["Wait", "Orphan"] | None = Field(
        default=None,
        description="What happens to volumes of EBSVolumeClaims that are attached to nodes when you delete the "
        "cluster. Wait: when no pods run on the nodes, the operator has the claims detach their volumes, and continues "
        "then, because AWS detaches nothing later. Orphan: it does not wait; AWS releases the volumes when it "
        "terminates their nodes. Unset means Wait.",
    )
    deletionProtection: bool | None = Field(
        default=None,
        description="true: the operator deletes neither the cluster nor a group of it, whatever else is set; this "
        "object stays when you delete it, unless deletionPolicy is Retain. Unset means false.",
    )
    onExternalDelete: Literal["Hold", "Recreate"] | None = Field(
        default=None,
        description="What happens if the cluster is deleted in AWS, and not by the operator. Hold: the operator "
        "reports DeletedOutside and creates it again only if you approve that plan. Recreate: it creates the cluster "
        "again, after it read twice that the cluster is gone. Unset means Hold.",
    )
    disruption: Disruption | None = Field(
        default=None, description="What happens to running pods before the operator ends their node."
    )
    nodeHealth: Literal["Enforce", "Observe"] | None = Field(
        default=None,
        description="What the operator does with the cluster's Nodes in Kubernetes. Enforce: it adds the node-health "
        "taint where HyperPod's own is missing, removes its own taint, and sets the instance-type labels. Observe: it "
        "reports and does none of that; nodes that it drains get the draining taint all the same. Unset means Enforce.",
    )


class GroupManagement(Model):
    """`management` of an instance group: how the operator treats this one group."""

    deletionProtection: bool | None = Field(
        default=None,
        description="true: the operator deletes neither this group nor the cluster, also after you removed the group "
        "from the spec; to delete it, set this to false first. Unset means false.",
    )
    countOwner: Literal["Operator", "External"] | None = Field(
        default=None,
        description="Who decides how many instances the group has. Operator: the operator applies instanceCount when "
        "you edit it. External: instanceCount applies at creation only; afterwards an autoscaler or another tool "
        "scales the group, and the operator repeats the count in AWS. Unset means Operator, or External while "
        "autoScaling.mode is Enable, in the spec or, where the spec leaves autoScaling unset, in AWS.",
    )
