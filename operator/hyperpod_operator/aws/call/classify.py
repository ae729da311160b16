"""AWS's error codes and botocore's exceptions as kinds of failure: one table, by code.

Codes, never generated exception classes: ValidationException, AccessDeniedException and the throttling codes
are answered by these operations and modelled by none. Where AWS gives one code to different things, a fragment
of its text decides (TEXTS).
"""

import re
import ssl
from collections.abc import Mapping

from botocore import exceptions as botocore_exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.text import shortened

# [assumption: codes-beyond-the-model, not-found-means-absent]
CODES: Mapping[str, ErrorKind] = {
    "ResourceNotFound": ErrorKind.NOT_FOUND,
    "ResourceNotFoundException": ErrorKind.NOT_FOUND,
    "ResourceInUse": ErrorKind.ALREADY_EXISTS,
    "ConflictException": ErrorKind.BUSY,
    "ResourceLimitExceeded": ErrorKind.QUOTA,
    "ValidationException": ErrorKind.INVALID,
    "ValidationError": ErrorKind.INVALID,
    "ThrottlingException": ErrorKind.THROTTLED,
    "Throttling": ErrorKind.THROTTLED,
    "TooManyRequests": ErrorKind.THROTTLED,
    "TooManyRequestsException": ErrorKind.THROTTLED,
    "RequestLimitExceeded": ErrorKind.THROTTLED,
    "SlowDown": ErrorKind.THROTTLED,
    "AccessDenied": ErrorKind.DENIED,
    "AccessDeniedException": ErrorKind.DENIED,
    "UnauthorizedOperation": ErrorKind.DENIED,
    "OptInRequired": ErrorKind.DENIED,
    "ExpiredToken": ErrorKind.CREDENTIALS,
    "ExpiredTokenException": ErrorKind.CREDENTIALS,
    "InvalidClientTokenId": ErrorKind.CREDENTIALS,
    "UnrecognizedClientException": ErrorKind.CREDENTIALS,
    "InvalidSignatureException": ErrorKind.CREDENTIALS,
    "SignatureDoesNotMatch": ErrorKind.CREDENTIALS,
    "IncompleteSignature": ErrorKind.CREDENTIALS,
    "MissingAuthenticationToken": ErrorKind.CREDENTIALS,
    "RequestExpired": ErrorKind.CLOCK,
    "RequestTimeTooSkewed": ErrorKind.CLOCK,
    "UnknownOperationException": ErrorKind.WRONG_ENDPOINT,
    "UnknownOperation": ErrorKind.WRONG_ENDPOINT,
    "PendingVerification": ErrorKind.ACCOUNT,
    "Blocked": ErrorKind.ACCOUNT,
    "InternalFailure": ErrorKind.TRANSIENT,
    "InternalServerError": ErrorKind.TRANSIENT,
    "InternalServiceException": ErrorKind.TRANSIENT,
    "ServiceUnavailable": ErrorKind.TRANSIENT,
    "ServiceUnavailableException": ErrorKind.TRANSIENT,
    # EC2, answering itself or through SageMaker.
    "InvalidVolume.NotFound": ErrorKind.NOT_FOUND,
    "InvalidSnapshot.NotFound": ErrorKind.NOT_FOUND,
    "InvalidAttachment.NotFound": ErrorKind.NOT_FOUND,
    "InvalidVolumeModification.NotFound": ErrorKind.NOT_FOUND,
    "VolumeInUse": ErrorKind.BUSY,
    "IncorrectState": ErrorKind.BUSY,
    "IncorrectModificationState": ErrorKind.BUSY,
    "ConcurrentSnapshotLimitExceeded": ErrorKind.BUSY,
    "AttachmentLimitExceeded": ErrorKind.QUOTA,
    "VolumeLimitExceeded": ErrorKind.QUOTA,
    "MaxStorageExceeded": ErrorKind.QUOTA,
    "SnapshotLimitExceeded": ErrorKind.QUOTA,
    "MaxIOPSLimitExceeded": ErrorKind.QUOTA,
    "VolumeModificationSizeLimitExceeded": ErrorKind.QUOTA,
    "VolumeModificationRateExceeded": ErrorKind.QUOTA,
    "InsufficientVolumeCapacity": ErrorKind.QUOTA,
    "SnapshotCreationPerVolumeRateExceeded": ErrorKind.THROTTLED,
    "IdempotentParameterMismatch": ErrorKind.INVALID,
    "InvalidVolume.ZoneMismatch": ErrorKind.INVALID,
    "InvalidZone.NotFound": ErrorKind.INVALID,
    "InvalidParameterValue": ErrorKind.INVALID,
    "InvalidParameterCombination": ErrorKind.INVALID,
    "MissingParameter": ErrorKind.INVALID,
    "UnknownParameter": ErrorKind.INVALID,
    "TagLimitExceeded": ErrorKind.INVALID,
    "UnsupportedOperation": ErrorKind.INVALID,
    "AuthFailure": ErrorKind.CREDENTIALS,
    "InternalError": ErrorKind.TRANSIENT,
    "Unavailable": ErrorKind.TRANSIENT,
}
"""SageMaker's modelled errors, AWS's common errors, those seen on live clusters without being modelled, EC2's own."""

