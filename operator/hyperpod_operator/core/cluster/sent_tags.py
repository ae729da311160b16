"""Tags that AWS accepted and that ListTags may not show yet.

What ListTags answers can be minutes old. An accepted AddTags or DeleteTags counts as done until ListTags shows it, and
for `SHOWN_WITHIN` at most: then what AWS shows decides again. Without this memory an old answer makes the operator
send the same tags again, or take an edit that goes back to the former value as done. Ownership is never judged by it.
"""

from collections.abc import Mapping
from datetime import datetime

from hyperpod_operator.api.cluster.memory import SentTag
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.moments import parse_time

# [assumption: tags-show-late]
SHOWN_WITHIN = 600.0
"""Seconds after which an accepted tag that ListTags does not show counts as not set.

How long ListTags lags is unknown; EC2's reads lag for minutes at worst (EC2 API reference, eventual consistency).
"""

MOST = 100
"""Entries kept: 50 tags on, 50 off (AWS admits 50 tags per resource)."""


def pending(resource: Resource, *, now: datetime) -> tuple[SentTag, ...]:
    """The accepted tags that may still be invisible; one whose time cannot be read is none of them."""
    return tuple(tag for tag in resource.status.remembered.sentTags or () if _age(tag, now=now) < SHOWN_WITHIN)


def expected(*, resource: Resource, tags: Mapping[str, str], now: datetime) -> Mapping[str, str]:
    """What the cluster's tags are, given what ListTags shows and what AWS accepted."""
    sent = pending(resource, now=now)
    gone = {tag.key for tag in sent if tag.value is None}
    return {key: value for key, value in tags.items() if key not in gone} | {
        tag.key: tag.value for tag in sent if tag.value is not None
    }


def _age(tag: SentTag, *, now: datetime) -> float:
    moment = parse_time(tag.time or "")
    return (now - moment).total_seconds() if moment else float("inf")
