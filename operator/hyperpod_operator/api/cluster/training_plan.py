"""`status.trainingPlans`: the training plans whose capacity the groups of a cluster use."""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.common.bounds import Timestamp
from hyperpod_operator.api.common.model import Model

PLANS_MOST = 100
Word = Annotated[str, Field(max_length=128)]


class TrainingPlanStatus(Model):
    """A training plan, as sagemaker:DescribeTrainingPlan has it."""

    arn: Annotated[str, Field(max_length=2048)] = Field(description="ARN of the plan.")
    status: Word | None = Field(default=None, description="AWS's status: Pending, Active, Scheduled, Expired, Failed.")
    startTime: Timestamp | None = Field(default=None, description="When the plan starts, as RFC 3339.")
    endTime: Timestamp | None = Field(
        default=None, description="When the plan ends, as RFC 3339. AWS ends its instances 30 minutes before."
    )
