"""Whose turn it is in a pass that has room for few of many.

Nothing is remembered between passes. In an order that never changes, the first ones, refused in every pass, would keep
all others from being tried. So lots are drawn each second: whoever waits has the same chance in every pass, whatever
the interval between two passes is.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import TypeVar

from hyperpod_operator.core.drain.pod import Pod

T = TypeVar("T")


def by_lot(items: Iterable[T], *, key: Callable[[T], str], now: datetime) -> tuple[T, ...]:
    """All of them, in the order of this second. `key` names an item, the same in every pass."""
    second = int(now.timestamp())
    return tuple(sorted(items, key=lambda one: blake2b(f"{second} {key(one)}".encode(), digest_size=8).digest()))


def in_turn(items: Sequence[T], *, most: int, key: Callable[[T], str], now: datetime) -> tuple[T, ...]:
    """The `most` of them whose turn it is, in the order in which they were given; all of them where they are fewer."""
    if len(items) <= most:
        return tuple(items)
    chosen = {key(one) for one in by_lot(items, key=key, now=now)[:most]}
    return tuple(one for one in items if key(one) in chosen)


def gangs_in_turn(gangs: Sequence[tuple[Pod, ...]], *, most: int, now: datetime) -> tuple[tuple[Pod, ...], ...]:
    """The gangs that one pass evicts. Their order stays: by it the step has divided the budgets."""
    return in_turn(gangs, most=most, key=gang_key, now=now)


def gang_key(gang: Sequence[Pod]) -> str:
    """What names a gang among those of one step."""
    return gang[0].uid
