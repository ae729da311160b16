"""The services behind the one socket: how each is spoken to, and which operations it has.

A request says whose it is: SageMaker speaks JSON, STS and EC2 speak forms, and the signature names the service.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from botocore.model import ServiceModel

from hyperpod_testbed.simulator import shapes, wire
from hyperpod_testbed.simulator.ebs import query
from hyperpod_testbed.simulator.ebs.operations import OPERATIONS as EC2_OPERATIONS
from hyperpod_testbed.simulator.errors import AwsError, validation
from hyperpod_testbed.simulator.operations import OPERATIONS, Handler
from hyperpod_testbed.simulator.state import JSON
from hyperpod_testbed.simulator.wire import Reply


@dataclass(frozen=True)
class Service:
    """One service: from the bytes of a request to what it asks for, and from an answer to bytes."""

    name: str
    handlers: Mapping[str, Handler]
    model: Callable[[], ServiceModel]
    operation: Callable[[Mapping[str, str], bytes], str]
    parameters: Callable[[str, bytes], JSON]
    refusal: Callable[[list[str]], AwsError]
    """The error for a request that the service model forbids."""
    spoken: Callable[[AwsError], AwsError]
    """An error in the service's own words."""
    success: Callable[[str, JSON, str], Reply]
    failure: Callable[[AwsError, str], Reply]


SAGEMAKER = Service(
    name="sagemaker",
    handlers=OPERATIONS,
    model=shapes.sagemaker,
    operation=lambda headers, _: wire.operation(headers),
    parameters=lambda _, body: wire.parameters(body),
    refusal=lambda problems: validation(shapes.summary(problems)),
    spoken=lambda error: error,
    success=lambda _name, answer, _id: wire.success(answer),
    failure=lambda error, _: wire.failure(error),
)

EC2 = Service(
    name="ec2",
    handlers=EC2_OPERATIONS,
    model=query.model,
    operation=lambda _, body: query.action(body),
    parameters=lambda name, body: query.parameters(name, body) if name in EC2_OPERATIONS else {},
    refusal=query.refusal,
    spoken=query.in_ec2_words,
    success=lambda name, answer, request_id: query.success(name, answer, request_id=request_id),
    failure=lambda error, request_id: query.failure(error, request_id=request_id),
)

STS = Service(
    name="sts",
    handlers={},
    model=shapes.sagemaker,
    operation=lambda _, body: wire.sts_action(body),
    parameters=lambda _name, _body: {},
    refusal=lambda problems: validation(shapes.summary(problems)),
    spoken=lambda error: error,
    success=lambda _name, answer, _id: wire.success(answer),
    failure=lambda error, request_id: wire.sts_failure(error, request_id=request_id),
)
"""Its one operation is about the caller, not about the account, and `api` answers it."""


def of(headers: Mapping[str, str]) -> Service:
    """The service that a request is for."""
    if not wire.is_query(headers):
        return SAGEMAKER
    return EC2 if "/ec2/aws4_request" in headers.get("Authorization", "") else STS
