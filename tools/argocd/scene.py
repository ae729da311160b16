"""Moments in the life of a resource that a GitOps tool may see, as whole manifests made by the operator's own core.

The health beside each is written by hand: it is what a person would say, and what the script is held to.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.api.names import API_VERSION

HEALTHY, SUSPENDED, PROGRESSING, DEGRADED = "Healthy", "Suspended", "Progressing", "Degraded"
NOT_SEEN = "Waiting for the operator to look at it."
CREATED, DELETED = "2026-11-23T10:00:00Z", "2026-11-23T11:59:00Z"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One manifest and the health that belongs to it."""

    kind: Kind
    name: str
    health: str
    manifest: Mapping[str, Any]

    @property
    def message(self) -> str:
        """Ready's words, where the status is about this generation."""
        status = self.manifest.get("status", {})
        if status.get("observedGeneration") != self.manifest["metadata"]["generation"]:
            return NOT_SEEN
        return next(str(one["message"]) for one in status["conditions"] if one["type"] == "Ready")


Scenes = Mapping[str, Callable[[], Iterable[Scene]]]
"""The scenes of each kind, by its name."""


def manifest(
    kind: Kind,
    *,
    spec: Mapping[str, Any],
    status: Any = None,
    name: str = "research",
    uid: str = "0f0f0f0f-1111-2222-3333-444444444444",
    generation: int = 1,
    deleting: bool = False,
) -> dict[str, Any]:
    """The object as the API server holds it; `status` is a model of the operator's, or None."""
    metadata: dict[str, Any] = {"name": name, "namespace": "team", "uid": uid, "resourceVersion": "4711"}
    metadata |= {"generation": generation, "creationTimestamp": CREATED, "finalizers": [kind.finalizer]}
    if deleting:
        metadata |= {"deletionTimestamp": DELETED, "deletionGracePeriodSeconds": 0}
    dumped = status.model_dump(mode="json", exclude_none=True) if status is not None else {}
    made = {"apiVersion": API_VERSION, "kind": kind.name, "metadata": metadata, "spec": dict(spec)}
    return {**made, "status": dumped} if dumped else made


def edited(scene: Scene, *, name: str) -> Scene:
    """The same object after an edit that the operator has not seen."""
    metadata = scene.manifest["metadata"]
    later = {**scene.manifest, "metadata": {**metadata, "generation": metadata["generation"] + 1}}
    return replace(scene, name=name, health=PROGRESSING, manifest=later)
