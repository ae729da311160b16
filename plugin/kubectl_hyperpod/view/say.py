"""The one way to print words: an argument is a line, and nothing in it acts on the terminal.

Names, reasons, notes and messages come from whoever may write an object: a tenant, a node, another controller.
"""

import sys

import click

from hyperpod_operator.core.text import plain


def say(*lines: str, err: bool = False) -> None:
    """Each as one line, without control and format characters; to standard error if `err`."""
    for line in lines:
        click.echo(plain(line), err=err)


def is_unicode() -> bool:
    """Whether standard output takes every character."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("_", "-").startswith("utf-")
