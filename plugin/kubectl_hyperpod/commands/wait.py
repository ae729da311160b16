"""`wait`: until an object is Ready, has another condition, or is gone; says what it waits for meanwhile."""

import difflib
import sys
import time
from collections.abc import Iterator

import click

from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.core.explain.world import Json, inside, items, text
from hyperpod_operator.core.text import plain, shortened
from kubectl_hyperpod.cluster.api import Object
from kubectl_hyperpod.durations import SPELLED, duration
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.options import argument, common
from kubectl_hyperpod.resources import CLUSTER, Named, named
from kubectl_hyperpod.session import Session, metadata
from kubectl_hyperpod.view.say import say

WATCH = 300.0
"""Seconds of one watch; then the object is read again, so that no lost change is waited for."""
PAUSE = 2.0
"""Seconds until an API server is asked again that could not be."""
DELETED = "Deleted"
STATUSES = ("True", "False", "Unknown")
TIMED_OUT = 1
STALLED = 3
"""Exit code when the object cannot get there without you."""


@click.command()
@argument()
@click.option("--for", "condition", default="Ready", show_default=True, metavar="CONDITION[=STATUS]",
              help="Condition to wait for, or Deleted.")  # fmt: skip
@click.option("--timeout", type=duration, default="1h", show_default=True, help=SPELLED)
@click.option("--fail-when-stalled", is_flag=True, help="End with code 3 as soon as you have to act.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the result.")
@common()
def wait(
    session: Session, which: tuple[str, ...], condition: str, timeout: float, fail_when_stalled: bool, quiet: bool
) -> None:
    """Wait until an object is Ready; exit code 1 when the time is over.

    The state counts only once the operator has seen the newest spec.
    """
    asked = named(which) or Named(CLUSTER, metadata(session.one(None), "name"))
    kind, status = _wanted(condition)
    told = ""
    seen = False
    for found in states(session, asked, timeout=timeout, may_be_missing=kind == DELETED):
        if found is None:
            if kind == DELETED:
                say(f"{asked.kind.short}/{asked.name} {'is deleted' if seen else 'does not exist'}.")
                return
            raise CommandError(f"{asked.kind.name} {asked.name} was deleted while it was waited for.")
        seen = True
        if kind != DELETED and _reached(found, kind, status):
            say(f"{asked.kind.short}/{asked.name}: {kind} is {status}.")
            return
        words = words_of(found)
        if words != told and not quiet:
            say(words)
        told = words
        if fail_when_stalled and _reached(found, "Stalled", "True"):
            say(f"You have to act: kubectl hyperpod explain {asked.kind.short}/{asked.name}", err=True)
            sys.exit(STALLED)
    raise CommandError(f"{kind} was not reached within {timeout:g} s: {told}", code=TIMED_OUT)


def _wanted(condition: str) -> tuple[str, str]:
    """The condition and its status, also as `kubectl wait` spells them; what no object can have would be waited for in
    vain."""
    kind, _, said = condition.removeprefix("condition=").partition("=")
    known = [*ConditionType, DELETED]
    if kind not in known:
        near = difflib.get_close_matches(kind, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else "docs/conditions.md lists them."
        raise CommandError(f"No kind of the operator's has a condition {kind!r}. {hint}")
    status = next((one for one in STATUSES if one.lower() == (said or STATUSES[0]).lower()), "")
    if not status or (said and kind == DELETED):
        raise CommandError(
            f"{kind} has no status." if kind == DELETED else f"A condition is {', '.join(STATUSES)}, and not {said!r}."
        )
    return kind, status


def states(session: Session, asked: Named, *, timeout: float, may_be_missing: bool = False) -> Iterator[Object | None]:
    """The object at each change, None once it is gone; ends when the time is over.

    Raises CommandError for an object that is missing at first, unless it `may_be_missing`, and for an API server that
    cannot be asked at first or refuses; one that is away for a while later is asked again.
    """
    deadline, told = time.monotonic() + timeout, ""
    found = session.find(asked) if may_be_missing else session.get(asked)
    while True:
        yield found
        if found is None:
            return
        try:
            for seen in _changes(session, asked, found, timeout=max(1.0, min(WATCH, deadline - time.monotonic()))):
                yield seen
                if seen is None:
                    return
            if time.monotonic() >= deadline:
                return
            found, told = session.find(asked), ""
        except CommandError as error:
            left = deadline - time.monotonic()
            if not error.passing or left <= 0:
                raise
            if error.message != told:
                say(f"{plain(error.message)} The command tries again.", err=True)
            told = error.message
            time.sleep(min(PAUSE, left))


def _changes(session: Session, asked: Named, found: Object, *, timeout: float) -> Iterator[Object | None]:
    """The object at each change after `found`, None once it is gone."""
    watched = session.api.watch(
        asked.kind.resource,
        namespace=session.namespace,
        name=asked.name,
        version=metadata(found, "resourceVersion"),
        timeout=timeout,
    )
    for change, seen in watched:
        if change == "ERROR":
            return
        yield None if change == "DELETED" else seen


def _reached(found: Object, kind: str, status: str) -> bool:
    return _seen(found) and _seen(found, kind) and _status(found, kind) == status


def _seen(found: Object, kind: str = "") -> bool:
    """Whether the status, or its condition of this type, is about the newest spec; also where neither says so."""
    generation = inside(found, "metadata", "generation")
    by = _condition(found, kind) if kind else inside(found, "status")
    observed = inside(by, "observedGeneration")
    return generation is None or observed == generation or bool(kind and observed is None)


def _status(found: Object, kind: str) -> str:
    return text(_condition(found, kind).get("status"))


def _condition(found: Object, kind: str) -> Json:
    return next((one for one in items(found, "status", "conditions") if text(one.get("type")) == kind), {})


def words_of(found: Object) -> str:
    """Why an object is as it is, in one line: its condition Ready, once that is about the newest spec."""
    ready = _condition(found, "Ready")
    if not ready:
        return "The operator has not reported yet."
    if not _seen(found):
        return "The operator has not seen the newest spec yet."
    return f"{text(ready.get('reason'))}: {shortened(plain(text(ready.get('message'))), 200)}"
