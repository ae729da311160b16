"""A release whose operator runs under its own account, though there is no kubelet.

The test does the kubelet's part: it reads the container's command from the Deployment, takes a token of the service
account, and starts the process.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.chart.conftest import DEFINITIONS

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.helm import Helm
from hyperpod_testbed.processes import free_ports
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.stack import COMMAND, OperatorProcess
from hyperpod_testbed.waiting import until

FAST = {
    "aws": {"readsPerSecond": 0, "writesPerSecond": 0},
    "reconcile": {
        "pollSeconds": 0.5,
        "debounceSeconds": 0.5,
        "propagationWindowSeconds": 3,
        "visibilitySeconds": 5,
        "deletionConfirmationSeconds": 1,
        "adoptionNoticeSeconds": 1,
        "resyncSeconds": 5,
        "fullSyncSeconds": 10,
    },
}
"""For the simulator's clock."""

PATIENCE = 60.0
"""Real seconds; far more than anything here takes."""


class Installation:
    """A release with these values, as `helm install` left it."""

    def __init__(
        self, *, plane: ControlPlane, helm: Helm, release: str, namespace: str, values: dict[str, Any]
    ) -> None:
        self.plane, self.release, self.namespace = plane, release, namespace
        self.user = f"system:serviceaccount:{namespace}:{release}"
        self.probe_port, self.metrics_port = free_ports(2)
        ports = {"metrics": {"port": self.metrics_port}, "healthProbe": {"port": self.probe_port}}
        values = {**FAST, **values, **ports}
        helm.release("install", release, namespace=namespace, values=values)
        plane.wait_until_read(*DEFINITIONS)  # a kubelet would still pull the image
        self.objects = helm.objects(release=release, namespace=namespace, values=values)
        self.log = plane.directory / f"{release}.log"
        deployment = json.loads(plane.kubectl("get", "deployment", release, "-n", namespace, "-o", "json").stdout)
        template = deployment["spec"]["template"]["spec"]
        assert template["serviceAccountName"] == release
        (self.container,) = template["containers"]

    @contextmanager
    def running(self, simulator: Simulator) -> Iterator[OperatorProcess]:
        """The container's command, with what a kubelet and EKS would bring: a token and AWS."""
        command, *flags = self.container["args"]
        assert command == "run"
        given = {item["name"]: item["value"] for item in self.container["env"]}
        process = OperatorProcess(
            kubeconfig=self.plane.service_account_kubeconfig(self.namespace, self.release),
            environment={**given, **simulator.environment()},
            log=self.log,
            flags=flags,
            program=COMMAND,
        )
        process.probe_port, process.metrics_port = self.probe_port, self.metrics_port
        process.start()
        try:
            yield process
        finally:
            process.stop()

    def kubectl(self, namespace: str, *args: str, **options: Any) -> str:
        return self.plane.kubectl("-n", namespace, *args, **options).stdout

    def until(self, done: Callable[[], Any], what: str) -> None:
        """Wait for it; what the operator said last comes with the complaint."""
        until(done, lambda: f"{what}; the operator's log: {self._said()}", seconds=PATIENCE)

    def _said(self) -> str:
        return "\n".join(self.log.read_text().splitlines()[-15:])
