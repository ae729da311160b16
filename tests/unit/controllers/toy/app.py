"""What the toy's controller is built from, and the command with the toy in its table of kinds.

`python -m tests.unit.controllers.toy.app run …` is the operator's command; the file that `TOY_SHELF` names is AWS.
"""

import os
from dataclasses import replace
from pathlib import Path

from tests.unit.controllers.toy.controller import Shelf, ToyController
from tests.unit.controllers.toy.kind import TOY

from hyperpod_operator.app import process
from hyperpod_operator.app.dependencies import ControllerRuntime, Shared, kind_runtime
from hyperpod_operator.app.kinds import CONTROLLERS
from hyperpod_operator.cli import main
from hyperpod_operator.settings import Settings

SHELF = "TOY_SHELF"
run = process.run


class FileShelf(Shelf):
    """Toys that outlive the process: a line for each that was put."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def read(self, name: str) -> int | None:
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        return {one: int(size) for one, size in map(str.split, lines)}.get(name)

    async def put(self, name: str, size: int) -> None:
        with self._path.open("a") as file:
            file.write(f"{name} {size}\n")


def toy_runtime(shared: Shared) -> ControllerRuntime:
    """The controller of toys."""
    dependencies = shared.dependencies
    controller = ToyController(
        objects=shared.objects[TOY.name],
        events=dependencies.events,
        metrics=dependencies.metrics,
        clock=dependencies.clock,
        shelf=FileShelf(Path(os.environ[SHELF])),
    )
    return kind_runtime(shared, TOY, reconcile=controller.reconcile, resync=dependencies.settings.timings.resync)


async def with_toys(settings: Settings) -> None:
    await run(replace(settings, known=(*settings.known, TOY)), controllers={**CONTROLLERS, TOY.name: toy_runtime})


if __name__ == "__main__":
    process.run = with_toys  # type: ignore[assignment]  # the command asks the module for it
    main()
