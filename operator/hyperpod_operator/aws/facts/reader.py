"""One preflight's reads: within a budget of calls and of time, each answer checked, and never an exception.

What AWS denies, does not answer in time, or answers in another form than its model says, is Unread: it is neither
"there is none" nor a zero.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import OperationNotPageableError

from hyperpod_operator.aws.call.answers import check, check_model, unknown
from hyperpod_operator.aws.call.caller import Caller, Purpose
from hyperpod_operator.aws.facts.members import RESTS_ON
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.grants import named_action
from hyperpod_operator.core.preflight.model import Fact, Unread
from hyperpod_operator.core.text import counted

BUDGET = 40
"""Calls to AWS that the checks of one cluster make at most."""
PATIENCE = 20.0
"""Seconds in which all of them have to be answered."""
SILENT = frozenset({ErrorKind.UNREACHABLE, ErrorKind.WRONG_ENDPOINT, ErrorKind.CREDENTIALS, ErrorKind.CLOCK})
"""Failures after which a service is not asked again in the same preflight: it would not answer the next call either."""
MISSING = frozenset(
    {
        "ResourceNotFoundException",
        "ResourceNotFound",
        "NoSuchEntity",
        "NoSuchKey",
        "NoSuchBucket",
        "NotFoundException",
        "FileSystemNotFound",
        "404",
    }
)
"""Codes by which services say that what was asked about does not exist (the services' API references)."""

DOCUMENTS = frozenset({"AssumeRolePolicyDocument", "PolicyDocument", "Document"})
"""Members of IAM's answers that botocore decodes (handler `json_decode_policies`)."""
BEGINNING = 65_536
"""Bytes of a stream that are read."""

Pages = list[Mapping[str, Any]]


def _all(pages: Pages) -> Pages:
    return pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question. `parameters` are the operation's members; `action` is the right that it needs.

    `keep` is for how many seconds the answer may be given again, `pages` how many pages are read at most, and `reduced`
    what of them is kept and given. `whole`: pages without the last one tell nothing, because what is on none of them
    may be on the next; otherwise who asks looks at the last one.
    """

    service: str
    operation: str
    action: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    keep: float = 30.0
    pages: int = 10
    whole: bool = True
    reduced: Callable[[Pages], Pages] = _all
    counted: bool = True
    """False for reads that serve all clusters of a Region for an hour: they are outside of a preflight's budget."""

    @property
    def key(self) -> str:
        return f"{self.service}:{self.operation}:{sorted(self.parameters.items())!r}"


GOES_ON = ("NextToken", "nextToken", "IsTruncated", "Truncated")
"""Members of a page that say that another one follows."""
FEW = 32
"""Answers that may lie around when they are over: looking for them costs more."""


class Answers:
    """Answers that may be given again, by question. Bounded; belongs to one Region and one event loop.

    Those whose time is over go when they could be half of what is kept, so that looking for them costs each answer a
    constant time.
    """

    def __init__(self, *, monotonic: Callable[[], float], most: int = 1000) -> None:
        self._monotonic = monotonic
        self._most = most
        self._kept: dict[str, tuple[float, Pages | None, float]] = {}
        """Until when an answer counts, the answer, and when it was given."""
        self._look_at = min(FEW, most)
        """How many are kept when those whose time is over go."""
        self.asked: dict[str, asyncio.Future[tuple[Fact[Pages | None]] | None]] = {}
        """Questions that a preflight waits for. Resolved with None where it gave up: that says nothing to others."""

    def get(self, key: str, *, since: float = -math.inf) -> tuple[Pages | None] | None:
        """The answer in a tuple, since None is one; None where nothing is kept that was given at that time or later."""
        found = self._kept.get(key)
        return (found[1],) if found is not None and self._monotonic() < found[0] and since <= found[2] else None

    @property
    def held(self) -> int:
        """How many are in memory, those whose time is over included."""
        return len(self._kept)

    def put(self, key: str, pages: Pages | None, *, keep: float) -> None:
        now = self._monotonic()
        if len(self._kept) >= self._look_at:
            self._kept = {name: one for name, one in self._kept.items() if one[0] > now}
            self._look_at = min(self._most, max(FEW, 2 * len(self._kept)))
        if len(self._kept) < self._most:
            self._kept[key] = (now + keep, pages, now)


class Reader:
    """The reads of one preflight. What was answered more than `max_age` seconds before it began does not count."""

    def __init__(
        self,
        *,
        caller: Callable[[str], Caller],
        answers: Answers,
        budget: int = BUDGET,
        patience: float = PATIENCE,
        monotonic: Callable[[], float] = time.monotonic,
        max_age: float = math.inf,
    ) -> None:
        self._caller = caller
        self._answers = answers
        self._since = monotonic() - max_age
        self._budget = budget
        self._until = monotonic() + patience
        self._patience = patience
        self._monotonic = monotonic
        self._silent: dict[str, Unread] = {}
        self._cut: set[str] = set()
        """Questions of whose answer not all pages were read."""
        self.calls = 0

    async def ask(self, ask: Ask) -> Fact[Pages | None]:
        """All pages of the answer; None where AWS says that there is no such thing.

        What another preflight is asking already is not asked a second time: many clusters are applied at once, and most
        of what their checks read is the same.
        """
        kept: tuple[Fact[Pages | None]] | None
        while (kept := self._answers.get(ask.key, since=self._since)) is None and (
            asked := self._answers.asked.get(ask.key)
        ) is not None:
            try:
                async with self._patient():
                    kept = await asyncio.shield(asked)
            except TimeoutError:
                return self._late(ask)
            if kept is not None:
                break
        if kept is not None:
            return kept[0]
        if ask.service in self._silent:
            return self._silent[ask.service]
        if ask.counted and self.calls >= self._budget:
            return Unread(why=f"the checks of this cluster used up their {counted(self._budget, 'call')} to AWS")
        self.calls += ask.counted
        asked = self._answers.asked[ask.key] = asyncio.get_running_loop().create_future()
        found: tuple[Fact[Pages | None]] | None = None
        try:
            found = (await self._read(ask),)
        except TimeoutError:
            return self._late(ask)
        finally:
            del self._answers.asked[ask.key]
            asked.set_result(found)
        return found[0]

    async def _read(self, ask: Ask) -> Fact[Pages | None]:
        """Raises TimeoutError when this preflight's patience is at its end."""
        try:
            async with self._patient():
                pages: Pages | None = await self._caller(ask.service).read(
                    ask.operation, lambda client: self._pages(client, ask), target="preflight", purpose=Purpose.CHECK
                )
        except CloudError as error:
            return self._failed(ask, error)
        if ask.key in self._cut:
            return Unread(why=f"the answer of {ask.operation} has more pages than are read")
        self._answers.put(ask.key, pages, keep=ask.keep)
        return pages

    def _patient(self) -> asyncio.Timeout:
        return asyncio.timeout(max(0.0, self._until - self._monotonic()))

    def _late(self, ask: Ask) -> Unread:
        why = Unread(why=f"{ask.service} did not answer {ask.operation} within {self._patience:.0f} s")
        return self._silent.setdefault(ask.service, why)

    def _failed(self, ask: Ask, error: CloudError) -> Fact[Pages | None]:
        if error.code in MISSING:
            self._answers.put(ask.key, None, keep=ask.keep)
            return None
        if error.kind is ErrorKind.DENIED or error.code == "403":
            return Unread(why=error.message, action=named_action(error) or ask.action)
        why = Unread(why=f"{ask.operation} failed ({error.code}): {error.message.rstrip('. ')}")
        if error.kind in SILENT:
            self._silent[ask.service] = why
        return why

    def _pages(self, client: Any, ask: Ask) -> Pages:
        """Runs in a thread. Pages beyond the first count as calls of their own."""
        method = _method(client, ask.operation)
        shape = client.meta.service_model.operation_model(ask.operation).output_shape
        pages: Pages = []
        members = RESTS_ON.get((ask.service, ask.operation), ())
        for number, page in enumerate(_paged(client, method, ask.parameters)):
            known = _undecoded(page)
            if shape is not None:
                check_model(known, shape=shape, operation=ask.operation)
            check(known, operation=ask.operation, members=members)
            pages.append(_beginning(page))
            if number:
                self.calls += ask.counted
            if len(pages) >= ask.pages or (ask.counted and self.calls >= self._budget):
                if ask.whole and any(page.get(name) for name in GOES_ON):
                    self._cut.add(ask.key)
                break
        if not pages:
            raise unknown(operation=ask.operation, what="there is no page")
        return ask.reduced(pages)


def _undecoded(page: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer as the model has it: botocore decodes IAM's policy documents, which are texts there."""
    return {name: _document_as_text(name, value) for name, value in page.items()}


def _document_as_text(name: str, value: Any) -> Any:
    if name in DOCUMENTS and isinstance(value, dict):
        return "decoded"
    if isinstance(value, dict):
        return {below: _document_as_text(below, found) for below, found in value.items()}
    return value


def _beginning(page: Mapping[str, Any]) -> Mapping[str, Any]:
    """An answer whose body is a stream, with its first bytes as `Read` instead; others as they are."""
    if "Body" not in page:
        return page
    with page["Body"] as body:
        return {"Read": body.read(BEGINNING)}


def _method(client: Any, operation: str) -> str:
    methods = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    return str(methods[operation])


def _paged(client: Any, method: str, parameters: Mapping[str, Any]) -> Any:
    try:
        return client.get_paginator(method).paginate(**parameters)
    except OperationNotPageableError:
        return [getattr(client, method)(**parameters)]


def items(pages: Pages | None, name: str) -> list[Any]:
    """The items of a list over all pages."""
    return [item for page in pages or [] for item in page.get(name) or []]
