"""How a run ended, without what differs between any two runs; and what is wrong when two differ.

Ids, times and names are left out or replaced; everything else must be equal.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hyperpod_testbed.crash_points.points import Point

Json = Mapping[str, Any]

OWN_TO_A_RUN = {"ClusterArn", "ClusterName", "CreationTime", "Nodes", "Tags", "InstanceGroups"}
OWNER_UID = "hyperpod-operator.dev/owner-uid"
OWNER = "hyperpod-operator.dev/owner"


@dataclass(frozen=True)
class Ending:
    """What AWS and the API server hold at rest."""

    cluster: Json | None
    conditions: tuple[tuple[str, str, str], ...] = ()
    """Type, status, reason."""
    finalizers: tuple[str, ...] = ()
    exists: bool = False
    """Whether the object is there."""


@dataclass(frozen=True)
class Run:
    """One run of a phase: where it was killed, how it ended, and what it took."""

    point: Point | None
    reached: bool
    """Whether the process was killed; always so for a change of AWS. How often progress is looked at and written into
    status depends on the machine's pace."""
    ios: tuple[str, ...]
    ending: Ending
    cut: bool = True
    """Whether the I/O at the point was cut off; a process that is asked to end finishes it."""
    sent: Counter[str] = field(default_factory=Counter)
    """Changing AWS calls that arrived at AWS."""
    done: Counter[str] = field(default_factory=Counter)
    """Those of them that took effect."""


def ending(*, cluster: Json | None, item: Json | None) -> Ending:
    """From the simulator's dump of the cluster and the object as the API server has it."""
    conditions = [] if item is None else item.get("status", {}).get("conditions", [])
    return Ending(
        cluster=None if cluster is None else _described(cluster, item),
        conditions=tuple(sorted((one["type"], one["status"], one["reason"]) for one in conditions)),
        finalizers=() if item is None else tuple(item["metadata"].get("finalizers", ())),
        exists=item is not None,
    )


def faults(clean: Run, run: Run) -> list[str]:
    """What a killed run did otherwise than the clean one; empty when it is as good."""
    found = [
        f"{operation} took effect {run.done[operation]} times, {clean.done[operation]} expected"
        for operation in ("CreateCluster", "DeleteCluster")
        if run.done[operation] > clean.done[operation]
    ]
    if run.sent["CreateCluster"] > clean.sent["CreateCluster"]:
        # Refused or not: the intent in status is there so that it is not even tried.
        found.append(f"CreateCluster was sent {run.sent['CreateCluster']} times")
    if run.ending != clean.ending:
        found.append(f"it ended as {run.ending}, the clean run as {clean.ending}")
    allowed = clean.sent.total() + (1 if run.cut and run.point and run.point.cuts_off_a_change_of_aws else 0)
    if run.sent.total() > allowed:
        found.append(f"it sent {dict(run.sent)}, the clean run {dict(clean.sent)}")
    if run.point and not run.reached and run.point.changes_aws:
        found.append(f"it never came to this point; its I/Os were {list(run.ios)}")
    return [f"{'killed' if run.cut else 'stopped'} {run.point}: {one}" for one in found]


def _described(cluster: Json, item: Json | None) -> Json:
    told = {name: value for name, value in cluster.items() if name not in OWN_TO_A_RUN}
    tags = dict(cluster["Tags"])
    if item is not None:
        own = item["metadata"]
        tags[OWNER_UID] = "ours" if tags.get(OWNER_UID) == own["uid"] else tags.get(OWNER_UID)
        tags[OWNER] = "ours" if tags.get(OWNER) == f"{own['namespace']}/{own['name']}" else tags.get(OWNER)
    nodes = Counter((node["InstanceGroupName"], node["InstanceStatus"]["Status"]) for node in cluster["Nodes"])
    groups = sorted(cluster["InstanceGroups"], key=lambda group: str(group["InstanceGroupName"]))
    return {**told, "Tags": tags, "Nodes": dict(nodes), "InstanceGroups": groups}
