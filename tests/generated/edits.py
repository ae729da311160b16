"""One change of one property, of the kinds that people, tools and attackers make, and sequences of them."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from tests.generated.schema import Known, Path, Place, places, valid

from hyperpod_operator.api.common.bounds import MOMENT_PATTERN

Spec = dict[str, Any]
Kind = tuple[str, SearchStrategy[Any]]
"""A word for a kind of edit, and the values that it puts."""
GONE = object()
"""The value of a member that an edit takes away."""

HUGE = 10_000
"""Characters of a huge string."""
TEXTS = (
    *("", " ", "ä", "字", "\U0001f600", "e\u0301", "\u202eabc", "a\u200bb", "\ufeff", "\ud800"),
    *("\x00", "\x07", "\x1b[31m", "a\nb", "a\r\nb", "\u2028", "\u2003", "\u0085"),
    *("{}", "null", "$(id)", "%s%n", "../..", "<script>", "';--"),
)
"""Unicode, control characters, a lone surrogate, and words that mean something to some other language."""
INSTANTS = (
    *("2026-11-30T04:00:00z", "2026-11-30t04:00:00Z", "2026-11-30 04:00:00Z", "2026-11-30T04:00:00"),
    *("2016-12-31T23:59:60Z", "2026-11-30T24:00:00Z", "2026-02-30T00:00:00Z", "2026-11-30"),
    *("2099-11-30T04:00:00+99:99", "2099-11-30T04:00:00-23:59", "2099-11-30T04:00:00.123456789Z"),
    *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2099-11-30T04:00:00.5Z"),
)
"""Instants at the edge of RFC 3339, of the calendar, and of what a client of AWS can say."""
NUMBERS = (0, -1, 1, 2**31 - 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**30, 1.0, 1.5, 1e300)
ANYTHING: tuple[Any, ...] = (None, True, 7, "7", 1.5, [], [None], {}, {"a": None})
"""Values of every type: for most properties the wrong one."""


@dataclass(frozen=True)
class Edit:
    """What is put where."""

    word: str
    path: Path
    value: Any

    def on(self, spec: Spec) -> Spec:
        """The spec after it; the spec itself stays as it is."""
        if not self.path:
            return spec if self.value is GONE else copy.deepcopy(self.value)
        changed = copy.deepcopy(spec)
        at: Any = changed
        for part in self.path[:-1]:
            at = at[part]
        last: Any = self.path[-1]
        if self.value is not GONE:
            at[last] = copy.deepcopy(self.value)
        elif isinstance(at, list) or last in at:
            del at[last]
        return changed

    def __str__(self) -> str:
        shown = "gone" if self.value is GONE else repr(self.value)
        where = ".".join(map(str, self.path)) or "the spec"
        return f"{self.word}: {where} = {shown if len(shown) < 300 else shown[:297] + '...'}"


@st.composite
def edits(draw: st.DrawFn, spec: Spec, seen: Known) -> Edit:
    """An edit of one property of this spec."""
    place = draw(st.sampled_from(list(places(spec))[1:]))
    word, values = draw(st.sampled_from(list(_kinds(place, seen))))
    path = (*place.path, "unknownMember") if word == "unknown" else place.path
    return Edit(word, path, draw(values))


def additions(spec: Spec, seen: Known) -> list[tuple[Path, SearchStrategy[Any]]]:
    """Every absent property with what the schema admits there."""
    return [(place.path, _valid(place, seen)) for place in places(spec) if place.value is None]


def _valid(place: Place, seen: Known) -> SearchStrategy[Any]:
    names = [part for part in place.path if isinstance(part, str)]
    return valid(place.node, member=names[-1] if names else "", seen=seen)


def _kinds(place: Place, seen: Known) -> Iterator[Kind]:
    """The kinds of edit that mean something here. `changed` twice: what is admitted leads further."""
    node = place.node
    yield "changed", _valid(place, seen)
    yield "changed", _valid(place, {})
    yield "wrong type", st.sampled_from(ANYTHING)
    if place.value is not None:
        yield "deleted", st.just(GONE)
    of_type: dict[str, Callable[[Place], Iterator[Kind]]] = {
        "string": _of_a_string,
        "integer": _of_an_integer,
        "array": _of_a_list,
        "object": _of_an_object,
        "boolean": lambda _: iter(()),
    }
    yield from of_type[node["type"]](place)


def _of_a_string(place: Place) -> Iterator[Kind]:
    node, now = place.node, place.value or ""
    if "enum" in node:
        yield "near miss", st.sampled_from(node["enum"]).flatmap(_near)
        return
    if node.get("pattern") == MOMENT_PATTERN:
        yield "instant", st.sampled_from(INSTANTS)
        yield "instant", st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    yield "text", st.sampled_from(TEXTS)
    yield "text around", st.sampled_from(TEXTS).flatmap(lambda odd: st.sampled_from([now + odd, odd + now]))
    yield "near miss", _near(now)
    low, high, letter = node.get("minLength", 0), node["maxLength"], now[-1:] or "a"
    lengths = sorted({max(low - 1, 0), low, high, high + 1, HUGE})
    yield "length", st.sampled_from([(now + letter * length)[:length] for length in lengths])


def _of_an_integer(place: Place) -> Iterator[Kind]:
    low, high = place.node.get("minimum"), place.node.get("maximum")
    edges = [edge for limit in (low, high) if limit is not None for edge in (limit - 1, limit, limit + 1)]
    yield "boundary", st.sampled_from(edges or [0])
    yield "number", st.sampled_from(NUMBERS)


def _of_a_list(place: Place) -> Iterator[Kind]:
    node, now = place.node, place.value or []
    yield "emptied", st.just([])
    yield "null item", st.just([*now, None])
    if now:
        yield "duplicate", st.sampled_from(now).map(lambda item: [*now, copy.deepcopy(item)])
        yield "shorter", st.integers(0, len(now) - 1).map(lambda index: now[:index] + now[index + 1 :])
        yield "other order", st.just(now[::-1])
        sizes = [node["maxItems"], node["maxItems"] + 1]
        yield "size", st.sampled_from(sizes).map(lambda size: [_another(now[0], index) for index in range(size)])


def _of_an_object(place: Place) -> Iterator[Kind]:
    node, now = place.node, place.value or {}
    yield "emptied", st.just({})
    if place.value is not None:
        yield "unknown", st.sampled_from([*ANYTHING, "a" * HUGE])
    if "additionalProperties" in node:
        value = next(iter(now.values()), "a")
        yield "key", st.sampled_from(TEXTS).map(lambda key: {**now, key: value})
        sizes = [node["maxProperties"], node["maxProperties"] + 1]
        yield "size", st.sampled_from(sizes).map(lambda size: {f"key-{index}": value for index in range(size)})


def _near(word: str) -> SearchStrategy[str]:
    return st.sampled_from([word.upper(), word.lower(), word[:-1], word + " ", " " + word, word + "\n", word + word])


def _another(item: Any, index: int) -> Any:
    """An item like this one under another name."""
    if isinstance(item, str):
        return f"{item[:20]}{index}"
    if isinstance(item, dict):
        name = next((key for key, value in item.items() if isinstance(value, str)), None)
        return item if name is None else {**item, name: f"{item[name][:20]}{index}"}
    return item
