"""A fleet on two installations of the chart: each with its own namespaces, account, roles, policies and Lease."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperpod_testbed import account
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.helm import Helm
from hyperpod_testbed.simulator import Options, Simulator
from hyperpod_testbed.stack import ACCOUNT, FAST, ROOT, OperatorProcess
from hyperpod_testbed.waiting import until

pytestmark = [pytest.mark.control_plane, pytest.mark.timeout(240)]

EXAMPLE = yaml.safe_load((ROOT / "examples" / "minimal.yaml").read_text())
TEAMS = ("team-red", "team-blue")
TAINTED = 'hyperpod_operator_node_changes_total{result="OK",step="Taint"} 1.0'
HEALTH = "sagemaker.amazonaws.com/node-health-status"
ELSEWHERE = ("--health-probe-bind-address", "--metrics-bind-address", "--state-dir", "--log-format")
"""Arguments of the container that name addresses and directories which several processes here would share."""


@dataclass(frozen=True)
class Shard:
    """One installation as a process, with its Deployment's arguments; AWS sees its name as the access key."""

    name: str
    process: OperatorProcess

    @property
    def key(self) -> str:
        return self.name.upper()


@dataclass(frozen=True)
class Fleet:
    plane: ControlPlane
    simulator: Simulator
    directory: Path

    def shard(self, name: str, *, namespaces: list[str]) -> Shard:
        """Install the release for these namespaces and start its operator."""
        values = {"fullnameOverride": name, "watchNamespaces": namespaces}
        objects = Helm(home=self.directory / "helm").objects(release=name, namespace=name, values=values)
        (container,) = next(
            item["spec"]["template"]["spec"]["containers"] for item in objects if item["kind"] == "Deployment"
        )
        arguments = [given for given in container["args"][1:] if not given.startswith(ELSEWHERE)]
        process = OperatorProcess(
            kubeconfig=account.install_release(self.plane, name=name, objects=objects),
            environment={**self.simulator.environment(), "AWS_ACCESS_KEY_ID": name.upper()},
            log=self.directory / f"{name}-{len(namespaces)}.log",
            flags=(
                *arguments,
                *(flag for flag in FAST if flag != "--no-leader-election"),
            ),
        )
        return Shard(name=name, process=process.start())

    def holder(self, shard: Shard) -> str:
        """Who holds the Lease of its installation."""
        return "".join(
            item["spec"]["holderIdentity"]
            for item in self.plane.api.list("leases")
            if shard.name in {item["metadata"]["name"], item["metadata"]["namespace"]}
        )

    def nodes(self, namespace: str) -> list[str]:
        """Nodes of the cluster `one` of this namespace."""
        selector = f"sagemaker.amazonaws.com/cluster-name={namespace}-one"
        return [item["metadata"]["name"] for item in self.plane.api.list("nodes", labels=selector)]

    def tainted(self, node: str) -> bool:
        found = self.plane.api.get("nodes", node)
        assert found is not None
        return any(taint["key"] == HEALTH for taint in found["spec"].get("taints", []))

    def apply(self, namespace: str, name: str) -> None:
        body = {**EXAMPLE, "metadata": {"name": name, "namespace": namespace}}
        body["spec"] = {**EXAMPLE["spec"], "clusterName": f"{namespace}-{name}"}
        self.plane.api.apply(body)

    def objects(self, namespace: str) -> list[dict[str, Any]]:
        return self.plane.api.list("hpc", namespace=namespace)

    def ready(self, namespace: str) -> bool:
        return all(
            any(
                found["type"] == "Ready" and found["status"] == "True"
                for found in item.get("status", {}).get("conditions", [])
            )
            for item in self.objects(namespace)
        )

    def writes(self, shard: Shard) -> list[tuple[str, str]]:
        """Operation and name of the cluster of each call that changes something, in order."""
        calls = self.simulator.log.calls(mutating=True)
        return [
            (call.operation, str(call.parameters.get("ClusterName"))) for call in calls if call.access_key == shard.key
        ]

    def described(self, shard: Shard, *, since: float) -> set[str]:
        """Names of the clusters that it has looked at."""
        calls = self.simulator.log.calls("DescribeCluster")
        return {
            str(call.parameters["ClusterName"]).rpartition("/")[2]
            for call in calls
            if call.access_key == shard.key and call.wall_time > since
        }


