"""`pause`, `resume`, `reconcile`: one small patch each."""

import click

from hyperpod_operator.api.names import RECONCILE_REQUESTED_AT, Reason
from hyperpod_operator.core.explain.around import condition
from hyperpod_operator.core.explain.world import Json, inside, text
from hyperpod_operator.core.managers import manager
from kubectl_hyperpod.options import argument, common
from kubectl_hyperpod.resources import CLAIM, CLUSTER, OPERATION, Named, named
from kubectl_hyperpod.session import Session
from kubectl_hyperpod.view.say import say

PATHS = {
    CLUSTER.name: ("management", "paused"),
    CLAIM.name: ("management", "paused"),
    OPERATION.name: ("suspend",),
}
"""The member of the spec that pauses an object of each kind."""


@click.command()
@argument(required=True)
@click.option("--dry-run", is_flag=True, help="Ask the API server, and change nothing.")
@common()
def pause(session: Session, which: tuple[str, ...], dry_run: bool) -> None:
    """Stop the operator from changing anything in AWS for an object; it goes on observing."""
    _paused(session, which, True, dry_run=dry_run)


@click.command()
@argument(required=True)
@click.option("--dry-run", is_flag=True, help="Ask the API server, and change nothing.")
@common()
def resume(session: Session, which: tuple[str, ...], dry_run: bool) -> None:
    """Let the operator change things again; `kubectl hyperpod explain` lists what is pending before you do."""
    _paused(session, which, None, dry_run=dry_run)


@click.command()
@argument(required=True)
@click.option("--dry-run", is_flag=True, help="Ask the API server, and change nothing.")
@common()
def reconcile(session: Session, which: tuple[str, ...], dry_run: bool) -> None:
    """Ask for a pass now: what AWS refused or what waits for a retry is tried at once."""
    asked = named(which) or Named(CLUSTER, "")
    session.get(asked)
    body = {"metadata": {"annotations": {RECONCILE_REQUESTED_AT: session.now().isoformat(timespec="milliseconds")}}}
    session.api.merge(asked.kind.resource, body, namespace=session.namespace, name=asked.name, dry_run=dry_run)
    say(f"{asked.kind.short}/{asked.name}: a pass is requested{_tried(dry_run)}.")


def _paused(session: Session, which: tuple[str, ...], value: bool | None, *, dry_run: bool) -> None:
    asked = named(which) or Named(CLUSTER, "")
    found = session.get(asked)
    path = PATHS[asked.kind.name]
    if bool(inside(found, "spec", *path)) == bool(value):
        state = "is paused already." if value else f"is not paused.{_suspended_otherwise(found)}"
        say(f"{asked.kind.short}/{asked.name} {state}")
        return
    body: dict[str, object] = {path[-1]: value}
    for name in reversed(("spec", *path[:-1])):
        body = {name: body}
    session.api.merge(asked.kind.resource, body, namespace=session.namespace, name=asked.name, dry_run=dry_run)
    word = "paused" if value else "resumed"
    say(f"{asked.kind.short}/{asked.name} is {word}{_tried(dry_run)}.")
    if _by_gitops(found):
        say("A GitOps tool manages this object and may undo this: make the same change in Git.", err=True)


def _suspended_otherwise(found: Json) -> str:
    """Why an operation is suspended whose spec does not say so: a backup brought it back, or its record is lost."""
    ready = condition(found, "Ready")
    return f" {text(ready.get('message'))}" if ready.get("reason") == Reason.OPERATION_SUSPENDED else ""


def _by_gitops(found: Json) -> bool:
    """Whether Argo CD or Flux put their marks on the object."""
    return bool(manager(inside(found, "metadata") or {}))


def _tried(dry_run: bool) -> str:
    return " (dry run: nothing was changed)" if dry_run else ""
