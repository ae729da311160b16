"""Which nodes of a group end: AWS would end random ones, so the operator chooses and names them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from hyperpod_operator.core.cluster.departures import Candidate, Chosen, Departure
from hyperpod_operator.core.drain.marks import (
    BINDING,
    Owner,
    detaches,
    held_by,
    held_since,
    is_drained_for,
    is_draining,
)
from hyperpod_operator.core.drain.pod import Pod, awaited
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.nodes.batch import BATCH, NodeCall

MOST = BATCH[NodeCall.DELETE]
"""Nodes of a group that are chosen at once: what one call takes."""


def needed(found: Iterable[Departure], *, owner: Owner) -> frozenset[str]:
    """Names of the Nodes whose pods have to be known. A choice that is certain without them needs no others' pods."""
    names: set[str] = set()
    for departure in found:
        sure = [one for one in departure.members if _certain(one, owner)]
        asked = sure if len(sure) >= departure.surplus else departure.members
        names |= {one.host for one in asked}
    return frozenset(names)


def choose(
    departure: Departure, *, pods: Mapping[str, tuple[Pod, ...]], known: bool, owner: Owner, now: datetime
) -> Chosen:
    """`pods` are those that keep a Node from being idle, by its name; they prove nothing unless they are `known`."""
    foreign = tuple(one for one in departure.members if _foreign(one, owner))
    free = [one for one in departure.members if one not in foreign]

    def order(one: Candidate) -> tuple[tuple[bool, ...], bool, float, str]:
        age = -one.launched_at.timestamp() if one.launched_at else 0.0
        return (_rank(one, owner), bool(pods.get(one.host)), age, one.instance_id)

    nodes = tuple(free if departure.whole else sorted(free, key=order)[: min(departure.surplus, MOST)])
    drained = tuple(one for one in nodes if known and _drained(one, pods=pods, owner=owner, now=now))
    return Chosen(departure=departure, nodes=nodes, drained=drained, foreign=foreign)


def without_guesses(chosen: Chosen, *, owner: Owner) -> Chosen:
    """For pods that are not known: the nodes that go whatever runs on them, and those that are held already.

    A node that is held is chosen from then on, so a guess would cost a job while an idle node stands by.
    """
    departure = chosen.departure
    if departure.whole:
        return chosen
    ranks = [_rank(one, owner) for one in departure.members if one not in chosen.foreign]
    room = min(departure.surplus, MOST)

    def sure(one: Candidate) -> bool:
        return sum(rank <= _rank(one, owner) for rank in ranks) <= room

    nodes = tuple(one for one in departure.members if _held(one, owner) or (one in chosen.nodes and sure(one)))
    return replace(chosen, nodes=nodes)


def to_prove(chosen: Iterable[Chosen], *, together: bool) -> frozenset[str]:
    """Names of the Nodes with which something is done now because they are idle: they end, or their claims are asked to
    detach. The API server itself is asked about them first.

    Nothing is done yet with nodes of a group that ends as a whole while another of its nodes is busy; `together`: nor
    while one of another group is.
    """
    chosen = tuple(chosen)
    all_end = all(one.ends for one in chosen)

    def goes(one: Chosen) -> bool:
        return all_end if together else one.ends or not one.departure.whole

    return frozenset(
        each.host
        for one in chosen
        for each in one.drained
        if (not detaches(each.node) if each.node is not None and each.claims else goes(one))
    )


def without(chosen: Chosen, names: frozenset[str]) -> Chosen:
    """These Nodes are not drained: the API server was not asked about them."""
    return replace(chosen, drained=tuple(one for one in chosen.drained if one.host not in names))


def with_claims(chosen: Chosen, claims: Mapping[str, tuple[str, ...]]) -> Chosen:
    """With the claims that have volumes on these nodes, by instance id. The choice does not depend on them."""

    def known(nodes: Iterable[Candidate]) -> tuple[Candidate, ...]:
        return tuple(replace(one, claims=claims.get(one.instance_id, ())) for one in nodes)

    return replace(chosen, nodes=known(chosen.nodes), drained=known(chosen.drained))


def busy(pods: Iterable[Pod], *, nodes: Iterable[Node], now: datetime) -> Mapping[str, tuple[Pod, ...]]:
    """The pods that keep each Node from being idle, by its name."""
    unreachable = frozenset(node.name for node in nodes if node.ready is None)
    found: dict[str, list[Pod]] = {}
    for pod in awaited(pods, unreachable=unreachable, now=now):
        found.setdefault(pod.node, []).append(pod)
    return {name: tuple(several) for name, several in found.items()}


def _drained(one: Candidate, *, pods: Mapping[str, tuple[Pod, ...]], owner: Owner, now: datetime) -> bool:
    if pods.get(one.host):
        return False
    if one.node is None:
        return True
    since = held_since(one.node)
    return _held(one, owner) and since is not None and (now - since).total_seconds() >= BINDING


def _held(one: Candidate, owner: Owner) -> bool:
    return one.node is not None and is_drained_for(one.node, owner)


def _rank(one: Candidate, owner: Owner) -> tuple[bool, ...]:
    """What goes first whatever runs on it; the lowest one does."""
    return (not one.sent, not one.marked, not _held(one, owner), not one.unhealthy)


def _foreign(one: Candidate, owner: Owner) -> bool:
    """Whether another object, or a person by hand, drains it."""
    return one.node is not None and is_draining(one.node) and held_by(one.node) != str(owner)


def _certain(one: Candidate, owner: Owner) -> bool:
    """Whether it goes before any node that is chosen for being idle."""
    return not _foreign(one, owner) and (one.sent or one.marked or one.unhealthy or _held(one, owner))
