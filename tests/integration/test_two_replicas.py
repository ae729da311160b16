"""Several replicas as processes on a real API server: who led when is read from its audit log, not from replicas."""

import http.client
import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperpod_operator.api.names import API_VERSION, DRAINING, NODE_OPERATION_KIND
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.simulator import Fault, Options, Simulator
from hyperpod_testbed.stack import ACCOUNT, FAST, NODE_LABEL, ROOT, OperatorProcess
from hyperpod_testbed.waiting import until

pytestmark = [pytest.mark.control_plane, pytest.mark.timeout(180), pytest.mark.early]

EXAMPLE = yaml.safe_load((ROOT / "examples" / "minimal.yaml").read_text())
LEASE, DEADLINE, PERIOD = 5.0, 4.0, 2.0
FLAGS = (
    *(flag for flag in FAST if flag != "--no-leader-election"),
    f"--lease-duration={LEASE:g}",
    f"--renew-deadline={DEADLINE:g}",
    f"--retry-period={PERIOD:g}",
)
AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "verbs": ["get", "watch"]},
        {"level": "None", "resources": [{"group": "authorization.k8s.io"}]},
        {"level": "Metadata"},
    ],
}


LIST = "list"
WATCHED = {"nodes", "hyperpodclusters", "ebsvolumeclaims"}


@dataclass(frozen=True)
class Request:
    """One write that the API server took, or one list, from its audit log."""

    user: str
    verb: str
    resource: str
    at: float
    status: int


class House:
    """A control plane with an audit log, a simulator, and replicas that can be told apart on both."""

    def __init__(self, plane: ControlPlane, simulator: Simulator, audit: Path, directory: Path) -> None:
        self.plane, self.simulator = plane, simulator
        self._audit, self._directory = audit, directory
        self._numbers = count(1)
        self.replicas: list[Replica] = []

    def replica(self, *flags: str, **environment: str) -> "Replica":
        """Start one more and wait until it is ready, leading or standing by."""
        name = f"replica-{next(self._numbers)}"
        process = OperatorProcess(
            kubeconfig=self.plane.user_kubeconfig(name, ["system:masters"]),
            environment={**self.simulator.environment(), "AWS_ACCESS_KEY_ID": name.upper(), **environment},
            log=self._directory / f"{name}.log",
            flags=(*FLAGS, *flags),
        )
        made = Replica(name=name, process=process, house=self)
        self.replicas.append(made)
        process.start()
        return made

    def apply(self, name: str) -> None:
        body = {**EXAMPLE, "metadata": {"name": name}, "spec": {**EXAMPLE["spec"], "clusterName": name}}
        self.plane.api.apply(body)

    def writes(self) -> list[Request]:
        """Every write so far, in order."""
        return [request for request in self.requests() if request.verb != LIST]

    def requests(self) -> list[Request]:
        """Every write and every list so far, in order."""
        lines = [json.loads(line) for line in self._audit.read_text().splitlines()]
        return [
            Request(
                user=line["user"]["username"],
                verb=line["verb"],
                resource=line["objectRef"]["resource"],
                at=datetime.fromisoformat(line["requestReceivedTimestamp"]).timestamp(),
                status=line["responseStatus"]["code"],
            )
            for line in lines
            if "objectRef" in line and line["user"]["username"].startswith("replica-")
        ]

    def lease(self) -> dict[str, Any]:
        found = self.plane.api.get("leases", "hyperpod-operator")
        assert found is not None
        return dict(found["spec"])

    def created(self) -> list[str]:
        return [call.parameters["ClusterName"] for call in self.simulator.log.calls("CreateCluster") if call.committed]

    def settled(self, *names: str) -> bool:
        ready = {
            item["metadata"]["name"]
            for item in self.plane.api.list("hpc", namespace="default")
            for condition in item.get("status", {}).get("conditions", [])
            if condition["type"] == "Ready" and condition["status"] == "True"
        }
        return set(names) <= ready


