"""A real Kubernetes control plane, without a cluster: etcd, kube-apiserver, controller-manager, scheduler, kubectl.

There are no kubelets: Nodes are bare objects, pods are bound by the real scheduler and never run.
"""

from hyperpod_testbed.control_plane.control_plane import COMPONENTS, ControlPlane
from hyperpod_testbed.control_plane.errors import ApiError, ControlPlaneError

__all__ = ["COMPONENTS", "ApiError", "ControlPlane", "ControlPlaneError"]
