"""`kubectl_complete-hyperpod`: kubectl asks this program to complete a line of `kubectl hyperpod` (kubectl 1.26)."""

import sys

from click.shell_completion import ShellComplete

from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.main import main

NO_FILES = ":4"
"""Cobra's directive: offer no file names."""


def candidates(words: list[str]) -> list[str]:
    """What may stand where the last word is; `words` are the arguments after `hyperpod`."""
    *before, incomplete = words or [""]
    found = ShellComplete(main, {}, "kubectl hyperpod", "_UNUSED").get_completions(before, incomplete)
    return [f"{one.value}\t{one.help}" if one.help else one.value for one in found]


def run() -> None:
    """One candidate a line, then the directive."""
    try:
        found = candidates(sys.argv[1:])
    except CommandError:
        found = []
    sys.stdout.write("".join(f"{one}\n" for one in found) + f"{NO_FILES}\n")
