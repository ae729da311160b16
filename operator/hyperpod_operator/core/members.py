"""Members of the SageMaker API whose values compare in an unusual way."""

ORDERED = frozenset({"instanceTypes"})
"""InstanceRequirements.InstanceTypes: "listed in order of priority" (API reference)."""

MAPS = frozenset({"labels"})
"""KubernetesConfig.Labels: the only free-form map; a key that is not in the spec is not wanted."""

MARKERS = frozenset({"spot", "onDemand"})
"""CapacityRequirements.Spot and .OnDemand: empty structures whose presence is the value."""

TIMESTAMPS = frozenset({"nextPatchDate"})
