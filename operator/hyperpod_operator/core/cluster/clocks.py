"""The status of a cluster without moments that have not come yet (see `core.engine.clocks`)."""

from datetime import datetime

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus, InstanceGroupStatus
from hyperpod_operator.core.engine.clocks import all_by_now, by_now
from hyperpod_operator.core.engine.memory import revised, updated


def with_moments_until(status: HyperPodClusterStatus, *, now: datetime) -> HyperPodClusterStatus:
    """All that a decision measures the time from."""
    notes = status.remembered
    members = {
        "operations": all_by_now(status.operations, "time", "rejectedAt", now=now),
        "rejectedGroups": all_by_now(status.rejectedGroups, "time", now=now),
        "adoption": by_now(status.adoption, "announcedAt", now=now) if status.adoption is not None else None,
        "missing": by_now(notes.missing, "since", now=now) if notes.missing is not None else None,
        "sentTags": all_by_now(notes.sentTags, "time", now=now),
        "instanceGroups": [_group(one, now=now) for one in status.instanceGroups]
        if status.instanceGroups is not None
        else None,
    }
    return revised(status, members)


def _group(group: InstanceGroupStatus, *, now: datetime) -> InstanceGroupStatus:
    before = group.remembered.deletedNodes
    after = all_by_now(before, "time", now=now)
    return group if after == before else updated(group, {"deletedNodes": after})
