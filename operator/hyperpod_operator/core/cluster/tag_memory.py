"""What a pass remembers of tags: keys that a spec put on the cluster, and what AWS took and does not show yet."""

from collections.abc import Mapping
from typing import assert_never

from hyperpod_operator.api.cluster.memory import SentTag
from hyperpod_operator.api.names import OWNERSHIP_TAGS
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord
from hyperpod_operator.core.cluster.plan import (
    AddTags,
    CreateCluster,
    DeleteCluster,
    DeleteNodes,
    DeleteTags,
    UpdateCluster,
    UpdateClusterSoftware,
)
from hyperpod_operator.core.cluster.sent_tags import MOST, pending
from hyperpod_operator.core.moments import stamp


def applied_tag_keys(pass_record: PassRecord) -> list[str] | None:
    """Keys that a spec of ours put on the cluster: only these are ever taken off again."""
    snapshot, result = pass_record.snapshot, pass_record.result
    if snapshot.observed.cluster is not None and not snapshot.owned:
        return None  # those of an earlier cluster: whoever made this one has set its tags
    old = set(snapshot.resource.status.remembered.appliedTagKeys or [])
    if isinstance(result, Accepted):
        match result.action:
            case CreateCluster():
                old = set(snapshot.resource.wanted_tags)
            case AddTags(tags=tags):
                old |= set(tags) - set(OWNERSHIP_TAGS)
            case DeleteTags(keys=keys):
                old -= set(keys)
            case UpdateCluster() | UpdateClusterSoftware() | DeleteCluster() | DeleteNodes():
                pass
            case _:
                assert_never(result.action)
    if snapshot.ownership is Ownership.OURS and snapshot.observed.tags is not None and not snapshot.changes.tags_set:
        old |= set(snapshot.resource.wanted_tags)
    return sorted(old) or None


def sent_tags(pass_record: PassRecord) -> list[SentTag] | None:
    """Tags that AWS accepted and did not show yet (see `core.cluster.sent_tags`)."""
    snapshot = pass_record.snapshot
    tags, now = snapshot.observed.tags, snapshot.now
    if snapshot.observed.cluster is None:
        return None
    waiting = pending(snapshot.resource, now=now)
    kept = {tag.key: tag for tag in waiting if tags is None or tags.get(tag.key) != tag.value}
    for key, value in _tags_accepted(pass_record).items():
        kept.pop(key, None)
        kept[key] = SentTag(key=key, value=value, time=stamp(now))
    return list(kept.values())[-MOST:] or None


def _tags_accepted(pass_record: PassRecord) -> Mapping[str, str | None]:
    """The tags of this pass's call by key; None for those that it took off."""
    if not isinstance(pass_record.result, Accepted):
        return {}
    match pass_record.result.action:
        case AddTags(tags=tags):
            return dict(tags)
        case DeleteTags(keys=keys):
            return dict.fromkeys(keys)
        case CreateCluster() | UpdateCluster() | UpdateClusterSoftware() | DeleteCluster() | DeleteNodes():
            return {}
        case _:
            assert_never(pass_record.result.action)
