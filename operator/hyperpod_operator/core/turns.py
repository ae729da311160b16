"""Waiting lines that serve groups in turn: whoever brings four hundred items delays another group by one of them.

Round robin over groups, first come first served within one. Pure data; whoever waits in it is the caller's business.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Turns(Generic[T]):
    """Items, each in one group and there once. Every operation takes constant time, but for skipped groups."""

    def __init__(self) -> None:
        self._groups: OrderedDict[str, OrderedDict[T, None]] = OrderedDict()
        """Groups in the order of their turns; none is empty."""
        self._size = 0

    def add(self, group: str, item: T) -> None:
        """At the end of its group's line; a group that had none takes the last turn."""
        line = self._groups.setdefault(group, OrderedDict())
        if item not in line:
            line[item] = None
            self._size += 1

    def remove(self, group: str, item: T) -> None:
        """Out of its line, wherever it stands; no error if it is not there."""
        line = self._groups.get(group)
        if line is None or item not in line:
            return
        del line[item]
        self._size -= 1
        if not line:
            del self._groups[group]

    def pop(self, *, allowed: Callable[[str], bool] = lambda _: True) -> T | None:
        """The first item of the group whose turn it is, among those that are `allowed`; None without one.

        Its group goes to the end; groups that are skipped keep their turn.
        """
        group = next((name for name in self._groups if allowed(name)), None)
        if group is None:
            return None
        line = self._groups[group]
        item, _ = line.popitem(last=False)
        self._size -= 1
        if line:
            self._groups.move_to_end(group)
        else:
            del self._groups[group]
        return item

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[T]:
        return (item for line in self._groups.values() for item in line)
