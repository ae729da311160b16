"""Reads what the explanation of a pod or a Node needs: the object, and what of the operator's is around it."""

from hyperpod_operator.api.names import COMPUTE_TYPE
from hyperpod_operator.core.explain.around import Around
from hyperpod_operator.core.explain.explanation import Explanation
from hyperpod_operator.core.explain.node import explain_node
from hyperpod_operator.core.explain.pod import Pod, explain_pod
from hyperpod_operator.core.explain.world import Found, Subject, inside, text
from kubectl_hyperpod.cluster.api import DeniedError, MissingError, Object
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.gather import Reads, operator
from kubectl_hyperpod.inventory import one_node
from kubectl_hyperpod.resources import CLAIM, CLUSTER, EVENTS, KINDS, NODE, NODES, OPERATION, POD, Kind, Named
from kubectl_hyperpod.session import Session, checked, metadata

NODE_EVENTS = "default"
"""Events about Nodes, which are in no namespace, are in this one."""


def of_pod(session: Session, which: Named, *, operator_namespace: str = "") -> Explanation:
    """Raises CommandError only where nothing at all can be read."""
    checked(which.name)
    subject = _subject(session, which)
    found, pod = _read(session, which)
    unknown: list[str] = []
    reads = Reads(unknown)
    node: Object | None = None
    nodes: tuple[Object, ...] = ()
    bound = text(inside(pod, "spec", "nodeName"))
    if bound:
        (node,) = reads.listed(f"Node {bound}", lambda: [session.api.get(NODES, name=bound)]) or (None,)
    elif pod is not None:
        nodes = reads.listed("Nodes", lambda: session.api.list(NODES, labels=f"{COMPUTE_TYPE}=hyperpod"))
    around = _around(session, reads, subject=subject, uid=metadata(pod, "uid") if pod else "", where=operator_namespace)
    return explain_pod(Pod(subject=subject, found=found, pod=pod, node=node, nodes=nodes, around=around))


def of_node(session: Session, which: Named, *, operator_namespace: str = "") -> Explanation:
    """Takes a node name, an instance id or a logical id. Raises CommandError only where nothing at all can be read."""
    checked(which.name)
    found, node = _read(session, which)
    if found is Found.MISSING:
        try:
            other = one_node(session, which.name)
            found, node, which = Found.FOUND, dict(other.node), Named(NODE, other.name)
        except CommandError:
            pass  # the answer says what is known of a node that is gone
    subject = _subject(session, which)
    around = _around(session, Reads([]), subject=subject, uid="", where=operator_namespace)
    return explain_node(subject, found=found, node=node, around=around)


def _subject(session: Session, which: Named) -> Subject:
    return Subject(
        kind=which.kind.name,
        plural=which.kind.resource.plural,
        short=which.kind.singular,
        namespace=session.namespace if which.kind.namespaced else "",
        name=which.name,
    )


def _read(session: Session, which: Named) -> tuple[Found, Object | None]:
    namespace = session.namespace if which.kind.namespaced else ""
    try:
        return Found.FOUND, session.api.get(which.kind.resource, namespace=namespace, name=which.name)
    except MissingError:
        return Found.MISSING, None
    except DeniedError:
        return Found.FORBIDDEN, None


def _around(session: Session, reads: Reads, *, subject: Subject, uid: str, where: str) -> Around:
    listed = {kind.name: _everywhere(session, reads, kind) for kind in KINDS}
    fields = f"regarding.kind={subject.kind},regarding.name={subject.name}"
    events = reads.listed(
        "Events", lambda: session.api.list(EVENTS, namespace=subject.namespace or NODE_EVENTS, fields=fields)
    )
    return Around(
        now=session.server_now(),
        operator=operator(session.api, namespace=where),
        clusters=listed[CLUSTER.name],
        operations=listed[OPERATION.name],
        claims=listed[CLAIM.name],
        events=[one for one in events if not uid or text(inside(one, "regarding", "uid")) in (uid, "")],
        unknown=tuple(reads.unknown),
    )


def _everywhere(session: Session, reads: Reads, kind: Kind) -> tuple[Object, ...]:
    """Of all namespaces; where these may not be read, of the session's, which a line of `unknown` says."""
    try:
        return tuple(session.list(kind, everywhere=True))
    except DeniedError as error:
        reads.unknown.append(f"Objects of the kind {kind.name} in other namespaces: {error}")
        return reads.listed(f"Objects of the kind {kind.name}", lambda: session.list(kind))
    except CommandError as error:
        reads.unknown.append(f"Objects of the kind {kind.name}: {error}")
        return ()


EXPLANATIONS = {POD: of_pod, NODE: of_node}
"""By kind; the operator's own kinds are explained from their status."""
