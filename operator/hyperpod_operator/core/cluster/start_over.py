"""How a person makes room for another cluster where AWS calls this one Failed."""

from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.failed_creation import may_be_in_use
from hyperpod_operator.core.plan.calls import stays


def start_over(snapshot: ClusterSnapshot) -> str:
    """What to do, as the end of a sentence. Deleting the resource is enough only where that deletes the cluster, too:
    one that stays would be found again, as failed as it is."""
    resource = snapshot.resource
    first = []
    if resource.protected or resource.protected_groups:
        first.append("set deletionProtection to false")
    if stays(snapshot):
        first.append(
            "set spec.management.deletionPolicy to Delete (now the failed cluster would stay and keep its name)"
        )
    return ", ".join([*first, "delete and re-apply this resource"])


def otherwise(snapshot: ClusterSnapshot) -> str:
    """The same as a further sentence; where jobs may run on the cluster, to keep what keeps it."""
    if may_be_in_use(snapshot):
        return " It has instances, and jobs may run there: keep this resource, and ask AWS Support if no edit helps."
    return f" To start over, {start_over(snapshot)}."
