"""Every version of some objects, in order: a state that lasts a moment is seen as well as one that stays."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.processes import Child


class Record:
    """What `kubectl get --watch` sees of a resource in a namespace while the `with` statement runs."""

    def __init__(self, plane: ControlPlane, resource: str, *, namespace: str, file: Path) -> None:
        self._plane, self._resource, self._namespace, self._file = plane, resource, namespace, file

    def __enter__(self) -> Self:
        command = self._plane.kubectl_command(
            *("get", self._resource, "-n", self._namespace, "--watch", "--output=json", "--output-watch-events")
        )
        self._child = Child("record", command, log=self._file, env=os.environ)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.stop()

    def versions(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Of one object. A version that is still being written is left out."""
        text, found = self._file.read_text(), []
        decoder, at = json.JSONDecoder(), 0
        while at < len(text):
            try:
                event, end = decoder.raw_decode(text, at)
            except ValueError:
                break
            if event["object"]["metadata"]["name"] == name:
                found.append(event["object"])
            at = end + 1
        return found
