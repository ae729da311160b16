"""Our own kinds: the operator's service account writes their status and its own finalizer.

The spec is the user's. An annotation is how a person asks for something (`abandon`, `force-delete`), so the operator
writes none. An owner reference to an object that does not exist has the garbage collector delete the resource, and
with it the cluster.
"""

from collections.abc import Iterable

from hyperpod_operator.api.admission.manifests import cel
from hyperpod_operator.api.admission.service_account import Manifest, ServiceAccount, Validation, holding, validation
from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.api.names import GROUP, VERSION

_FIXED = ("labels", "annotations", "ownerReferences")
_BORDER = "|"
"""Stands around each finalizer where a list is compared as text; no finalizer has one. What `filter` costs the API
server grows with the square of their number, and a tenant may set thousands; `join` and `replace` go through them once.
"""


def custom_resources(account: ServiceAccount, kinds: Iterable[Kind]) -> list[Manifest]:
    """One policy for each kind."""
    return [manifest for kind in kinds for manifest in _of_kind(account, kind)]


def _of_kind(account: ServiceAccount, kind: Kind) -> list[Manifest]:
    finalizer = kind.finalizer
    deletes = "request.operation == 'DELETE' || " if kind.expires else ""
    fixed = " && ".join(f"object.metadata.?{member} == oldObject.metadata.?{member}" for member in _FIXED)
    listed = [f"{which}.metadata.?finalizers" for which in ("object", "oldObject")]
    others = " == ".join(_without(finalizer, f"{one}.orValue([])") for one in listed)
    return holding(
        account,
        name=f"hyperpod-operator-{kind.plural}",
        group=GROUP,
        resource=kind.plural,
        version=VERSION,
        validations=[
            _operations(kind),
            validation(f"{deletes}object.?spec == oldObject.?spec", f"the operator changes no spec of a {kind.name}"),
            validation(
                f"{deletes}({fixed})",
                f"the operator changes no labels, annotations and owner references of a {kind.name}",
            ),
            validation(
                f"{deletes}{' == '.join(listed)} || {others}",
                f"the operator may add and remove one finalizer of a {kind.name} alone: {finalizer}",
            ),
        ],
    )


def _without(finalizer: str, names: str) -> str:
    """The list as text, without this finalizer, in its order: one that is empty is as one that has it alone."""
    text = f"({cel(_BORDER)} + ({names} + ['']).join({cel(2 * _BORDER)}))"
    return f"{text}.replace({cel(_BORDER + finalizer + _BORDER)}, '')"


def _operations(kind: Kind) -> Validation:
    """Finished objects of a kind that expires are deleted; those of other kinds are their user's alone."""
    if kind.expires:
        finished = "oldObject.?status.?completionTime.hasValue()"
        return validation(
            f"request.operation == 'UPDATE' || (request.operation == 'DELETE' && {finished})",
            f"the operator changes {kind.name} resources and deletes finished ones, and creates none",
        )
    return validation(
        "request.operation == 'UPDATE'",
        f"the operator changes {kind.name} resources, and neither creates nor deletes them",
    )
