"""How each service names the failures that every service knows.

Inside, the simulator has one code for each; on the wire a service has a code, a status and sometimes a sentence of its
own. Sources: the page "Common errors" of each service's API reference, EC2's and S3's lists of error codes, and the
errors that botocore's model declares.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hyperpod_testbed.simulator.errors import AwsError

_Word = tuple[str, int] | tuple[str, int, str]


@dataclass(frozen=True)
class Words:
    """Code inside → code on the wire, HTTP status, and a sentence in which `{message}` is ours."""

    of: Mapping[str, _Word]

    def said(self, error: AwsError) -> AwsError:
        """The same failure as the service names it."""
        code, status, *sentence = self.of.get(error.code, (error.code, error.status))
        text = str(sentence[0]).format(message=error.message) if sentence else error.message
        return AwsError(str(code), text, status=int(status))


SAGEMAKER = Words({"InvalidNextToken": ("ValidationException", 400)})

EC2 = Words(
    {
        "ExpiredTokenException": ("RequestExpired", 400, "Request has expired."),
        "AccessDeniedException": (
            "UnauthorizedOperation",
            403,
            "You are not authorized to perform this operation. {message}",
        ),
        "ThrottlingException": ("RequestLimitExceeded", 503, "Request limit exceeded."),
        "TooManyRequestsException": ("RequestLimitExceeded", 503, "Request limit exceeded."),
        "InternalFailure": ("InternalError", 500),
        "ValidationException": ("InvalidParameterValue", 400),
        "InvalidNextToken": ("InvalidParameterValue", 400),
        "UnknownOperationException": ("InvalidAction", 400),
        "MissingAuthenticationToken": ("AuthFailure", 401),
        "IncompleteSignature": ("AuthFailure", 401),
    }
)

_QUERY: Mapping[str, _Word] = {
    "ExpiredTokenException": ("ExpiredToken", 403),
    "AccessDeniedException": ("AccessDenied", 403),
    "ThrottlingException": ("Throttling", 400),
    "TooManyRequestsException": ("Throttling", 400),
    "InvalidNextToken": ("ValidationError", 400),
    "ValidationException": ("ValidationError", 400),
    "InvalidParameterValue": ("ValidationError", 400),
    "UnknownParameter": ("ValidationError", 400),
    "InvalidSignatureException": ("SignatureDoesNotMatch", 403),
    "UnknownOperationException": ("InvalidAction", 400),
}
IAM = Words({**_QUERY, "InternalFailure": ("ServiceFailure", 500)})
STS = Words({**_QUERY, "ExpiredTokenException": ("ExpiredToken", 400)})

EKS = Words(
    {
        "ExpiredTokenException": ("ExpiredTokenException", 403),
        "AccessDeniedException": ("AccessDeniedException", 403),
        "ThrottlingException": ("ThrottlingException", 429),
        "TooManyRequestsException": ("TooManyRequestsException", 429),
        "InternalFailure": ("ServerException", 500),
        "ValidationException": ("InvalidParameterException", 400),
        "InvalidParameterValue": ("InvalidParameterException", 400),
        "InvalidNextToken": ("InvalidParameterException", 400),
        "InvalidSignatureException": ("InvalidSignatureException", 403),
        "UnknownOperationException": ("UnknownOperationException", 404),
    }
)

S3 = Words(
    {
        "ExpiredTokenException": ("ExpiredToken", 400, "The provided token has expired."),
        "AccessDeniedException": ("AccessDenied", 403),
        "ThrottlingException": ("SlowDown", 503, "Please reduce your request rate."),
        "TooManyRequestsException": ("SlowDown", 503, "Please reduce your request rate."),
        "InternalFailure": ("InternalError", 500, "We encountered an internal error. Please try again."),
        "ValidationException": ("InvalidArgument", 400),
        "InvalidParameterValue": ("InvalidArgument", 400),
        "InvalidNextToken": ("InvalidArgument", 400, "The continuation token provided is incorrect"),
        "MissingAuthenticationToken": ("AccessDenied", 403, "Access Denied"),
        "InvalidSignatureException": ("RequestTimeTooSkewed", 403),
        "UnknownOperationException": ("MethodNotAllowed", 405),
    }
)

QUOTAS = Words(
    {
        "ThrottlingException": ("TooManyRequestsException", 400, "Rate exceeded"),
        "InternalFailure": ("ServiceException", 500),
        "ValidationException": ("IllegalArgumentException", 400),
        "InvalidNextToken": ("InvalidPaginationTokenException", 400),
    }
)

KMS = Words(
    {
        "ThrottlingException": (
            "ThrottlingException",
            400,
            "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
        ),
        "InternalFailure": ("KMSInternalException", 500),
        "InvalidNextToken": ("InvalidMarkerException", 400),
    }
)

PRICING = Words(
    {
        "InternalFailure": ("InternalErrorException", 500),
        "ValidationException": ("InvalidParameterException", 400),
        "InvalidNextToken": ("InvalidNextTokenException", 400),
    }
)

FSX = Words(
    {
        "InternalFailure": ("InternalServerError", 500),
        "ValidationException": ("BadRequest", 400),
        "InvalidNextToken": ("BadRequest", 400),
    }
)
