"""The causes of HyperPod's events, each read once: a look-up a time, a few per pass, remembered by event id."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from hyperpod_operator.core.cluster.causes import to_read
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.ports import Clusters

logger = logging.getLogger(__name__)

MOST_READ = 6
"""Calls of DescribeClusterEvent in one pass over a cluster; the next pass reads on."""
# [assumption: event-details-are-final]
MOST_KEPT = 2000
"""Causes in memory, over all clusters; an event's details never change."""
OF_ONE_EVENT = frozenset({ErrorKind.INVALID, ErrorKind.MALFORMED})
"""Failures that are about one event: the others are read all the same."""
PAUSE_WHEN_DENIED = 3600.0
"""Seconds without another try after AWS denied the call."""


class Causes:
    """What is remembered of DescribeClusterEvent. RAM only: losing it costs the same few calls again."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._known: OrderedDict[str, str] = OrderedDict()
        self._blank: set[str] = set()
        """Events whose details named no cause once: believed when the next look finds the same."""
        self._denied: dict[str, float] = {}
        """Cluster ARN to when the call was denied; permissions may differ by region."""

    async def explained(self, *, clusters: Clusters, observed: Observed, since: datetime | None) -> Observed:
        """The same observation with the causes of the newest events of short groups. Raises nothing of AWS's."""
        if observed.cluster is None:
            return observed
        arn = observed.cluster.arn
        wanted = [event_id for event_id in to_read(observed, since=since) if event_id not in self._known]
        for event_id in wanted[:MOST_READ]:
            if self._is_denied(arn) or not await self._read(clusters, arn=arn, event_id=event_id):
                break
        return replace(
            observed,
            events=tuple(replace(event, cause=self._known.get(event.event_id, "")) for event in observed.events),
            causes_denied=self._is_denied(arn),
        )

    async def _read(self, clusters: Clusters, *, arn: str, event_id: str) -> bool:
        """Read one cause; false if the others would fare no better now."""
        try:
            cause = await clusters.cause(name=arn, event_id=event_id)
        except CloudError as error:
            if error.kind is ErrorKind.DENIED:
                self._deny(arn, error)
            else:
                logger.debug("The cause of event %s cannot be read now, the next pass tries again: %s", event_id, error)
            return error.kind in OF_ONE_EVENT
        self._denied.pop(arn, None)
        # [assumption: event-may-be-listed-before-it-is-described]
        if cause is None:
            return True  # Listed and not found: the two reads lag differently, so this is not remembered.
        if not cause and event_id not in self._blank:
            self._blank.add(event_id)
            return True
        self._blank.discard(event_id)
        if len(self._blank) > MOST_KEPT:
            self._blank.clear()
        self._known[event_id] = cause
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
        return True

    def _deny(self, arn: str, error: CloudError) -> None:
        if arn not in self._denied:
            logger.warning(
                "AWS denies DescribeClusterEvent on %s, so causes of failed launches stay unknown. Allow "
                "sagemaker:DescribeClusterEvent (docs/iam.md): %s",
                arn,
                error,
            )
        self._denied[arn] = self._monotonic()

    def _is_denied(self, arn: str) -> bool:
        since = self._denied.get(arn)
        return since is not None and self._monotonic() - since < PAUSE_WHEN_DENIED
