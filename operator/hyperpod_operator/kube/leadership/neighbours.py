"""Other installations: whose Leases say that they reconcile objects of the same namespaces.

The chart refuses a second one only where Helm can look (not with `helm template` or Argo CD), so the operator looks,
too. A Lease says who leads and which namespaces that operator serves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from hyperpod_operator.api.names import LABEL_LEADER_ELECTION, SERVED_NAMESPACES
from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.core.text import listed, shortened
from hyperpod_operator.kube.client import ApiServer, collection_path
from hyperpod_operator.kube.leadership.lease import GROUP_VERSION, LEASES
from hyperpod_operator.kube.lists import items

CHUNK = 500
MOST = 5
"""Neighbours that a look returns. Who may write Leases in a namespace can make any number that look like theirs."""
_SAID, _LONGEST = 5, 63
"""Namespaces that a message names, and characters of each and of a holder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """An operator that leads by another Lease. `both` are the namespaces that it serves, too; none are all."""

    namespace: str
    lease: str
    holder: str
    both: tuple[str, ...]

    def __str__(self) -> str:
        where = (
            f"the namespaces {listed(self.both, most=_SAID, separator=', ', rest=' ')}"
            if self.both
            else ("all namespaces")
        )
        holder = shortened(self.holder, _LONGEST)
        return (
            f"Another installation of the operator reconciles {where}, too: {holder} leads by the Lease "
            f"{self.lease} in namespace {self.namespace}. Each acts on the same resources, with its own settings and "
            "its own budget of AWS calls. Stop one of the two, or set watchNamespaces so that no namespace is in both "
            "lists (docs/install.md)."
        )


class Neighbours:
    """Looks for them. A Lease counts that was renewed between two looks, so a clock that is wrong shows nothing."""

    def __init__(self, api: ApiServer, *, lease: LeaseSettings) -> None:
        self._api = api
        self._lease = lease
        self._renewed: Mapping[tuple[str, str], str] = {}

    async def look(self) -> tuple[Neighbour, ...]:
        """Those that renewed their Lease since the last look. An operator for chosen namespaces looks in its own
        namespace alone, and one without the right to list Leases finds nothing. Raises KubernetesError."""
        before, now, found = self._renewed, {}, []
        for lease in await self._leases():
            metadata, spec = lease["metadata"], lease.get("spec") or {}
            name = (metadata["namespace"], metadata["name"])
            renewed = now[name] = str(spec.get("renewTime") or "")
            both = _both(self._lease.serves, (metadata.get("annotations") or {}).get(SERVED_NAMESPACES))
            leads = bool(spec.get("holderIdentity")) and before.get(name, renewed) != renewed
            if leads and both is not None and name != (self._lease.namespace, self._lease.name):
                found.append(Neighbour(namespace=name[0], lease=name[1], holder=spec["holderIdentity"], both=both))
        self._renewed = now
        return tuple(found[:MOST])

    async def _leases(self) -> Sequence[Mapping[str, Any]]:
        where = self._lease.namespace if self._lease.serves else None
        path = collection_path(LEASES, namespace=where, group_version=GROUP_VERSION)
        query = {"labelSelector": LABEL_LEADER_ELECTION}
        try:
            return [one async for one in items(self._api, path, chunk=CHUNK, query=query)]
        except KubernetesError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                return ()
            raise


def _both(ours: tuple[str, ...], written: str | None) -> tuple[str, ...] | None:
    """The namespaces that both serve, none for all; None where there is none, or where it is not written."""
    if written is None:
        return None
    theirs = tuple(shortened(name, _LONGEST) for name in written.split(",") if name)
    if not ours or not theirs:
        return ours or theirs
    return tuple(sorted({*ours} & {*theirs})) or None
