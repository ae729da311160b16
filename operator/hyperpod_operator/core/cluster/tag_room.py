"""Whether the tags that the operator is about to set fit beside those that the cluster has."""

from collections.abc import Mapping

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.errors import SLOW

TAGS_MOST = 50
"""Tags of one resource (API member TagList)."""
SHOWN = 8


# [assumption: fifty-tags]
def tags_do_not_fit(snapshot: ClusterSnapshot, added: Mapping[str, str]) -> Wait | None:
    """AWS refuses the 51st tag. Those that AWS sets itself (aws:...) do not count."""
    cluster, now = snapshot.observed.cluster, snapshot.observed.tags or {}
    own = [key for key in now if not key.lower().startswith("aws:") and key not in added]
    excess = len(own) + len(added) - TAGS_MOST
    if cluster is None or excess <= 0:
        return None
    message = (
        f"AWS takes {TAGS_MOST} tags for a cluster: {cluster.name} has {len(own)}, and the operator sets {len(added)} "
        f"({', '.join(sorted(added)[:SHOWN])}). Remove at least {excess} from it: aws sagemaker delete-tags "
        f"--resource-arn {cluster.arn} --tag-keys KEY."
    )
    return Wait(reason=Reason.TOO_MANY_TAGS, message=message, after=SLOW, stalled=True)
