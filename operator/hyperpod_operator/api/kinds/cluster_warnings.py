"""What the API server warns about when a person edits a HyperPodCluster: edits that end or restart nodes, and those
that leave in AWS what they remove from the spec."""

from hyperpod_operator.api.kinds.kind import EditWarning

_GROUPS = ("instanceGroups", "restrictedInstanceGroups")
_KEPT_OF_CLUSTER = ("autoScaling", "nodeRecovery", "tieredStorageConfig")
_KEPT_OF_RESTRICTED_GROUP = ("onStartDeepHealthChecks", "scheduledUpdateConfig")
_KEPT_OF_GROUP = (
    *_KEPT_OF_RESTRICTED_GROUP,
    "minInstanceCount",
    "lifeCycleConfig",
    "autoPatchConfig",
    "kubernetesConfig.?labels",
    "kubernetesConfig.?taints",
)
"""Members that AWS keeps when they leave the spec, and that the API server lets leave it."""
_DELETES = "{}.spec.?management.?deletionPolicy.orValue('') == 'Delete'"


def _all_kept(member: str) -> str:
    return (
        f"oldObject.spec.?{member}.orValue([]).all(o, object.spec.?{member}.orValue([])"
        ".exists(n, n.instanceGroupName == o.instanceGroupName))"
    )


def _left_out(old: str, new: str, members: tuple[str, ...]) -> str:
    return " || ".join(f"({old}.?{one}.hasValue() && !{new}.?{one}.hasValue())" for one in members)


def _left_out_of_a_group(member: str, members: tuple[str, ...]) -> str:
    return (
        f"oldObject.spec.?{member}.orValue([]).exists(o, object.spec.?{member}.orValue([])"
        f".exists(n, n.instanceGroupName == o.instanceGroupName && ({_left_out('o', 'n', members)})))"
    )


def _undrained(member: str) -> str:
    return (
        f"object.spec.?{member}.orValue([]).exists(n, n.?imageReleaseVersion.hasValue() "
        "&& !n.?scheduledUpdateConfig.?deploymentConfig.?rollingUpdatePolicy.hasValue() "
        f"&& oldObject.spec.?{member}.orValue([]).exists(o, o.instanceGroupName == n.instanceGroupName "
        "&& o.?imageReleaseVersion.orValue('') != n.?imageReleaseVersion.orValue('')))"
    )


EDITS = (
    EditWarning(
        expression=" && ".join(_all_kept(member) for member in _GROUPS),
        message="this edit removes an instance group: the operator deletes it with its nodes if it created it. To see "
        "the plan first, set spec.management.changePolicy",
    ),
    EditWarning(
        expression=f"!({_undrained('instanceGroups')})",
        message="this edit replaces the root volumes of nodes without draining them: set "
        "scheduledUpdateConfig.deploymentConfig.rollingUpdatePolicy on the group to drain them first",
    ),
    EditWarning(
        expression=f"!({_left_out('oldObject.spec', 'object.spec', _KEPT_OF_CLUSTER)} || "
        f"{_left_out_of_a_group('instanceGroups', _KEPT_OF_GROUP)} || "
        f"{_left_out_of_a_group('restrictedInstanceGroups', _KEPT_OF_RESTRICTED_GROUP)})",
        message="this edit removes a field that AWS keeps: what the spec leaves unset is not managed, and the cluster "
        "stays as it is. To change it in AWS, set the value that switches it off first ({} for labels, [] for taints, "
        "mode: Disable, minInstanceCount: 0)",
    ),
    EditWarning(
        expression=f"object.?status.?origin.orValue('') != 'Adopted' || !({_DELETES.format('object')}) "
        f"|| ({_DELETES.format('oldObject')})",
        message="deletionPolicy Delete on an adopted cluster: deleting this resource now deletes the cluster in AWS",
    ),
)
