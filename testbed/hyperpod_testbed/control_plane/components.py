"""The command line of each component, with the reason for each unusual flag."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hyperpod_testbed.control_plane.certificates import Pair

STARTUP = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
"""In the order in which they start; they stop in the opposite order."""
BESIDE_EACH_OTHER = frozenset({"kube-controller-manager", "kube-scheduler"})
"""Components that need the API server and not each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Files and ports of one control plane. Ports stay the same over restarts of a component."""

    directory: Path
    ca: Path
    serving: Pair
    service_account_key: Path
    admin_kubeconfig: Path
    etcd_client: int
    etcd_peer: int
    apiserver: int
    controller_manager: int
    scheduler: int

    def port(self, component: str) -> int:
        return {
            "etcd": self.etcd_client,
            "kube-apiserver": self.apiserver,
            "kube-controller-manager": self.controller_manager,
            "kube-scheduler": self.scheduler,
        }[component]


def arguments(component: str, layout: Layout) -> Sequence[str]:
    """The flags of a component."""
    return {
        "etcd": _etcd,
        "kube-apiserver": _apiserver,
        "kube-controller-manager": _controller_manager,
        "kube-scheduler": _scheduler,
    }[component](layout)


def _etcd(layout: Layout) -> Sequence[str]:
    client, peer = f"http://127.0.0.1:{layout.etcd_client}", f"http://127.0.0.1:{layout.etcd_peer}"
    return (
        f"--data-dir={layout.directory / 'etcd'}",
        "--unsafe-no-fsync",  # nobody needs this data after a power cut
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--log-level=warn",
    )


def _apiserver(layout: Layout) -> Sequence[str]:
    return (
        f"--etcd-servers=http://127.0.0.1:{layout.etcd_client}",
        f"--cert-dir={layout.directory}",
        f"--tls-cert-file={layout.serving.certificate}",
        f"--tls-private-key-file={layout.serving.key}",
        f"--client-ca-file={layout.ca}",
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.apiserver}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={layout.service_account_key}",
        f"--service-account-signing-key-file={layout.service_account_key}",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
    )


def _controller_manager(layout: Layout) -> Sequence[str]:
    return (
        f"--kubeconfig={layout.admin_kubeconfig}",
        f"--authentication-kubeconfig={layout.admin_kubeconfig}",
        f"--authorization-kubeconfig={layout.admin_kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.controller_manager}",
        "--leader-elect=false",
        f"--service-account-private-key-file={layout.service_account_key}",
        f"--root-ca-file={layout.ca}",
        "--use-service-account-credentials=true",
        # It makes an account and a token for each controller first: with 20 calls a second that takes seconds.
        "--kube-api-qps=500",
        "--kube-api-burst=500",
        # Nodes have no kubelet that renews a heartbeat: without this they would be NotReady after 50 s.
        "--node-monitor-grace-period=87600h",
        # Where clocks run fast, 15 s (its default) is long for a claim that was there before its volume.
        "--pvclaimbinder-sync-period=1s",
    )


def _scheduler(layout: Layout) -> Sequence[str]:
    return (
        f"--kubeconfig={layout.admin_kubeconfig}",
        f"--authentication-kubeconfig={layout.admin_kubeconfig}",
        f"--authorization-kubeconfig={layout.admin_kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.scheduler}",
        "--leader-elect=false",
    )
