"""One Lease per volume: `core.volume.kubernetes.VolumeLeases` on the real thing.

Nothing is renewed: the claim's own existence is what keeps the Lease alive, and whoever finds a holder that does not
exist any more takes it over. The Leases live in the operator's namespace, where no user of claims can touch them.
"""

from urllib.parse import quote

from hyperpod_operator.core.ports import ObjectGone, StaleObject
from hyperpod_operator.kube.client import ApiServer

_GROUP_VERSION = "coordination.k8s.io/v1"


class KubeVolumeLeases:
    """Leases in one namespace, named after the volumes."""

    def __init__(self, api: ApiServer, *, namespace: str) -> None:
        self._api = api
        self._collection = f"/apis/{_GROUP_VERSION}/namespaces/{quote(namespace, safe='')}/leases"
        self._namespace = namespace

    async def holder(self, *, volume_id: str) -> str | None:
        try:
            found = await self._api.get(self._path(volume_id))
        except ObjectGone:
            return None
        return str((found.get("spec") or {}).get("holderIdentity") or "")

    async def take(self, *, volume_id: str, holder: str, replaces: str) -> None:
        if not replaces:
            body = {
                "apiVersion": _GROUP_VERSION,
                "kind": "Lease",
                "metadata": {"name": volume_id, "namespace": self._namespace},
                "spec": {"holderIdentity": holder},
            }
            try:
                await self._api.create(self._collection, body)
            except StaleObject:
                # Somebody was faster, or a Lease of this name that nobody holds is in the way.
                await self._take_over(volume_id=volume_id, holder=holder, replaces="")
            return
        await self._take_over(volume_id=volume_id, holder=holder, replaces=replaces)

    async def _take_over(self, *, volume_id: str, holder: str, replaces: str) -> None:
        found = await self._api.get(self._path(volume_id))
        if (found.get("spec") or {}).get("holderIdentity", "") != replaces:
            raise StaleObject(f"The Lease {volume_id} has another holder since it was read.")
        version = found["metadata"]["resourceVersion"]
        body = {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": holder}}
        await self._api.merge_patch(self._path(volume_id), body)

    async def drop(self, *, volume_id: str, holder: str) -> None:
        try:
            found = await self._api.get(self._path(volume_id))
            if (found.get("spec") or {}).get("holderIdentity") == holder:
                await self._api.delete(self._path(volume_id), uid=found["metadata"]["uid"])
        except (ObjectGone, StaleObject):
            return

    def _path(self, volume_id: str) -> str:
        return f"{self._collection}/{quote(volume_id, safe='')}"
