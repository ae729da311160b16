"""An Application as Argo CD reports it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Application:
    """The object as the API server holds it, by the words that a person would look for."""

    manifest: Mapping[str, Any]

    @property
    def sync(self) -> str:
        """Synced, OutOfSync or Unknown; empty before the first look."""
        return str(self._status("sync").get("status", ""))

    @property
    def health(self) -> str:
        return str(self._status("health").get("status", ""))

    @property
    def revision(self) -> str:
        return str(self._status("sync").get("revision", ""))

    @property
    def phase(self) -> str:
        """Of the last sync: Running, Succeeded, Failed, Error or Terminating."""
        return str(self._status("operationState").get("phase", ""))

    @property
    def message(self) -> str:
        """Of the last sync."""
        return str(self._status("operationState").get("message", ""))

    @property
    def conditions(self) -> tuple[str, ...]:
        """What Argo CD complains about."""
        found = self.manifest.get("status", {}).get("conditions", [])
        return tuple(f"{one['type']}: {one['message']}" for one in found)

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """What belongs to it, by Kind/name."""
        found = self.manifest.get("status", {}).get("resources", [])
        return {f"{one['kind']}/{one['name']}": one for one in found}

    @property
    def drifted(self) -> frozenset[str]:
        return frozenset(name for name, one in self.resources.items() if one.get("status") == "OutOfSync")

    def settled(self, revision: str) -> bool:
        """Synced to this commit, with no operation open."""
        return self.sync == "Synced" and self.revision == revision and self.phase in ("", "Succeeded")

    def __str__(self) -> str:
        states = [
            f"{name} {one.get('status', '')} {one.get('health', {}).get('status', '')}"
            for name, one in self.resources.items()
        ]
        return f"{self.sync} {self.health} {self.phase} {self.message} {self.conditions} [{', '.join(states)}]"

    def _status(self, part: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.manifest.get("status", {}).get(part, {})
        return found
