"""What every Describe call of EC2 has in common: filters with wildcards, ids that must exist, pages."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from hyperpod_testbed.simulator import pages
from hyperpod_testbed.simulator.ebs.errors import combination, invalid
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON

T = TypeVar("T")

MOST_FILTER_VALUES = 200
"""Values over all filters of one request (EC2 user guide, filtering)."""
WHOLE = 1000
"""Items of a page when the request does not say."""


def matching(
    items: Iterable[T],
    request: JSON,
    *,
    fields: Mapping[str, Callable[[T], Any]],
    tags: Callable[[T], Mapping[str, str]] | None = None,
) -> list[T]:
    """The items that fit every filter. `fields` has what an item says to a filter: a value, or a list of them."""
    filters = request.get("Filters") or []
    if sum(len(one.get("Values") or []) for one in filters) > MOST_FILTER_VALUES:
        raise AwsError("FilterLimitExceeded", f"The maximum number of filter values is {MOST_FILTER_VALUES}")
    tests = [_test(one, fields, tags) for one in filters]
    return [item for item in items if all(test(item) for test in tests)]


def page(
    sim: Simulation, items: list[Any], request: JSON, *, operation: str, ids: str | None = None, size: int = WHOLE
) -> JSON:
    """One page under the name `items`; ids and MaxResults exclude each other."""
    if ids and request.get(ids) and request.get("MaxResults"):
        raise combination(f"The parameter {ids} cannot be used with the parameter maxResults in the same request")
    if sim.options.shuffle_lists:
        items = sim.names.shuffled(items, key=operation)
    chosen, token = pages.page(items, request, operation=operation, default_size=size, most=sim.options.page_limit)
    return {"items": chosen, **({"NextToken": token} if token else {})}


def named(request: JSON, *, member: str, filter_name: str) -> list[str]:
    """The ids that a request names in full, by member or by filter."""
    filters = [one for one in request.get("Filters") or [] if one.get("Name") == filter_name]
    return [*(request.get(member) or []), *(value for one in filters for value in one.get("Values") or [])]


def check_ids(ids: Iterable[str], *, prefix: str, parameter: str) -> None:
    """Refuse ids that no resource can have."""
    for one in ids:
        if not re.fullmatch(prefix + r"-[0-9a-f]{8}([0-9a-f]{9})?", one):
            raise invalid(f"Value ({one}) for parameter {parameter} is invalid. Expected: '{prefix}-...'.")


def _test(
    one: JSON, fields: Mapping[str, Callable[[T], Any]], tags: Callable[[T], Mapping[str, str]] | None
) -> Callable[[T], bool]:
    name, patterns = one.get("Name") or "", one.get("Values") or []
    if tags is not None and name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda item: key in tags(item) and _fits(tags(item)[key], patterns)
    if tags is not None and name == "tag-key":
        return lambda item: any(_fits(key, patterns) for key in tags(item))
    if name not in fields:
        raise invalid(f"The filter '{name}' is invalid")
    field = fields[name]
    return lambda item: any(_fits(value, patterns) for value in _several(field(item)))


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _fits(value: Any, patterns: list[str]) -> bool:
    if value is None:
        return False
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return any(_regular(pattern).fullmatch(text) for pattern in patterns)


@lru_cache(maxsize=1024)
def _regular(pattern: str) -> re.Pattern[str]:
    """A value of a filter as a regular expression: `*` and `?` stand for others, after a backslash for themselves."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    made = "".join(wild.get(part) or re.escape(part.removeprefix("\\") or part) for part in parts)
    return re.compile(made, re.DOTALL)
