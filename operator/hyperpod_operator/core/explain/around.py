"""What is around a pod or a Node: objects of the operator's kinds, and how one explanation continues with another's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from hyperpod_operator.api.names import (
    CLUSTER_KIND,
    CLUSTER_PLURAL,
    CLUSTER_SHORT,
    NODE_OPERATION_KIND,
    NODE_OPERATION_PLURAL,
    NODE_OPERATION_SHORT,
    VOLUME_CLAIM_KIND,
    VOLUME_CLAIM_PLURAL,
    VOLUME_CLAIM_SHORT,
)
from hyperpod_operator.core.explain.chain import EACH, MOST, event_links
from hyperpod_operator.core.explain.commands import EXPLAIN, filled
from hyperpod_operator.core.explain.explain import explain
from hyperpod_operator.core.explain.explanation import Explanation, Level, Link, Step
from hyperpod_operator.core.explain.world import Json, Operator, Subject, World, inside, items, text

_WORDS: Mapping[str, tuple[str, str, Level]] = MappingProxyType(
    {
        CLUSTER_KIND: (CLUSTER_PLURAL, CLUSTER_SHORT, Level.CLUSTER),
        VOLUME_CLAIM_KIND: (VOLUME_CLAIM_PLURAL, VOLUME_CLAIM_SHORT, Level.CLAIM),
        NODE_OPERATION_KIND: (NODE_OPERATION_PLURAL, NODE_OPERATION_SHORT, Level.OPERATION),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Objects of the operator's kinds in all namespaces that the user may read, and the Events about the subject."""

    now: datetime
    operator: Operator = field(default_factory=Operator)
    clusters: Sequence[Json] = ()
    operations: Sequence[Json] = ()
    claims: Sequence[Json] = ()
    events: Sequence[Json] = ()
    unknown: Sequence[str] = ()
    """One line for each read that failed, with its reason."""

    def cluster(self, cluster_id: str) -> Json | None:
        """The object of a cluster of AWS, by the last segment of its ARN."""
        fit = (one for one in in_order(self.clusters) if cluster_id and id_of(one) == cluster_id)
        return next(fit, None)

    def named(self, kind: str, namespace: str, name: str) -> Json | None:
        """An object of one of the kinds that hold Nodes."""
        listed = {CLUSTER_KIND: self.clusters, NODE_OPERATION_KIND: self.operations}.get(kind, ())
        return next((one for one in listed if (namespace, name) == key(one)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """An answer that may become a part of another one."""

    reason: str
    step: Step
    chain: tuple[Link, ...] = ()
    left_out: int = 0


def key(resource: Json) -> tuple[str, str]:
    """Namespace and name."""
    return text(inside(resource, "metadata", "namespace")), text(inside(resource, "metadata", "name"))


def in_order(listed: Sequence[Json]) -> list[Json]:
    """By namespace and name: the answer does not depend on the order of a list."""
    return sorted(listed, key=key)


def id_of(cluster: Json) -> str:
    """The last segment of the cluster's ARN; empty before AWS has it."""
    return text(inside(cluster, "status", "clusterArn")).rpartition("/")[2]


def of_cluster(resource: Json, around: Around) -> Because:
    """The answer of a HyperPodCluster."""
    return handed_on(CLUSTER_KIND, resource, around)


def of_operation(resource: Json, around: Around) -> Because:
    """The answer of a HyperPodNodeOperation."""
    return handed_on(NODE_OPERATION_KIND, resource, around)


def of_claim(resource: Json, around: Around) -> Because:
    """The answer of an EBSVolumeClaim."""
    return handed_on(VOLUME_CLAIM_KIND, resource, around)


def explaining(kind: str, namespace: str, name: str) -> tuple[str, ...]:
    """The command that explains an object; none for a kind or a name that no command can have."""
    short = _WORDS[kind][1] if kind in _WORDS else ""
    made = filled(EXPLAIN, {"short": short, "namespace": namespace, "name": name})
    return (made,) if made else ()


def handed_on(kind: str, resource: Json, around: Around) -> Because:
    """What the operator's object says for itself, with the command that says more."""
    plural, short, level = _WORDS[kind]
    namespace, name = key(resource)
    subject = Subject(kind=kind, plural=plural, short=short, namespace=namespace, name=name)
    claims = [one for one in around.claims if key(one)[0] == namespace]
    found = explain(World(now=around.now, subject=subject, resource=resource, operator=around.operator, claims=claims))
    return Because(
        reason=found.reason,
        step=replace(found.step, commands=(*found.step.commands, *explaining(kind, namespace, name))),
        chain=tuple(_named(found.chain, level, subject)),
        left_out=found.left_out,
    )


def _named(chain: Sequence[Link], level: Level, subject: Subject) -> Iterator[Link]:
    """The chain with the object's name in front, which is the subject's no longer."""
    head = next((link for link in chain if link.level is Level.RESOURCE), None)
    if head is None:
        yield Link(level=level, about=subject.path, says="")
    for link in chain:
        yield replace(link, level=level, about=f"{subject.path} {link.about}") if link is head else link


def said(subject: Subject, *, ready: str, because: Because, around: Around) -> Explanation:
    """The whole answer: the chain with the Events behind it, bounded."""
    known = [link.says for link in because.chain if link.says]
    events = [link for link in event_links(around.events, now=around.now) if not _told(link, known)]
    links = (*because.chain, *events[:EACH])
    dropped = max(0, len(links) - MOST) + max(0, len(events) - EACH)
    return Explanation(
        subject=str(subject),
        ready=ready,
        reason=because.reason,
        step=because.step,
        chain=links[:MOST],
        left_out=because.left_out + dropped,
        unknown=(*around.unknown, *((around.operator.unknown,) if around.operator.unknown else ())),
    )


def _told(link: Link, known: Sequence[str]) -> bool:
    return any(link.says in one for one in known)


def condition(resource: Json | None, kind: str) -> Json:
    """The condition of this type; empty where there is none."""
    fit = (one for one in items(resource, "status", "conditions") if text(one.get("type")) == kind)
    return next(fit, {})
