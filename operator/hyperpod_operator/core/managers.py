"""Tools that hold an object to what is written elsewhere: what is deleted here they create again.

Source: the documentation of Argo CD (resource tracking, field manager), Flux (labels of its inventories, field managers
of its controllers) and Helm (annotations of a release).
"""

from collections.abc import Mapping

_MARKS = {
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "meta.helm.sh/release-name": "Helm",
}
"""Labels and annotations that the tools write."""

_MANAGERS = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
    "helm": "Helm",
}
"""Names under which they apply; Argo CD may track by a label that others use, too."""


def manager(metadata: Mapping[str, object], *, field_manager: str = "") -> str:
    """The tool that would create the object again; empty when none is known to."""
    written: dict[str, object] = {}
    for member in ("labels", "annotations"):
        found = metadata.get(member)
        written |= found if isinstance(found, Mapping) else {}
    marked = next((tool for mark, tool in _MARKS.items() if written.get(mark)), "")
    return marked or _MANAGERS.get(field_manager, "")
