"""The kinds and resources that the plugin reads, and how a person names an object."""

from dataclasses import dataclass

from hyperpod_operator.api.names import (
    CLUSTER_KIND,
    CLUSTER_PLURAL,
    CLUSTER_SHORT,
    CLUSTER_SINGULAR,
    GROUP,
    NODE_OPERATION_KIND,
    NODE_OPERATION_PLURAL,
    NODE_OPERATION_SHORT,
    NODE_OPERATION_SINGULAR,
    VERSION,
    VOLUME_CLAIM_KIND,
    VOLUME_CLAIM_PLURAL,
    VOLUME_CLAIM_SHORT,
    VOLUME_CLAIM_SINGULAR,
)
from kubectl_hyperpod.cluster.api import Resource
from kubectl_hyperpod.errors import CommandError


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind, with every word that names it on a command line."""

    name: str
    short: str
    singular: str
    resource: Resource
    namespaced: bool = True

    @property
    def words(self) -> tuple[str, ...]:
        plural = self.resource.plural
        full = f"{plural}.{self.resource.group}" if self.resource.group else plural
        return (self.short, self.singular, plural, full, self.name.lower())


CLUSTER = Kind(
    name=CLUSTER_KIND,
    short=CLUSTER_SHORT,
    singular=CLUSTER_SINGULAR,
    resource=Resource(group=GROUP, version=VERSION, plural=CLUSTER_PLURAL),
)
CLAIM = Kind(
    name=VOLUME_CLAIM_KIND,
    short=VOLUME_CLAIM_SHORT,
    singular=VOLUME_CLAIM_SINGULAR,
    resource=Resource(group=GROUP, version=VERSION, plural=VOLUME_CLAIM_PLURAL),
)
OPERATION = Kind(
    name=NODE_OPERATION_KIND,
    short=NODE_OPERATION_SHORT,
    singular=NODE_OPERATION_SINGULAR,
    resource=Resource(group=GROUP, version=VERSION, plural=NODE_OPERATION_PLURAL),
)
KINDS = (CLUSTER, CLAIM, OPERATION)

NODES = Resource(group="", version="v1", plural="nodes")
PODS = Resource(group="", version="v1", plural="pods")
POD = Kind(name="Pod", short="po", singular="pod", resource=PODS)
NODE = Kind(name="Node", short="no", singular="node", resource=NODES, namespaced=False)
EXPLAINED = (*KINDS, POD, NODE)
"""What `explain` takes."""
EVENTS = Resource(group="events.k8s.io", version="v1", plural="events")
LEASES = Resource(group="coordination.k8s.io", version="v1", plural="leases")
NAMESPACES = Resource(group="", version="v1", plural="namespaces")
DEFINITIONS = Resource(group="apiextensions.k8s.io", version="v1", plural="customresourcedefinitions")


@dataclass(frozen=True, slots=True)
class Named:
    """An object as a person named it."""

    kind: Kind
    name: str


def named(said: tuple[str, ...], kinds: tuple[Kind, ...] = KINDS) -> Named | None:
    """NAME (a HyperPodCluster), KIND/NAME or KIND NAME; None when nothing was said. Raises CommandError for others."""
    if not said:
        return None
    if len(said) == 1:
        word, slash, name = said[0].partition("/")
        return Named(_kind(word, kinds), name) if slash else Named(CLUSTER, word)
    if len(said) == 2:
        return Named(_kind(said[0], kinds), said[1])
    raise CommandError("Name one object: NAME, or KIND/NAME.")


def _kind(word: str, kinds: tuple[Kind, ...]) -> Kind:
    for kind in kinds:
        if word.lower() in kind.words:
            return kind
    words = " or ".join(kind.short if kind in KINDS else kind.singular for kind in kinds)
    raise CommandError(f"{word!r} is no kind of the operator's; use {words}.")
