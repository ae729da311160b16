"""What a change of each member does to a running cluster: one table, so that no member is judged twice.

A member that the table does not have counts as disruptive: waiting for an approval too many is the safe answer. Sources
are AWS's pages on updating clusters and their software (SageMaker developer guide) and the API reference.
"""

import re
from collections.abc import Mapping

from hyperpod_operator.core.cluster.compare import Change
from hyperpod_operator.core.engine.call import Effect

CLUSTER_EFFECTS: Mapping[str, Effect] = {
    "nodeRecovery": Effect.CHANGES,
    "nodeProvisioningMode": Effect.CHANGES,
    "clusterRole": Effect.CHANGES,
    # Karpenter ends nodes that it finds empty or cheaper elsewhere, also those that it did not start.
    "autoScaling": Effect.DISRUPTS,
    "tieredStorageConfig": Effect.CHANGES,
    "restrictedInstanceGroupsConfig": Effect.CHANGES,
    "tags": Effect.CHANGES,
}
"""Members of the cluster that a call can change."""

GROUP_EFFECTS: Mapping[str, Effect] = {
    # Of instanceCount the direction decides: see `of_count`.
    "instanceCount": Effect.DESTROYS,
    # AWS ends what runs of a group that does not reach its minimum within 3 hours.
    "minInstanceCount": Effect.DISRUPTS,
    "instanceRequirements": Effect.CHANGES,
    "lifeCycleConfig": Effect.CHANGES,
    "onStartDeepHealthChecks": Effect.CHANGES,
    # Both have AWS replace root volumes later, without another call.
    "scheduledUpdateConfig": Effect.DISRUPTS,
    "autoPatchConfig": Effect.DISRUPTS,
    "imageId": Effect.DISRUPTS,
    "imageReleaseVersion": Effect.DISRUPTS,
    # Of taints the effect NoExecute decides: see `of_change`.
    "kubernetesConfig": Effect.CHANGES,
    "networkInterface": Effect.CHANGES,
    "environmentConfig": Effect.CHANGES,
}
"""Members of a group that a call can change."""

UNKNOWN = Effect.DISRUPTS
"""The effect of a member that the table does not have."""

EVICTING = "NoExecute"
"""Effect of a taint that ends pods which run (Kubernetes documentation, "Taints and Tolerations")."""

_GROUP = re.compile(r"\w+\[[^\]]*\]\.(?P<member>\w+)")


def of_change(change: Change) -> Effect:
    """What a call that makes this change does."""
    found = _GROUP.match(change.path)
    if found is None:
        return CLUSTER_EFFECTS.get(change.path.split(".", 1)[0], UNKNOWN)
    member = found["member"]
    if member == "instanceCount":
        return of_count(observed=change.observed, wanted=change.wanted)
    if member == "kubernetesConfig" and EVICTING in str(change.wanted):
        return Effect.DISRUPTS
    if member == "minInstanceCount" and (change.wanted or 0) <= (change.observed or 0):
        return Effect.CHANGES
    return GROUP_EFFECTS.get(member, UNKNOWN)


def of_count(*, observed: int, wanted: int) -> Effect:
    """More nodes come, or some of those that run end."""
    return Effect.ADDS if wanted > observed else Effect.DESTROYS
