"""What becomes of the pods and volumes on nodes that end: it decides what a call does as much as its counts do.

Whoever approves a scale-in whose nodes wait for their pods has not approved that pods are evicted, or ended with their
nodes. The default, to wait, is no part of a digest; every other choice is.
"""

from collections.abc import Mapping

from hyperpod_operator.core.cluster.departures import Handling, handling
from hyperpod_operator.core.cluster.resource import Resource

ORPHAN = "Orphan"
"""`spec.management.attachedVolumes`: a deletion waits for no claim."""
_WORDS: Mapping[Handling, str] = {
    Handling.WAIT: "",
    Handling.DRAIN: ", pods on them are evicted",
    Handling.IGNORE: ", pods on them end without notice",
}


def of_nodes(resource: Resource) -> Mapping[str, str] | None:
    """The choice for nodes that end while the cluster stays; None for the default."""
    chosen = handling(resource)
    return None if chosen is Handling.WAIT else {"runningWorkloads": str(chosen)}


def of_cluster(resource: Resource) -> Mapping[str, str] | None:
    """The choices for a cluster that ends; None for the defaults."""
    management = resource.spec.management
    volumes = management.attachedVolumes if management is not None else None
    found = {**(of_nodes(resource) or {}), **({"attachedVolumes": ORPHAN} if volumes == ORPHAN else {})}
    return found or None


def words(resource: Resource) -> str:
    """What a text about nodes that end goes on with; empty for the default."""
    return _WORDS[handling(resource)]
