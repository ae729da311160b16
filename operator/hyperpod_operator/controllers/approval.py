"""Who approved a plan, and whether a call is still what was approved when its turn has come."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hyperpod_operator.api.names import APPROVE_PLAN, APPROVED_BY
from hyperpod_operator.core.cluster.concerns import situate
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.cluster.scale_in import held_back
from hyperpod_operator.core.observed import ObservedCluster
from hyperpod_operator.core.plan.gate import Open
from hyperpod_operator.core.plan.record import sent_names
from hyperpod_operator.core.ports import StoredObject
from hyperpod_operator.core.text import plain

DIGEST_MOST = 128
BY_MOST = 1024


def approvers(stored: StoredObject) -> Mapping[str, str]:
    """The members of `Resource` about approvals: the digest of the annotation, and who set it and the one of the spec.

    The user's name is in an annotation that an admission policy writes. Without one, the field manager says by which
    program it was set.
    """
    named = plain(stored.annotations.get(APPROVED_BY, ""))[:BY_MOST]
    annotation = ("metadata", "annotations", APPROVE_PLAN)
    return {
        "approve_plan": plain(stored.annotations.get(APPROVE_PLAN, ""))[:DIGEST_MOST],
        "approved_by": named or manager_of(stored, annotation),
        "requested_by": manager_of(stored, ("spec",)),
        "approved_by_spec": named or manager_of(stored, ("spec", "management", "approvedPlan")),
    }


def manager_of(stored: StoredObject, path: tuple[str, ...]) -> str:
    """The field manager that owns a field; the last one to write it, where several do. Empty if none is recorded."""
    owners = [
        (str(entry.get("time") or ""), str(entry.get("manager") or ""))
        for entry in _entries(stored)
        if _owns(entry.get("fieldsV1"), path)
    ]
    return plain(max(owners)[1])[:BY_MOST] if owners else ""


def _entries(stored: StoredObject) -> Iterator[Mapping[str, Any]]:
    metadata = stored.body.get("metadata")
    listed = metadata.get("managedFields") if isinstance(metadata, Mapping) else None
    yield from (entry for entry in listed or () if isinstance(entry, Mapping))


def _owns(fields: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        fields = fields.get(f"f:{name}") if isinstance(fields, Mapping) else None
    return fields is not None


def confirmed(snapshot: ClusterSnapshot, act: Act, *, resource: Resource, cluster: ObservedCluster | None) -> bool:
    """Whether the same approval still opens the same changes, for the object and the cluster as they are now."""
    before = snapshot.plan
    same = (resource.uid, resource.generation, resource.deleting) == (
        snapshot.resource.uid,
        snapshot.resource.generation,
        snapshot.resource.deleting,
    )
    if before is None or not same:
        return False
    # What this pass itself stored just before the call is no news: the record that the decision was made on counts.
    owner = replace(resource, status=snapshot.resource.status)
    now = situate(replace(snapshot, resource=owner), replace(snapshot.observed, cluster=cluster))
    if snapshot.departures is not None:
        now = held_back(now, snapshot.departures)
    if now.plan is None or not isinstance(now.plan.gate, Open):
        return False
    due = sent_names(snapshot, act.action)
    return now.plan.gate.digest == before.gate.digest and due == sent_names(now, act.action)
