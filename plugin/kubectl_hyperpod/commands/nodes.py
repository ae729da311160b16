"""`nodes`: the Nodes of a cluster with HyperPod's verdict, what Kubernetes says, and the volumes on them."""

import click

from hyperpod_operator.api.names import (
    DEEP_HEALTH_CHECK_STATUS,
    FAULT_REASONS,
    FAULT_TYPES,
    LABEL_INSTANCE_TYPE,
    NODE_HEALTH_STATUS,
    TAINT_REASON,
)
from hyperpod_operator.core.explain.world import inside, text
from hyperpod_operator.core.text import plain
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.inventory import HyperPodNode, cluster_id, is_attached, kubelet_ready, nodes_of, schedulable
from kubectl_hyperpod.options import OUTPUTS, argument, common
from kubectl_hyperpod.resources import CLAIM, CLUSTER, named
from kubectl_hyperpod.session import NotInstalledError, Session, metadata
from kubectl_hyperpod.view import data
from kubectl_hyperpod.view.age import age
from kubectl_hyperpod.view.say import say
from kubectl_hyperpod.view.table import show

TYPES = (LABEL_INSTANCE_TYPE, "node.kubernetes.io/instance-type")
ZONE = "topology.kubernetes.io/zone"


@click.command()
@argument()
@click.option("--unhealthy", is_flag=True, help="Only nodes that take no pods.")
@common(outputs=OUTPUTS)
def nodes(session: Session, which: tuple[str, ...], unhealthy: bool) -> None:
    """Show the nodes of a HyperPodCluster, with the volumes on them."""
    asked = named(which)
    if asked is not None and asked.kind is not CLUSTER:
        raise CommandError("Only a HyperPodCluster has nodes.")
    cluster = session.one(asked)
    known = cluster_id(cluster)
    if not known:
        raise CommandError(f"AWS has not reported a cluster for {metadata(cluster, 'name')} yet, so it has no nodes.")
    found = [one for one in nodes_of(session, known) if not unhealthy or not _fine(one)]
    if session.output in ("json", "yaml"):
        data.show(data.listed([one.node for one in found]), session.output)
        return
    if not found:
        say("There are no such Nodes in Kubernetes.", err=True)
        return
    volumes, unread = _volumes(session)
    wide = session.output == "wide"
    head = ["NODE", "GROUP", "TYPE", "HEALTH", "KUBELET", "PODS", "FAULT", "VOLUMES", "AGE"]
    rows = [_row(one, ["?"] if unread else volumes.get(one.instance_id, []), session, wide) for one in found]
    show([*head, *(["ZONE", "SSM TARGET"] if wide else [])], rows)
    if unread:
        say(f"Volumes are not known: {unread}", err=True)


def _fine(one: HyperPodNode) -> bool:
    return schedulable(one.node) and kubelet_ready(one.node) == "Ready"


def _row(one: HyperPodNode, volumes: list[str], session: Session, wide: bool) -> list[str]:
    labels = inside(one.node, "metadata", "labels") or {}
    notes = inside(one.node, "metadata", "annotations") or {}
    checks = text(labels.get(DEEP_HEALTH_CHECK_STATUS))
    health = text(labels.get(NODE_HEALTH_STATUS)) or "NotReported"
    fault = text(labels.get(FAULT_REASONS)) or text(labels.get(FAULT_TYPES)) or text(notes.get(TAINT_REASON))
    row = [
        one.name,
        one.group,
        next((text(labels[name]) for name in TYPES if labels.get(name)), "").removeprefix("ml."),
        f"{health} (checks {checks})" if checks and checks != "Passed" else health,
        kubelet_ready(one.node),
        "new pods" if schedulable(one.node) else "kept off",
        plain(fault),
        ",".join(volumes),
        age(metadata(one.node, "creationTimestamp"), session.server_now()),
    ]
    return [*row, text(labels.get(ZONE)), one.ssm_target] if wide else row


def _volumes(session: Session) -> tuple[dict[str, list[str]], str]:
    """Claims of the namespace that have their volume on an instance, by instance, and why they cannot be read."""
    try:
        claims = session.list(CLAIM)
    except NotInstalledError:
        return {}, ""
    except CommandError as error:
        return {}, error.message
    made: dict[str, list[str]] = {}
    for one in (one for one in claims if is_attached(one)):
        made.setdefault(text(inside(one, "status", "attachment", "instanceId")), []).append(metadata(one, "name"))
    return made, ""
