"""`status.cost`: what the instances of a cluster cost per hour, by AWS's price list. Amounts are decimal text."""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.common.bounds import ATOMIC, keyed
from hyperpod_operator.api.common.model import Model

Amount = Annotated[str, Field(max_length=32)]
Name = Annotated[str, Field(max_length=128)]


class GroupCost(Model):
    """What the instances of one group cost."""

    instanceGroupName: Name = Field(description="Name of the group.")
    hourly: Amount | None = Field(default=None, description="Current instances at the on-demand price.")
    idleHourly: Amount | None = Field(
        default=None,
        description="Of that, instances that run no pods because they are unhealthy, being checked or not joined. "
        "Unset where Kubernetes says nothing of the group's Nodes.",
    )
    unknown: Annotated[str, Field(max_length=256)] | None = Field(
        default=None, description="Why the price is not known."
    )


class ClusterCost(Model):
    """What the instances of all groups cost. Volumes, file systems, traffic and EKS itself are not part of it."""

    hourly: Amount | None = Field(default=None, description="Sum of the groups whose price is known.")
    monthly: Amount | None = Field(default=None, description="The same for 730 hours.")
    idleHourly: Amount | None = Field(default=None, description="Sum of the groups' idleHourly.")
    currency: Annotated[str, Field(max_length=8)] | None = Field(default=None, description="For example USD.")
    asOf: Name | None = Field(default=None, description="Date of the price list.")
    unknownGroups: Annotated[list[Name], Field(max_length=200, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="Groups that the sums leave out, because their price is not known."
    )
    groups: Annotated[list[GroupCost], Field(max_length=200, json_schema_extra=keyed("instanceGroupName"))] | None = (
        Field(default=None, description="By group.")
    )
