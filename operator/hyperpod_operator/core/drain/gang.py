"""Which pods leave together: the workload that each belongs to.

A pod names its controller, and that one may have a controller of its own (Pod, Job, JobSet, TrainJob). The gang is the
highest of them that is a workload whose pods depend on each other. Deployments, StatefulSets and ReplicaSets are none:
their pods are replicas of each other.

Sources: Kueue, KEP 2724 (annotation `kueue.x-k8s.io/workload`: name of the admitted Workload, set on the pod template
while the job runs) and "Run A Group Of Plain Pods" (label `kueue.x-k8s.io/pod-group-name`); LeaderWorkerSet, "Labels,
annotations and environment variables": its groups are recreated one by one, so each is a gang of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

KUEUE_WORKLOAD = "kueue.x-k8s.io/workload"
KUEUE_POD_GROUP = "kueue.x-k8s.io/pod-group-name"
LWS_NAME = "leaderworkerset.sigs.k8s.io/name"
LWS_GROUP = "leaderworkerset.sigs.k8s.io/group-index"

# Group of the API and kind, and how a message names it.
GANGS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("batch", "Job"): "Job",
        ("batch.volcano.sh", "Job"): "Volcano Job",
        ("jobset.x-k8s.io", "JobSet"): "JobSet",
        **{
            ("kubeflow.org", f"{word}Job"): f"{word}Job"
            for word in ("PyTorch", "TF", "JAX", "XGBoost", "Paddle", "MPI")
        },
        ("trainer.kubeflow.org", "TrainJob"): "TrainJob",
        ("sagemaker.amazonaws.com", "HyperPodPyTorchJob"): "HyperPodPyTorchJob",
        ("ray.io", "RayCluster"): "RayCluster",
        ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): "LeaderWorkerSet",
    }
)
"""Workloads whose pods leave together. Not by the annotation of Volcano's PodGroup: the replicas of a Deployment that
Volcano schedules share one, too (volcano-sh/volcano, "Enhance Generate PodGroup OwnerReferences for Normal Pod")."""
MEMBERS = {("batch", "Job"): "jobs", ("jobset.x-k8s.io", "JobSet"): "jobsets"}
"""Workloads that may be part of a larger one, and the name of their resource: their owners have to be read."""
DEPTH = 4
"""Owners above a pod that are followed: Job, JobSet, TrainJob, and one more."""


@dataclass(frozen=True, slots=True)
class OwnerRef:
    """The controller among `metadata.ownerReferences`, in the namespace of its dependent."""

    group: str
    version: str
    kind: str
    name: str
    uid: str

    @property
    def is_gang(self) -> bool:
        return (self.group, self.kind) in GANGS

    @property
    def resource(self) -> str:
        """Where the owners of this one are read; empty for one that has none that matter."""
        return MEMBERS.get((self.group, self.kind), "")


def gang_by_labels(*, namespace: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    """The gang that a pod's own metadata names; empty if it names none."""
    workload = annotations.get(KUEUE_WORKLOAD)
    if workload:
        return f"Kueue workload {namespace}/{workload}"
    group = labels.get(KUEUE_POD_GROUP)
    if group:
        return f"Kueue pod group {namespace}/{group}"
    name = labels.get(LWS_NAME)
    if name:
        return f"LeaderWorkerSet {namespace}/{name} group {labels.get(LWS_GROUP, '?')}"
    return ""


def gang_of_owners(*, namespace: str, owners: Iterable[OwnerRef]) -> str:
    """The gang by the controllers above a pod, the nearest first; empty if none of them is one."""
    gangs = [owner for owner in owners if owner.is_gang]
    return f"{GANGS[gangs[-1].group, gangs[-1].kind]} {namespace}/{gangs[-1].name}" if gangs else ""


def owner_ref(*, api_version: str, kind: str, name: str, uid: str) -> OwnerRef:
    """From the members of an ownerReference."""
    group, _, version = api_version.rpartition("/")
    return OwnerRef(group=group, version=version, kind=kind, name=name, uid=uid)
