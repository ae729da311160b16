"""A condition, with the members and bounds of Kubernetes' metav1.Condition."""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.common.bounds import Timestamp
from hyperpod_operator.api.common.model import Model

ConditionName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=316,
        pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
        r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
    ),
]
ConditionStatus = Annotated[str, Field(max_length=7, json_schema_extra={"enum": ["True", "False", "Unknown"]})]
ConditionReason = Annotated[
    str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
]
ConditionMessage = Annotated[str, Field(max_length=32768)]


class Condition(Model):
    """One aspect of the cluster's state."""

    type: ConditionName = Field(
        description="What the condition is about: Ready sums up all others; Reconciling or Stalled exist only while "
        "true."
    )
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: ConditionReason = Field(description="One word for why. Each is explained in docs/conditions.md.")
    message: ConditionMessage = Field(description="What happened, where, and what to do next.")
    observedGeneration: int | None = Field(
        default=None, ge=0, description="The metadata.generation that this condition is about."
    )
    lastTransitionTime: Timestamp = Field(description="When status last changed, as RFC 3339.")
