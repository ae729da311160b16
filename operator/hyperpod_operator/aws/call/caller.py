"""One call to AWS: paced, in a thread, timed, logged, and with its failure classified.

botocore blocks, so it runs in a bounded pool of threads. Reads and writes have clients of their own: a read may be
retried by botocore, a write never, because a second CreateCluster after a lost answer would be a second act.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

from botocore.model import ServiceModel

from hyperpod_operator.aws.call.classify import POINTER, classify, counted_as, whole
from hyperpod_operator.aws.call.limiter import Limiter
from hyperpod_operator.aws.call.threads import Threads
from hyperpod_operator.core.errors import CloudError, ErrorKind

logger = logging.getLogger(__name__)

LOGGED_MOST = 16_384
"""Characters of AWS's own words in a log record."""


class Purpose(StrEnum):
    """What a call is for."""

    RECONCILE = "Reconcile"
    """A pass needs it: without its right the operator cannot do its work."""
    CHECK = "Check"
    """Preflight, prices and the ends of training plans: without its right something is unknown, and nothing waits."""


class OnCall(Protocol):
    """Told about every call that ended; `code` is OK or AWS's error code (see `counted_as`)."""

    def __call__(self, *, operation: str, code: str, seconds: float, purpose: Purpose) -> None: ...


class MakeClient(Protocol):
    """Makes the botocore client of a service in a region for reads, or for calls that change something (`mutating`).

    Called in a thread, once for each of the two, and again after a failure.
    """

    def __call__(self, *, mutating: bool) -> Any: ...


class Caller:
    """Makes calls in one region. Every failure is a CloudError."""

    def __init__(
        self,
        *,
        service: str,
        region: str,
        make: MakeClient,
        threads: Threads,
        reads: Limiter,
        writes: Limiter,
        on_call: OnCall,
    ) -> None:
        self._service = service
        self._region = region
        self._make = make
        self._threads = threads
        self._limits = {False: reads, True: writes}
        self._on_call = on_call
        self._made: dict[bool, asyncio.Future[Any]] = {}

    async def client(self, *, mutating: bool) -> Any:
        """A client, made at its first use and off the event loop: reading a service model takes a quarter of a second.

        Most services are only read, and a preview changes nothing: half of the clients are never made.
        """
        made = self._made.get(mutating)
        if made is None or (made.done() and made.exception() is not None):
            make = partial(self._make, mutating=mutating)
            made = self._made[mutating] = self._threads.read(make)
        return await asyncio.shield(made)

    async def model(self) -> ServiceModel:
        """The API model of the service; no call."""
        model: ServiceModel = (await self.client(mutating=False)).meta.service_model
        return model

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

        `before` runs when the call's turn has come and a thread is free: what it reads is no older than that.
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
            client = await self.client(mutating=mutating)
        except CloudError:
            raise
        except Exception as error:
            raise classify(error, operation=operation, mutating=False) from error
        await self._limits[mutating].wait()
        context = contextvars.copy_context()  # so that the thread's log lines say which object they are about
        timed = partial(
            context.run,
            partial(self._timed, operation, call, client=client, target=target, mutating=mutating, purpose=purpose),
        )
        work = await self._threads.write(timed, before=before) if mutating else self._threads.read(timed)
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
        started, code, counted, request_id = time.monotonic(), "OK", "OK", ""
        try:
            answer = call(client)
            request_id = answer.get("ResponseMetadata", {}).get("RequestId", "") if isinstance(answer, dict) else ""
            return answer
        except Exception as error:
            failure = classify(error, operation=operation, mutating=mutating, service=self._service)
            code, counted, request_id = failure.code, counted_as(failure), failure.request_id
            if failure.message.endswith(POINTER):
                said = whole(str(error))[:LOGGED_MOST]
                logger.info("AWS says about %s on %s: %s", operation, target, said, extra={"request_id": request_id})
            if failure is error:
                raise
            raise failure from error
        finally:
            self._on_call(operation=operation, code=counted, seconds=time.monotonic() - started, purpose=purpose)
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
