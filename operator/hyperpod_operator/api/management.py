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


class GroupManagement(Model):
    """`management` of an instance group: how the operator treats this one group."""

    countOwner: Literal["Operator", "External"] | None = Field(
        default=None,
        description="Who decides how many instances the group has. Operator: instanceCount is applied when it is "
        "edited. External: instanceCount counts at creation only, then somebody else (an autoscaler, a person) "
        "scales the group and the operator repeats what AWS says. Unset means Operator, or External while "
        "autoScaling.mode is Enable.",
    )
