"""Durations of node operations, in seconds."""

from dataclasses import dataclass

from hyperpod_operator.core.drain.marks import BINDING


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationTimings:
    """Tests and installations that are quicker than AWS shorten them."""

    poll: float = 20.0
    """Between looks while AWS works on nodes."""
    step: float = 0.01
    """Between two steps of the operator's own."""
    news_per_node: float = 0.01
    """Between news of a Node and the pass that looks at it, for each node of the operation that is under way: a pass
    over hundreds of nodes costs as much more, and news of many come together."""
    news_most: float = 5.0
    drain: float = 5.0
    """Between looks at pods that leave; a change of a pod comes sooner."""
    binding: float = BINDING
    """How long a Node has the taint before AWS is asked: until then a pod may come that the scheduler had assigned."""
    idle: float = 60.0
    """Between looks at an operation that waits for nodes, or for its cluster."""
    # [assumption: reads-lag]
    missing: float = 60.0
    """How long AWS must leave a node out of its list before the node counts as gone."""
    unanswered: float = 3600.0
    """How long the effect of a call without an answer is waited for. It is never sent again."""
    last_notice: float = 30.0
    """With `onTimeout: Force`, from the last eviction of the pods that are left until AWS is asked: Kubernetes' own
    default for the end of a pod."""
    cut_off: float = 900.0
    """How long an operation may be kept from its cluster by what a person has to change until nodes about which AWS was
    not asked are given back: one odd answer is not the truth, and a node that is drained for nothing serves nobody."""
    retry: float = 30.0
    """First pause before a node that AWS refused for now is sent again; doubles up to `retry_most`."""
    retry_most: float = 600.0

    def news(self, nodes: int) -> float:
        """Seconds after which a pass looks at news of one of so many nodes."""
        return min(self.step + self.news_per_node * nodes, self.news_most)


DEADLINE = 14400.0
"""`activeDeadlineSeconds`, where the spec does not say."""
MARKS_IN_A_PASS = 50
"""Nodes that are marked in one pass, so that a pass stays short."""
GANGS_IN_A_PASS = 50
"""Gangs whose eviction is asked for in one pass."""
