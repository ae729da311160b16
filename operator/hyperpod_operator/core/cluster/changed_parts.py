"""The parts that an update consists of: the cluster itself, and each group that is changed, added or removed."""

from collections.abc import Mapping

from hyperpod_operator.core.cluster.changes import Changes, group_of
from hyperpod_operator.core.cluster.resource import Resource, desired
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.observed import Json, ObservedCluster

CLUSTER = ""
"""The part of an update that is about the cluster itself and no group."""


def changed_parts(*, resource: Resource, cluster: ObservedCluster | None, changes: Changes) -> Mapping[str, str]:
    """The changed parts by group name, each with a fingerprint of what is wanted and what AWS shows of it."""
    return {name: _mark(name, resource=resource, cluster=cluster, changes=changes) for name in _changed(changes)}


def _changed(changes: Changes) -> frozenset[str]:
    groups = {group_of(change) for change in changes.groups_changed}
    cluster = {CLUSTER} if changes.cluster else set()
    return frozenset(groups | cluster | set(changes.groups_added) | set(changes.groups_removed))


def _mark(name: str, *, resource: Resource, cluster: ObservedCluster | None, changes: Changes) -> str:
    if name == CLUSTER:
        wanted: Json = [str(change) for change in changes.cluster]
        return fingerprint(operation="UpdateCluster", desired=[name, wanted])
    spec, group = resource.groups.get(name), cluster.group(name) if cluster else None
    shown = [dict(group.members), group.target_count] if group else None
    return fingerprint(operation="UpdateCluster", desired=[name, desired(spec) if spec else None, shown])
