"""Checks before a call that costs money: gather facts, judge them, and hold the call if one fails.

A plan that waits for a person is checked, too, so that it says which of its calls would fail.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hyperpod_operator.api.common.preflight import PreflightStatus
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.plan import Action
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.preflight.authorities import another_cluster
from hyperpod_operator.core.preflight.facts import KUBERNETES_UNREAD, OTHER_CLUSTER, EksCluster, Facts, Workload
from hyperpod_operator.core.preflight.gate import Due, due, due_of_plan, held, preflight, stands
from hyperpod_operator.core.preflight.model import Fact
from hyperpod_operator.core.preflight.modes import ENFORCE
from hyperpod_operator.core.preflight.ports import ClusterFacts, Workloads
from hyperpod_operator.core.preflight.record import max_age, recorded


@dataclass(frozen=True, kw_only=True)
class Gate:
    """`facts` gives what reads AWS in a Region; `workloads` is None where the Kubernetes API is not read. `region` is
    the Region of that Kubernetes cluster: the EKS cluster of another Region is another one, whose API nobody reads.
    Within the Region the certificate authority tells."""

    facts: Callable[[str], ClusterFacts]
    workloads: Workloads | None = None
    region: str = ""
    mode: str = ENFORCE
    """For clusters that do not choose one."""

    async def check(self, snapshot: ClusterSnapshot, action: Action) -> tuple[PreflightStatus | None, Wait | None]:
        """What the checks say, if they are about this call at all, and why it is not made if one fails."""
        wanted, resource = due(snapshot, action, mode=self.mode), snapshot.resource
        if wanted is None:
            return None, None
        status = await self._checked(snapshot, wanted, waiting=False)
        return status, held(status, wanted, mode=resource.preflight or self.mode, now=snapshot.now)

    async def foresee(self, snapshot: ClusterSnapshot) -> PreflightStatus | None:
        """What the checks say of a plan that waits for a person; None where it would bring no instances."""
        wanted = due_of_plan(snapshot, mode=self.mode)
        return await self._checked(snapshot, wanted, waiting=True) if wanted is not None else None

    async def _workloads(self, region: str | None, facts: Facts) -> Fact[tuple[Workload, ...]]:
        """What runs in the EKS cluster of the spec, if that is the one whose API is read."""
        if self.workloads is None:
            return KUBERNETES_UNREAD
        if self.region and region not in {None, self.region}:
            return OTHER_CLUSTER
        if isinstance(facts.eks, EksCluster) and another_cluster(
            await self.workloads.authorities(), facts.eks.authorities
        ):
            return OTHER_CLUSTER
        return await self.workloads.workloads()

    async def _checked(self, snapshot: ClusterSnapshot, wanted: Due, *, waiting: bool) -> PreflightStatus:
        resource = snapshot.resource
        status = resource.status.preflight
        if status is None or not stands(snapshot, wanted, waiting=waiting):
            source = self.facts(resource.spec.region or "")
            age = max_age(status, requested=resource.requested_anew, now=snapshot.now)
            facts = await source.gather(wanted.subject, max_age=age)
            facts = replace(facts, workloads=await self._workloads(resource.spec.region, facts))
            status = recorded(
                preflight(replace(wanted.subject, facts=facts)),
                mark=wanted.mark,
                call=wanted.call,
                before=resource.status.preflight,
                now=snapshot.now,
                requested=resource.requested_anew,
            )
        return status
