"""A platform team's installation, by the examples that we ship: an app of apps, the chart, and Argo CD between them.

There is no kubelet: the test starts the operator with the container's own command and account, and says of the pod
that it is ready.
"""

import copy
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import yaml
from tests.chart.installation import FAST

from hyperpod_testbed.argocd import ArgoCD, Repository
from hyperpod_testbed.argocd.argocd import NAMESPACE as ARGOCD
from hyperpod_testbed.argocd.argocd import PATIENCE
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.processes import free_ports
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.stack import ROOT, OperatorProcess

Json = dict[str, Any]

GITOPS = ROOT / "gitops" / "argocd"
CHART = "helm/hyperpod-operator"
OPERATOR = "hyperpod-operator"
"""The Application, its release and its namespace."""
ELSEWHERE = {"example.com/pool": "system"}
"""Keeps the operator's pod off the Nodes that come and go with clusters; a platform team would do the same."""


def config() -> Mapping[str, str]:
    """What a user merges into argocd-cm."""
    merged: dict[str, str] = {}
    for path in (GITOPS / "argocd-cm.yaml", GITOPS / "app-of-apps" / "argocd-cm.yaml"):
        merged |= yaml.safe_load(path.read_text())["data"]
    return merged


def example(path: str) -> Json:
    return dict(yaml.safe_load((ROOT / path).read_text()))


