"""Nodes on which the operation has ended while AWS may still work on them: when their taint may come off.

What AWS was asked for goes on, so a pod that came now could be lost with the node. The taint stays until the node is
gone, or AWS is seen to be done with it, or nothing of the call is seen for so long that nothing is expected of it.
"""

from collections.abc import Set

from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.health.facts import RUNNING
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.nodeoperation.evidence import Sign, evidence
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot, is_usable
from hyperpod_operator.core.nodes.batch import NodeCall

GOES_ON = " What AWS was asked for goes on, and the taint stays until AWS is done with the node."
UNMARKED = " What AWS was asked for goes on."
DONE = " What AWS was asked for is over."
UNSEEN = " Nothing of what AWS was asked for was seen since then."


def left_to_aws(snapshot: Snapshot, entry: Entry) -> dict[str, object]:
    """What to note of a node that the operation gives up after AWS was asked; nothing where no Node shows anything."""
    shows = entry.name and (snapshot.node(entry) is not None or not snapshot.nodes_known)
    return {"leftToAwsSince": stamp(snapshot.now)} if shows else {}


def followed(snapshot: Snapshot, entry: Entry, taken: Set[str]) -> Entry:
    """The entry of a node that was left to AWS as this pass sees it."""
    since = parse_time(entry.remembered.leftToAwsSince or "")
    if not snapshot.nodes_known:
        return entry
    if since is None or snapshot.node(entry) is None:
        return _over(entry, DONE)
    if snapshot.cluster is not None:
        seen = evidence(snapshot, entry, taken=taken)
        if _absent(snapshot, entry, seen.sign):
            missing = parse_time(entry.remembered.missingSince or "") or snapshot.now
            if (snapshot.now - missing).total_seconds() >= snapshot.timings.missing:
                return _over(entry, DONE)
            return updated(entry, {"missingSince": stamp(missing)})
        if seen.sign in {Sign.DONE, Sign.FAILED}:
            return _over(entry, DONE)
        entry = updated(
            entry, {"missingSince": None, "begun": entry.remembered.begun or seen.sign is Sign.BEGUN or None}
        )
    waited = (snapshot.now - since).total_seconds()
    return _over(entry, UNSEEN) if waited >= snapshot.timings.unanswered and _serves(snapshot, entry) else entry


def _absent(snapshot: Snapshot, entry: Entry, sign: Sign) -> bool:
    """Whether AWS does not list the node, and its kubelet is silent; a moved one is in another group."""
    node = snapshot.node(entry)
    if snapshot.instance(entry) is not None or (node is not None and node.ready is True):
        return False
    return sign is Sign.GONE or snapshot.operation.call is not NodeCall.MOVE


def _serves(snapshot: Snapshot, entry: Entry) -> bool:
    """Whether nothing shows that AWS works on the node: it is Running, as far as AWS says, and takes pods."""
    instance = snapshot.instance(entry)
    return is_usable(snapshot.node(entry)) and (instance is None or instance.status == RUNNING)


def _over(entry: Entry, how: str) -> Entry:
    """The node's marks may come off."""
    message = f"{(entry.message or '').removesuffix(GOES_ON)}{how}"
    return updated(entry, {"leftToAwsSince": None, "message": message})
