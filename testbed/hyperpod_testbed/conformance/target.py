"""What a run needs to know of the account that it runs in."""

from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

RUN_TAG = "hyperpod-conformance-run"
"""Tag key of everything that a run makes; its value is the id of the run."""


class TargetError(ValueError):
    """The settings of a run are missing or wrong."""


class Target(BaseModel):
    """The account, and what of it a run may use. Read from a YAML file; every member of the API keeps AWS's form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Annotated[str, Field(pattern=r"^[0-9]{12}$")]
    region: str
    eksClusterArn: str
    subnets: tuple[str, ...] = Field(min_length=1)
    securityGroupIds: tuple[str, ...] = Field(min_length=1)
    executionRole: str
    sourceS3Uri: str
    onCreate: str = "on_create.sh"
    failingOnCreate: str | None = None
    """A lifecycle script that ends with an error; unset leaves that step out."""
    instanceType: str = "ml.t3.medium"
    scarceInstanceType: str | None = None
    """An instance type that this account cannot get; unset leaves that step out."""
    scarcePricePerNodeHour: Annotated[float | None, Field(ge=0)] = None
    """What a node of `scarceInstanceType` costs, in USD an hour, if AWS has one after all; 0 where the quota is 0. The
    spending limit has to cover an hour of it."""
    pricePerNodeHour: Annotated[float, Field(gt=0)] = 0.10
    """What a node of `instanceType` costs, in USD an hour, with its root volume; the spending limit is held by it."""

    @model_validator(mode="after")
    def _scarce_has_a_price(self) -> Self:
        if self.scarceInstanceType and self.scarcePricePerNodeHour is None:
            raise ValueError("scarceInstanceType needs scarcePricePerNodeHour (0 where your quota for it is 0)")
        return self

    @classmethod
    def load(cls, path: Path) -> Self:
        """The settings in a YAML file; TargetError says which member is wrong."""
        try:
            content = yaml.safe_load(path.read_text())
            return cls.model_validate(content)
        except (OSError, yaml.YAMLError) as error:
            raise TargetError(f"{path} cannot be read: {error}") from error
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}" for item in error.errors()
            )
            raise TargetError(f"{path}: {wrong}. docs/conformance.md lists the members.") from error

    def secrets(self) -> dict[str, str]:
        """What a record must not show, and what stands in its place. Longest first."""
        named = {
            self.eksClusterArn.rpartition("/")[2]: "eks-cluster",
            self.executionRole.rpartition(":role/")[2]: "execution-role",
            self.sourceS3Uri.removeprefix("s3://").rstrip("/"): "bucket",
            **{subnet: f"subnet-{index:017d}" for index, subnet in enumerate(self.subnets)},
            **{group: f"sg-{index:017d}" for index, group in enumerate(self.securityGroupIds)},
            self.account: "111122223333",
        }
        return dict(sorted(named.items(), key=lambda item: -len(item[0])))


EXAMPLE = Target(
    account="111122223333",
    region="us-west-2",
    eksClusterArn="arn:aws:eks:us-west-2:111122223333:cluster/eks-cluster",
    subnets=("subnet-00000000000000000", "subnet-00000000000000001"),
    securityGroupIds=("sg-00000000000000000",),
    executionRole="arn:aws:iam::111122223333:role/execution-role",
    sourceS3Uri="s3://bucket",
    failingOnCreate="on_create_fails.sh",
    scarceInstanceType="ml.p5.48xlarge",
    scarcePricePerNodeHour=0.0,
)
"""The account that a comparison plays the script in; it looks like a record after its names were replaced."""
