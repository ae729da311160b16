"""Do the installed CustomResourceDefinitions have the members that this version knows, and no others?

The API server publishes the schemas that it serves (OpenAPI v3, "/openapi/v3/apis/GROUP/VERSION"), readable by every
authenticated account; the CustomResourceDefinitions themselves would need a right of their own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.api.members import members, model_members
from hyperpod_operator.api.names import API_VERSION
from hyperpod_operator.core.text import listed
from hyperpod_operator.kube.client import ApiServer

_KIND = "x-kubernetes-group-version-kind"
_SAID = 5
"""Members that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """One kind whose installed definition differs from the built-in one. Paths such as `spec.vpcConfig`."""

    kind: str
    plural: str
    missing: tuple[str, ...]
    """Members that this version knows and the API server drops."""
    unknown: tuple[str, ...]
    """Members that the API server stores and this version ignores."""

    def __str__(self) -> str:
        said = []
        if self.missing:
            said.append(
                f"lacks members that this version of the operator knows ({_listed(self.missing)}): the API server "
                "drops what you write there. Install this version's definitions: hyperpod-operator crds | kubectl "
                "apply --server-side -f -"
            )
        if self.unknown:
            said.append(
                f"has members that this version of the operator does not know ({_listed(self.unknown)}): it ignores "
                "what you write there. Upgrade the operator."
            )
        return f"The installed definition of {self.kind} {'; it also '.join(said)}"


async def look(api: ApiServer, *, kinds: Iterable[Kind]) -> tuple[Skew, ...]:
    """Those of these kinds that differ. Raises KubernetesError where the API server does not say."""
    document = await api.get(f"/openapi/v3/apis/{API_VERSION}")
    schemas: Mapping[str, Any] = (document.get("components") or {}).get("schemas") or {}
    served = {
        one["kind"]: schema
        for schema in schemas.values()
        for one in schema.get(_KIND) or ()
        if f"{one.get('group')}/{one.get('version')}" == API_VERSION
    }
    found = (_compared(kind, served[kind.name]) for kind in kinds if kind.name in served)
    return tuple(one for one in found if one.missing or one.unknown)


def _compared(kind: Kind, served: Mapping[str, Any]) -> Skew:
    ours = frozenset({*model_members(kind.spec, "spec"), *model_members(kind.status, "status")})
    theirs = frozenset(_own(served))
    return Skew(
        kind=kind.name,
        plural=kind.plural,
        missing=_outermost(ours - theirs),
        unknown=_outermost(theirs - ours),
    )


def _own(schema: Mapping[str, Any]) -> Iterable[str]:
    """Members within spec and status; the rest is Kubernetes'."""
    return (path for path in members(schema) if path.startswith(("spec.", "status.")))


def _outermost(paths: frozenset[str]) -> tuple[str, ...]:
    """Without what lies below another one."""
    kept: list[str] = []
    for path in sorted(paths):
        if not kept or not path.startswith((f"{kept[-1]}.", f"{kept[-1]}[", f"{kept[-1]}{{")):
            kept.append(path)
    return tuple(kept)


def _listed(paths: tuple[str, ...]) -> str:
    return listed(paths, most=_SAID, separator=", ", rest=" ")
