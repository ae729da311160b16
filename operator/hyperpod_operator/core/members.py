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
