"""`status`: the objects of a namespace in a table, or one object in detail."""

import sys
from collections.abc import Sequence
from datetime import datetime

import click

from hyperpod_operator.api.reasons import Actor
from hyperpod_operator.core.explain.acting import turn
from hyperpod_operator.core.explain.chain import stated
from hyperpod_operator.core.explain.world import Json, inside, items, text
from hyperpod_operator.core.text import plain, shortened
from kubectl_hyperpod.cluster.api import Object
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.inventory import is_attached
from kubectl_hyperpod.options import OUTPUTS, argument, common
from kubectl_hyperpod.resources import CLAIM, CLUSTER, KINDS, OPERATION, Kind, named
from kubectl_hyperpod.session import NotInstalledError, Session, metadata
from kubectl_hyperpod.view import data
from kubectl_hyperpod.view.age import age
from kubectl_hyperpod.view.say import say
from kubectl_hyperpod.view.table import heading, show

STATE = {
    CLUSTER.name: ("status", "clusterStatus"),
    CLAIM.name: ("status", "phase"),
    OPERATION.name: ("spec", "operation"),
}
NODES = {
    CLUSTER.name: ("status", "nodes", "summary"),
    CLAIM.name: ("status", "attachment", "nodeName"),
    OPERATION.name: ("status", "summary"),
}
INCOMPLETE = 1
"""Exit code when a kind could not be read, as kubectl has it."""
MESSAGE = 100
"""Characters of a message in a row."""


@click.command()
@argument()
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Objects of all namespaces.")
@common(outputs=OUTPUTS)
def status(session: Session, which: tuple[str, ...], everywhere: bool) -> None:
    """Show clusters and volumes with who has to act; with a name, one object in detail."""
    asked = named(which)
    if asked is not None:
        if everywhere:
            raise CommandError("A name and --all-namespaces exclude each other.")
        found = session.get(asked)
        if session.output in ("json", "yaml"):
            data.show(found, session.output)
        else:
            _detail(session, asked.kind, found)
        return
    unread: list[str] = []
    found_by_kind = [(kind, _listed(session, kind, everywhere, unread)) for kind in KINDS]
    _table(session, found_by_kind, everywhere=everywhere, complete=not unread)
    say(*unread, err=True)
    if unread:
        sys.exit(INCOMPLETE)


def _table(
    session: Session, found_by_kind: Sequence[tuple[Kind, list[Object]]], *, everywhere: bool, complete: bool
) -> None:
    if session.output in ("json", "yaml"):
        data.show(data.listed([one for _, found in found_by_kind for one in found]), session.output)
        return
    if not any(found for _, found in found_by_kind):
        if not complete:
            return
        where = "any namespace" if everywhere else f"namespace {session.namespace}"
        say(f"There are no HyperPodClusters or EBSVolumeClaims in {where}.", err=True)
        return
    head = ["NAME", "READY", "STATUS", "NODES", "ACTOR", "REASON", "AGE", "MESSAGE"]
    wide = session.output == "wide"
    rows = [_row(kind, one, session.server_now(), everywhere, wide) for kind, found in found_by_kind for one in found]
    show([*(["NAMESPACE"] if everywhere else []), *head], rows)


def _listed(session: Session, kind: Kind, everywhere: bool, unread: list[str]) -> list[Object]:
    """All kinds but the first are options of the installation: without their definition there are none. Of a kind that
    cannot be read, why is added to `unread`: it may have objects."""
    try:
        return session.list(kind, everywhere=everywhere)
    except NotInstalledError:
        if kind is CLUSTER:
            raise
        return []
    except CommandError as error:
        if kind is CLUSTER:
            raise
        unread.append(f"Of the kind {kind.name} nothing is shown: {error.message}")
        return []


def _row(kind: Kind, one: Object, now: datetime, everywhere: bool, wide: bool) -> list[str]:
    ready = _conditions(one).get("Ready", {})
    message = plain(text(ready.get("message")))
    row = [
        f"{kind.short}/{metadata(one, 'name')}",
        text(ready.get("status")) or "Unknown",
        text(inside(one, *STATE[kind.name])),
        text(inside(one, *NODES[kind.name])) if kind is not CLAIM or is_attached(one) else "",
        str(actor(one)),
        text(ready.get("reason")),
        age(metadata(one, "creationTimestamp"), now),
        message if wide else shortened(message, MESSAGE),
    ]
    return [metadata(one, "namespace"), *row] if everywhere else row


def actor(one: Json) -> Actor:
    """Who has to act, as the object's status says it, or else its conditions."""
    said = text(inside(one, "status", "actor"))
    if said in set(Actor):
        return Actor(said)
    deleted = bool(metadata(one, "deletionTimestamp"))
    return turn(map(stated, _conditions(one).values()), deleted=deleted).actor