@dataclass
class Replica:
    name: str
    process: OperatorProcess
    house: House

    @property
    def leads(self) -> bool:
        return "hyperpod_operator_leader 1.0" in self.process.get("/metrics")[1]

    def kill(self, number: signal.Signals) -> float:
        """Send the signal; returns when."""
        self.process.child.signal(number)
        return time.time()

    def lists(self, *, since: float = 0.0) -> list[str]:
        found = [request for request in self.house.requests() if request.verb == LIST and request.at > since]
        return [request.resource for request in found if request.user == self.name]

    def api_writes(self, *, since: float = 0.0) -> list[Request]:
        return [write for write in self.house.writes() if write.user == self.name and write.at > since]

    def aws_writes(self, *, since: float = 0.0) -> list[str]:
        calls = self.house.simulator.log.calls(mutating=True)
        return [call.operation for call in calls if call.access_key == self.name.upper() and call.wall_time > since]


def wait(done: Callable[[], bool], *, seconds: float = 60.0, what: str = "") -> float:
    """Until it is so; returns when it was (wall time)."""
    until(done, what or "what the replicas have to do", seconds=seconds)
    return time.time()


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ControlPlane, Path]]:
    directory = tmp_path_factory.mktemp("audit")
    policy, log = directory / "policy.yaml", directory / "audit.log"
    policy.write_text(yaml.safe_dump(AUDIT))
    flags = [f"--audit-policy-file={policy}", f"--audit-log-path={log}", "--audit-log-mode=blocking"]
    with ControlPlane(components=frozenset({"etcd", "kube-apiserver"}), extra_args={"kube-apiserver": flags}) as plane:
        plane.install_crds(ROOT / "crds")
        yield plane, log


@pytest.fixture
def house(audited: tuple[ControlPlane, Path], tmp_path: Path) -> Iterator[House]:
    plane, log = audited
    with Simulator(options=Options.crowded(), account=ACCOUNT, speed=300) as simulator:
        house = House(plane, simulator, log, tmp_path)
        plane.kubectl("delete", "lease", "hyperpod-operator", "-n", "default", "--ignore-not-found")
        log.write_text("")
        yield house
        for replica in house.replicas:
            if replica.process.child.running:
                replica.process.child.signal(signal.SIGKILL)
            replica.process.stop()
        clear(plane)


@pytest.fixture
def house_of_nodes(audited: tuple[ControlPlane, Path], tmp_path: Path) -> Iterator[House]:
    """One whose instances are Nodes of the control plane."""
    plane, log = audited
    options = {"options": Options.crowded(), "account": ACCOUNT, "speed": 100, "kubeconfig": plane.kubeconfig}
    with Simulator(**options) as simulator:  # type: ignore[arg-type]
        house = House(plane, simulator, log, tmp_path)
        plane.kubectl("delete", "lease", "hyperpod-operator", "-n", "default", "--ignore-not-found")
        plane.kubectl("create", "serviceaccount", "default", check=False)
        log.write_text("")
        yield house
        for replica in house.replicas:
            replica.process.child.signal(signal.SIGKILL)
            replica.process.stop()
        plane.kubectl("delete", "pods", "--all", "--force", "--grace-period=0")
        clear(plane)
    plane.api.delete_all("nodes", labels=NODE_LABEL)


