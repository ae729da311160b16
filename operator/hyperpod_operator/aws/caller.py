"""One call to AWS: paced, in a thread, timed, logged, and with its failure classified.

botocore blocks, so it runs in a bounded pool of threads. Reads and writes have clients of their own: a read may be
retried by botocore, a write never, because a second CreateCluster after a lost answer would be a second act.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from hyperpod_operator.aws.classify import classify
from hyperpod_operator.aws.limiter import Limiter
from hyperpod_operator.core.errors import CloudError, ErrorKind

logger = logging.getLogger(__name__)


class Purpose(StrEnum):
    """What a call is for."""

    RECONCILE = "Reconcile"
    """A pass needs it: without its right the operator cannot do its work."""
    CHECK = "Check"
    """Preflight, prices and the ends of training plans: without its right something is unknown, and nothing waits."""


class OnCall(Protocol):
    """Told about every call that ended; `code` is OK or AWS's error code."""

    def __call__(self, *, operation: str, code: str, seconds: float, purpose: Purpose) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """botocore clients of one service in one region."""

    reads: Any
    writes: Any


class Caller:
    """Makes calls in one region. Every failure is a CloudError."""

    def __init__(
        self,
        *,
        service: str,
        region: str,
        clients: Callable[[], Clients],
        threads: ThreadPoolExecutor,
        reads: Limiter,
        writes: Limiter,
        on_call: OnCall,
    ) -> None:
        self._service = service
        self._region = region
        self._make = clients
        self._threads = threads
        self._limits = {False: reads, True: writes}
        self._on_call = on_call
        self._made: asyncio.Future[Clients] | None = None

    async def clients(self) -> Clients:
        """The clients, made once and off the event loop: reading the service model takes a quarter of a second."""
        if self._made is None or (self._made.done() and self._made.exception() is not None):
            self._made = asyncio.get_running_loop().run_in_executor(self._threads, self._make)
        return await asyncio.shield(self._made)

    async def read(
        self,
        operation: str,
        call: Callable[[Any], Any],
        *,
        target: str,
        purpose: Purpose = Purpose.RECONCILE,
    ) -> Any:
        """Run `call(client)`; all pages of a paginated operation count as one call here."""
        return await self._run(operation, call, target=target, mutating=False, purpose=purpose)

    async def write(
        self,
        operation: str,
        call: Callable[[Any], Any],
        *,
        target: str,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> Any:
        """Run a mutating call. A cancelled caller does not stop the thread: the call ends and is logged there.

        `before` runs when the call's turn has come: what it reads is no older than that.
        """
        return await self._run(operation, call, target=target, mutating=True, before=before)

    async def _run(
        self,
        operation: str,
        call: Callable[[Any], Any],
        *,
        target: str,
        mutating: bool,
        before: Callable[[], Awaitable[None]] | None = None,
        purpose: Purpose = Purpose.RECONCILE,
    ) -> Any:
        try:
            clients = await self.clients()
        except CloudError:
            raise
        except Exception as error:
            raise classify(error, operation=operation, mutating=False) from error
        client = clients.writes if mutating else clients.reads
        await self._limits[mutating].wait()
        if before is not None:
            await before()
        context = contextvars.copy_context()  # so that the thread's log lines say which object they are about
        work = asyncio.get_running_loop().run_in_executor(
            self._threads,
            lambda: context.run(
                self._timed, operation, call, client=client, target=target, mutating=mutating, purpose=purpose
            ),
        )
        try:
            return await asyncio.shield(work)
        except CloudError as error:
            if error.kind is ErrorKind.THROTTLED:
                self._limits[mutating].throttled()
            raise
        except asyncio.CancelledError:
            work.add_done_callback(_observed)
            raise

    def _timed(
        self,
        operation: str,
        call: Callable[[Any], Any],
        *,
        client: Any,
        target: str,
        mutating: bool,
        purpose: Purpose,
    ) -> Any:
        started, code, request_id = time.monotonic(), "OK", ""
        try:
            answer = call(client)
            request_id = answer.get("ResponseMetadata", {}).get("RequestId", "") if isinstance(answer, dict) else ""
            return answer
        except Exception as error:
            failure = classify(error, operation=operation, mutating=mutating, service=self._service)
            code, request_id = failure.code, failure.request_id
            if failure is error:
                raise
            raise failure from error
        finally:
            self._on_call(operation=operation, code=code, seconds=time.monotonic() - started, purpose=purpose)
            logger.log(
                logging.INFO if mutating else logging.DEBUG,
                "AWS %s on %s: %s",
                operation,
                target,
                code,
                extra={
                    "operation": operation,
                    "region": self._region,
                    "target": target,
                    "code": code,
                    "request_id": request_id,
                },
            )


def _observed(work: asyncio.Future[Any]) -> None:
    """Somebody has to look at a result that nobody waits for any more; the log line was written already."""
    if not work.cancelled():
        work.exception()
