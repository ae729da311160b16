"""Where nodes live: VpcConfig, for the cluster and as a group's override, and a group's network interface."""

from typing import Annotated, Literal

from pydantic import Field

from hyperpod_operator.api.common.bounds import SET, SecurityGroupId, SubnetId
from hyperpod_operator.api.common.model import Model


class VpcConfig(Model):
    """API member VpcConfig."""

    securityGroupIds: Annotated[list[SecurityGroupId], Field(min_length=1, max_length=5, json_schema_extra=SET)] = (
        Field(
            description="1 to 5 security group ids (sg-...) of the VPC. For EFA, one of them must allow all traffic "
            "from and to itself, or instances fail their EFA health check at launch."
        )
    )
    subnets: Annotated[list[SubnetId], Field(min_length=1, max_length=16, json_schema_extra=SET)] = Field(
        description="1 to 16 subnet ids (subnet-...). HyperPod places instances in one zone of these; give a group its "
        "own overrideVpcConfig to place it in another one."
    )


class NetworkInterface(Model):
    """API member ClusterNetworkInterface."""

    interfaceType: Literal["efa", "efa-only"] | None = Field(
        default=None,
        description="efa: Elastic Fabric Adapter together with an ENA device for IP traffic. efa-only: the EFA device "
        "alone. Unset leaves the choice to AWS.",
    )
