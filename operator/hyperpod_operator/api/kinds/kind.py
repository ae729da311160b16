"""What everything else must know of a kind: its names, its models, what a user sees of it, and the rights it needs.

CRD generation, start-up checks, the chart's RBAC, the watch, admission policies, metrics and the application iterate
over such records (`api.kinds.KINDS`); none of them names a kind.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Any

from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.members import model_members
from hyperpod_operator.api.metrics.instrument import ObjectGauge
from hyperpod_operator.api.names import CATEGORY, GROUP, VERSION, ConditionType

READY_PATH = '.status.conditions[?(@.type=="Ready")]'
"""JSONPath of the condition that sums an object up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of `kubectl get`. Priority 0 is always shown, 1 with `-o wide`."""

    name: str
    path: str
    description: str
    type: str = "string"
    priority: int = 0

    def manifest(self) -> dict[str, Any]:
        """The column as an entry of additionalPrinterColumns."""
        wide = {"priority": self.priority} if self.priority else {}
        return {
            "name": self.name,
            "type": self.type,
            "jsonPath": self.path,
            **wide,
            "description": self.description,
        }


def ready_column(description: str) -> Column:
    return Column(name="Ready", path=f"{READY_PATH}.status", description=description)


def message_column(*, priority: int = 0) -> Column:
    text = "What is going on and what to do next, in at most 100 characters; the condition Ready has all of it."
    return Column(name="Message", path=".status.shortMessage", description=text, priority=priority)


ACTOR_COLUMN = Column(name="Actor", path=".status.actor", description="Who has to act: You, AWS, or - for no one.")


AGE_COLUMN = Column(name="Age", path=".metadata.creationTimestamp", description="Age of the object.", type="date")


class News(Enum):
    """When it is worth an Event that a condition became True although nothing was wrong."""

    NO = auto()
    ALWAYS = auto()
    AT_FIRST = auto()
    """When the object has the condition for the first time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionRow:
    """A type of condition that the kind may set, and what its two answers mean to a reader."""

    type: ConditionType
    true: str
    false: str
    announced: bool = True
    """Whether an Event tells of it where it needs attention, and when it needs it no more."""
    news: News = News.NO
    """Whether an Event tells, too, that it became True."""
    bad_when_true: bool = False
    """Whether True is the answer that a person wants to know about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditWarning:
    """What the API server says to a person whose edit makes the CEL `expression` (of object and oldObject) false."""

    expression: str
    message: str


class Scope(StrEnum):
    """Where a right is needed."""

    NAMESPACED = "Namespaced"
    """In every namespace that the operator serves."""
    CLUSTER = "Cluster"
    """On objects that are in no namespace."""
    OWN_NAMESPACE = "OwnNamespace"
    """In the operator's own namespace."""
    DEFAULT_NAMESPACE = "DefaultNamespace"
    """In the namespace `default`, where Events about objects without a namespace live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """Verbs on one resource of the Kubernetes API. `why` says what needs it, where that is not plain."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    scope: Scope = Scope.NAMESPACED
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of ours. Records are data: a further kind is one more of them, and its folders in core and controllers."""

    name: str
    plural: str
    singular: str
    short: str
    word: str
    """The kind in metrics, logs and traces: one lower-case word."""
    resource: type[Model]
    spec: type[Model]
    status: type[Model]
    description: str
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = ()
    """JSONPaths for `kubectl get --field-selector`; up to eight."""
    rules: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    """CEL rules about the whole object."""
    warnings: tuple[EditWarning, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What the schema of `metadata` says beyond its type: bounds of a name that a rule reads."""
    conditions: tuple[ConditionRow, ...]
    """In the order in which they are shown."""
    rights: tuple[Right, ...] = ()
    """Beyond those on its own objects, which every kind needs; see `all_rights`."""
    gauges: tuple[ObjectGauge[Any], ...] = ()
    """What is exported of each object of the kind, from its status."""
    expires: bool = False
    """Whether the operator deletes objects of the kind when their time is over."""
    switch: str = ""
    """The value of the chart that turns the kind on, and the member of the settings; empty: it is always served."""

    @property
    def setting(self) -> str:
        """`switch` as the settings spell it."""
        return re.sub(r"([A-Z])", r"_\1", self.switch).lower()

    @property
    def finalizer(self) -> str:
        """Ours alone. Kopf removes the finalizer that its own settings name, so that name must differ from this."""
        return f"{GROUP}/{self.singular}"

    @property
    def definition(self) -> str:
        """Name of the CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"

    @property
    def table(self) -> tuple[ConditionType, ...]:
        """The types of condition that the kind may set, in their order."""
        return tuple(row.type for row in self.conditions)

    @property
    def has_plans(self) -> bool:
        """Whether a plan of an object of the kind may wait for an approval."""
        return ConditionType.PLAN_APPROVED in self.table

    @property
    def has_change_policy(self) -> bool:
        """Whether `spec.management` says which changes wait; the others are approved by annotation only."""
        return "spec.management.changePolicy" in model_members(self.spec, "spec")

    @property
    def own_rights(self) -> tuple[Right, ...]:
        """What every kind needs on its own objects."""
        verbs = ("get", "list", "watch", "patch", *(("delete",) if self.expires else ()))
        return (
            Right(group=GROUP, resource=self.plural, verbs=verbs),
            Right(group=GROUP, resource=f"{self.plural}/status", verbs=("patch",)),
        )

    @property
    def all_rights(self) -> tuple[Right, ...]:
        return (*self.own_rights, *self.rights)

    def names(self) -> dict[str, Any]:
        """`spec.names` of the CustomResourceDefinition."""
        return {
            "kind": self.name,
            "listKind": f"{self.name}List",
            "plural": self.plural,
            "singular": self.singular,
            "shortNames": [self.short],
            "categories": [CATEGORY],
        }

    def file_name(self) -> str:
        """Of the definition in `crds/`."""
        return f"{GROUP}_{self.plural}.yaml"

    @property
    def version(self) -> str:
        return VERSION
