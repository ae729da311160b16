"""`reboot`, `replace`, `delete-node`, `move`, `check`: each creates a HyperPodNodeOperation, for the operator."""

import getpass
import sys
from collections.abc import Callable
from typing import Any

import click

from hyperpod_operator.api.names import API_VERSION, Reason
from hyperpod_operator.core.explain.world import inside, items, text
from hyperpod_operator.core.text import plain
from kubectl_hyperpod.cluster.api import NotServedError, Object
from kubectl_hyperpod.commands.wait import states, words_of
from kubectl_hyperpod.durations import SPELLED, duration
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.inventory import HyperPodNode, cluster_id, clusters, one_node
from kubectl_hyperpod.options import common, nodes_of_line
from kubectl_hyperpod.resources import CLUSTER, OPERATION, Named
from kubectl_hyperpod.session import Session, metadata, not_served
from kubectl_hyperpod.view import data
from kubectl_hyperpod.view.say import say

Command = Callable[..., Any]
FAILED = 1
LOST = {
    "Replace": "Other instances take the place of these nodes; their root and secondary volumes are lost.",
    "Delete": "These instances end, and nothing takes their place.",
    "Move": "The root and secondary volumes of these nodes are replaced.",
}
"""What is lost by an operation, which is asked for first."""
SAID_BY_NODES = frozenset({Reason.DRAINING, Reason.EVICTION_BLOCKED, Reason.DETACHING_VOLUMES, Reason.OPERATING})
"""Reasons of the condition Ready that the states of the nodes show, with more detail."""


def _operation(command: Command) -> Command:
    """The arguments and options that all five share."""

    options: list[Callable[[Command], Command]] = [
        click.argument("nodes", nargs=-1, required=True, shell_complete=nodes_of_line, metavar="NODE..."),
        click.option("--cluster", default="", help="HyperPodCluster; default: that of the nodes."),
        click.option("--reason", default="", help="Why, for people to read."),
        click.option("--max-in-flight", default="", help="Nodes at once: a number or a percentage; default: 1."),
        click.option("--dry-run", is_flag=True, help="The operator says what it would do, and changes nothing."),
        click.option("--wait", is_flag=True, help="Wait for the end; exit code 1 when a node fails."),
        click.option("--timeout", type=duration, default="4h", show_default=True, help=f"How long to wait. {SPELLED}"),
        click.option("-y", "--yes", is_flag=True, help="Do not ask."),
        common(outputs=("json", "yaml")),
    ]
    made = command
    for option in reversed(options):
        made = option(made)
    return made


@click.command()
@_operation
def reboot(session: Session, **given: Any) -> None:
    """Restart nodes; they keep their ids and volumes. NODE is a node name, an instance id or a logical id."""
    _create(session, "Reboot", {}, **given)


@click.command()
@_operation
def replace(session: Session, **given: Any) -> None:
    """Let HyperPod put other instances in the place of nodes."""
    _create(session, "Replace", {}, **given)


@click.command("delete-node")
@_operation
def delete_node(session: Session, **given: Any) -> None:
    """End nodes; nothing takes their place, and the group's count becomes smaller."""
    _create(session, "Delete", {}, **given)


@click.command()
@click.option("--to-group", required=True, help="Instance group that the nodes join.")
@click.option("--to-cluster", default="", help="HyperPodCluster of that group; default: the same.")
@_operation
def move(session: Session, to_group: str, to_cluster: str, **given: Any) -> None:
    """Move nodes to another instance group."""
    target: Object = {"instanceGroupName": to_group}
    if to_cluster:
        target["clusterRef"] = {"name": to_cluster}
    _create(session, "Move", {"move": target}, **given)


@click.command()
@click.option("--check", "checks", multiple=True, default=("InstanceStress",), show_default=True,
              type=click.Choice(["InstanceStress", "InstanceConnectivity"]),
              help="Deep health check; repeatable.")  # fmt: skip
@_operation
def check(session: Session, checks: tuple[str, ...], **given: Any) -> None:
    """Run deep health checks on nodes; they take no pods meanwhile (1 to 2 hours)."""
    _create(session, "HealthCheck", {"healthCheck": {"deepHealthChecks": [*checks]}}, **given)


