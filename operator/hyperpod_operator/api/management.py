"""What is the operator's, not AWS's. Everything of that kind lives under a key named `management`.

There are no defaults in the schema: what an unset member means can depend on how the cluster came about, and
an operator that is newer than the stored object must still be able to tell "unset" from "chosen".
"""

from typing import Literal

from pydantic import Field

from hyperpod_operator.api.model import Model


class Management(Model):
    """`spec.management`: how the operator treats the cluster as a whole."""

    paused: bool | None = Field(
        default=None,
        description="true: the operator observes and reports but changes nothing in AWS, not even to delete. Unset "
        "means false.",
    )
    deletionPolicy: Literal["Delete", "Retain"] | None = Field(
        default=None,
        description="What happens to the cluster in AWS when this object is deleted. Delete: DeleteCluster, and the "
        "object stays until the cluster is gone. Retain: the cluster stays, our ownership tags are removed. Unset "
        "means Delete for a cluster that the operator created and Retain for an adopted one.",
    )
    adoptionPolicy: Literal["Never", "IfUnowned"] | None = Field(
        default=None,
        description="What happens when AWS already has a cluster of this name. Never: report NotOwned and leave it "
        "alone. IfUnowned: take it over if no other owner's tag is on it; the changes are announced in "
        "status.adoption first. Unset means Never.",
    )
    onCreateFailure: Literal["Hold", "Recreate"] | None = Field(
        default=None,
        description="What happens when the creation of a cluster ends in Failed. Hold: keep it for inspection and "
        "report CreateFailed. Recreate: delete it and try again, a few times, each time later. Unset means Hold.",
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
        description="What happens to volumes that EBSVolumeClaims have attached to nodes, when the cluster is deleted. "
        "Wait: the cluster is deleted when the claims have let go, because nothing can be detached after that. Orphan: "
        "it is deleted at once; AWS frees the volumes when their nodes end. Unset means Wait.",
    )
    nodeHealth: Literal["Enforce", "Observe"] | None = Field(
        default=None,
        description="What the operator does about the cluster's Nodes in Kubernetes. Enforce: it adds the node-health "
        "taint where HyperPod's own is missing, takes its own off again, and sets the instance-type labels. Observe: "
        "it reports and changes no Node. Unset means Enforce.",
    )


class GroupManagement(Model):
    """`management` of an instance group: how the operator treats this one group."""

    countOwner: Literal["Operator", "External"] | None = Field(
        default=None,
        description="Who decides how many instances the group has. Operator: instanceCount is applied when it is "
        "edited. External: instanceCount counts at creation only, then somebody else (an autoscaler, a person) "
        "scales the group and the operator repeats what AWS says. Unset means Operator, or External while "
        "autoScaling.mode is Enable.",
    )
