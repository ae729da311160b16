"""A target that no node fits, and what may have been meant: a mistake is seen next to what is right."""

from hyperpod_operator.api.volume.resource import Target
from hyperpod_operator.core.nodes.labels import other_values
from hyperpod_operator.core.observed import GONE
from hyperpod_operator.core.text import listed
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.observed import Candidate

NAMES = {"nodeName": "node_name", "instanceId": "instance_id", "nodeLogicalId": "logical_id"}
"""Members of a target that name one node, and what they are compared with."""


def instead(snapshot: ClaimSnapshot) -> str:
    """What the cluster has in place of what the target names, as words that go on; empty where nothing is like it."""
    target = snapshot.claim.spec.attachment.target
    if target is None:
        return ""
    there = [node for node in snapshot.observed.nodes if node.status not in GONE]
    if target.instanceGroupName is None:
        return _by_another_name(target, there)
    groups = sorted({node.instance_group for node in there} - {""})
    if groups and target.instanceGroupName not in groups:
        return f"; it has nodes of {listed(groups, separator=', ', rest=' ')}"
    own = [node.labels for node in there if node.instance_group == target.instanceGroupName]
    values = other_values(target.nodeSelector or {}, own)
    return f": {values}" if values else ""


def _by_another_name(target: Target, nodes: list[Candidate]) -> str:
    """The right thing in the wrong member."""
    member, value = next((name, value) for name in NAMES if (value := getattr(target, name)) is not None)
    for other, attribute in NAMES.items():
        if other != member and any(getattr(node, attribute) == value for node in nodes):
            return f"; there is one with this {other}: set {other} instead of {member}"
    return ""