def _create(
    session: Session,
    operation: str,
    members: Object,
    *,
    nodes: tuple[str, ...],
    cluster: str,
    reason: str,
    max_in_flight: str,
    dry_run: bool,
    wait: bool,
    timeout: float,
    yes: bool,
) -> None:
    named, known = _named(session, nodes, cluster)
    owner = cluster or _cluster_of(session, known)
    spec: Object = {"clusterRef": {"name": owner}, "operation": operation, "nodes": named, **members}
    if max_in_flight:
        spec["maxInFlight"] = int(max_in_flight) if max_in_flight.isdigit() else max_in_flight
    if dry_run:
        spec["dryRun"] = True
    spec |= {"requestor": _who(session)} | ({"reason": reason} if reason else {})
    if operation in LOST and not (yes or dry_run):
        _ask(operation, nodes)
    word = {"HealthCheck": "check"}.get(operation, operation.lower())
    body = {
        "apiVersion": API_VERSION,
        "kind": OPERATION.name,
        "metadata": {"generateName": f"{word}-", "namespace": session.namespace},
        "spec": spec,
    }
    try:
        made = session.api.create(OPERATION.resource, body, namespace=session.namespace)
    except NotServedError as error:
        raise not_served(OPERATION) from error
    name = metadata(made, "name")
    if session.output:
        data.show(made, session.output)
    else:
        dry = " (dry run: the operator changes nothing)" if dry_run else ""
        say(f"{OPERATION.short}/{name} is created: {operation} of {', '.join(nodes)}{dry}.")
    if wait:
        _wait(session, Named(OPERATION, name), timeout)


def _named(session: Session, said: tuple[str, ...], cluster: str) -> tuple[Object, list[HyperPodNode]]:
    """`spec.nodes`: logical ids as they are, because AWS alone says whose they are; so are instance ids where a cluster
    is named; else by Node names.

    An instance that never joined has no Node: it can be named by its id with --cluster.
    """
    logical = [one for one in said if not one.startswith(("i-", "hyperpod-"))]
    if logical and len(logical) < len(said):
        raise CommandError(
            f"Name {', '.join(logical)} in a command without node names and instance ids: an operation names its nodes "
            "in one way, and only AWS says whose a logical id is."
        )
    if cluster and all(one.startswith("i-") for one in said):
        return {"instanceIds": [*said]}, []
    if cluster and logical:
        return {"nodeLogicalIds": [*said]}, []
    of = cluster_id(session.get(Named(CLUSTER, cluster))) if cluster else ""
    found = [one_node(session, one, of=of) for one in said]
    if logical:
        return {"nodeLogicalIds": [*said]}, found
    return {"names": [*dict.fromkeys(one.name for one in found)]}, found


def _cluster_of(session: Session, nodes: list[HyperPodNode]) -> str:
    ids = {one.cluster_id for one in nodes}
    fit = [metadata(one, "name") for one in clusters(session) if ids == {cluster_id(one)}]
    if len(fit) == 1:
        return fit[0]
    why = "are of several clusters" if len(ids) > 1 else f"are of no HyperPodCluster in namespace {session.namespace}"
    raise CommandError(f"These nodes {why}. Name the cluster with --cluster, and its namespace with -n.")


def _ask(operation: str, nodes: tuple[str, ...]) -> None:
    if not sys.stdin.isatty():
        raise CommandError(f"{operation} needs --yes where no terminal can ask. {LOST[operation]}")
    if not click.confirm(f"{LOST[operation]} {operation} {', '.join(nodes)}?"):
        raise CommandError("Nothing was created.")


def _who(session: Session) -> str:
    """For people to read, and no proof of anything: the audit log of the API server has that."""
    try:
        return session.choice.as_user or getpass.getuser()
    except (KeyError, OSError):
        return "kubectl-hyperpod"


def _wait(session: Session, which: Named, timeout: float) -> None:
    told: dict[str, str] = {}
    for found in states(session, which, timeout=timeout):
        if found is None:
            raise CommandError(f"{which.kind.short}/{which.name} was deleted while it was waited for.")
        for node in items(found, "status", "nodes"):
            name = text(node.get("name")) or text(node.get("id"))
            words = ": ".join(part for part in (text(node.get("state")), plain(text(node.get("message")))) if part)
            if told.get(name) != words:
                say(f"{name}: {words}", err=bool(session.output))
                told[name] = words
        ended = {
            text(one.get("type")): one for one in items(found, "status", "conditions") if one.get("status") == "True"
        }
        words = words_of(found)
        if not (ended.keys() & {"Complete", "Failed"}) and words != told.get("") and not _said_by_nodes(words):
            say(words, err=bool(session.output))
            told[""] = words
        if "Complete" in ended:
            say(f"{which.kind.short}/{which.name} is complete.", err=bool(session.output))
            return
        if "Failed" in ended:
            said = plain(text(inside(ended["Failed"], "message")))
            raise CommandError(f"{which.kind.short}/{which.name} failed: {said}", code=FAILED)
    raise CommandError(f"{which.kind.short}/{which.name} did not end within {timeout:g} s; it continues.", code=FAILED)


def _said_by_nodes(words: str) -> bool:
    return words.partition(":")[0] in SAID_BY_NODES
