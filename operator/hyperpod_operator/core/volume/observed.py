"""What one pass read of the world, frozen: the input of every decision about a volume."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.observed import GONE, ObservedCluster
from hyperpod_operator.core.volume.ports import Modification, Snapshot, Volume

NO_LABELS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An instance of the cluster (ListClusterNodes) with its Kubernetes Node, where it has one.

    `limit` is how many volumes it takes, None where unknown. `schedulable` is False while HyperPod's health taint or a
    label value that starts with Unschedulable is on the Node; `cordoned`: another client keeps new pods off it, or an
    autoscaler is about to remove it. `drained_for` says for which object the Node is drained
    (`core.drain.marks`), empty for none; `asked_to_detach`: that object asks claims to detach their volumes from it.
    """

    instance_id: str
    instance_group: str
    status: str
    logical_id: str = ""
    launched_at: datetime | None = None
    node_name: str = ""
    availability_zone: str = ""
    availability_zone_id: str = ""
    ready: bool | None = None
    schedulable: bool = True
    cordoned: bool = False
    drained_for: str = ""
    asked_to_detach: bool = False
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)
    hostname: str = ""
    """Label kubernetes.io/hostname of the Node; empty where it has none."""
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimReference:
    """The PersistentVolumeClaim that a PersistentVolume is reserved for. `uid` is empty until one is bound."""

    namespace: str
    name: str
    uid: str = ""

    def __post_init__(self) -> None:
        if not self.namespace or not self.name:
            raise ValueError("a PersistentVolume is reserved for a named claim of a namespace, or not published")

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def same_name(self, other: "ClaimReference") -> bool:
        return (self.namespace, self.name) == (other.namespace, other.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistentVolume:
    """The PersistentVolume of our name. `claim_uid` is its label claim-uid: empty when somebody else made it.

    `reserved_for` is its claimRef, None where it has none. `hostname` is the one that its nodeAffinity names, empty
    for none. `volume_id` is the EBS volume behind it, empty where that cannot be told.
    """

    name: str
    uid: str
    claim_uid: str
    phase: str = ""
    deleting: bool = False
    capacity: int = 0
    """GiB."""
    reserved_for: ClaimReference | None = None
    hostname: str = ""
    volume_id: str = ""
    deletes: bool = False
    """Whether its reclaim policy has the CSI driver delete the volume once its PersistentVolumeClaim is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistentVolumeClaim:
    """The PersistentVolumeClaim that the spec names, whoever made it."""

    name: str
    uid: str
    claim_uid: str
    phase: str = ""
    deleting: bool = False
    volume_name: str = ""
    """The PersistentVolume that it is bound to, or asks for; empty for none. It outlives that PersistentVolume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The Lease named after the volume. `holder` is `Claim.holder` of the claim that has it.

    `holder_alive` says whether an EBSVolumeClaim of that name and uid exists, or may exist: where it is not
    `holder_readable`, the operator may not read that claim's namespace.
    """

    holder: str
    holder_alive: bool
    holder_readable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Everything that one pass read. `cluster` is None when AWS says that there is none; then `nodes` is empty.

    `volume` was looked up by id (None: AWS has none of this id, or no id is known); `tagged` by the tag claim-uid,
    where no id is known or what has the id does not carry the tag. `former` carries the tags of an earlier claim of
    this namespace and name, or the tag that its release left; None where that was not looked up, because no volume is
    to be made. `looked` is False where nothing was read: then nothing here says that something is not there.
    `labelled` names Nodes that carry the claim's label, `pods` (namespace/name) the pods that are not finished and use
    the volume, or may do so, `csi_users` the objects of others by which the CSI driver has the volume (a
    PersistentVolume that is not ours, a VolumeAttachment).
    """

    cluster: ObservedCluster | None
    coming: bool = False
    """Whether a HyperPodCluster object stands for the cluster, which AWS was not asked for yet."""
    no_object: bool = False
    """Whether clusterRef names a HyperPodCluster object that the API server does not have."""
    desired_groups: frozenset[str] = frozenset()
    """Names of the instance groups that the HyperPodCluster object asks for; AWS may not have them yet."""
    desired_eks_cluster: str = ""
    """ARN of the EKS cluster that the HyperPodCluster object asks for; empty where clusterRef names no object."""
    looked: bool = True
    region: str = ""
    """Where the volume is; empty for the operator's own Region."""
    nodes: tuple[Candidate, ...] = ()
    taken: Mapping[str, int] | None = None
    """How many volumes are on each instance, or will be by the choices of other claims, by its id; None where that was
    not counted. What is unknown never keeps a node from being chosen."""
    volume: Volume | None = None
    tagged: tuple[Volume, ...] = ()
    former: tuple[Volume, ...] | None = None
    modification: Modification | None = None
    modification_denied: CloudError | None = None
    """Why `modification` could not be read, where the operator lacks the permission; then nothing follows from it."""
    snapshots: tuple[Snapshot, ...] | None = None
    """The claim's; None when no decision hangs on them and they were not read."""
    holder_ready: bool = False
    """Whether Kubernetes reports the Node of the instance that status records as ready: then the instance runs, also
    where AWS does not list it."""
    labelled: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    csi_users: tuple[str, ...] = ()
    persistent_volume: PersistentVolume | None = None
    persistent_volume_claim: PersistentVolumeClaim | None = None
    lease: Lease | None = None
    tagged_for: Lease | None = None
    """The same of the other claim that the volume's tags name; read where this claim would take the volume from it."""

    elsewhere: bool = False
    """Whether the EKS cluster is another one than that whose API is served; read where this claim would take the volume
    from another one."""

    def node(self, instance_id: str) -> Candidate | None:
        return next((node for node in self.nodes if node.instance_id == instance_id), None)

    def attached_count(self, node: Candidate) -> int | None:
        """Volumes on the node; None where they were not counted."""
        return None if self.taken is None else self.taken.get(node.instance_id, 0)

    def full(self, node: Candidate) -> bool:
        """Whether the node takes no other volume, as far as is known."""
        count = self.attached_count(node)
        return node.limit is not None and count is not None and count >= node.limit

    def alive(self, instance_id: str) -> bool:
        """Whether AWS lists the instance and is not ending it. An unhealthy instance is alive."""
        node = self.node(instance_id)
        return node is not None and node.status not in GONE

    def restricted(self, instance_group: str) -> bool:
        found = self.cluster.group(instance_group) if self.cluster else None
        return found is not None and found.restricted
