"""Can this process work at all? Asked before anything starts, so that a start fails in seconds, with words.

Kopf warns once about a kind that does not exist and then idles for ever, and it treats a missing permission
like an outage. So the operator asks first: are its kinds served, and would the API server let it do what it is
going to do? Both answers come without side effects (API discovery and SelfSubjectAccessReview).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from hyperpod_operator.api.kinds import KINDS, Kind, Right, Scope
from hyperpod_operator.api.names import API_VERSION, VERSION
from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.core.ports import KubernetesError, ObjectGone, StaleObject
from hyperpod_operator.kube.client import ApiServer

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_ROLE = "hyperpod-operator"
NOT_FOUND = 404
PAUSES = (1.0, 2.0, 4.0)
"""Seconds before a question is asked again that the API server has no time for. Dozens are asked, and Kubernetes tries
a start that failed with one of them again after minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that keeps the operator from working: what is missing, where, and the command that fixes it."""

    what: str
    where: str
    fix: str

    def __str__(self) -> str:
        return f"{self.what} ({self.where}). Fix: {self.fix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Permission:
    group: str
    resource: str
    verbs: tuple[str, ...]
    namespace: str | None = None
    """Where it is needed, whatever namespaces the operator serves."""
    name: str = ""
    """The one object that it is needed for; empty means any."""
    everywhere: bool = False
    """Of objects that are in no namespace."""


_EVENTS = _Permission(group="events.k8s.io", resource="events", verbs=("create", "patch"))
_FOR_NODES = (
    _Permission(group="", resource="nodes", verbs=("get", "list", "watch", "patch"), everywhere=True),
    _Permission(group="events.k8s.io", resource="events", verbs=("create", "patch"), namespace="default"),
)
_FOR_READERS_OF_METRICS = (
    _Permission(group="authentication.k8s.io", resource="tokenreviews", verbs=("create",), everywhere=True),
    _Permission(group="authorization.k8s.io", resource="subjectaccessreviews", verbs=("create",), everywhere=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What this installation does, as far as it needs rights: which kinds it serves, whose Lease it elects by (None: no
    election), whether it looks after Nodes, in which namespace it runs (None where no kind keeps anything there), and
    whether it asks who may read its metrics."""

    kinds: tuple[Kind, ...] = KINDS[:1]
    lease: LeaseSettings | None = None
    nodes: bool = False
    namespace: str | None = None
    metrics_auth: bool = False

    @property
    def permissions(self) -> tuple[_Permission, ...]:
        of_kinds = (_of(right, own=self.namespace) for kind in self.kinds for right in kind.all_rights)
        readers = _FOR_READERS_OF_METRICS if self.metrics_auth else ()
        needed = (*of_kinds, _EVENTS, *_election(self.lease), *(_FOR_NODES if self.nodes else ()), *readers)
        return tuple(dict.fromkeys(needed))


def _of(right: Right, *, own: str | None) -> _Permission:
    """A kind's right as a question to the API server; `own` is the operator's namespace."""
    where = {Scope.OWN_NAMESPACE: own, Scope.DEFAULT_NAMESPACE: "default"}.get(right.scope)
    return _Permission(
        group=right.group,
        resource=right.resource,
        verbs=right.verbs,
        namespace=where,
        everywhere=right.scope is Scope.CLUSTER,
    )


async def check(
    api: ApiServer,
    *,
    namespaces: tuple[str, ...] = (),
    duties: Duties | None = None,
) -> tuple[Problem, ...]:
    """Everything that is missing, or nothing. `namespaces` as given to the operator; none means all of them.

    Takes less than a minute. Never raises for an API server that refuses or is away: that is a problem to report like
    the others.
    """
    duties = duties or Duties()
    try:
        served = await _unserved(api, tuple(kind.plural for kind in duties.kinds))
        allowed = await asyncio.gather(
            *(
                _forbidden(api, permission, namespace=namespace)
                for permission in duties.permissions
                for namespace in _where(permission, namespaces)
            )
        )
    except (KubernetesError, ObjectGone, StaleObject) as error:
        return (_unusable(api, error),)
    refused = [(permission, namespace, verbs) for permission, namespace, verbs in allowed if verbs]
    who = await _username(api) if refused else ""
    return (*served, *(_grant(*missing, who=who, api=api) for missing in refused))


async def missing_namespaces(api: ApiServer, namespaces: tuple[str, ...]) -> tuple[Problem, ...]:
    """Those of the namespaces that the API server says do not exist. One that may not be read is taken to exist."""
    found = await asyncio.gather(*(_is_missing(api, name) for name in namespaces))
    return tuple(
        Problem(
            what=f"the namespace {name} does not exist: the operator serves no resource there until it does",
            where=api.address,
            fix=f"kubectl create namespace {name} (or correct --namespace)",
        )
        for name, missing in zip(namespaces, found, strict=True)
        if missing
    )