def clear(plane: ControlPlane) -> None:
    """No operator runs any more: take the finalizers off and delete."""
    names = plane.kubectl("get", "hpc,hpno", "-o", "name").stdout.split()
    if names:
        plane.kubectl("patch", *names, "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
        plane.kubectl("delete", *names, "--ignore-not-found")


def test_the_standby_takes_over_from_a_killed_leader_within_the_lease_and_two_seconds(house: House) -> None:
    first, second = house.replica(), house.replica()
    wait(lambda: first.leads)
    house.apply("blue")
    wait(lambda: house.created() == ["blue"])
    assert second.process.get("/readyz") == (200, "ok\n")
    assert second.api_writes() == []
    killed = first.kill(signal.SIGKILL)
    wait(lambda: second.leads, seconds=60)
    taken = second.api_writes()[0]
    assert (taken.resource, taken.status) == ("leases", 200)
    assert taken.at - killed <= LEASE + 2
    wait(lambda: house.settled("blue"))
    assert house.created() == ["blue"]


def test_the_standby_lists_before_it_takes_over_and_not_again(house: House) -> None:
    first, second = house.replica(), house.replica("--resync-seconds=600")
    wait(lambda: first.leads)
    house.apply("blue")
    wait(lambda: house.settled("blue"))
    assert set(second.lists()) >= WATCHED
    killed = first.kill(signal.SIGKILL)
    wait(lambda: second.leads, seconds=60)
    house.apply("green")
    wait(lambda: house.settled("blue", "green"))
    assert not WATCHED & set(second.lists(since=killed))


def test_the_standby_takes_over_at_once_from_a_leader_that_stops(house: House) -> None:
    first, second = house.replica(), house.replica()
    wait(lambda: first.leads)
    first.kill(signal.SIGTERM)
    assert first.process.child.wait(60) == 0
    wait(lambda: second.leads)
    given_up = first.api_writes()[-1]
    taken = second.api_writes()[0]
    assert given_up.resource == taken.resource == "leases"
    assert 0 <= taken.at - given_up.at <= PERIOD
    assert house.lease()["leaseTransitions"] == 1


@pytest.mark.fault(14)
def test_a_leader_that_slept_past_its_lease_changes_nothing_when_it_wakes(house: House) -> None:
    """It sleeps in the middle of CreateCluster: the answer is there when it wakes, and it must not tell of it."""
    first, second = house.replica(), house.replica()
    wait(lambda: first.leads)
    house.simulator.faults.add(Fault(operation="CreateCluster", kind="delay", seconds=1.0, times=1, cluster="blue"))
    house.apply("blue")
    house.apply("green")
    house.simulator.log.wait_for("CreateCluster", timeout=60)
    first.kill(signal.SIGSTOP)
    wait(lambda: second.leads, seconds=60)
    wait(lambda: house.settled("blue", "green"))
    woken = first.kill(signal.SIGCONT)
    assert first.process.child.wait(60) == 1
    assert "Leadership is lost" in first.process.log.read_text()
    # A request that was past the last look at the Lease when the leader fell asleep leaves when it wakes. It names the
    # version that it was made for, so it is refused.
    assert {write.status for write in first.api_writes(since=woken)} <= {http.client.CONFLICT}
    assert first.aws_writes(since=woken) == []
    assert sorted(house.created()) == ["blue", "green"]
    assert second.leads


def operation_on(house: House, node: str) -> Callable[[], bool]:
    """Reboot this node; whether that is complete."""
    spec = {"clusterRef": {"name": "blue"}, "operation": "Reboot", "nodes": {"names": [node]}}
    body = {"apiVersion": API_VERSION, "kind": NODE_OPERATION_KIND, "metadata": {"name": "reboot"}, "spec": spec}
    house.plane.api.apply(body)

    def complete() -> bool:
        found = house.plane.api.get("hpno", "reboot") or {}
        conditions = found.get("status", {}).get("conditions", [])
        return any(one["type"] == "Complete" and one["status"] == "True" for one in conditions)

    return complete


@pytest.mark.fault(14)
@pytest.mark.parametrize("asleep", ["while a pod leaves", "before it hears that AWS accepted"])
def test_a_leader_that_slept_in_a_node_operation_does_nothing_of_it_when_it_wakes(
    house_of_nodes: House, asleep: str
) -> None:
    house = house_of_nodes
    first, second = house.replica(), house.replica()
    wait(lambda: first.leads)
    house.apply("blue")
    wait(lambda: house.settled("blue"), seconds=60)
    house.simulator.nodes.wait_until_in_step()
    node = house.plane.api.list("nodes", labels=NODE_LABEL)[0]["metadata"]["name"]
    if asleep == "while a pod leaves":
        spec = {"nodeName": node, "containers": [{"name": "main", "image": "example.com/train"}]}
        house.plane.api.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "train"}, "spec": spec})
        complete = operation_on(house, node)
        wait(lambda: "deletionTimestamp" in (house.plane.api.get("pods", "train") or {})["metadata"])
    else:
        fault = Fault(operation="BatchRebootClusterNodes", kind="delay", seconds=1.0, times=1, cluster="blue")
        house.simulator.faults.add(fault)
        complete = operation_on(house, node)
        house.simulator.log.wait_for("BatchRebootClusterNodes", timeout=60)
    first.kill(signal.SIGSTOP)
    wait(lambda: second.leads, seconds=60)
    house.plane.kubectl("delete", "pods", "--all", "--force", "--grace-period=0")
    wait(complete, seconds=60)
    woken = first.kill(signal.SIGCONT)
    assert first.process.child.wait(60) == 1
    assert {write.status for write in first.api_writes(since=woken)} <= {http.client.CONFLICT}
    assert first.aws_writes(since=woken) == []
    assert len(house.simulator.log.calls("BatchRebootClusterNodes")) == 1
    found = house.plane.api.get("nodes", node) or {}
    assert DRAINING not in {taint["key"] for taint in found["spec"].get("taints", [])}


