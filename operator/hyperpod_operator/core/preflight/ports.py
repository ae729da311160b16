"""Who gathers facts, as Protocols. None of them raises: what cannot be read is Unread."""

from collections.abc import Collection, Mapping
from math import inf
from typing import Protocol

from hyperpod_operator.api.volume.resource import EBSVolumeClaimSpec
from hyperpod_operator.core.preflight.facts import EksCluster, Facts, TrainingPlan, Workload
from hyperpod_operator.core.preflight.model import Fact
from hyperpod_operator.core.preflight.subject import ClusterSubject
from hyperpod_operator.core.preflight.volume import VolumeFacts


class ClusterFacts(Protocol):
    """Reads of AWS for the checks of a cluster."""

    async def gather(self, subject: ClusterSubject, *, max_age: float = inf) -> Facts:
        """Everything that the checks of the subject need, within the budget of calls and of time.

        Answers of earlier checks that are older than `max_age` seconds do not count.
        """
        ...

    async def eks_cluster(self, arn: str) -> Fact[EksCluster | None]:
        """The EKS cluster of this ARN alone."""
        ...


class ClaimFacts(Protocol):
    """Reads of AWS for the checks of an EBSVolumeClaim."""

    async def gather_claim(self, spec: EBSVolumeClaimSpec, *, max_age: float = inf) -> VolumeFacts:
        """Everything that its checks need of AWS; `max_age` as with clusters."""
        ...


class TrainingPlans(Protocol):
    """Reads of training plans, cached: a settled cluster costs a call for each plan in hours."""

    async def plans(self, *, region: str, arns: Collection[str]) -> Mapping[str, Fact[TrainingPlan | None]]:
        """By ARN; what cannot be read is Unread, and what is not read yet is missing."""
        ...


class Workloads(Protocol):
    """Reads of the EKS cluster's Kubernetes API."""

    async def workloads(self) -> Fact[tuple[Workload, ...]]:
        """DaemonSets of the namespaces INSTALLED_IN."""
        ...

    async def authorities(self) -> frozenset[str]:
        """The certificate authorities of that API server (`core.preflight.authorities`); empty where they are not
        known."""
        ...
