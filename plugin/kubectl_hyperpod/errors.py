"""What ends a command: one sentence that says what happened, and what to do."""

from typing import IO, Any

import click

from hyperpod_operator.core.text import plain


class CommandError(click.ClickException):
    """Shown on standard error as one line, without a traceback. `code` is the exit code."""

    def __init__(self, message: str, *, code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click declares it on the class

    @property
    def passing(self) -> bool:
        """Whether another try a moment later may succeed."""
        return False

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it."""
        click.echo(f"error: {plain(self.message)}", file=file, err=file is None)


class UnreachableError(CommandError):
    """No answer of the API server, or half of one. `passing`: a connection breaks and is made again."""

    def __init__(self, message: str, *, passing: bool = True) -> None:
        super().__init__(message)
        self._passing = passing

    @property
    def passing(self) -> bool:
        return self._passing


class RefusedError(CommandError):
    """The API server answered with an error. `status` is HTTP's."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status

    @property
    def passing(self) -> bool:
        return self.status in _PASSING or self.status >= _SERVER_ERROR


_PASSING = frozenset({408, 410, 429})
"""Too slow, a version of the object that is not kept any more, too many requests."""
_SERVER_ERROR = 500