# [assumption: ec2-errors-are-wrapped]
EC2_ERROR = re.compile(r"HyperPod - Ec2ErrCode: ([\w.]+)\s*: Ec2ErrMsg: (.*)", re.DOTALL)
"""How SageMaker passes on what EC2 says to AttachClusterNodeVolume and DetachClusterNodeVolume; its own code is
ValidationException whatever happened."""

# [assumption: role-propagates-slowly, validation-may-be-state]
_LATE_SIGNATURE = (
    (("expired",), ErrorKind.CLOCK),
    (("not yet current",), ErrorKind.CLOCK),
)
"""A signature that is right and of another time. STS and IAM have one code for this and for a wrong key."""

TEXTS: Mapping[str, tuple[tuple[tuple[str, ...], ErrorKind], ...]] = {
    "ValidationException": (
        (("assume the execution role",), ErrorKind.ROLE_PROPAGATION),
        (("cannot assume",), ErrorKind.ROLE_PROPAGATION),
        (("could not assume",), ErrorKind.ROLE_PROPAGATION),
        (("to assume",), ErrorKind.ROLE_PROPAGATION),
        (("assume role",), ErrorKind.ROLE_PROPAGATION),
        (("sts:assumerole",), ErrorKind.ROLE_PROPAGATION),
        (("not authorized to perform",), ErrorKind.DENIED),
        (("external resource id", "already in use"), ErrorKind.EKS_IN_USE),
        (("already exists",), ErrorKind.ALREADY_EXISTS),
        (("deep health check",), ErrorKind.BUSY),
        (("in progress",), ErrorKind.BUSY),
        (("not in inservice",), ErrorKind.BUSY),
        ((" while ",), ErrorKind.BUSY),
    ),
    "InvalidSignatureException": _LATE_SIGNATURE,
    "SignatureDoesNotMatch": _LATE_SIGNATURE,
}
"""Code to fragments of its text, in lower case, that are all there; the first row that fits decides."""

STATE_NAMED = re.compile(
    r"(?i)\b(?:status|state)\b[^.]{0,40}\b(?:Creating|Updating|Deleting|RollingBack|SystemUpdating)\b"
    r"|\b(?:Creating|Updating|Deleting|RollingBack|SystemUpdating)\b[^.]{0,20}\b(?:status|state)\b"
)
"""A ValidationException that names a passing ClusterStatus or InstanceGroupStatus (API model) is about the state of the
cluster, not about the request. Nobody recorded AWS's texts for that."""

NAMES_WHAT_IS_THERE = frozenset({"CreateVolume"})
"""Operations that make something new from what the request names (a snapshot, a key, a zone): what is "not found"
there is a value of the spec, not the resource that the call is about."""

CREDENTIAL_FAULTS = (
    botocore_exceptions.NoCredentialsError,
    botocore_exceptions.PartialCredentialsError,
    botocore_exceptions.CredentialRetrievalError,
    botocore_exceptions.TokenRetrievalError,
    botocore_exceptions.SSOError,
    botocore_exceptions.ProfileNotFound,
    botocore_exceptions.InvalidConfigError,
    botocore_exceptions.MetadataRetrievalError,
)
"""No usable credentials on this side: nothing was sent."""

# [assumption: no-answer-leaves-outcome-open]
NEVER_SENT = (
    botocore_exceptions.EndpointConnectionError,
    botocore_exceptions.ConnectTimeoutError,
    botocore_exceptions.ProxyConnectionError,
    botocore_exceptions.NoRegionError,
    botocore_exceptions.UnknownEndpointError,
    botocore_exceptions.EndpointProviderError,
)
"""No connection: nothing was carried out, whatever the operation."""

UNREADABLE = (ResponseParserError, TypeError, ValueError, KeyError, AttributeError)
"""What botocore's parsers raise over an answer that does not have the form of the API model."""

MESSAGE_MOST = 500
"""Longest message that goes into a condition."""
POINTER = " (shortened; the operator's log has all of it)"