class Platform:
    """The parts, and what a platform team does with them."""

    def __init__(self, *, plane: ControlPlane, argo: ArgoCD, simulator: Simulator, repository: Repository) -> None:
        self.plane, self.argo, self.simulator, self.repository = plane, argo, simulator, repository
        self._probe_port, self._metrics_port = free_ports(2)
        self.process: OperatorProcess | None = None
        self.early = False
        """Whether the second wave came before the first one was healthy."""

    def declare(self, **values: Any) -> str:
        """The operator's Application and the first team's in Git, the chart beside them; the commit."""
        self.repository.copy(ROOT / CHART, CHART)
        operator = example("gitops/argocd/app-of-apps/hyperpod-operator.yaml")
        source = operator["spec"]["source"]
        source["repoURL"] = self.repository.url
        source["helm"]["valuesObject"] |= {
            **FAST,
            "metrics": {"port": self._metrics_port},
            "healthProbe": {"port": self._probe_port},
            "nodeSelector": ELSEWHERE,
            **values,
        }
        self.repository.write("apps/hyperpod-operator.yaml", operator)
        self.repository.write("apps/research.yaml", self.application("research", path="research"))
        return self.repository.commit("The platform")

    def application(self, name: str, *, path: str) -> Json:
        """A team's Application, as in the example."""
        made = example("gitops/argocd/app-of-apps/research.yaml")
        made["metadata"]["name"] = name
        made["spec"]["source"] |= {"repoURL": self.repository.url, "path": path}
        made["spec"]["destination"]["namespace"] = name
        return made

    def root(self) -> Json:
        """The one Application that a person applies; the rest follows from Git."""
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "root", "namespace": ARGOCD},
            "spec": {
                "project": "default",
                "source": {"repoURL": self.repository.url, "targetRevision": "main", "path": "apps"},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": ARGOCD},
                "syncPolicy": {"automated": {"selfHeal": True}},
            },
        }

    def container(self) -> Json:
        """The operator's, as the Deployment has it now."""
        found = json.loads(self.plane.kubectl("get", "deployment", OPERATOR, "-n", OPERATOR, "-o", "json").stdout)
        (container,) = found["spec"]["template"]["spec"]["containers"]
        return dict(container)

    def run_operator(self) -> None:
        """The kubelet's part: the command, the account's token, the pods' readiness. Again after a change."""
        if self.process is not None:
            self.process.stop()
        container = self.container()
        command, *flags = container["args"]
        assert command == "run"
        given = {item["name"]: item["value"] for item in container["env"] if "value" in item}
        self.process = OperatorProcess(
            kubeconfig=self.plane.service_account_kubeconfig(OPERATOR, OPERATOR),
            environment={**given, **self.simulator.environment()},
            log=self.plane.directory / "operator.log",
            flags=flags,
        )
        self.process.probe_port, self.process.metrics_port = self._probe_port, self._metrics_port
        self.process.start()
        self._pods_are_ready()

    def _pods_are_ready(self) -> None:
        """Each pod of the rollout is said to be ready, until the Deployment is content."""
        deadline = time.monotonic() + PATIENCE
        while "successfully rolled out" not in self._operator_namespace(
            "rollout", "status", "deployment", OPERATOR, "--watch=false"
        ):
            assert time.monotonic() < deadline, self._operator_namespace("get", "pods,replicasets,deployments")
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            ready = {"type": "Ready", "status": "True", "lastTransitionTime": now}
            patch = json.dumps({"status": {"phase": "Running", "conditions": [ready]}})
            for name in self._operator_namespace("get", "pods", "-o", "name").split():
                self._operator_namespace("patch", name, "--subresource=status", "--type=merge", "-p", patch)
            time.sleep(0.3)

    def _operator_namespace(self, *args: str) -> str:
        # A pod may be gone between two commands: what counts is how the rollout ends.
        return self.plane.kubectl("-n", OPERATOR, *args, check=False).stdout

    def team(self) -> "Team":
        return Team(self, name=f"team-{secrets.token_hex(3)}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()


class Team:
    """A team with an Application, a folder in Git and a namespace, all of the team's name."""

    def __init__(self, platform: Platform, *, name: str) -> None:
        self.platform, self.name = platform, name
        self.argo, self.plane, self.simulator = platform.argo, platform.plane, platform.simulator

    def manifest(self, cluster: str = "blue", **changes: Any) -> Json:
        """A small cluster: the group `workers`, and what the caller changes in the spec."""
        made = copy.deepcopy(example("examples/minimal.yaml"))
        made["metadata"]["name"] = cluster
        made["spec"] |= {"clusterName": self.aws_name(cluster), **changes}
        return made

    def aws_name(self, cluster: str = "blue") -> str:
        return f"{self.name}-{cluster}"

    def push(self, *manifests: Json, message: str = "Clusters") -> str:
        """All of the team's manifests, in one commit that Argo CD looks at now."""
        self.platform.repository.write(f"{self.name}/resources.yaml", *manifests)
        revision = self.platform.repository.commit(message)
        if self.argo.application(self.name).manifest:
            self.argo.refresh(self.name)
        return revision

    def join(self, **policy: Any) -> None:
        """Apply the team's Application."""
        made = self.platform.application(self.name, path=self.name)
        made["spec"]["syncPolicy"] |= policy
        self.argo.apply(made)

    def until(self, *, health: str, revision: str | None = None, what: str = "") -> None:
        self.argo.until(
            self.name,
            lambda app: app.health == health and (revision is None or app.settled(revision)),
            what or health,
        )

    def eventually(self, done: Callable[[], bool], what: str) -> None:
        """Wait for something that is no Application's state."""
        deadline = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < deadline, f"{what} did not come in {PATIENCE:.0f} s"
            time.sleep(0.3)

    def get(self, resource: str, name: str = "blue") -> Json:
        found: Json = json.loads(self.plane.kubectl("get", resource, name, "-n", self.name, "-o", "json").stdout)
        return found

    def exists(self, resource: str, name: str) -> bool:
        return bool(self.plane.kubectl("get", resource, name, "-n", self.name, "--ignore-not-found").stdout.strip())

    def patch(self, resource: str, name: str, patch: Json) -> None:
        self.plane.kubectl("patch", resource, name, "-n", self.name, "--type=merge", "-p", json.dumps(patch))

    def updates(self, cluster: str = "blue") -> int:
        """How often the operator sent UpdateCluster."""
        calls = self.simulator.log.calls("UpdateCluster")
        names = {self.aws_name(cluster), self.get("hpc", cluster)["status"]["clusterArn"]}
        return sum(call.parameters["ClusterName"] in names for call in calls)

    def in_aws(self) -> set[str]:
        """The team's clusters that AWS has, by the names of their resources."""
        given = self.simulator.environment()
        client = boto3.client(
            "sagemaker",
            region_name=given["AWS_REGION"],
            endpoint_url=self.simulator.url,
            aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        )
        try:
            found = client.list_clusters(NameContains=self.name)["ClusterSummaries"]
        finally:
            client.close()
        return {one["ClusterName"].removeprefix(f"{self.name}-") for one in found}


def minutes() -> float:
    """How long the long watch takes; ARGOCD_MINUTES makes it longer."""
    return float(os.environ.get("ARGOCD_MINUTES", "2"))
