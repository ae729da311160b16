"""What is said of a call that failed: AWS's words, then ours."""

from hyperpod_operator.core.errors import TREATMENTS, CloudError, ErrorKind
from hyperpod_operator.core.grants import grant


def told(error: CloudError) -> str:
    """For a condition. The request id stays out: it would make every pass a status write."""
    return f"{error.operation} failed ({error.code}): {error.message.rstrip('. ')}. {remedy(error)}"


def remedy(error: CloudError) -> str:
    """The kind's remedy; for a denial the statement that is missing."""
    if error.kind is not ErrorKind.DENIED:
        return TREATMENTS[error.kind].remedy
    return f"{grant(error)} The operator retries every 5 minutes."
