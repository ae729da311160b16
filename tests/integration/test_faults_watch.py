"""Faults between the operator, as a process, and the API server: watches that lie, and servers that are away."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperpod_testbed import account
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.proxy import KubeProxy
from hyperpod_testbed.simulator import Options, Simulator
from hyperpod_testbed.stack import ACCOUNT, FAST, ROOT, OperatorProcess
from hyperpod_testbed.waiting import until

pytestmark = [pytest.mark.control_plane, pytest.mark.timeout(280), pytest.mark.early]

EXAMPLE = yaml.safe_load((ROOT / "examples" / "minimal.yaml").read_text())
DAMAGE: dict[str, Callable[[KubeProxy], None]] = {
    "cut": lambda proxy: proxy.watches.cut(),
    "ended politely": lambda proxy: proxy.watches.cut(politely=True),
    "truncated": lambda proxy: proxy.watches.truncate(),
    "lost": lambda proxy: proxy.watches.drop(3),
    "doubled": lambda proxy: proxy.watches.repeat(10),
    "late": lambda proxy: proxy.watches.delay(0.5),
    "410": lambda proxy: proxy.watches.error(410, "too old resource version"),
    "the past again": lambda proxy: (proxy.watches.replay("1"), proxy.watches.cut())[1],
}


class Here:
    """One namespace, one simulator, one operator that serves the namespace alone, through a proxy."""

    def __init__(self, plane: ControlPlane, namespace: str, simulator: Simulator, directory: Path) -> None:
        self.plane, self.namespace, self.simulator = plane, namespace, simulator
        self.proxy = KubeProxy(plane)
        self._directory = directory

    def operator(self) -> OperatorProcess:
        kubeconfig = self.proxy.kubeconfig(account.install(self.plane), self._directory / "kubeconfig")
        return OperatorProcess(
            kubeconfig=kubeconfig,
            environment=self.simulator.environment(),
            log=self._directory / "log",
            # Kopf's watch of clusters is what is disturbed; the watch of Nodes has tests of its own.
            flags=(*FAST, "--no-node-health", "--no-volumes", f"--namespace={self.namespace}"),
        )

    def apply(self, name: str, *, count: int = 1) -> None:
        groups = [{**EXAMPLE["spec"]["instanceGroups"][0], "instanceCount": count}]
        # Without the Nodes nobody knows what runs on them.
        management = {"disruption": {"runningWorkloads": "Ignore"}}
        spec = {**EXAMPLE["spec"], "clusterName": name, "instanceGroups": groups, "management": management}
        body = {**EXAMPLE, "metadata": {"name": name}, "spec": spec}
        self.plane.api.apply(body, namespace=self.namespace)

    def hpc(self, name: str) -> dict[str, Any]:
        found = self.plane.api.get("hpc", name, namespace=self.namespace)
        assert found is not None
        return found

    def settled(self, name: str, *, count: int = 1) -> bool:
        found = self.hpc(name)
        status = found.get("status", {})
        ready = any(item["type"] == "Ready" and item["status"] == "True" for item in status.get("conditions", []))
        current = status.get("observedGeneration") == found["metadata"]["generation"]
        return ready and current and status.get("nodes", {}).get("summary") == f"{count}/{count}"

    def wait(self, done: Callable[[], bool], *, seconds: float = 60.0) -> None:
        until(done, lambda: (self._directory / "log").read_text()[-3000:], seconds=seconds)

    def mutations(self, name: str) -> list[str]:
        calls = self.simulator.log.calls(mutating=True)
        return [call.operation for call in calls if name in str(call.parameters)]

    def delete(self, name: str) -> None:
        self.plane.kubectl("-n", self.namespace, "delete", "hpc", name, "--timeout=60s")


@pytest.fixture
def here(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Here]:
    control_plane.install_crds(ROOT / "crds")
    with Simulator(options=Options.crowded(), account=ACCOUNT, speed=300) as simulator:
        made = Here(control_plane, namespace, simulator, tmp_path)
        with made.proxy:
            yield made


@pytest.mark.fault(12)
def test_fault_12_whatever_a_watch_does_the_declared_state_comes_about_once(here: Here) -> None:
    """One life with each kind of damage in it; edits fall into the damage, and nothing is done twice."""
    operator = here.operator().start()
    try:
        here.apply("blue")
        here.wait(lambda: here.settled("blue"))
        for count, (kind, damage) in enumerate(DAMAGE.items(), start=2):
            damage(here.proxy)
            here.apply("blue", count=count)
            here.wait(lambda count=count: here.settled("blue", count=count))  # type: ignore[misc]
            here.proxy.watches.delay(0.0)
            assert operator.child.running, kind
        assert here.mutations("blue") == ["CreateCluster", *["UpdateCluster"] * len(DAMAGE)]
        here.delete("blue")
    finally:
        operator.stop()


@pytest.mark.fault(12)
@pytest.mark.long
def test_fault_12_a_silent_watch_is_noticed_within_ninety_seconds(here: Here) -> None:
    operator = here.operator().start()
    try:
        here.proxy.watches.stall()
        here.apply("blue")
        began = time.monotonic()
        here.wait(lambda: here.settled("blue"), seconds=110)
        assert time.monotonic() - began <= 100  # found by the next list at the latest, which FAST has every 5 s
        opened = here.proxy.watches.opened
        here.proxy.watches.stall()
        here.wait(lambda: here.proxy.watches.opened > opened, seconds=90)
        here.delete("blue")
    finally:
        operator.stop()


@pytest.mark.fault(13)
def test_fault_13_an_error_that_ends_the_watch_ends_the_process_in_words_and_the_next_goes_on(here: Here) -> None:
    operator = here.operator().start()
    here.apply("blue")
    here.wait(lambda: here.settled("blue"))
    here.proxy.watches.error(500, "etcdserver: request timed out")
    assert operator.child.wait(60) not in (0, None)
    log = operator.log.read_text()
    assert re.search(r"The watch of [a-z, ]*hyperpodclusters[a-z, ]* ended: Error in the watch-stream", log)
    assert "etcdserver: request timed out" in log
    assert "Please report" not in log
    operator.start()
    try:
        here.apply("blue", count=2)
        here.wait(lambda: here.settled("blue", count=2))
        assert here.mutations("blue") == ["CreateCluster", "UpdateCluster"]
        here.delete("blue")
    finally:
        operator.stop()


class TestServersThatAreAway:
    """With a control plane of its own, whose parts are stopped."""

    pytestmark = pytest.mark.fault(11)

    @pytest.fixture
    def own(self, tmp_path: Path) -> Iterator[Here]:
        components = frozenset({"etcd", "kube-apiserver"})
        with (
            ControlPlane(components=components) as plane,
            Simulator(options=Options.crowded(), account=ACCOUNT, speed=300) as simulator,
        ):
            plane.install_crds(ROOT / "crds")
            made = Here(plane, "default", simulator, tmp_path)
            with made.proxy:
                yield made

    @pytest.mark.parametrize(
        ("component", "seconds"),
        [
            pytest.param("kube-apiserver", 8.0, id="api server"),
            pytest.param("etcd", 8.0, id="etcd"),
            pytest.param("kube-apiserver", 90.0, id="api server, long", marks=pytest.mark.long),
            pytest.param("etcd", 30.0, id="etcd, long", marks=pytest.mark.long),
        ],
    )
    def test_fault_11_the_operator_changes_nothing_meanwhile_and_goes_on_after(
        self, own: Here, component: str, seconds: float
    ) -> None:
        operator = own.operator().start()
        try:
            own.apply("blue")
            own.wait(lambda: own.settled("blue"))
            own.apply("blue", count=3)
            own.plane.pause(component)
            began = len(own.mutations("blue"))
            time.sleep(seconds)
            # The call that was under way may have been sent; nothing is begun without the API server.
            assert len(own.mutations("blue")) <= began + 1
            own.plane.resume(component)
            if not operator.child.running:
                operator.start()
            own.wait(lambda: own.settled("blue", count=3), seconds=90)
            assert own.mutations("blue") == ["CreateCluster", "UpdateCluster"]
            own.delete("blue")
        finally:
            operator.stop()
