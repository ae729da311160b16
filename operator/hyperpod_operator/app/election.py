"""One replica of several works; the others stand by."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from hyperpod_operator.app.tasks import ended, first, stopping_on_exit
from hyperpod_operator.kube.leadership.leader import Election

logger = logging.getLogger(__name__)

LEADERSHIP_LOST = 1
"""Exit code of a process that must not write any more."""


@asynccontextmanager
async def elected(election: Election, stop: asyncio.Event, *, may_release: Callable[[], bool]) -> AsyncIterator[None]:
    """Wait until this replica leads, or is told to stop; renew while it works; give the lease up at the end.

    Unless `may_release` says no: a call that was cut off may still be on its way, so the next leader has to wait
    until the lease is over.
    """
    renewing = asyncio.create_task(stopping_on_exit(election.run(), stop), name="election")
    try:
        await first(election.elected, stop)
        yield
    finally:
        renewing.cancel()
        await ended(renewing)
        if may_release():
            await election.release()


def end_process(why: str) -> None:
    """At once, without any farewell: whatever else this process would do could be a write of a second leader."""
    logger.critical(
        "Leadership is lost: %s. This process exits, and Kubernetes restarts it; another replica may lead meanwhile. "
        "If this repeats, check the API server's latency and this pod's CPU limit.",
        why,
    )
    logging.shutdown()
    os._exit(LEADERSHIP_LOST)