async def _is_missing(api: ApiServer, namespace: str) -> bool:
    try:
        await api.get(f"/api/v1/namespaces/{namespace}")
    except ObjectGone:
        return True
    except KubernetesError as error:
        return error.status == NOT_FOUND
    return False


def _where(permission: _Permission, namespaces: tuple[str, ...]) -> tuple[str | None, ...]:
    if permission.everywhere:
        return (None,)
    return (permission.namespace,) if permission.namespace else namespaces or (None,)


def _election(lease: LeaseSettings | None) -> tuple[_Permission, ...]:
    if lease is None:
        return ()
    group, where = "coordination.k8s.io", lease.namespace
    return (
        _Permission(group=group, resource="leases", verbs=("create",), namespace=where),
        _Permission(group=group, resource="leases", verbs=("get", "update"), namespace=where, name=lease.name),
    )


async def _unserved(api: ApiServer, plurals: tuple[str, ...]) -> tuple[Problem, ...]:
    """Kinds of ours that this API server does not serve."""
    try:
        discovered = await _asked(lambda: api.get(f"/apis/{API_VERSION}"))
    except KubernetesError as error:
        if error.status != 404:
            raise
        discovered = {}
    names = {resource.get("name") for resource in discovered.get("resources") or ()}
    return tuple(
        Problem(
            what=f"{missing} of API version {API_VERSION} is not served: its CustomResourceDefinition is missing "
            f"or does not have the version {VERSION}",
            where=api.address,
            fix="hyperpod-operator crds | kubectl apply --server-side -f -",
        )
        for plural in plurals
        for missing in (plural, f"{plural}/status")
        if missing not in names
    )


async def _forbidden(
    api: ApiServer, permission: _Permission, *, namespace: str | None
) -> tuple[_Permission, str | None, tuple[str, ...]]:
    """The verbs of this permission that the API server would refuse."""
    answers = await asyncio.gather(
        *(_is_allowed(api, permission, verb=verb, namespace=namespace) for verb in permission.verbs)
    )
    refused = tuple(verb for verb, allowed in zip(permission.verbs, answers, strict=True) if not allowed)
    return permission, namespace, refused


async def _is_allowed(api: ApiServer, permission: _Permission, *, verb: str, namespace: str | None) -> bool:
    resource, _, subresource = permission.resource.partition("/")
    attributes = {"group": permission.group, "resource": resource, "subresource": subresource, "verb": verb}
    if namespace is not None:
        attributes["namespace"] = namespace
    if permission.name:
        attributes["name"] = permission.name
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    review = await _asked(lambda: api.create(_REVIEWS, body))
    return bool((review.get("status") or {}).get("allowed"))


async def _asked(question: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """The answer, at one of a few tries."""
    for pause in PAUSES:
        try:
            return await question()
        except KubernetesError as error:
            if not error.passes:
                raise
        await asyncio.sleep(pause)
    return await question()


async def _username(api: ApiServer) -> str:
    """Who the API server thinks we are; empty when it does not tell (the API is younger than the operator)."""
    try:
        review = await api.create(_WHO, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    except (KubernetesError, ObjectGone, StaleObject):
        return ""
    return str(((review.get("status") or {}).get("userInfo") or {}).get("username") or "")


def _grant(
    permission: _Permission, namespace: str | None, verbs: tuple[str, ...], *, who: str, api: ApiServer
) -> Problem:
    resource, _, subresource = permission.resource.partition("/")
    qualified = ".".join(filter(None, (resource, permission.group))) + (f"/{subresource}" if subresource else "")
    role = f"{_ROLE}-{permission.resource.replace('/', '-')}" + (f"-{permission.name}" if permission.name else "")
    only = f" --resource-name={permission.name}" if permission.name else ""
    scope, kinds = ("", ("clusterrole", "clusterrolebinding"))
    if namespace is not None:
        scope, kinds = (f" --namespace={namespace}", ("role", "rolebinding"))
    return Problem(
        what=f"{who or 'The operator'} may not {_listed(verbs)} {qualified}",
        where=f"namespace {namespace} of {api.address}" if namespace is not None else f"all of {api.address}",
        fix=f"kubectl create {kinds[0]} {role}{scope} --verb={','.join(verbs)} --resource={qualified}{only} && "
        f"kubectl create {kinds[1]} {role}{scope} --{kinds[0]}={role} {_subject(who)}"
        " (or install the Helm chart, which grants all of it)",
    )


def _subject(who: str) -> str:
    parts = who.split(":")
    if who.startswith("system:serviceaccount:") and len(parts) == 4:
        return f"--serviceaccount={parts[2]}:{parts[3]}"
    return f"--user={who or 'NAME'}"


def _listed(verbs: Iterable[str]) -> str:
    *most, last = verbs
    return f"{', '.join(most)} and {last}" if most else last


def _unusable(api: ApiServer, error: Exception) -> Problem:
    return Problem(
        what=f"The API server cannot be asked: {error}",
        where=api.address,
        fix="kubectl cluster-info (with the same kubeconfig or service account) shows the same fault",
    )