def test_a_short_sleep_costs_nothing(house: House) -> None:
    first, second = house.replica(), house.replica()
    wait(lambda: first.leads)
    first.kill(signal.SIGSTOP)
    time.sleep(0.5)
    first.kill(signal.SIGCONT)
    time.sleep(LEASE)
    assert first.leads
    assert not second.leads


def test_a_rolling_restart_under_load_creates_nothing_twice_and_leaves_no_gap(house: House) -> None:
    names = [f"load-{number}" for number in range(12)]
    old = [house.replica(), house.replica()]
    wait(lambda: old[0].leads)
    for position, name in enumerate(names):
        house.apply(name)
        if position in {3, 7}:  # as a Deployment does with maxSurge 1: one more, then one less
            house.replica()
            gone = old.pop(0)
            gone.kill(signal.SIGTERM)
            assert gone.process.child.wait(60) == 0
    wait(lambda: house.settled(*names), seconds=60)
    assert sorted(house.created()) == sorted(names)
    renewals = [write.at for write in house.writes() if write.resource == "leases" and write.status < 300]
    assert max(later - earlier for earlier, later in pairwise(renewals)) <= LEASE


def test_a_cut_off_leader_ends_before_its_lease_does(house: House) -> None:
    """An API server that answers nobody: the leader must be gone before somebody else could be told to lead."""
    first = house.replica()
    wait(lambda: first.leads)
    house.plane.pause("kube-apiserver")
    try:
        cut = time.time()
        assert first.process.child.wait(DEADLINE + 10) == 1
        assert time.time() - cut <= LEASE
    finally:
        house.plane.resume("kube-apiserver")
    assert "could not be renewed in time" in first.process.log.read_text()


def test_the_lease_has_utc_times_wherever_the_operator_runs(house: House) -> None:
    replica = house.replica(TZ="Asia/Tokyo")
    wait(lambda: replica.leads)
    renewed = datetime.fromisoformat(house.lease()["renewTime"])
    assert abs(renewed.timestamp() - time.time()) < 60


def test_a_missing_right_to_the_lease_is_told_at_the_start(house: House, tmp_path: Path) -> None:
    process = OperatorProcess(
        kubeconfig=house.plane.user_kubeconfig("no-lease"),
        environment=house.simulator.environment(),
        log=tmp_path / "log",
        flags=(*FLAGS, "--lease-namespace=default"),
    )
    process.start(wait=False)
    try:
        assert process.child.wait(60) == 2
    finally:
        process.stop()
    said = process.log.read_text()
    assert "no-lease may not create leases.coordination.k8s.io" in said
    assert "--verb=get,update --resource=leases.coordination.k8s.io --resource-name=hyperpod-operator" in said
