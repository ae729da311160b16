"""Adding and removing one finalizer without ever touching another's.

A JSON-patch (RFC 6902) whose first operations test the uid and the resourceVersion: the list is written whole,
so it must be the list of exactly that version. Only names that we own go through here.
"""

from typing import Any

from hyperpod_operator.core.ports import StoredObject

Operations = list[dict[str, Any]]


def adding(stored: StoredObject, finalizer: str) -> Operations:
    """The operations that add `finalizer`; none when it is there."""
    if finalizer in stored.finalizers:
        return []
    return [*_preconditions(stored), _written((*stored.finalizers, finalizer))]


def removing(stored: StoredObject, finalizer: str) -> Operations:
    """The operations that remove `finalizer`; none when it is not there."""
    if finalizer not in stored.finalizers:
        return []
    return [*_preconditions(stored), _written(tuple(name for name in stored.finalizers if name != finalizer))]


def _preconditions(stored: StoredObject) -> Operations:
    return [
        {"op": "test", "path": "/metadata/uid", "value": stored.uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": stored.resource_version},
    ]


def _written(finalizers: tuple[str, ...]) -> dict[str, Any]:
    # `add` on a member that exists replaces it and, unlike `replace`, it also works where there is none.
    return {"op": "add", "path": "/metadata/finalizers", "value": list(finalizers)}
