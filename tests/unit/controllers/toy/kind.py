"""A third kind, as small as a kind can be: its record."""

from typing import Annotated, Any

from pydantic import Field

from hyperpod_operator.api.common.bounds import keyed
from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.operations import Operations
from hyperpod_operator.api.kinds.kind import AGE_COLUMN, Kind, message_column, ready_column
from hyperpod_operator.api.kinds.shared import summary
from hyperpod_operator.api.metrics.instrument import OBJECT, Gauge, ObjectGauge, P, Samples


class ToySpec(Model):
    """What the toy should be."""

    size: Annotated[int, Field(ge=1, le=9)] = Field(description="How big it is.")
    suspend: bool | None = Field(default=None, description="true: the toy stays as it is. Unset means false.")


class ToyStatus(Model):
    """What the operator last saw and did."""

    observedGeneration: int | None = Field(default=None, ge=0, description="The metadata.generation of this status.")
    lastHandledReconcileAt: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None, description="The last request for a reconcile that was handled."
    )
    size: int | None = Field(default=None, ge=0, le=9, description="How big the toy is.")
    operations: Operations | None = Field(default=None, description="The journal.")
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=keyed("type"))] | None = Field(
        default=None, description="Conditions; Ready is the summary."
    )


class Toy(Model):
    """The resource as it is stored."""

    apiVersion: str = Field(description="API group and version.", max_length=253)
    kind: str = Field(default="Toy", description="Kind of the object.", max_length=63)
    metadata: dict[str, Any] = Field(description="Standard object metadata.")
    spec: ToySpec = Field(description="What the toy should be.")
    status: ToyStatus | None = Field(default=None, description="What the operator last saw and did.")


SIZE = Gauge(
    name=P + "toy_size",
    section="How big are the toys?",
    labels=OBJECT,
    unit="sizes",
    help="Size of the toy.",
    read="0: there is no toy yet",
)


def _size(status: ToyStatus) -> Samples:
    yield (), float(status.size or 0)


TOY = Kind(
    name="Toy",
    plural="toys",
    singular="toy",
    short="ty",
    word="toy",
    resource=Toy,
    spec=ToySpec,
    status=ToyStatus,
    description="A toy of a size.",
    columns=(ready_column("Whether the toy has its size."), message_column(), AGE_COLUMN),
    conditions=summary(ready="The toy has its size.", paused="`spec.suspend` is set."),
    gauges=(ObjectGauge(instrument=SIZE, read=_size),),
)
