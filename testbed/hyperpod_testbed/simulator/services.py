"""The services behind the one socket: how each is spoken to, and which operations it has.

A request says whose it is by the service in the scope of its signature.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from botocore.model import ServiceModel

from hyperpod_testbed.simulator import shapes, wire, words
from hyperpod_testbed.simulator.ebs.errors import model_refusal
from hyperpod_testbed.simulator.ebs.operations import OPERATIONS as EC2_VOLUMES
from hyperpod_testbed.simulator.errors import AwsError, validation
from hyperpod_testbed.simulator.operations import OPERATIONS, Handler
from hyperpod_testbed.simulator.prerequisites import operations as prerequisites
from hyperpod_testbed.simulator.protocols import Protocol
from hyperpod_testbed.simulator.protocols.forms import Ec2Protocol, QueryProtocol
from hyperpod_testbed.simulator.protocols.json_rpc import JsonProtocol
from hyperpod_testbed.simulator.protocols.rest import RestJsonProtocol, RestXmlProtocol
from hyperpod_testbed.simulator.state import JSON
from hyperpod_testbed.simulator.words import Words


def _ours(problems: list[str]) -> AwsError:
    return validation(shapes.summary(problems))


def _anything(_: str, __: JSON, ___: str) -> str:
    return "*"


@dataclass(frozen=True)
class Service:
    """One service: its protocol, its operations, and its words for failures."""

    name: str
    """As signatures and IAM's actions have it."""
    model_name: str
    """As botocore has it."""
    handlers: Mapping[str, Handler]
    protocol: Protocol
    words: Words
    refusal: Callable[[list[str]], AwsError] = _ours
    """The error for a request that the service model forbids."""
    actions: Mapping[str, str] = field(default_factory=dict)
    """IAM actions that are not called like their operation."""
    resource: Callable[[str, JSON, str], str] = _anything
    """What a denial names, by account, request and region."""

    def model(self) -> ServiceModel:
        """Its model in botocore."""
        return shapes.service(self.model_name)


def _model(name: str) -> Callable[[], ServiceModel]:
    return functools.partial(shapes.service, name)


SAGEMAKER = Service(
    name="sagemaker",
    model_name="sagemaker",
    handlers={**OPERATIONS, **prerequisites.SAGEMAKER},
    protocol=JsonProtocol("SageMaker"),
    words=words.SAGEMAKER,
)
EC2 = Service(
    name="ec2",
    model_name="ec2",
    handlers={**EC2_VOLUMES, **prerequisites.EC2},
    protocol=Ec2Protocol(_model("ec2")),
    words=words.EC2,
    refusal=model_refusal,
)
STS = Service(
    name="sts",
    model_name="sts",
    handlers={},
    protocol=QueryProtocol(_model("sts")),
    words=words.STS,
)
"""Its one operation is about the caller, not about the account, and `api` answers it."""

ALL: Mapping[str, Service] = {
    one.name: one
    for one in (
        SAGEMAKER,
        EC2,
        STS,
        Service(
            name="eks",
            model_name="eks",
            handlers=prerequisites.EKS,
            protocol=RestJsonProtocol(_model("eks"), prerequisites.EKS),
            words=words.EKS,
            resource=prerequisites.eks_resource,
        ),
        Service(
            name="iam",
            model_name="iam",
            handlers=prerequisites.IAM,
            protocol=QueryProtocol(_model("iam")),
            words=words.IAM,
            resource=prerequisites.iam_resource,
        ),
        Service(
            name="servicequotas",
            model_name="service-quotas",
            handlers=prerequisites.QUOTAS,
            protocol=JsonProtocol("ServiceQuotasV20190624"),
            words=words.QUOTAS,
        ),
        Service(
            name="s3",
            model_name="s3",
            handlers=prerequisites.S3,
            protocol=RestXmlProtocol(_model("s3"), prerequisites.S3),
            words=words.S3,
            actions=prerequisites.S3_ACTIONS,
            resource=prerequisites.s3_resource,
        ),
        Service(
            name="kms",
            model_name="kms",
            handlers=prerequisites.KMS,
            protocol=JsonProtocol("TrentService"),
            words=words.KMS,
            resource=prerequisites.kms_resource,
        ),
        Service(
            name="pricing",
            model_name="pricing",
            handlers=prerequisites.PRICING,
            protocol=JsonProtocol("AWSPriceListService"),
            words=words.PRICING,
        ),
        Service(
            name="fsx",
            model_name="fsx",
            handlers=prerequisites.FSX,
            protocol=JsonProtocol("AWSSimbaAPIService_v20180301"),
            words=words.FSX,
        ),
    )
}
"""By name."""


def of(request: wire.Request) -> Service:
    """The service that a request is for; one that is not signed is taken for SageMaker's, or STS's if it is a form."""
    named = ALL.get(wire.signed_for(request.headers))
    if named:
        return named
    form = request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
    return STS if form else SAGEMAKER
