"""What one pass wants changed on a Node: nothing but the one taint and keys of ours and the instance-type labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hyperpod_operator.core.health.node import Taint


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChange:
    """A guarded change of one Node, applied in one write: all of it or nothing.

    `taints` is the whole new list (`spec.taints` is atomic) or None for "as it is"; in `labels` and
    `annotations` a value of None removes the key.
    """

    taints: tuple[Taint, ...] | None = None
    labels: Mapping[str, str | None] = field(default_factory=dict)
    annotations: Mapping[str, str | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.taints is not None or bool(self.labels) or bool(self.annotations)
