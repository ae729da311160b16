"""A status of which a part cannot be read, because another release wrote it: what was done must not be done again.

Of a cluster or a volume AWS tells what a status does not. Of a node that was restarted it tells nothing.
"""

from collections.abc import Iterable

from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus
from hyperpod_operator.core.nodeoperation.states import State

WORDS_OF_STATUS = frozenset(
    {
        "actor",
        "conditions",
        "counts",
        "history",
        "lastHandledReconcileAt",
        "observedGeneration",
        "plan",
        "shortMessage",
        "summary",
    }
)
"""Members that are for people, or that a pass makes again."""
WORDS_OF_NODE = frozenset({"awsCode", "message", "waitingFor"})


def untold(status: HyperPodNodeOperationStatus, lost: Iterable[tuple[str | int, ...]]) -> tuple[str, ...]:
    """What cannot be told of what the operation did: paths of the status that were lost, and states of nodes that this
    version does not know."""
    parts = [".".join(map(str, ("status", *path))) for path in lost if not _for_people(path)]
    words = {entry.state for entry in status.nodes or ()} - set(State)
    return (*parts, *(f"the state {word} of a node" for word in sorted(words)))


def _for_people(path: tuple[str | int, ...]) -> bool:
    of_node = len(path) > 2 and path[0] == "nodes"
    return path[2] in WORDS_OF_NODE if of_node else bool(path) and path[0] in WORDS_OF_STATUS
