"""Policies for what must not be deleted, whatever else is set."""

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.decision import ClusterSnapshot, Decision
from hyperpod_operator.core.engine.decision import Wait


def protected(snapshot: ClusterSnapshot) -> Decision | None:
    """The cluster is to be deleted, and it or one of its groups is protected."""
    resource = snapshot.resource
    groups = sorted(resource.protected_groups)
    if not resource.protected and not groups:
        return None
    what = "spec.management.deletionProtection is true" if resource.protected else f"groups are: {', '.join(groups)}"
    message = (
        f"The cluster is protected from deletion ({what}): the operator does not delete it. To delete it, set "
        "deletionProtection to false; to release this resource and keep the cluster, set "
        "spec.management.deletionPolicy to Retain."
    )
    return Wait(reason=Reason.DELETION_PROTECTED, message=message, after=snapshot.timings.resync, stalled=True)


def groups_protected(snapshot: ClusterSnapshot) -> Decision | None:
    """The spec names a group no more that is protected: it stays as AWS has it."""
    names = snapshot.changes.protected_groups
    if not names:
        return None
    message = (
        f"The spec does not name these groups any more, and they are protected from deletion: {', '.join(names)}. The "
        "operator leaves them as they are. To keep them, put them back; to delete one, put it back with "
        "management.deletionProtection: false (and none on the cluster), then remove it."
    )
    return Wait(reason=Reason.DELETION_PROTECTED, message=message, after=snapshot.timings.resync, stalled=True)
