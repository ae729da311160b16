"""/metrics: rendered at most once a second and off the main loop, for those who may read it.

Who may is the API server's decision, as users of kube-rbac-proxy and of controller-runtime's
WithAuthenticationAndAuthorization know it: the bearer token is reviewed (TokenReview), then whether its user may `get`
the non-resource URL /metrics (SubjectAccessReview). Answers are remembered for a while, as those do it.
"""

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Generic, TypeVar

from hyperpod_operator.core.ports import Access
from hyperpod_operator.runtime.http.loop_value import LoopValue
from hyperpod_operator.runtime.http.message import Request, Response

logger = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

AGE = 1.0
"""Seconds for which one rendering serves every scrape."""
PATIENCE = 2.0
"""Seconds that a scrape waits for the main loop; then it gets what was last known."""
ALLOWED = 60.0
"""Seconds for which an allowed token is not reviewed again (controller-runtime's TTL of TokenReviews)."""
DENIED = 10.0
"""Seconds for which a refused one is not."""
MOST_TOKENS = 256
MOST_REVIEWS = 4
"""Reviews at the same time: a flood of made-up tokens must not become a flood of calls to the API server."""
REVIEWS_PER_SECOND = 10.0

S = TypeVar("S")


Review = Callable[[str], Awaitable[Access]]
"""Asks the API server about a token; runs on the main loop. Raises when there is no answer."""


class MetricsPage(Generic[S]):
    """Made on the main loop, where `snapshot` runs; `answer` and `render` run on the server's."""

    def __init__(self, *, snapshot: Callable[[], S], render: Callable[[S], bytes], review: Review | None) -> None:
        main = asyncio.get_running_loop()
        self._snapshot = LoopValue(snapshot, owner=main, age=AGE, patience=PATIENCE)
        self._render = render
        self._gate = None if review is None else Gate(review, owner=main)
        self._page = b""
        self._rendered_at = float("-inf")
        self._rendering: asyncio.Lock | None = None

    async def answer(self, request: Request) -> Response:
        if request.path != "/metrics":
            return Response.text("there is /metrics here", status=HTTPStatus.NOT_FOUND)
        refusal = None if self._gate is None else await self._gate.refusal(request)
        if refusal is not None:
            return refusal
        page = await self._text()
        if not page:
            return Response.text("the event loop has not answered yet", status=HTTPStatus.SERVICE_UNAVAILABLE)
        return Response(body=page, content_type=CONTENT_TYPE)

    async def _text(self) -> bytes:
        if self._rendering is None:
            self._rendering = asyncio.Lock()
        async with self._rendering:
            if time.monotonic() - self._rendered_at > AGE:
                found = await self._snapshot.get()
                if found is not None:
                    self._page = self._render(found)
                    self._rendered_at = time.monotonic()
            return self._page


class Gate:
    """Remembers the API server's answers, by a digest of the token.

    Who was allowed is kept apart from everybody else, and is reviewed again when the time has come whatever else is
    asked for: a flood of made-up tokens takes nothing from Prometheus.
    """

    def __init__(self, review: Review, *, owner: asyncio.AbstractEventLoop) -> None:
        self._review = review
        self._owner = owner
        self._readers: OrderedDict[bytes, tuple[Access, float]] = OrderedDict()
        self._others: OrderedDict[bytes, tuple[Access, float]] = OrderedDict()
        """Until when (monotonic) an answer counts."""
        self._under_way: dict[bytes, asyncio.Future[Access]] = {}
        self._next_at = 0.0

    @property
    def size(self) -> int:
        return len(self._readers) + len(self._others)

    async def refusal(self, request: Request) -> Response | None:
        """The answer to somebody who may not read the metrics; None to who may."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return _unauthorized("a bearer token of Kubernetes is needed")
        try:
            access = await self._access(token)
        except _TooManyError:
            return Response.text("too many tokens to review; try again", status=HTTPStatus.TOO_MANY_REQUESTS)
        except Exception as error:
            logger.warning("The API server did not say whether a token may read /metrics: %s", error)
            text = "the API server did not say whether this token may read /metrics; the operator's log has the cause"
            return Response.text(text, status=HTTPStatus.SERVICE_UNAVAILABLE)
        if access.allowed:
            return None
        if not access.authenticated:
            return _unauthorized("the API server does not accept this token")
        text = f'{access.user} may not read this: grant it "get" of the non-resource URL /metrics by a ClusterRole'
        return Response.text(text, status=HTTPStatus.FORBIDDEN)

    async def _access(self, token: str) -> Access:
        key, now = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest(), time.monotonic()
        known = self._readers.get(key) or self._others.get(key)
        if known is not None and known[1] > now:
            return known[0]
        if key not in self._under_way:
            too_many = len(self._under_way) >= MOST_REVIEWS or self._next_at > now + 1
            if too_many and key not in self._readers:
                raise _TooManyError
            self._next_at = max(self._next_at, now) + 1 / REVIEWS_PER_SECOND
            asked = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(self._review, token), self._owner))
            self._under_way[key] = asked
            asked.add_done_callback(lambda done: self._remember(key, done))
        return await asyncio.shield(self._under_way[key])

    def _remember(self, key: bytes, done: asyncio.Future[Access]) -> None:
        self._under_way.pop(key, None)
        if done.cancelled() or done.exception() is not None:
            return
        access = done.result()
        for answers in (self._readers, self._others):
            answers.pop(key, None)
        answers = self._readers if access.allowed else self._others
        answers[key] = (access, time.monotonic() + (ALLOWED if access.allowed else DENIED))
        while len(answers) > MOST_TOKENS:
            answers.popitem(last=False)


class _TooManyError(Exception):
    """More reviews are asked for than the API server is asked to make."""


async def _awaited(review: Review, token: str) -> Access:
    return await review(token)


def _unauthorized(text: str) -> Response:
    return Response.text(text, status=HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
