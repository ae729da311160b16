"""What Nodes that are to end with a scale-in show, and which pods leave them now.

`scale_in` says what is awaited and when a node ends; here is what the operator does on the Nodes until then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from hyperpod_operator.api.common.drain import Drain
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.departures import Candidate, Departures, Handling, Unwritten, handling
from hyperpod_operator.core.cluster.existing import failed, fixed_members_differ
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.cluster.scale_in import named
from hyperpod_operator.core.drain.marks import (
    BINDING,
    Lifecycle,
    Marks,
    Owner,
    detaches,
    held_by,
    held_since,
    is_ahead,
    is_drained_for,
)
from hyperpod_operator.core.drain.rules import DrainRules, drain_rules
from hyperpod_operator.core.drain.step import DrainStep, step
from hyperpod_operator.core.drain.turns import in_turn
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.observed import GONE

MARKS_MOST = 50
"""Nodes that one pass marks or unmarks."""


def held_up(snapshot: ClusterSnapshot) -> bool:
    """Whether the calls that end nodes wait for a person, whatever runs there: to taint nodes and to evict pods would
    cost jobs, and end no node."""
    waits = fixed_members_differ(snapshot) or failed(snapshot)
    return waits is not None and not snapshot.resource.deleting


def owner_of(resource: Resource, *, kind: str) -> Owner:
    """For whom the Nodes are held."""
    return Owner(kind=kind, namespace=resource.key.namespace, name=resource.key.name, uid=resource.uid)


def marks(snapshot: ClusterSnapshot, found: Departures, *, owner: Owner) -> tuple[tuple[str, Marks], ...]:
    """What the chosen Nodes are to show, the first ones that may not show it yet.

    All are held before the first one asks its claims to detach: a claim of a group goes to a node that stays.
    """
    kinds = {Lifecycle.MAINTENANCE_PLANNED}
    if handling(snapshot.resource) is Handling.DRAIN:
        kinds |= {Lifecycle.DRAIN_IN_PROGRESS}
    missing = [
        (one, each.node, Marks(owner=owner, conditions=frozenset(kinds)))
        for one in found.chosen
        for each in one.nodes
        if each.node is not None and (not is_drained_for(each.node, owner) or is_ahead(each.node, now=snapshot.now))
    ]
    drained = Marks(owner=owner, conditions=frozenset({Lifecycle.MAINTENANCE_PLANNED, Lifecycle.DRAINED}), detach=True)
    asks = [
        (one, each.node, drained)
        for one in found.chosen
        for each in one.detaching
        if each.node is not None and not detaches(each.node)
    ]
    return tuple(
        (node.name, replace(mark, message=f"{named(snapshot, one)} ({owner.namespace}/{owner.name})"))
        for one, node, mark in in_turn(
            missing or asks, most=MARKS_MOST, key=lambda entry: entry[1].name, now=snapshot.now
        )
    )


def superfluous(found: Departures, *, nodes: Iterable[Node], owner: Owner, ending: frozenset[str]) -> tuple[str, ...]:
    """Nodes that are held for `owner` and are not to end any more; AWS works on the instances `ending`."""
    chosen = {candidate.instance_id for one in found.chosen for candidate in one.nodes} | ending
    return tuple(sorted(node.name for node in nodes if held_by(node) == str(owner) and node.instance_id not in chosen))


def turn(names: Sequence[str], *, now: datetime) -> tuple[str, ...]:
    """The Nodes that this pass takes the marks off."""
    return in_turn(names, most=MARKS_MOST, key=str, now=now)


def ending_in_aws(snapshot: ClusterSnapshot, *, nodes: Iterable[Node]) -> frozenset[str]:
    """Instances that AWS was asked to end and may still end: a pod that came to one of them would be lost.

    One that serves all the same when the call must long be visible does not end by it.
    """
    groups, rest = snapshot.resource.status.instanceGroups or [], snapshot.timings.rest
    sent = {one.instanceId: one for group in groups for one in group.remembered.deletedNodes or ()}
    away = {one.instance_id for one in snapshot.observed.nodes or () if one.status in GONE}
    serving = {node.instance_id for node in nodes if node.ready is True} - away

    def recent(name: str) -> bool:
        at = parse_time(sent[name].time or "")
        return at is not None and (snapshot.now - at).total_seconds() < rest

    return frozenset(name for name in sent if recent(name) or name not in serving)


def still_held(
    nodes: Iterable[Node], *, owner: Owner, released: Iterable[str], failed: Iterable[Unwritten], ending: frozenset[str]
) -> tuple[Unwritten, ...]:
    """Nodes that are held for `owner` after this pass took its marks off the Nodes `released` and `failed` of them."""
    failures = {one.node: one for one in failed}
    done = frozenset(released) - failures.keys()

    def held(node: Node) -> Unwritten:
        return Unwritten(node=node.name, why="AWS is deleting it" if node.instance_id in ending else "")

    return tuple(
        failures.get(node.name) or held(node)
        for node in sorted(nodes, key=lambda node: node.name)
        if held_by(node) == str(owner) and node.name not in done
    )


def evictions(snapshot: ClusterSnapshot, found: Departures) -> DrainStep:
    """The pods to evict now: only those of Nodes that are held long enough for no pod to be on its way to them."""
    if handling(snapshot.resource) is not Handling.DRAIN or found.read.problem:
        return DrainStep()
    since = _since(found)
    if since is None or (snapshot.now - since).total_seconds() < BINDING:
        return DrainStep()
    held = {one.name for one in _held(found)}
    pods = [pod for pod in found.read.pods if pod.node in held]
    return step(
        pods=pods, rules=rules(snapshot.resource), started_at=since, now=snapshot.now, budgets=found.read.budgets
    )


def rules(resource: Resource) -> DrainRules:
    """Everything is evicted, gangs as one, for as long as the spec says."""
    management = resource.spec.management
    timeout = management.disruption.drainTimeoutSeconds if management and management.disruption else None
    return drain_rules(Drain(drainTimeoutSeconds=timeout))


def _held(found: Departures) -> tuple[Candidate, ...]:
    return tuple(
        each
        for one in found.chosen
        for each in one.nodes
        if each.node is not None and held_since(each.node) is not None
    )


def _since(found: Departures) -> datetime | None:
    """When the drain began: with the last of the taints, so that no node has less time than another."""
    moments = [moment for each in _held(found) if each.node and (moment := held_since(each.node)) is not None]
    return max(moments, default=None)
