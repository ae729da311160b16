"""Is what AWS holds what the spec asks for? Two JSON trees in the same vocabulary, walked side by side.

Only what the spec sets is compared: AWS fills in members of its own (ThreadsPerCore and others) and they
must never look like drift. Lists are sets, because AWS promises no order, except where the API gives the
order a meaning. Values that mean "nothing" (absent, empty, zero, false) are one value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hyperpod_operator.core.engine.call import difference
from hyperpod_operator.core.members import KMS_KEYS, MAPS, MARKERS, ORDERED, REPEATABLE, TIMESTAMPS, key_id
from hyperpod_operator.core.observed import Json

OFF: Mapping[str, Json] = {"mode": "Disable"}
"""A feature that is switched off (API members ClusterAutoScalingConfig, ClusterTieredStorageConfig)."""


# [assumption: lists-have-no-order]
@dataclass(frozen=True, slots=True)
class Change:
    """One member that differs: where, what AWS holds, what the spec asks for."""

    path: str
    observed: Json
    wanted: Json

    def __str__(self) -> str:
        return f"{self.path}: {difference(self.observed, self.wanted)}"


# [assumption: unset-members-are-filled]
def drift(*, wanted: Mapping[str, Json], observed: Mapping[str, Json], path: str, now: datetime) -> Iterator[Change]:
    """Each member of `wanted` that `observed` does not meet, one level at a time down to lists and scalars."""
    for member, asked in wanted.items():
        value, there = _of_what_is_off(asked), observed.get(member)
        where = f"{path}.{member}" if path else member
        if isinstance(value, Mapping) and isinstance(there, Mapping) and member not in MAPS | MARKERS:
            yield from drift(wanted=value, observed=there, path=where, now=now)
        elif not covers(wanted=value, observed=there, member=member, now=now):
            yield Change(where, there, value)


def covers(*, wanted: Json, observed: Json, member: str, now: datetime) -> bool:
    """Whether AWS's value meets the wish."""
    if wanted is None:
        return True
    if member in MARKERS:
        return observed is not None
    wanted = _of_what_is_off(wanted)
    if observed is None and wanted == OFF:
        return True  # what was never enabled is not described
    if member in TIMESTAMPS:
        return _same_instant_or_past(wanted=wanted, observed=observed, now=now)
    if member in KMS_KEYS:
        return _may_be_one_key(str(wanted), str(observed or ""))
    if isinstance(wanted, Mapping) and observed is None and member not in MAPS:
        return all(covers(wanted=value, observed=None, member=name, now=now) for name, value in wanted.items())
    if _blank(wanted) or _blank(observed):
        return _blank(wanted) and _blank(observed)
    if member in MAPS:
        return dict(wanted) == dict(observed)
    if isinstance(wanted, Mapping):
        return isinstance(observed, Mapping) and all(
            covers(wanted=value, observed=observed.get(name), member=name, now=now) for name, value in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return isinstance(observed, list | tuple) and _covers_list(
            wanted=_once(wanted, member=member),
            observed=_once(observed, member=member),
            ordered=member in ORDERED,
            now=now,
        )
    return bool(wanted == observed)


def overlay(*, wanted: Json, observed: Json, member: str = "") -> Json:
    """The observed value with the wish laid over it: what a full resend of a structure has to carry."""
    if wanted is None:
        return observed
    if isinstance(wanted, Mapping) and isinstance(observed, Mapping) and member not in MAPS | MARKERS:
        merged = dict(observed)
        for name, value in wanted.items():
            merged[name] = overlay(wanted=value, observed=observed.get(name), member=name)
        return merged
    return wanted


def _once(items: Sequence[Json], *, member: str) -> list[Json]:
    """The entries, each once: AWS may keep one that it was sent twice, and a spec cannot have it twice."""
    if member in ORDERED | REPEATABLE:
        return list(items)
    return [item for place, item in enumerate(items) if item not in items[:place]]


def _covers_list(*, wanted: list[Json], observed: list[Json], ordered: bool, now: datetime) -> bool:
    if len(wanted) != len(observed):
        return False
    if ordered:
        return all(
            covers(wanted=want, observed=have, member="", now=now) for want, have in zip(wanted, observed, strict=True)
        )
    left, unmatched = list(observed), []
    for want in wanted:  # equal entries pair off first: a loose wish must not take what fits another exactly
        if want in left:
            left.remove(want)
        else:
            unmatched.append(want)
    fits = [[covers(wanted=want, observed=have, member="", now=now) for have in left] for want in unmatched]
    return _all_paired(fits)


def _all_paired(fits: Sequence[Sequence[bool]]) -> bool:
    """Whether every row gets a column of its own: one that fits several gives way to one that fits no other."""
    owner: dict[int, int] = {}

    def placed(row: int, tried: set[int]) -> bool:
        for column, fit in enumerate(fits[row]):
            if fit and column not in tried:
                tried.add(column)
                if column not in owner or placed(owner[column], tried):
                    owner[column] = row
                    return True
        return False

    return all(placed(row, set()) for row in range(len(fits)))


# [assumption: disabled-has-no-settings]
def _of_what_is_off(wanted: Json) -> Json:
    """Of a feature that is switched off only that: settings that the spec keeps mean nothing to AWS, which
    may describe them or not."""
    return OFF if isinstance(wanted, Mapping) and wanted.get("mode") == OFF["mode"] else wanted


def _blank(value: Json) -> bool:
    if isinstance(value, Mapping):
        return all(_blank(item) and name not in MARKERS for name, item in value.items())
    return value is None or value == "" or value == 0 or value == [] or value == ()


def _may_be_one_key(wanted: str, observed: str) -> bool:
    """Whether no id says that they are two keys: which key an alias names, KMS alone knows."""
    unknown = not wanted or not observed or "alias/" in wanted or "alias/" in observed
    return unknown or key_id(wanted) == key_id(observed)


def _same_instant_or_past(*, wanted: Json, observed: Json, now: datetime) -> bool:
    """A patch date that has passed is history: AWS moves NextPatchDate on by itself, and that is no drift."""
    try:
        want = datetime.fromisoformat(str(wanted))
        return want <= now or (observed is not None and want == datetime.fromisoformat(str(observed)))
    except (ValueError, TypeError):
        return bool(wanted == observed)
