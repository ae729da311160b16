"""Scenes of a Toy, as Argo CD would see it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tests.unit.controllers.measured import Measured
from tests.unit.controllers.rig import FakeObjects, Recorder
from tests.unit.controllers.toy.controller import Shelf, ToyController
from tests.unit.controllers.toy.core import CONCERNS, ToyRecord, ToySnapshot
from tests.unit.controllers.toy.kind import TOY, ToySpec, ToyStatus
from tools.argocd.scene import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, Scene, edited, manifest

from hyperpod_operator.core.engine.finding import judge
from hyperpod_operator.core.errors import CloudError, ErrorKind

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Moment:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def scenes() -> Iterator[Scene]:
    yield Scene(kind=TOY, name="new", health=PROGRESSING, manifest=manifest(TOY, spec={"size": 3}))
    healthy = _of("healthy", HEALTHY, {"size": 3}, actual=3)
    yield healthy
    yield edited(healthy, name="edited")
    yield _of("growing", PROGRESSING, {"size": 3}, actual=2)
    yield _of("suspended", SUSPENDED, {"size": 3, "suspend": True}, actual=2)
    refused = CloudError(kind=ErrorKind.DENIED, operation="PutToy", code="AccessDenied", message="no")
    yield _of("refused", DEGRADED, {"size": 3}, actual=2, rejected=refused)


def _of(name: str, health: str, spec: dict[str, Any], *, actual: int, rejected: CloudError | None = None) -> Scene:
    snapshot = ToySnapshot(
        name="bear",
        deleting=False,
        generation=1,
        spec=ToySpec.model_validate(spec),
        status=ToyStatus(),
        actual=actual,
        now=NOW,
    )
    controller = ToyController(
        objects=FakeObjects(), events=Recorder(), metrics=Measured(), clock=Moment(), shelf=Shelf()
    )
    record = ToyRecord(snapshot=snapshot, decision=judge(CONCERNS, snapshot), rejected=rejected)
    made = manifest(TOY, spec=spec, status=controller.report(record).status, name="bear")
    return Scene(kind=TOY, name=name, health=health, manifest=made)