PREFIX = re.compile(r"^An error occurred \([^)]*\) when calling the \w+ operation(?: \(reached max retries: \d+\))?: ")
OF_ONE_CALL = (
    re.compile(r" ?Encoded authorization failure message: \S+"),
    re.compile(r"(?i)[,;]? ?\bRequest ?ID: [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
)
"""What AWS says of one call alone: in a condition it would make every pass a status write. The log has it."""
SECRETS = (
    re.compile(r"(?i)(x-amz-security-token|x-amz-signature|signature|session_?token|secret_?access_?key)[=:]\s*\S+"),
    re.compile(r"(?<=//)[^/@\s:]+:[^/@\s]+(?=@)"),
    re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{12,}\b"),
)


def classify(error: Exception, *, operation: str, mutating: bool, service: str = "") -> CloudError:
    """The failure as a CloudError; one that is a CloudError already is returned as it is.

    For a mutating operation, no answer is no answer: once the request may have left, the outcome is unknown.
    `service` is whom was asked: EC2's codes are told as such.
    """
    if isinstance(error, CloudError):
        return error
    if isinstance(error, ClientError):
        return _answered(error, operation=operation, mutating=mutating, service=service)
    code = type(error).__name__
    return CloudError(
        kind=_unanswered(error, mutating=mutating), operation=operation, code=code, message=readable(str(error))
    )


DENIED_BY_WORDS = "AccessDenied"
"""How a denial counts that has the code of an invalid request."""


def counted_as(error: CloudError) -> str:
    """The code under which metrics count the failure: of the service that refused, where SageMaker passes it on."""
    passed_on = error.code == "ValidationException"
    return error.ec2_code or (DENIED_BY_WORDS if passed_on and error.kind is ErrorKind.DENIED else error.code)


def wrapped_by_sagemaker(text: str) -> tuple[str, str] | None:
    """EC2's code and text where SageMaker passes on an error of EC2."""
    found = EC2_ERROR.search(text)
    return (found[1], found[2].strip()) if found else None


def readable(text: str) -> str:
    """One line, without secrets, botocore's preamble and what is of one call alone, of bounded length: AWS's lists lose
    their middle."""
    line = whole(text)
    for once in OF_ONE_CALL:
        line = once.sub("", line)
    return line if len(line) <= MESSAGE_MOST else shortened(line, MESSAGE_MOST - len(POINTER)) + POINTER


def whole(text: str) -> str:
    """The same, however long it is."""
    line = " ".join(PREFIX.sub("", text).split())
    for secret in SECRETS:
        line = secret.sub("***", line)
    return line


def _answered(error: ClientError, *, operation: str, mutating: bool, service: str) -> CloudError:
    response = error.response
    details, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
    code = details.get("Code", "Unknown")
    text = details.get("Message") or str(error)
    ec2_code = code if service == "ec2" else ""
    if code == "ValidationException" and (wrapped := wrapped_by_sagemaker(text)):
        ec2_code, text = wrapped
    kind = _kind(ec2_code or code, text=text, status=meta.get("HTTPStatusCode", 0))
    if kind is ErrorKind.NOT_FOUND and operation in NAMES_WHAT_IS_THERE:
        kind = ErrorKind.INVALID
    if kind is ErrorKind.ALREADY_EXISTS and operation != "CreateCluster":
        kind = ErrorKind.INVALID if code == "ValidationException" else ErrorKind.BUSY
    if kind is ErrorKind.TRANSIENT and mutating:
        kind = ErrorKind.UNKNOWN_OUTCOME
    return CloudError(
        kind=kind,
        operation=operation,
        code=code,
        message=readable(text),
        request_id=meta.get("RequestId", ""),
        ec2_code=ec2_code,
    )


def _kind(code: str, *, text: str, status: int) -> ErrorKind:
    lowered = text.lower()
    for fragments, kind in TEXTS.get(code, ()):
        if all(fragment in lowered for fragment in fragments):
            return kind
    if code == "ValidationException" and STATE_NAMED.search(text):
        return ErrorKind.BUSY
    if code in CODES:
        return CODES[code]
    if status == 429:
        return ErrorKind.THROTTLED
    if status in {401, 403}:
        return ErrorKind.DENIED
    return ErrorKind.INVALID if 400 <= status < 500 else ErrorKind.TRANSIENT


def _untrusted(error: Exception) -> bool:
    """Whether the other side's certificate was refused, which ends a connection before anything is sent.

    Another failure of TLS may come when the request has left: a record of the answer that cannot be decrypted. botocore
    has one exception for all of them, with that of urllib3 as `error`, whose argument is that of `ssl`.
    """
    told = getattr(error, "kwargs", {}).get("error") if isinstance(error, botocore_exceptions.SSLError) else None
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in (told, *getattr(told, "args", ())))


def _unanswered(error: Exception, *, mutating: bool) -> ErrorKind:
    if isinstance(error, CREDENTIAL_FAULTS):
        return ErrorKind.CREDENTIALS
    if isinstance(error, botocore_exceptions.ParamValidationError):
        return ErrorKind.INVALID
    if isinstance(error, NEVER_SENT) or _untrusted(error):
        return ErrorKind.UNREACHABLE
    if isinstance(error, BotoCoreError | OSError | TimeoutError):
        return ErrorKind.UNKNOWN_OUTCOME if mutating else ErrorKind.UNREACHABLE
    if isinstance(error, UNREADABLE):
        return ErrorKind.UNKNOWN_OUTCOME if mutating else ErrorKind.MALFORMED
    return ErrorKind.UNKNOWN_OUTCOME if mutating else ErrorKind.TRANSIENT
