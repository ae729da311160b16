"""What is said of a call that failed: AWS's words, then ours."""

from hyperpod_operator.core.errors import TREATMENTS, CloudError, ErrorKind, Treatment
from hyperpod_operator.core.grants import grant


def failure_message(error: CloudError, *, code: str = "", means: Treatment | None = None) -> str:
    """For a condition. The request id stays out: it would make every pass a status write.

    `code` and `means` stand in for the error's own code and the treatment of its kind.
    """
    words = error.message.rstrip(". ")
    return (
        f"{error.operation} failed ({code or error.code}): {words}. {_remedy(error, means or TREATMENTS[error.kind])}"
    )


def _remedy(error: CloudError, means: Treatment) -> str:
    """For a denial the statement that is missing."""
    if error.kind is not ErrorKind.DENIED:
        return means.remedy
    return f"{grant(error)} The operator retries every 5 minutes."
