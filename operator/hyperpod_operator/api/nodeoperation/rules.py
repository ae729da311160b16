"""CEL rules of HyperPodNodeOperation: what excludes what, and that a started job does not change."""

from hyperpod_operator.api.common.bounds import CEL_LABEL_KEY, CEL_LABEL_KEY_LENGTHS, LABEL_KEY_WORDS
from hyperpod_operator.api.common.rules import Cel, rule

ANOTHER = "create another HyperPodNodeOperation"

NODES_RULES = (
    rule(
        "[has(self.names), has(self.instanceIds), has(self.nodeLogicalIds), has(self.selector)].filter(x, x).size() "
        "== 1",
        message="nodes are named in exactly one way: set one of names, instanceIds, nodeLogicalIds and selector",
    ),
    rule(
        "!has(self.selector) || !has(self.selector.matchLabels) || self.selector.matchLabels.all(k, "
        f"{CEL_LABEL_KEY_LENGTHS} && k.matches('{CEL_LABEL_KEY}'))",
        message=f"a label key is {LABEL_KEY_WORDS}: correct it",
        path=".selector.matchLabels",
    ),
)

IMMUTABLE = (
    "clusterRef",
    "operation",
    "nodes",
    "healthCheck",
    "move",
    "drain",
    "volumes",
    "nodesUnderRepair",
    "maxInFlight",
    "notBefore",
    "activeDeadlineSeconds",
    "ttlSecondsAfterFinished",
    "dryRun",
    "requestor",
    "reason",
)
"""Members of the spec that never change: all but `suspend`."""


def _immutable(member: str) -> Cel:
    """A member that can be neither set, changed nor removed once the object exists."""
    return rule(
        f"has(self.{member}) == has(oldSelf.{member}) && (!has(self.{member}) || self.{member} == oldSelf.{member})",
        message=f"{member} cannot change, an operation runs as it was created: {ANOTHER}",
        reason="FieldValueForbidden",
        path=f".{member}",
    )


SPEC_RULES = (
    rule(
        "(self.operation == 'HealthCheck') == has(self.healthCheck)",
        message="healthCheck belongs to the operation HealthCheck, which needs it: set both or neither",
    ),
    rule(
        "(self.operation == 'Move') == has(self.move)",
        message="move belongs to the operation Move, which needs it: set both or neither",
    ),
    *map(_immutable, IMMUTABLE),
)
