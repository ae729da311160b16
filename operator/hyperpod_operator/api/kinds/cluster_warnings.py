"""What the API server warns about when a person edits a HyperPodCluster: edits that end or restart nodes."""

from hyperpod_operator.api.kinds.kind import EditWarning

_GROUPS = ("instanceGroups", "restrictedInstanceGroups")
_DELETES = "{}.spec.?management.?deletionPolicy.orValue('') == 'Delete'"


def _all_kept(member: str) -> str:
    return (
        f"oldObject.spec.?{member}.orValue([]).all(o, object.spec.?{member}.orValue([])"
        ".exists(n, n.instanceGroupName == o.instanceGroupName))"
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
        expression=f"object.?status.?origin.orValue('') != 'Adopted' || !({_DELETES.format('object')}) "
        f"|| ({_DELETES.format('oldObject')})",
        message="deletionPolicy Delete on an adopted cluster: deleting this resource now deletes the cluster in AWS",
    ),
)
