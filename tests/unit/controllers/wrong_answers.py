"""Answers of AWS with one member changed, at the client's edge: found in the answer itself and not in a list."""

import copy
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from tests.unit.controllers.replay import Replayed

PACKAGING = "ResponseMetadata"
"""What botocore adds to an answer."""


def dropped(holder: dict[str, Any], name: str) -> None:
    del holder[name]


def nulled(holder: dict[str, Any], name: str) -> None:
    holder[name] = None


def emptied(holder: dict[str, Any], name: str) -> None:
    empty: Any = {list: [], dict: {}, str: ""}
    holder[name] = empty.get(type(holder[name]), holder[name])


def retyped(holder: dict[str, Any], name: str) -> None:
    """Another type; for a list of texts, what botocore makes of its first text alone: the characters of it."""
    value = holder[name]
    if isinstance(value, list) and value and isinstance(value[0], str):
        holder[name] = list(value[0])
    elif isinstance(value, str):
        holder[name] = 7
    else:
        holder[name] = "odd"


def shortened(holder: dict[str, Any], name: str) -> None:
    """A list without its first item."""
    if isinstance(holder[name], list):
        holder[name] = holder[name][1:]


FAULTS: tuple[Callable[[dict[str, Any], str], None], ...] = (dropped, nulled, emptied, retyped, shortened)

Named = tuple[str, Callable[[dict[str, Any]], None]]
"""A fault in one member of an answer: which, and the change."""
Faults = Callable[[Mapping[str, Any]], Iterator[Named]]


class Wire:
    """Changes answers on their way to the operator, and repeats those that it knows: a moment can be looked at often.

    `answers` holds the last one by operation. Without `repeats` AWS is asked each time.
    """

    def __init__(self, *, repeats: bool = True) -> None:
        self._repeats = repeats
        self.answers: dict[str, dict[str, Any]] = {}
        self._known: dict[tuple[str, str], dict[str, Any]] = {}
        self._operation = ""
        self._change: Callable[[dict[str, Any]], None] | None = None

    @classmethod
    async def of(cls, rig: Replayed, *, repeats: bool = True) -> "Wire":
        """A wire on the clients of the rig's operator."""
        wire = cls(repeats=repeats)
        for client in await rig.clients():
            client.meta.events.register("before-call", wire._asked)
            client.meta.events.register("after-call", wire._answered)
        return wire

    def wrong(self, operation: str, change: Callable[[dict[str, Any]], None] | None) -> None:
        self._operation, self._change = operation, change

    def right(self) -> None:
        self.wrong("", None)

    def forget(self) -> Callable[[], None]:
        """Ask AWS again: time has passed. The result goes back to the moment before."""
        known, self._known = self._known, {}

        def back() -> None:
            self._known = known

        return back

    def _asked(self, *, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> Any:
        context["asked"] = key = (model.name, repr(params["body"]))
        known = self._known.get(key) if self._repeats else None
        return None if known is None else (SimpleNamespace(status_code=200), copy.deepcopy(known))

    def _answered(self, *, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if "Error" in parsed:
            return
        self.answers[model.name] = self._known[context["asked"]] = copy.deepcopy(parsed)
        if model.name == self._operation and self._change is not None:
            self._change(parsed)


def every_fault(answer: Mapping[str, Any]) -> Iterator[Named]:
    """A name and a change for each other answer that a fault in one member makes."""
    seen = [copy.deepcopy(answer)]
    for path in members(answer):
        for fault in FAULTS:
            changed = copy.deepcopy(dict(answer))
            at(path, fault)(changed)
            if changed not in seen:
                seen.append(changed)
                yield f"{path} {fault.__name__}", at(path, fault)


def covering(answer: Mapping[str, Any], *, turn: int) -> Iterator[Named]:
    """Of `every_fault` one for each member, the next one with each turn: a member meets each of its faults in as many
    turns as it has faults.
    """
    by_member: dict[str, list[Named]] = {}
    for name, change in every_fault(answer):
        by_member.setdefault(name.rpartition(" ")[0], []).append((name, change))
    for number, faults in enumerate(by_member.values()):
        yield faults[(number + turn) % len(faults)]


def members(answer: Mapping[str, Any], *, path: str = "") -> Iterator[str]:
    """Paths of all members, each once, as in `InstanceGroups[].Status`."""
    yield from dict.fromkeys(_members(answer, path=path))


def _members(answer: Any, *, path: str) -> Iterator[str]:
    if isinstance(answer, list):
        for item in answer:
            yield from _members(item, path=f"{path}[]")
    elif isinstance(answer, Mapping):
        for name, value in answer.items():
            if name != PACKAGING:
                yield f"{path}.{name}".lstrip(".")
                yield from _members(value, path=f"{path}.{name}".lstrip("."))


def at(path: str, fault: Callable[[dict[str, Any], str], None]) -> Callable[[dict[str, Any]], None]:
    """The fault in the member at this path, in each item of each list on the way."""

    def change(answer: dict[str, Any]) -> None:
        *way, name = path.split(".")
        for holder in _holders(answer, way):
            if name in holder:
                fault(holder, name)

    return change


def _holders(value: Any, way: list[str]) -> Iterator[dict[str, Any]]:
    if not way:
        yield value
        return
    head, *rest = way
    found = value.get(head.removesuffix("[]"))
    for item in found if head.endswith("[]") else [found]:
        if isinstance(item, dict):
            yield from _holders(item, rest)
