"""The labels by which people choose nodes: the instance type with `ml.`, and companions for what the prefix hides.

`node.kubernetes.io/instance-type` is documented to carry the type with its prefix (SageMaker developer guide, "EKS
prerequisites"). It is written only from SageMaker's own word about the instance and never guessed.
"""

from hyperpod_operator.api.names import (
    LABEL_ACCELERATOR_COUNT,
    LABEL_ACCELERATOR_NAME,
    LABEL_CAPACITY_TYPE,
    LABEL_INSTANCE_FAMILY,
    LABEL_INSTANCE_GROUP,
    LABEL_INSTANCE_SIZE,
    LABEL_INSTANCE_TYPE,
)
from hyperpod_operator.core.health.facts import ClusterFacts
from hyperpod_operator.core.health.instance_types import PREFIX, describe
from hyperpod_operator.core.health.node import INSTANCE_TYPE, INSTANCE_TYPE_BETA, Node

LABEL_MOST = 63


# [assumption: type-label-has-prefix]
def missing_labels(node: Node, facts: ClusterFacts) -> dict[str, str]:
    """The labels to set; empty while SageMaker has not told about the instance, or all are right."""
    instance = facts.instances.get(node.instance_id)
    if instance is None or node.deleting or not facts.enforce:
        return {}
    wanted = _types(node, instance.instance_type) | _companions(instance.instance_type, instance.group, facts)
    return {key: value for key, value in wanted.items() if node.labels.get(key) != value}


def contradiction(node: Node, facts: ClusterFacts) -> str | None:
    """A type label that agrees with SageMaker neither with nor without the prefix: somebody else's, left alone."""
    instance = facts.instances.get(node.instance_id)
    if instance is None or not instance.instance_type:
        return None
    for key in (INSTANCE_TYPE, INSTANCE_TYPE_BETA):
        value = node.labels.get(key)
        if value is not None and not _correctable(value, instance.instance_type):
            return f"{node.name} is labelled {key}={value}, and SageMaker says {instance.instance_type}"
    return None


def _types(node: Node, instance_type: str) -> dict[str, str]:
    if not instance_type.startswith(PREFIX):
        return {}
    keys = (INSTANCE_TYPE, INSTANCE_TYPE_BETA)
    return {key: instance_type for key in keys if _correctable(node.labels.get(key), instance_type)}


def _correctable(value: str | None, instance_type: str) -> bool:
    """Absent, right, or right but for the prefix."""
    return value is None or value in (instance_type, instance_type.removeprefix(PREFIX))


def _companions(instance_type: str, group: str, facts: ClusterFacts) -> dict[str, str]:
    described = describe(instance_type)
    known = facts.groups.get(group)
    values = {
        LABEL_INSTANCE_TYPE: instance_type.removeprefix(PREFIX),
        LABEL_INSTANCE_GROUP: group,
        LABEL_CAPACITY_TYPE: known.capacity_type if known else "",
    }
    if described is not None:
        values |= {
            LABEL_INSTANCE_FAMILY: described.family,
            LABEL_INSTANCE_SIZE: described.size,
            LABEL_ACCELERATOR_NAME: described.accelerator_name,
            LABEL_ACCELERATOR_COUNT: str(described.accelerator_count or ""),
        }
    return {key: value for key, value in values.items() if 0 < len(value) <= LABEL_MOST}


def needs_instance(node: Node, facts: ClusterFacts | None) -> bool:
    """Whether SageMaker has to be asked about the Node's instance: our labels on it would say that it was."""
    if facts is not None and node.instance_id in facts.instances:
        return False
    return LABEL_INSTANCE_GROUP not in node.labels and not node.deleting
