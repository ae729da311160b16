"""Which of several replicas works: leader election by a Lease, with the loop of `kubernetes.aio.leaderelection`.

Only the leader reconciles and writes; a standby lists and watches as it does, and asks for the lease. What the library
leaves open is closed here: any end of its loop is told, leadership is given up at a clean stop, and a candidate asks
four times as often as a leader renews, and at the moment at which the lease is over, so that a dead leader is replaced
within the lease's duration and a quarter of a period. A leader that waits for an answer longer than a period asks again
at once: there is time for a second try before its deadline.
"""

import asyncio
import logging
import secrets
import socket

from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection

from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.core.ports import Clock
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.leadership.guard import LeadershipGuard
from hyperpod_operator.kube.leadership.lease import LeaseLock

logger = logging.getLogger(__name__)

SHORTEST_PERIOD = 1.0
"""Seconds; the library takes no shorter one."""


class _Loop(LeaderElection):
    """The library's loop, with a period of its own for candidates, who ask as well when the lease is over."""

    def __init__(
        self, config: Config, *, lock: LeaseLock, ask_every: float, clock: Clock, guard: LeadershipGuard
    ) -> None:
        super().__init__(config)
        self._lock = lock
        self._ask_every = ask_every
        self._clock = clock
        self._guard = guard

    async def acquire(self) -> bool:
        """Until this process leads."""
        while not await self.try_acquire_or_renew():
            left = self._lock.over_in()
            await asyncio.sleep(min(self._ask_every, left) if left > 0 else self._ask_every)
        return True

    async def renew_loop(self) -> None:
        """Once in each period, for as long as this process leads."""
        while self._guard.held:
            asked_at = self._clock.monotonic()
            await self.try_acquire_or_renew()
            await asyncio.sleep(max(0.0, asked_at + self.election_config.retry_period - self._clock.monotonic()))


class Election:
    """One candidate. `guard` is proved while this process leads."""

    def __init__(self, api: ApiServer, *, lease: LeaseSettings, clock: Clock, guard: LeadershipGuard) -> None:
        self.identity = f"{socket.gethostname()}_{secrets.token_hex(4)}"
        self._lease = lease
        self._clock = clock
        self._guard = guard
        self._lock = LeaseLock(api, lease=lease, identity=self.identity, clock=clock, guard=guard)
        self._config = Config(
            self._lock,
            lease_duration=lease.duration,
            renew_deadline=lease.renew_deadline,
            retry_period=max(SHORTEST_PERIOD, lease.retry_period),
            onstarted_leading=self._started,
            onstopped_leading=self._stopped,
        )
        self.elected = asyncio.Event()
        """Set when this process leads. It never leads twice: a lease that is lost ends the process."""

    async def run(self) -> None:
        """Ask for the lease, then renew it, for ever; cancel it to stop. Every other end is a loss, and is told."""
        logger.info(
            "Asking for the lease %s/%s as %s.", self._lease.namespace, self._lease.name, self.identity
        )  # fmt: skip
        watch = asyncio.create_task(self._guard.watch(), name="leadership-guard")
        try:
            await _Loop(
                self._config,
                lock=self._lock,
                ask_every=self._lease.retry_period / 4,
                clock=self._clock,
                guard=self._guard,
            ).run()
        except Exception as error:
            self._guard.lose(f"leader election broke: {type(error).__name__}: {error}")
            raise
        finally:
            watch.cancel()
        self._guard.lose("the lease could not be renewed in time")

    async def release(self) -> None:
        """Give the lease up if it is ours; after the last write and after `run` was cancelled."""
        await self._lock.release()

    def not_ready(self) -> str | None:
        """Why this process could not lead if it had to, or None."""
        return self._lock.fault

    async def _started(self) -> None:
        logger.info("Leading: this replica holds the lease %s/%s now.", self._lease.namespace, self._lease.name)
        self.elected.set()
        await asyncio.Event().wait()  # the work is not the library's: it would only cancel it

    async def _stopped(self) -> None:
        """Called by the library when it gave up; `run` tells."""
