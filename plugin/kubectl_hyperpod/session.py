"""What a command works with: the API server on demand, the namespace, the output."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hyperpod_operator.core.object_name import is_object_name
from hyperpod_operator.core.text import counted
from kubectl_hyperpod.cluster.api import Api, MissingError, NotServedError, Object
from kubectl_hyperpod.cluster.kubeconfig import Choice, Target, target
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.resources import CLUSTER, NAMESPACES, Kind, Named


@dataclass
class Session:
    """`api` and `namespace` are made when they are first asked for: `--help` reads no kubeconfig."""

    choice: Choice = field(default_factory=Choice)
    output: str = ""
    """Empty, wide, json or yaml."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    connect: Callable[[Target], Api] | None = None
    """Makes the client; None: over HTTPS."""

    @functools.cached_property
    def target(self) -> Target:
        return target(self.choice)

    @functools.cached_property
    def api(self) -> Api:
        if self.connect is not None:
            return self.connect(self.target)
        # Loaded when the API server is asked: TLS is a third of the time that the plugin takes to start.
        from kubectl_hyperpod.cluster.credentials import credentials
        from kubectl_hyperpod.cluster.transport import HttpTransport

        return Api(HttpTransport(self.target, functools.partial(credentials, self.target)))

    def server_now(self) -> datetime:
        """The time by the API server's clock, by which Leases and Events are dated; by this machine's before the first
        answer. A laptop's clock may be minutes off, and no operator would seem to run."""
        return self.api.server_time or self.now()

    @property
    def namespace(self) -> str:
        return self.target.namespace

    def get(self, which: Named) -> Object:
        """The object. Raises CommandError with the names that there are when it is missing."""
        found = self.find(which)
        if found is None:
            raise CommandError(self._missing(which))
        return found

    def find(self, which: Named) -> Object | None:
        """The object; None when it is missing. Raises CommandError for a kind that is not served."""
        checked(which.name)
        try:
            return self.api.get(which.kind.resource, namespace=self.namespace, name=which.name)
        except NotServedError as error:
            raise not_served(which.kind) from error
        except MissingError:
            return None

    def list(self, kind: Kind, *, everywhere: bool = False) -> list[Object]:
        try:
            return self.api.list(kind.resource, namespace="" if everywhere else self.namespace)
        except NotServedError as error:
            raise not_served(kind) from error

    def one(self, which: Named | None, kind: Kind = CLUSTER) -> Object:
        """The named object, or the only one of the namespace."""
        if which is not None:
            return self.get(which)
        found = self.list(kind)
        if len(found) == 1:
            return found[0]
        names = ", ".join(sorted(str(one["metadata"]["name"]) for one in found))
        raise CommandError(
            f"Namespace {self.namespace} has {counted(len(found), 'object')} of the kind {kind.name}: name "
            f"one of {names}."
            if found
            else f"Namespace {self.namespace} has no {kind.name} object.{self._no_namespace()}"
        )

    def _missing(self, which: Named) -> str:
        try:
            names = sorted(str(one["metadata"]["name"]) for one in self.list(which.kind))
        except CommandError:
            names = []
        there = f" It has: {', '.join(names[:10])}." if names else self._no_namespace()
        return (
            f"Namespace {self.namespace} has no {which.kind.name} object {which.name} (AWS was not asked).{there} "
            f"`kubectl get {which.kind.short} -A` lists all."
        )

    def _no_namespace(self) -> str:
        return f" There is no namespace {self.namespace}." if self.no_namespace() else ""

    def no_namespace(self) -> bool:
        """Whether the API server says that the namespace does not exist; False where the user may not ask."""
        try:
            self.api.get(NAMESPACES, name=self.namespace)
        except MissingError:
            return True
        except CommandError:
            return False
        return False


class NotInstalledError(CommandError):
    """The API server does not know the kind."""


def not_served(kind: Kind) -> NotInstalledError:
    return NotInstalledError(
        f"The API server does not know the kind {kind.name}: the operator's CustomResourceDefinitions are not "
        "installed. Install them with `hyperpod-operator crds | kubectl apply --server-side -f -`, or choose another "
        "--context."
    )


def checked(name: str) -> str:
    """A name that the API server can have. Raises CommandError."""
    if not is_object_name(name):
        raise CommandError(f"{name!r} is not the name of an object: lower-case letters, digits, hyphens and dots.")
    return name


def metadata(value: Mapping[str, Any], name: str) -> str:
    found: Any = (value.get("metadata") or {}).get(name)
    return str(found) if found is not None else ""
