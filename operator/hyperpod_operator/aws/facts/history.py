"""What the cluster's own events say of AWS's capacity: SageMaker keeps the newest 500 of a cluster."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from hyperpod_operator.api.names import Reason
from hyperpod_operator.aws.facts.reader import Ask, Reader, items
from hyperpod_operator.aws.sagemaker import translate
from hyperpod_operator.core.cluster.causes import LOUD, cause_of, is_noise
from hyperpod_operator.core.observed import ObservedEvent
from hyperpod_operator.core.preflight.facts import Shortage
from hyperpod_operator.core.preflight.model import Fact, Unread

RECENT = timedelta(hours=24)
"""What lacked capacity longer ago says little about now."""
PAGE = 100
MOST_OF_GROUP = 2
"""Events of a group whose details are read: a fault makes a pair of them."""
MOST_READ = 6
"""Calls of DescribeClusterEvent."""
TYPE = re.compile(r"\bml\.[a-z0-9-]{1,20}\.[a-z0-9-]{1,20}\b")


async def shortages(reader: Reader, cluster: str, *, now: datetime) -> Fact[tuple[Shortage, ...]]:
    """sagemaker:ListClusterEvents, and sagemaker:DescribeClusterEvent of the newest that may be about capacity."""
    listed = await reader.ask(
        Ask(
            service="sagemaker",
            operation="ListClusterEvents",
            action="sagemaker:ListClusterEvents",
            parameters={
                "ClusterName": cluster,
                "SortBy": "EventTime",
                "SortOrder": "Descending",
                "MaxResults": PAGE,
            },
            pages=1,
            whole=False,
        )
    )
    if isinstance(listed, Unread):
        return listed
    events = [translate.event(one) for one in items(listed, "Events")]
    asked = _to_read(one for one in events if one.level in LOUD and not is_noise(one) and now - one.at <= RECENT)
    causes = await asyncio.gather(*(_cause(reader, cluster, one) for one in asked))
    unread = next((cause for cause in causes if isinstance(cause, Unread)), None)
    found = tuple(
        Shortage(at=event.at, group=event.group, types=tuple(dict.fromkeys(TYPE.findall(cause))))
        for event, cause in zip(asked, causes, strict=True)
        if not isinstance(cause, Unread) and _is_shortage(cause)
    )
    return found if found or unread is None else unread


def _to_read(events: Iterable[ObservedEvent]) -> Sequence[ObservedEvent]:
    """The newest events of each group."""
    of_group, chosen = Counter[str](), list[ObservedEvent]()
    for event in events:
        of_group[event.group] += 1
        if of_group[event.group] <= MOST_OF_GROUP:
            chosen.append(event)
    return chosen[:MOST_READ]


async def _cause(reader: Reader, cluster: str, event: ObservedEvent) -> Fact[str]:
    """AWS's words about the cause: those of the event itself if they name one, else those of its details."""
    if cause_of(event.description) is not None:
        return event.description
    pages = await reader.ask(
        Ask(
            service="sagemaker",
            operation="DescribeClusterEvent",
            action="sagemaker:DescribeClusterEvent",
            parameters={"ClusterName": cluster, "EventId": event.event_id},
            keep=3600.0,
        )
    )
    return pages if isinstance(pages, Unread) else translate.failure_message(pages[0]) if pages else ""


def _is_shortage(cause: str) -> bool:
    found = cause_of(cause)
    return found is not None and found.reason is Reason.CAPACITY_SHORTAGE
