"""Reads what an explanation needs. What may not or cannot be read becomes a line of `unknown`, never a failure."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from hyperpod_operator.api.names import LABEL_LEADER_ELECTION, SERVED_NAMESPACES
from hyperpod_operator.core.explain.world import Found, Operator, Subject, World, inside, text
from kubectl_hyperpod.cluster.api import Api, DeniedError, MissingError, NotServedError, Object
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.resources import CLAIM, CLUSTER, EVENTS, LEASES, OPERATION, Named
from kubectl_hyperpod.session import Session, checked, metadata

T = TypeVar("T")
LEASE = "hyperpod-operator"
NAMESPACE = "hyperpod-operator"
"""Where the chart's instructions install the operator."""


def world(session: Session, which: Named, *, operator_namespace: str = "") -> World:
    """Raises CommandError only where nothing at all can be read: no connection, no credentials."""
    checked(which.name)
    subject = Subject(
        kind=which.kind.name,
        plural=which.kind.resource.plural,
        short=which.kind.short,
        namespace=session.namespace,
        name=which.name,
    )
    unknown: list[str] = []
    found, resource = _resource(session, which)
    about = Reads(unknown)
    return World(
        now=session.server_now(),
        subject=subject,
        found=found,
        resource=resource,
        operator=operator(session.api, namespace=operator_namespace, served=session.namespace),
        events=about.listed("Events", lambda: events_about(session, which, resource)) if resource else (),
        claims=about.listed("EBSVolumeClaims", lambda: session.list(CLAIM))
        if resource and _claims_matter(which, resource)
        else (),
        elsewhere=about.listed("objects of other namespaces", lambda: _alike(session, which))
        if found is Found.MISSING
        else (),
        no_namespace=found is Found.MISSING and session.no_namespace(),
        unknown=tuple(unknown),
    )


def _claims_matter(which: Named, resource: Object) -> bool:
    """Volumes hold up the deletion of a cluster and operations on its nodes."""
    return which.kind is OPERATION or (which.kind is CLUSTER and bool(metadata(resource, "deletionTimestamp")))


def operator(api: Api, *, namespace: str = "", served: str = "") -> Operator:
    """The Lease of the operator that serves the namespace `served` (empty: of any): in the namespace that was named,
    else wherever it is, else where the chart puts it."""
    try:
        leases = api.list(LEASES, namespace=namespace, labels=LABEL_LEADER_ELECTION)
    except DeniedError:
        return _chart_lease(api, namespace or NAMESPACE)
    except CommandError as error:
        return Operator(unknown=f"Whether the operator runs: {error}")
    leases = [one for one in leases if _serves(one, served)]
    newest = max(leases, key=lambda one: str((one.get("spec") or {}).get("renewTime") or ""), default=None)
    if newest is None:
        return Operator(namespace=namespace)
    others = [Operator(namespace=metadata(one, "namespace"), lease=one) for one in leases if one is not newest]
    return Operator(namespace=metadata(newest, "namespace"), lease=newest, unknown=_ended(others, api))


def _serves(lease: Object, namespace: str) -> bool:
    """Whether its operator serves a namespace, as it wrote on the Lease; one that wrote nothing may serve each."""
    written = text(inside(lease, "metadata", "annotations", SERVED_NAMESPACES))
    return not namespace or not written or namespace in written.split(",")


def _ended(others: Sequence[Operator], api: Api) -> str:
    """Where several Leases are of operators that serve a namespace, one that is over may be that of an object."""
    now = api.server_time or datetime.now(UTC)
    over = ", ".join(sorted(one.namespace for one in others if one.stale(now) or not one.holder))
    if not over:
        return ""
    return (
        f"Which installation of the operator serves this object. The Lease in namespace {over} is not renewed: if it "
        "is that one, no operator runs, and the status is old. Name its namespace with --operator-namespace."
    )


def _chart_lease(api: Api, namespace: str) -> Operator:
    """By its name in the chart's instructions, where the Leases may not be listed."""
    try:
        return Operator(namespace=namespace, lease=api.get(LEASES, namespace=namespace, name=LEASE))
    except CommandError:
        return Operator(
            unknown=f"Whether the operator runs: you may not list the Leases, and there is none {LEASE} in namespace "
            f"{namespace} that you may read. Name its namespace with --operator-namespace."
        )


def events_about(session: Session, which: Named, resource: Object | None) -> list[Object]:
    """Events that regard the object; those of an earlier object of the same name are left out."""
    fields = f"regarding.kind={which.kind.name},regarding.name={which.name}"
    found = session.api.list(EVENTS, namespace=session.namespace, fields=fields)
    uid = metadata(resource, "uid") if resource else ""
    return [one for one in found if not uid or (one.get("regarding") or {}).get("uid") in (uid, None, "")]


class Reads:
    """Reads that an explanation can do without: what fails becomes a line of `unknown`."""

    def __init__(self, unknown: list[str]) -> None:
        self.unknown = unknown

    def listed(self, what: str, read: Callable[[], Sequence[T]]) -> tuple[T, ...]:
        """What `read` returns; nothing where it fails."""
        try:
            return tuple(read())
        except CommandError as error:
            self.unknown.append(f"{what}: {error}")
            return ()


def _resource(session: Session, which: Named) -> tuple[Found, Object | None]:
    try:
        return Found.FOUND, session.api.get(which.kind.resource, namespace=session.namespace, name=which.name)
    except NotServedError:
        return Found.NOT_SERVED, None
    except MissingError:
        return Found.MISSING, None
    except DeniedError:
        return Found.FORBIDDEN, None


def _alike(session: Session, which: Named) -> list[str]:
    """The same name in other namespaces first, then similar names in this one."""
    from difflib import get_close_matches

    here = [metadata(one, "name") for one in session.list(which.kind)]
    like = [f"{session.namespace}/{name}" for name in get_close_matches(which.name, here, n=3)]
    try:
        everywhere = session.list(which.kind, everywhere=True)
    except CommandError:
        return like
    same = [one for one in everywhere if metadata(one, "name") == which.name]
    return sorted(f"{metadata(one, 'namespace')}/{which.name}" for one in same) + like
