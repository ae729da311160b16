"""Members of the SageMaker API whose values compare in an unusual way."""

ORDERED = frozenset({"instanceTypes"})
"""InstanceRequirements.InstanceTypes: "listed in order of priority" (API reference)."""

REPEATABLE = frozenset({"instanceStorageConfigs"})
"""Lists in which equal entries are several things: two volumes of one size. In all others they are one."""

MAPS = frozenset({"labels"})
"""KubernetesConfig.Labels: the only free-form map; a key that is not in the spec is not wanted."""

MARKERS = frozenset({"spot", "onDemand"})
"""CapacityRequirements.Spot and .OnDemand: empty structures whose presence is the value."""

TIMESTAMPS = frozenset({"nextPatchDate"})

KMS_KEYS = frozenset({"volumeKmsKeyId", "kmsKeyId"})
"""A key is given by its id, its ARN or an alias, and AWS returns its ARN."""


def key_id(text: str) -> str:
    """The id of a KMS key that is given by its id or its ARN. An alias stays as it is: its ARN may be of another
    account."""
    return text.rsplit(":key/", 1)[-1] if text.startswith("arn:") else text
