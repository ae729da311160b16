"""AWS's codes and botocore's exceptions become kinds of failure; words become fit to show."""

import ssl
from typing import Any

import pytest
import urllib3
from botocore import exceptions
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from hyperpod_operator.aws.call.classify import CODES, POINTER, classify, readable
from hyperpod_operator.core.errors import TREATMENTS, ErrorKind


def answered(code: str, message: str = "words", status: int = 400, *, mutating: bool = True) -> Any:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"RequestId": "request-1", "HTTPStatusCode": status},
    }
    return classify(ClientError(response, "CreateCluster"), operation="CreateCluster", mutating=mutating)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("InvalidSignatureException", "Signature expired: 20261128T1 is now earlier than"),
        ("SignatureDoesNotMatch", "Signature not yet current: 20261128T1 is still later than"),
        ("RequestExpired", "x"),
    ],
)
def test_an_expired_signature_is_the_clocks(code: str, text: str) -> None:
    assert answered(code, text).kind is ErrorKind.CLOCK


def test_only_a_creation_is_told_that_its_name_exists() -> None:
    def kind(operation: str, code: str) -> ErrorKind:
        response = {"Error": {"Code": code, "Message": "Cluster 'x' already exists."}}
        return classify(ClientError(response, operation), operation=operation, mutating=True).kind  # type: ignore[arg-type]

    assert kind("CreateCluster", "ValidationException") is kind("CreateCluster", "ResourceInUse")
    assert kind("CreateCluster", "ResourceInUse") is ErrorKind.ALREADY_EXISTS
    assert kind("UpdateCluster", "ValidationException") is ErrorKind.INVALID
    assert kind("UpdateCluster", "ResourceInUse") is ErrorKind.BUSY


@pytest.mark.parametrize(("code", "kind"), CODES.items())
def test_each_code_has_its_kind(code: str, kind: ErrorKind) -> None:
    expected = ErrorKind.UNKNOWN_OUTCOME if kind is ErrorKind.TRANSIENT else kind
    assert answered(code).kind is expected
    assert answered(code, mutating=False).kind is kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("SageMaker cannot assume the execution role arn:aws:iam::1:role/x", ErrorKind.ROLE_PROPAGATION),
        ("User: x is not authorized to perform: sts:AssumeRole on resource: role/y", ErrorKind.ROLE_PROPAGATION),
        ("User: x is not authorized to perform: iam:PassRole on resource: y while in transit", ErrorKind.DENIED),
        ("Deep health checks are in progress", ErrorKind.BUSY),
        ("Could not assume role arn:aws:iam::1:role/x", ErrorKind.ROLE_PROPAGATION),
        ("SageMaker was unable to assume role x", ErrorKind.ROLE_PROPAGATION),
        ("Instance groups cannot be changed while the cluster is Updating", ErrorKind.BUSY),
        ("An update is in progress", ErrorKind.BUSY),
        ("The cluster is not in InService status", ErrorKind.BUSY),
        ("Specified cluster external resource id arn:aws:eks:x:1:cluster/a already in use", ErrorKind.EKS_IN_USE),
        ("Cluster ml has status Updating.", ErrorKind.BUSY),
        ("Cannot update a cluster in SystemUpdating state", ErrorKind.BUSY),
        ("Cluster in state: CREATING", ErrorKind.BUSY),
        ("1 validation error detected", ErrorKind.INVALID),
        ("Updating fields OverrideVpcConfig on an InstanceGroup not supported", ErrorKind.INVALID),
        ("Status 'x' of the image is not one that HyperPod takes. Creating the group failed.", ErrorKind.INVALID),
    ],
)
def test_a_validation_error_is_told_apart_by_its_words(message: str, kind: ErrorKind) -> None:
    assert answered("ValidationException", message).kind is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ErrorKind.INVALID),
        (401, ErrorKind.DENIED),
        (403, ErrorKind.DENIED),
        (429, ErrorKind.THROTTLED),
        (500, ErrorKind.TRANSIENT),
        (503, ErrorKind.TRANSIENT),
    ],
)
def test_an_unknown_code_goes_by_its_status(status: int, kind: ErrorKind) -> None:
    assert answered("SomethingNew", status=status, mutating=False).kind is kind


ENDPOINT = {"endpoint_url": "http://x", "error": "boom"}


def tls(error: ssl.SSLError) -> exceptions.SSLError:
    """As botocore tells it."""
    return exceptions.SSLError(endpoint_url="https://x", error=urllib3.exceptions.SSLError(error))


