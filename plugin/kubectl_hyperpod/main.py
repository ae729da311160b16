"""The command `kubectl-hyperpod`, which kubectl runs as `kubectl hyperpod`."""

import importlib
import io
import os
import sys
from typing import Any

import click

from hyperpod_operator import __version__

COMMANDS = {
    "status": "status",
    "explain": "explain",
    "nodes": "nodes",
    "events": "events",
    "wait": "wait",
    "pause": "switches",
    "resume": "switches",
    "reconcile": "switches",
    "approve": "approve",
    "reboot": "operate",
    "replace": "operate",
    "delete-node": "operate",
    "move": "operate",
    "check": "operate",
    "plan": "handover",
    "export": "handover",
    "adopt": "handover",
    "ssm": "ssm",
    "report": "report",
}
"""Module of each verb, loaded when the verb is used; --help lists them in this order."""


class Verbs(click.Group):
    """Loads a verb's module when it is asked for, so that one verb does not pay for all."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)

    def list_commands(self, _: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"kubectl_hyperpod.commands.{COMMANDS[cmd_name]}")
        found: Any = getattr(module, cmd_name.replace("-", "_"))
        return found if isinstance(found, click.Command) else None


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kubectl-hyperpod", message="%(prog)s %(version)s")
def main() -> None:
    """SageMaker HyperPod clusters that the hyperpod-operator manages: why one is not ready, and what to type.

    Reads and changes objects in Kubernetes with your kubeconfig; the operator does the rest.
    """


def run() -> None:
    """The entry point: a problem is one sentence on standard error, never a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a pipe of Windows, or an old locale, lacks most characters
    try:
        main(prog_name="kubectl hyperpod")
    except BrokenPipeError:
        # The reader (head, less) has seen enough; the interpreter must not complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
