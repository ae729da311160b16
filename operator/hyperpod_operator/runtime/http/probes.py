"""/healthz and /readyz, and what they say.

/healthz fails only for what a restart would cure; /readyz says whether this process does its work now. Both say why
not, in words: the kubelet shows the answer in the pod's events. Kopf's liveness endpoint is not used: it lives only
while Kopf does and kept answering while watches were dead.

The checks belong to the main loop, which may be busy or stuck. So they run there, and when it does not answer within
half a second, its last answer stands; that the loop is stuck is seen from here, by its heartbeat.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from hyperpod_operator.runtime.http.loop_value import LoopValue
from hyperpod_operator.runtime.http.message import Request, Response

Check = Callable[[], str | None]
"""None when all is well, otherwise why it is not."""

AGE = 0.05
"""Seconds for which one run of the checks serves every probe."""
PATIENCE = 0.5
"""Seconds that a probe waits for the main loop; the kubelet waits for a second by default."""
_UNHEARD = "the event loop has not answered yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Faults:
    """By the name of the check."""

    alive: Mapping[str, str]
    ready: Mapping[str, str]


class Probes:
    """Made on the main loop; `answer` runs on the server's. `loop` is a check that any thread may make."""

    def __init__(self, *, loop: Check, alive: Mapping[str, Check], ready: Mapping[str, Check]) -> None:
        self._loop = loop
        self._faults = LoopValue(
            lambda: _Faults(alive=_failed(alive), ready=_failed(ready)),
            owner=asyncio.get_running_loop(),
            age=AGE,
            patience=PATIENCE,
        )

    async def answer(self, request: Request) -> Response:
        if request.path not in ("/healthz", "/readyz"):
            return Response.text("there are /healthz and /readyz here", status=HTTPStatus.NOT_FOUND)
        stuck = self._loop()
        faults = {} if stuck is None else {"loop": stuck}
        found = await self._faults.get()
        if request.path == "/healthz":
            faults |= {} if found is None else found.alive
        else:
            faults |= {"loop": _UNHEARD} if found is None else found.ready
        if not faults:
            return Response.text("ok")
        said = "\n".join(f"{name}: {fault}" for name, fault in faults.items())
        return Response.text(said, status=HTTPStatus.SERVICE_UNAVAILABLE)


def _failed(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: fault for name, check in checks.items() if (fault := check()) is not None}