def _attached(claim: Json) -> list[tuple[str, str]]:
    """Where the volume of a claim is."""
    return [
        ("Node", text(inside(claim, "status", "attachment", "nodeName"))),
        ("Device", text(inside(claim, "status", "attachment", "devicePath"))),
    ]


def _conditions(one: Json) -> dict[str, Json]:
    return {text(condition.get("type")): condition for condition in items(one, "status", "conditions")}


def _detail(session: Session, kind: Kind, one: Object) -> None:
    now = session.server_now()
    heading(f"{kind.name} {metadata(one, 'namespace')}/{metadata(one, 'name')}")
    for label, value in _facts(kind, one, now):
        say(f"  {label + ':':<16} {value}")
    groups = items(one, "status", "instanceGroups")
    if groups:
        say("")
        heading("Groups")
        show(
            ["GROUP", "TYPE", "NODES", "STATUS", "UNHEALTHY", "IMAGE", "MESSAGE"],
            [
                [
                    text(group.get("instanceGroupName")),
                    text(group.get("instanceType")),
                    f"{text(group.get('currentCount')) or '?'}/{text(group.get('targetCount')) or '?'}",
                    text(group.get("status")),
                    text(group.get("unhealthyNodes")),
                    _image(group),
                    shortened(plain(text(group.get("message"))), MESSAGE),
                ]
                for group in groups
            ],
        )
    _operated(one)
    say("")
    heading("Conditions")
    show(
        ["CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE"],
        [
            [
                name,
                text(found.get("status")),
                text(found.get("reason")),
                age(text(found.get("lastTransitionTime")), now),
                shortened(plain(text(found.get("message"))), MESSAGE),
            ]
            for name, found in _conditions(one).items()
        ],
    )
    command = f"kubectl hyperpod explain {kind.short}/{metadata(one, 'name')} -n {metadata(one, 'namespace')}"
    say("", f"Why, and what to type: {command}")


def _cost(found: Json | None) -> str:
    """What the instances cost per hour, what of it runs no pods, and of which groups no price is known."""
    currency = text(inside(found, "currency"))
    hourly, idle = text(inside(found, "hourly")), text(inside(found, "idleHourly"))
    amount = f"{hourly} {currency}/h" if hourly else ""
    idle = f"{idle} of it idle" if idle and float(idle) else ""
    groups = inside(found, "unknownGroups")
    unknown = f"not known for {', '.join(map(text, groups))}" if isinstance(groups, list) and groups else ""
    return ", ".join(part for part in (amount, idle, unknown) if part)


def _image(group: Json) -> str:
    """The release, with what AWS says of it unless that is that all is well."""
    release, said = text(group.get("currentImageReleaseVersion")), text(group.get("imageVersionStatus"))
    return f"{release} ({said})" if said and said != "UpToDate" else release


def _operated(one: Object) -> None:
    """How far a node operation is on each of its nodes."""
    nodes = items(one, "status", "nodes")
    if nodes:
        say("")
        heading("Nodes")
        rows = [
            [
                text(node.get("name")) or text(node.get("id")),
                text(node.get("instanceGroupName")),
                text(node.get("state")),
                text(node.get("replacedBy")),
                shortened(plain(text(node.get("message"))), MESSAGE),
            ]
            for node in nodes
        ]
        show(["NODE", "GROUP", "STATE", "REPLACED BY", "MESSAGE"], rows)


def _facts(kind: Kind, one: Object, now: datetime) -> list[tuple[str, str]]:
    ready = _conditions(one).get("Ready", {})
    facts = [
        ("Ready", f"{text(ready.get('status')) or 'Unknown'} {text(ready.get('reason'))}".strip()),
        ("Who acts", {"You": "you", "AWS": "AWS", "-": "no action is needed"}[str(actor(one))]),
        ("Age", age(metadata(one, "creationTimestamp"), now)),
    ]
    if kind is CLUSTER:
        facts += [
            ("AWS status", text(inside(one, "status", "clusterStatus"))),
            ("ARN", text(inside(one, "status", "clusterArn"))),
            ("Nodes", text(inside(one, "status", "nodes", "summary"))),
            ("Plan", text(inside(one, "status", "plan", "summary"))),
            ("Cost", _cost(inside(one, "status", "cost"))),
            ("Karpenter", text(inside(one, "status", "autoScaling", "status"))),
        ]
    elif kind is OPERATION:
        facts += [
            ("Operation", text(inside(one, "spec", "operation"))),
            ("Nodes", text(inside(one, "status", "summary"))),
            ("Reason", text(inside(one, "spec", "reason"))),
        ]
    else:
        facts += [
            ("Volume", text(inside(one, "status", "volumeId"))),
            ("Size", f"{text(inside(one, 'status', 'observed', 'size'))} GiB"),
            *(_attached(one) if is_attached(one) else [("Last node", text(inside(one, *NODES[kind.name])))]),
        ]
    return [(label, value) for label, value in facts if value.strip(" GiB") or label == "Ready"]
