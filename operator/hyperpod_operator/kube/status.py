"""Writing status: the smallest merge-patch that makes it what the report wants, and nothing when it already is.

Every status write wakes every watcher of the object, GitOps tools included, so equal means no call. The guard
is the resourceVersion: it is unique in the whole store, so it also tells a deleted and recreated object apart.
The API server ignores spec and metadata in a write to the status subresource, but it does honour that guard
("Updates to existing resources", kubernetes.io).
"""

from collections.abc import Mapping
from typing import Any


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON merge-patch (RFC 7386) that turns `old` into `new`; empty when they are equal.

    A key that is gone becomes an explicit null. Lists are replaced whole, for a merge-patch knows no other
    way. None in `new` counts as absent: the API server stores no nulls in status.
    """
    patch: dict[str, Any] = {key: None for key in old if new.get(key) is None}
    for key, wanted in new.items():
        if wanted is None:
            continue
        present = old.get(key)
        if isinstance(wanted, Mapping) and isinstance(present, Mapping):
            below = merge_patch(present, wanted)
            if below:
                patch[key] = below
        elif key not in old or not _same(present, wanted):
            patch[key] = _without_nulls(wanted) if isinstance(wanted, Mapping) else wanted
    return patch


def conditional(patch: Mapping[str, Any], *, uid: str, resource_version: str) -> dict[str, Any]:
    """The request body: this patch of status, for exactly this version of exactly this object."""
    return {"metadata": {"uid": uid, "resourceVersion": resource_version}, "status": dict(patch)}


def _same(one: Any, other: Any) -> bool:
    # Python calls True and 1 equal; JSON and a CRD's schema do not.
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, str | int | float):
        return bool(one == other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _without_nulls(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nulls(below) if isinstance(below, Mapping) else below
        for key, below in value.items()
        if below is not None
    }
