"""The errors AWS answers with: a code, a message, an HTTP status."""


class AwsError(Exception):
    """An error that goes back to the caller as AWS would send it."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class BodyError(Exception):
    """An answer that is none of AWS's: these bytes, whatever was asked."""

    def __init__(self, status: int, content_type: str, body: bytes) -> None:
        super().__init__(f"HTTP {status}, {len(body)} bytes of {content_type}")
        self.status = status
        self.content_type = content_type
        self.body = body


def validation(message: str) -> AwsError:
    """ValidationException, which the API model of HyperPod does not list and the service returns all the same."""
    return AwsError("ValidationException", message)


def limit_exceeded(message: str) -> AwsError:
    """ResourceLimitExceeded: a quota of the account."""
    return AwsError("ResourceLimitExceeded", message)


def in_use(message: str) -> AwsError:
    """ResourceInUse: the name of a new cluster is taken."""
    return AwsError("ResourceInUse", message)
