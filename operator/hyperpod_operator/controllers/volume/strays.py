"""Nodes that carry the label of a volume that they do not hold, found on all Nodes, HyperPod's or not.

A PersistentVolume of a claim selects that label, so whoever carries it gets the pods. NodeRestriction keeps kubelets
from setting it, but not administrators, and not on a cluster where that plugin is off; and earlier builds used a prefix
that any kubelet may set. The watch shows HyperPod's Nodes alone, so the others are listed, once in each resync
interval.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial

from hyperpod_operator.api.names import LABEL_VOLUME_FORMER_PREFIX, LABEL_VOLUME_PREFIX
from hyperpod_operator.controllers.parse import InvalidSpecError
from hyperpod_operator.controllers.volume.parse import claim_status, parse
from hyperpod_operator.core.audit import Audit, recording
from hyperpod_operator.core.ports import Key, KubernetesError, ObjectGone, Objects, StaleObject, StoredObject
from hyperpod_operator.core.volume.audit import stray_removed
from hyperpod_operator.core.volume.claim import volume_label
from hyperpod_operator.core.volume.kubernetes import NodeLabels

logger = logging.getLogger(__name__)

PREFIXES = (LABEL_VOLUME_PREFIX, LABEL_VOLUME_FORMER_PREFIX)


class StrayLabels:
    """Removes what no claim can mean, and has the claim decide about the rest.

    The claim's own pass knows where AWS shows the volume; here only its status is known, which proves nothing.
    """

    def __init__(
        self,
        *,
        claims: Objects,
        labels: NodeLabels,
        wake: Callable[[Key], None],
        audit: Audit,
        namespaces: Iterable[str] = (),
    ) -> None:
        self._claims = claims
        self._labels = labels
        self._wake = wake
        self._audit = audit
        self._everywhere = not frozenset(namespaces)
        self._suspected: frozenset[str] = frozenset()

    def suspected(self, label: str) -> bool:
        """Whether the last sweep saw this label on a Node that the claim's status does not name."""
        return label in self._suspected

    async def sweep(self) -> None:
        """One look at all Nodes. Raises KubernetesError when they or the claims cannot be listed."""
        found = await self._labels.labelled(prefixes=PREFIXES)
        # After the Nodes: a label is set for a claim that exists already.
        claims = {volume_label(stored.uid): stored for stored in await self._claims.list()}
        suspected: dict[str, Key] = {}
        for node_name, keys in sorted(found.items()):
            for key in sorted(keys):
                stored = claims.get(key)
                if stored is None or not _selects_nodes(stored):
                    await self._remove(node_name, key, known=stored is not None)
                elif _node_of(stored) != node_name:
                    suspected[key] = stored.key
        self._suspected = frozenset(suspected)
        for claim_key in sorted(suspected.values()):
            self._wake(claim_key)

    async def _remove(self, node_name: str, key: str, *, known: bool) -> None:
        former = key.startswith(LABEL_VOLUME_FORMER_PREFIX)
        if not (former or known or self._everywhere):
            return  # it may be that of a claim in a namespace that another installation serves
        try:
            with recording(self._audit, partial(stray_removed, node_name, key)):
                await self._labels.unlabel(node_name=node_name, key=key)
        except (KubernetesError, ObjectGone, StaleObject) as error:
            text = "The label %s of Node %s could not be removed; the next sweep retries: %s"
            logger.warning(text, key, node_name, error)
            return
        logger.warning(
            "The label %s was removed from Node %s: no EBSVolumeClaim has a volume there by that label. If it comes "
            "back, find out who sets it.",
            key,
            node_name,
        )


def _selects_nodes(stored: StoredObject) -> bool:
    """Whether the claim's PersistentVolume selects Nodes by the label; one that cannot be read counts as if it did."""
    try:
        claim = parse(stored)
    except InvalidSpecError:
        return True
    return claim.direct and claim.publish is not None and claim.publish.type == "LocalPV"


def _node_of(stored: StoredObject) -> str:
    recorded = claim_status(stored).attachment
    return (recorded.nodeName if recorded else None) or ""
