"""What a pass over an EBSVolumeClaim needs of the world."""

from dataclasses import dataclass

from hyperpod_operator.controllers.own_cluster import OwnCluster
from hyperpod_operator.controllers.volume.preflight import ClaimGate
from hyperpod_operator.controllers.volume.strays import StrayLabels
from hyperpod_operator.controllers.volume.views import ClusterViews
from hyperpod_operator.core.audit import Audit
from hyperpod_operator.core.ports import Clock, Events, Metrics, Nodes, Objects
from hyperpod_operator.core.volume.kubernetes import NodeLabels, Publications, Users, VolumeLeases
from hyperpod_operator.core.volume.ports import VolumeClouds


@dataclass(frozen=True, kw_only=True)
class VolumePorts:
    """`claims` and `clusters` are the objects of our two kinds."""

    claims: Objects
    clusters: Objects
    cloud: VolumeClouds
    views: ClusterViews
    nodes: Nodes
    publications: Publications
    users: Users
    leases: VolumeLeases
    labels: NodeLabels
    strays: StrayLabels
    events: Events
    metrics: Metrics
    clock: Clock
    audit: Audit
    preflight: ClaimGate | None = None
    """Checks before a volume is created; None where nothing is checked."""
    own_cluster: OwnCluster | None = None
    """Which EKS cluster this is; None where that is not read."""