@pytest.fixture
def fleet(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Fleet]:
    control_plane.install_crds(ROOT / "crds")
    for team in TEAMS:
        control_plane.kubectl("create", "namespace", team)
    with Simulator(
        options=Options.crowded(), account=ACCOUNT, speed=300, kubeconfig=control_plane.kubeconfig
    ) as simulator:
        yield Fleet(control_plane, simulator, tmp_path)
    for team in TEAMS:
        names = control_plane.kubectl("get", "hpc", "-n", team, "-o", "name").stdout.split()
        control_plane.kubectl("patch", "-n", team, *names, "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
        control_plane.kubectl("delete", "namespace", team)  # the next test makes it again


def test_two_shards_share_a_fleet_and_one_takes_over_from_the_other_without_a_second_call(fleet: Fleet) -> None:
    red = fleet.shard("shard-red", namespaces=["team-red"])
    blue = fleet.shard("shard-blue", namespaces=["team-blue"])
    try:
        for team in TEAMS:
            for name in ("one", "two", "three"):
                fleet.apply(team, name)
        until(lambda: all(map(fleet.ready, TEAMS)), what="every cluster becomes Ready")
        for shard, team in ((red, "team-red"), (blue, "team-blue")):
            assert sorted(fleet.writes(shard)) == [
                ("CreateCluster", f"{team}-{name}") for name in ("one", "three", "two")
            ]
        assert "" != fleet.holder(red) != fleet.holder(blue) != ""

        assert blue.process.stop() == 0
        assert red.process.stop() == 0
        arns = {team: [item["status"]["clusterArn"] for item in fleet.objects(team)] for team in TEAMS}
        names = {f"{team}-{name}" for team in TEAMS for name in ("one", "two", "three")}
        moved = time.time()
        both = fleet.shard("shard-red", namespaces=list(TEAMS))
        try:
            until(lambda: fleet.described(both, since=moved) >= names, what="the one looks at all")
            assert all(map(fleet.ready, TEAMS))
            assert len(fleet.writes(both)) == 3
            assert arns == {team: [item["status"]["clusterArn"] for item in fleet.objects(team)] for team in TEAMS}
        finally:
            both.process.stop()
    finally:
        for shard in (red, blue):
            shard.process.stop()


def tainting(shards: dict[str, Shard]) -> list[str]:
    """The teams whose operator has tainted a Node."""
    return [team for team, shard in shards.items() if TAINTED in shard.process.get("/metrics")[1]]


def test_each_shard_looks_after_the_nodes_of_its_own_clusters(fleet: Fleet) -> None:
    shards = {team: fleet.shard(f"shard-{team}", namespaces=[team]) for team in TEAMS}
    try:
        for team in TEAMS:
            fleet.apply(team, "one")
        until(lambda: all(map(fleet.ready, TEAMS)) and all(map(fleet.nodes, TEAMS)), what="every cluster has its Nodes")
        for number, team in enumerate(TEAMS, start=1):
            (node, *_) = fleet.nodes(team)
            fleet.plane.api.merge("nodes", node, {"metadata": {"labels": {HEALTH: "Unschedulable"}}})
            until(lambda node=node: fleet.tainted(node), what=f"{node} is tainted")
            # A write is counted when it is answered, which is a moment after it can be seen.
            until(lambda number=number: tainting(shards) == [*TEAMS[:number]], lambda: tainting(shards))
    finally:
        for shard in shards.values():
            shard.process.stop()
