"""`plan`, `export`, `adopt`: these read AWS, which is the work of `hyperpod-operator`; it gets the same words."""

import os
import shutil
import sys

import click

from kubectl_hyperpod.cluster.kubeconfig import Choice, target
from kubectl_hyperpod.errors import CommandError

PROGRAM = "hyperpod-operator"
TAKES_ALL = {"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []}


@click.command(context_settings=TAKES_ALL)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def plan(words: tuple[str, ...]) -> None:
    """Preview what applying manifests would change in AWS (runs hyperpod-operator plan).

    Resources that name no namespace are in that of the context, as for kubectl apply.
    """
    hand_over("plan", in_namespace(words))


@click.command(context_settings=TAKES_ALL)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def export(words: tuple[str, ...]) -> None:
    """Write manifests for clusters that exist (runs hyperpod-operator export)."""
    hand_over("export", words)


@click.command(context_settings=TAKES_ALL)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def adopt(words: tuple[str, ...]) -> None:
    """Take over clusters that exist: export them, then apply and approve (runs hyperpod-operator export)."""
    hand_over("export", words)


def in_namespace(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words with the context's namespace, where they name none and a context is configured."""
    if any(word.startswith(("-n", "--namespace")) for word in words):
        return words
    choice = Choice(kubeconfig=_value(words, "--kubeconfig"), context=_value(words, "--context"))
    try:
        found = target(choice).namespace
    except CommandError:
        return words  # a plan needs no API server
    return (*words, "--namespace", found)


def _value(words: tuple[str, ...], option: str) -> str:
    """The value of `--option VALUE` or `--option=VALUE`; empty where it is not given."""
    for word, following in zip(words, (*words[1:], ""), strict=True):
        if word == option:
            return following
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return ""


def hand_over(verb: str, words: tuple[str, ...]) -> None:
    """Replaces this process by `hyperpod-operator VERB WORDS`, which is next to this program or on the PATH."""
    folder = os.path.dirname(sys.argv[0])
    beside = os.path.join(folder, PROGRAM)
    # Without a folder it would be a program of the current directory, whoever put it there.
    found = beside if folder and os.access(beside, os.X_OK) else shutil.which(PROGRAM)
    if found is None:
        raise CommandError(
            f"{verb} reads AWS, which is the work of {PROGRAM}, and that program is not installed. Install it from the "
            "operator's repository (docs/plugin.md), or run it from the operator's image."
        )
    sys.stdout.flush()
    os.execv(found, [PROGRAM, verb, *words])  # noqa: S606 - no shell, and the words are the user's own