@pytest.mark.parametrize(
    ("error", "read", "write"),
    [
        (exceptions.NoCredentialsError(), ErrorKind.CREDENTIALS, ErrorKind.CREDENTIALS),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="x"), ErrorKind.CREDENTIALS, ErrorKind.CREDENTIALS),
        (exceptions.EndpointConnectionError(**ENDPOINT), ErrorKind.UNREACHABLE, ErrorKind.UNREACHABLE),
        (exceptions.ConnectTimeoutError(**ENDPOINT), ErrorKind.UNREACHABLE, ErrorKind.UNREACHABLE),
        (tls(ssl.SSLCertVerificationError("self-signed")), ErrorKind.UNREACHABLE, ErrorKind.UNREACHABLE),
        (tls(ssl.SSLError("bad record mac")), ErrorKind.UNREACHABLE, ErrorKind.UNKNOWN_OUTCOME),
        (exceptions.SSLError(**ENDPOINT), ErrorKind.UNREACHABLE, ErrorKind.UNKNOWN_OUTCOME),
        (exceptions.ReadTimeoutError(**ENDPOINT), ErrorKind.UNREACHABLE, ErrorKind.UNKNOWN_OUTCOME),
        (exceptions.ConnectionClosedError(**ENDPOINT), ErrorKind.UNREACHABLE, ErrorKind.UNKNOWN_OUTCOME),
        (exceptions.ParamValidationError(report="x"), ErrorKind.INVALID, ErrorKind.INVALID),
        (OSError("broken pipe"), ErrorKind.UNREACHABLE, ErrorKind.UNKNOWN_OUTCOME),
        (ResponseParserError("no XML"), ErrorKind.MALFORMED, ErrorKind.UNKNOWN_OUTCOME),
        (RuntimeError("who knows"), ErrorKind.TRANSIENT, ErrorKind.UNKNOWN_OUTCOME),
    ],
)
def test_no_answer_leaves_the_outcome_of_a_change_open(error: Exception, read: ErrorKind, write: ErrorKind) -> None:
    assert classify(error, operation="X", mutating=False).kind is read
    assert classify(error, operation="X", mutating=True).kind is write


@pytest.mark.parametrize("kind", ErrorKind)
def test_each_kind_has_a_treatment_with_a_remedy(kind: ErrorKind) -> None:
    assert TREATMENTS[kind].remedy


def test_the_request_id_is_kept_apart_from_the_words() -> None:
    error = answered("AccessDeniedException", "User: x is not authorized to perform: sagemaker:CreateCluster")
    assert error.request_id == "request-1"
    assert "request-1" not in error.message
    assert "sagemaker:CreateCluster" in error.message


def test_botocores_preamble_goes() -> None:
    text = "An error occurred (X) when calling the CreateCluster operation (reached max retries: 1): Rate exceeded"
    assert readable(text) == "Rate exceeded"


@pytest.mark.parametrize(
    "secret",
    [
        "https://user:hunter2@proxy:8080/",
        "x-amz-security-token:FwoGZXIvYXdzEBY",
        "Signature=abcdef0123456789",
        "ASIAIOSFODNN7EXAMPLE",
    ],
)
def test_secrets_never_show(secret: str) -> None:
    shown = readable(f"failed with {secret} in it")
    for word in ("hunter2", "FwoGZXIvYXdzEBY", "abcdef0123456789", "ASIAIOSFODNN7EXAMPLE"):
        assert word not in shown


def test_what_is_of_one_call_alone_goes() -> None:
    """Two refusals of one kind say the same, so that the second writes no status."""

    def said(number: int) -> str:
        once = f"1234567{number}-89ab-cdef-0123-456789abcdef"
        return readable(
            "User: op is not authorized to perform: ec2:CreateVolume because no identity-based policy allows the "
            "ec2:CreateVolume action. Encoded authorization failure message: "
            f"{f'Zm9v{number}' * 300} (Service: Ec2, Status Code: 403, Request ID: {once})"
        )

    assert said(1) == said(2)
    assert said(1).endswith("allows the ec2:CreateVolume action. (Service: Ec2, Status Code: 403)")


def test_long_texts_are_cut_and_lines_joined() -> None:
    shown = readable("a\nb " + "x" * 5000)
    assert shown.startswith("a b x")
    assert shown.endswith(POINTER)
    assert len(shown) <= 500


def test_a_list_of_aws_loses_its_middle_and_keeps_why() -> None:
    types = ", ".join(f"ml.p{number}.48xlarge" for number in range(200))
    shown = readable(f"Value 'ml.x' at 'instanceType' is not one of [{types}]: the account has no access to it")
    assert "Value 'ml.x' at 'instanceType'" in shown
    assert "the account has no access to it (shortened" in shown


@pytest.mark.parametrize(
    ("operation", "kind"), [("CreateVolume", ErrorKind.INVALID), ("DescribeSnapshots", ErrorKind.NOT_FOUND)]
)
def test_what_a_new_volume_is_made_of_and_is_not_there_is_a_fault_of_the_request(
    operation: str, kind: ErrorKind
) -> None:
    answer = {"Error": {"Code": "InvalidSnapshot.NotFound", "Message": "The snapshot 'snap-0' does not exist."}}
    error = ClientError(answer, operation)  # type: ignore[arg-type]  # the part of an answer that is looked at
    assert classify(error, operation=operation, mutating=operation == "CreateVolume", service="ec2").kind is kind
