"""`events`: what happened to an object and its nodes, HyperPod's own events among it, oldest first."""

import click

from hyperpod_operator.core.explain.chain import event_note, event_time
from hyperpod_operator.core.explain.world import inside, text
from hyperpod_operator.core.text import plain, shortened
from kubectl_hyperpod.cluster.api import Object
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.gather import events_about
from kubectl_hyperpod.inventory import cluster_id, nodes_of
from kubectl_hyperpod.options import OUTPUTS, argument, common
from kubectl_hyperpod.resources import CLUSTER, EVENTS, Named, named
from kubectl_hyperpod.session import Session, metadata
from kubectl_hyperpod.view import data
from kubectl_hyperpod.view.age import age
from kubectl_hyperpod.view.say import say
from kubectl_hyperpod.view.table import show

NOTE = 160


@click.command()
@argument()
@click.option("--warnings", is_flag=True, help="Only Events of type Warning.")
@common(outputs=OUTPUTS)
def events(session: Session, which: tuple[str, ...], warnings: bool) -> None:
    """Show the Events of an object and, for a cluster, of its Nodes."""
    asked = named(which)
    resource = session.one(asked)
    asked = asked or Named(CLUSTER, metadata(resource, "name"))
    found = events_about(session, asked, resource)
    if asked.kind is CLUSTER:
        found += _of_nodes(session, cluster_id(resource))
    found = [one for one in found if not warnings or one.get("type") == "Warning"]
    found.sort(key=lambda one: (event_time(one), metadata(one, "name")))
    if session.output in ("json", "yaml"):
        data.show(data.listed(found), session.output)
        return
    if not found:
        say("There are no Events; Kubernetes keeps them for an hour by default.", err=True)
        return
    show(["LAST", "TYPE", "REASON", "COUNT", "OBJECT", "NOTE"], [_row(session, one) for one in found])


def _row(session: Session, one: Object) -> list[str]:
    about = one.get("regarding")
    count = inside(one, "series", "count") or one.get("deprecatedCount") or 1
    note = plain(event_note(one))
    return [
        age(event_time(one), session.server_now()),
        text(one.get("type")),
        text(one.get("reason")),
        text(count),
        f"{text(inside(about, 'kind'))}/{text(inside(about, 'name'))}",
        note if session.output == "wide" else shortened(note, NOTE),
    ]


def _of_nodes(session: Session, known: str) -> list[Object]:
    """Events about Nodes are in `default`; they are left out where they, or Nodes, may not be read."""
    if not known:
        return []
    try:
        names = {one.name for one in nodes_of(session, known)}
        found = session.api.list(EVENTS, namespace="default", fields="regarding.kind=Node")
    except CommandError as error:
        say(f"Events of Nodes are left out: {error}", err=True)
        return []
    return [one for one in found if text(inside(one, "regarding", "name")) in names]
