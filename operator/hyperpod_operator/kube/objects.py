"""Our custom resources, read afresh and written with guards: `core.ports.Objects` on the real thing.

Every write is conditional on the version that was read. When somebody else's edit got in between, the object is
read again and the write repeated, as long as it is still the same object (uid) and what we write was touched by
nobody: that is decided here, so that no controller has to know about HTTP 409.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.core.ports import Key, KubernetesError, ObjectGone, StaleObject, StoredObject
from hyperpod_operator.core.text import plain_values
from hyperpod_operator.kube import finalizers
from hyperpod_operator.kube.client import ApiServer, collection_path, object_path
from hyperpod_operator.kube.lists import items
from hyperpod_operator.kube.status import conditional, merge_patch

Found = list[StoredObject]

CHUNK = 500
"""Objects per page: keeps the API server's and our memory flat ("Retrieving large results sets in chunks")."""
ATTEMPTS = 5
"""Writes before an object that changes under every one of them is left to the next pass."""

_GONE = 410
_CONFLICTS = (409, 422)
"""A failed `test` of a JSON-patch is answered with 422, a lost race between two writers with 409."""


class CustomObjects:
    """The objects of one kind in all namespaces, or in the given ones."""

    def __init__(self, api: ApiServer, kind: Kind, *, namespaces: tuple[str, ...] = ()) -> None:
        self._api = api
        self._kind = kind
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)

    async def read(self, key: Key) -> StoredObject | None:
        """The object as the API server has it now, or None when there is none."""
        try:
            return self._parse(await self._api.get(self._path(key)))
        except ObjectGone:
            return None

    async def list(self) -> tuple[StoredObject, ...]:
        """All objects in scope, in chunks of 500."""
        found: Found = []
        for namespace in self._namespaces:
            found.extend(await self._list(namespace))
        return tuple(found)

    async def add_finalizer(self, stored: StoredObject, finalizer: str) -> StoredObject:
        """Add it unless it is there. Returns the object as it is now.

        Raises StaleObject when the object is another one by now, or is being deleted (the API server takes
        no new finalizer then).
        """
        current = stored
        for _ in range(ATTEMPTS):
            operations = finalizers.adding(current, finalizer)
            if not operations:
                return current
            try:
                return self._parse(await self._api.json_patch(self._path(stored.key), operations))
            except (StaleObject, KubernetesError) as error:
                current = await self._after_conflict(current, error)
            if current.deleting:
                raise StaleObject(f"{stored.key} is being deleted since it was read: no finalizer can be added.")
        raise StaleObject(f"{stored.key} changed {ATTEMPTS} times while its finalizer was being added.")

    async def remove_finalizer(self, stored: StoredObject, finalizer: str) -> None:
        """Remove it unless it is absent. An object that is gone, or is another one by now, is no error."""
        current = stored
        for _ in range(ATTEMPTS):
            operations = finalizers.removing(current, finalizer)
            if not operations:
                return
            try:
                await self._api.json_patch(self._path(stored.key), operations)
            except ObjectGone:
                return
            except (StaleObject, KubernetesError) as error:
                try:
                    current = await self._after_conflict(current, error)
                except (ObjectGone, StaleObject):
                    return
            else:
                return
        raise StaleObject(f"{stored.key} changed {ATTEMPTS} times while its finalizer was being removed.")

    async def write_status(
        self, stored: StoredObject, status: Mapping[str, Any], *, unedited: bool = False
    ) -> StoredObject:
        """Make `.status` equal to `status`, in one conditional merge-patch; see `core.ports.Objects`.

        Whatever text got into it, no control character reaches who reads it.
        """
        current, status = stored, plain_values(dict(status))
        for _ in range(ATTEMPTS):
            patch = merge_patch(_status(current), status)
            if not patch:
                return current
            body = conditional(patch, uid=current.uid, resource_version=current.resource_version)
            try:
                return self._parse(await self._api.merge_patch(f"{self._path(stored.key)}/status", body))
            except StaleObject as error:
                current = await self._after_conflict(current, error)
            if unedited and current.is_edited(stored):
                raise StaleObject(f"{stored.key} was edited since it was read.")
            if merge_patch(_status(stored), _status(current)):
                raise StaleObject(f"The status of {stored.key} was written by another client since it was read.")
        raise StaleObject(f"{stored.key} changed {ATTEMPTS} times while its status was being written.")

    async def delete(self, stored: StoredObject) -> None:
        """Delete this very object. One that is gone is no error; another one of its name is StaleObject."""
        with suppress(ObjectGone):
            await self._api.delete(self._path(stored.key), uid=stored.uid)

    async def _after_conflict(self, current: StoredObject, error: StaleObject | KubernetesError) -> StoredObject:
        """The object to try again with; raises when there is nothing to try again."""
        if isinstance(error, KubernetesError) and error.status not in _CONFLICTS:
            raise error
        fresh = await self.read(current.key)
        if fresh is None:
            raise ObjectGone(f"{current.key} no longer exists.") from error
        if fresh.uid != current.uid:
            raise StaleObject(
                f"{current.key} was deleted and created again (now uid {fresh.uid}) since it was read."
            ) from error
        if isinstance(error, KubernetesError) and fresh.resource_version == current.resource_version:
            # Nobody was faster: the API server refuses the content, and will do so again.
            raise error
        return fresh

    async def _list(self, namespace: str | None) -> Found:
        try:
            return await self._pages(namespace)
        except KubernetesError as error:
            if error.status != _GONE:
                raise
            # The snapshot behind the continue token was compacted away: a new one, once.
            return await self._pages(namespace)

    async def _pages(self, namespace: str | None) -> Found:
        path = collection_path(self._kind.plural, namespace=namespace)
        return [self._parse(item) async for item in items(self._api, path, chunk=CHUNK)]

    def _path(self, key: Key) -> str:
        return object_path(self._kind.plural, namespace=key.namespace, name=key.name)

    def _parse(self, body: Mapping[str, Any]) -> StoredObject:
        return parse(body, kind=self._kind.name)


def parse(body: Mapping[str, Any], *, kind: str) -> StoredObject:
    """A custom resource as JSON, with the parts that every pass needs at hand."""
    metadata = body["metadata"]
    # Items of a list come without their kind; whoever writes an Event about one needs it.
    whole = {"kind": kind, **body}
    return StoredObject(
        key=Key(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
        deleting="deletionTimestamp" in metadata,
        finalizers=tuple(metadata.get("finalizers") or ()),
        annotations=metadata.get("annotations") or {},
        body=whole,
    )


def _status(stored: StoredObject) -> Mapping[str, Any]:
    found = stored.body.get("status")
    return found if isinstance(found, Mapping) else {}
