"""What can go wrong with a control plane."""


class ControlPlaneError(RuntimeError):
    """A component did not start, with the end of its log; or the API server refused something, with its words."""


class ApiError(ControlPlaneError):
    """The API server refused a request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
