"""What ends a command: one sentence that says what happened, and what to do."""

from typing import IO, Any

import click

from hyperpod_operator.core.text import plain


class CommandError(click.ClickException):
    """Shown on standard error as one line, without a traceback. `code` is the exit code."""

    def __init__(self, message: str, *, code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click declares it on the class

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it."""
        click.echo(f"error: {plain(self.message)}", file=file, err=file is None)
