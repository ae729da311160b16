"""Is the EKS cluster of an ARN the one whose API the operator serves?

An object there has the namespace, the name and the EKS cluster of an object here, where one was restored from a backup
of the other: nothing but the API server itself tells the two apart.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hyperpod_operator.core.preflight.authorities import another_cluster
from hyperpod_operator.core.preflight.facts import EksCluster
from hyperpod_operator.core.preflight.ports import ClusterFacts, Workloads


@dataclass(frozen=True, kw_only=True)
class OwnCluster:
    """`facts` gives what reads AWS in a Region, `workloads` what reads the API server."""

    facts: Callable[[str], ClusterFacts]
    workloads: Workloads
    _proved: dict[str, bool] = field(default_factory=dict)
    """The last answer about each ARN: an outage in between makes no other cluster of it."""

    # [assumption: preflight-eks-authority]
    async def is_not(self, arn: str, *, region: str) -> bool:
        """Whether that is another cluster for certain, by its certificate authority; what cannot be read proves
        nothing. Never raises."""
        if not arn:
            return False
        ours, theirs = await self.workloads.authorities(), await self.facts(region).eks_cluster(arn)
        if isinstance(theirs, EksCluster) and ours and theirs.authorities:
            self._proved[arn] = another_cluster(ours, theirs.authorities)
        return self._proved.get(arn, False)
