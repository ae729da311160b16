"""The control plane is a real one, starts in seconds and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hyperpod_testbed.control_plane import ControlPlane, ControlPlaneError, tools
from hyperpod_testbed.control_plane.build import BuildError, binaries
from hyperpod_testbed.control_plane.releases import OTHERS, PINNED, VARIABLE, Release, chosen
from hyperpod_testbed.control_plane.tools import TOOLS, tool
from hyperpod_testbed.stack import ROOT
from hyperpod_testbed.waiting import until

HEALTH_TAINT = "sagemaker.amazonaws.com/node-health-status=Unschedulable:NoSchedule"


def node(name: str, **labels: str) -> str:
    """A bare Node with room for pods."""
    room = {"cpu": "4", "memory": "8Gi", "pods": "10"}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "status": {"capacity": room, "allocatable": room, "conditions": [{"type": "Ready", "status": "True"}]},
        }
    )


def pod(name: str, **selector: str) -> str:
    container = {"name": "main", "image": "none", "resources": {"requests": {"cpu": "1"}}}
    spec = {"nodeSelector": selector, "containers": [container]}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie that nobody reaped has ended)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_it_reports_the_chosen_version(control_plane: ControlPlane) -> None:
    version = json.loads(control_plane.kubectl("version", "-o", "json").stdout)
    assert version["serverVersion"]["gitVersion"] == chosen().version


def test_the_real_scheduler_binds_a_pod_to_a_bare_node(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "-f", "-", input=node(f"{namespace}-a", pool=namespace))
    control_plane.kubectl("create", "-n", namespace, "-f", "-", input=pod("one", pool=namespace))
    control_plane.kubectl("wait", "pod/one", "-n", namespace, "--for=condition=PodScheduled", "--timeout=60s")
    control_plane.kubectl("delete", "node", f"{namespace}-a")


def test_the_health_taint_keeps_pods_away(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "-f", "-", input=node(f"{namespace}-b", pool=namespace))
    control_plane.kubectl("taint", "node", f"{namespace}-b", HEALTH_TAINT)
    control_plane.kubectl("create", "-n", namespace, "-f", "-", input=pod("two", pool=namespace))
    path = "jsonpath={.status.conditions[?(@.type=='PodScheduled')].message}"

    def message() -> str:
        return control_plane.kubectl("get", "pod", "two", "-n", namespace, "-o", path).stdout

    until(lambda: "untolerated taint" in message(), message)
    control_plane.kubectl("delete", "node", f"{namespace}-b")


def test_another_user_may_do_what_rbac_grants_and_no_more(control_plane: ControlPlane) -> None:
    stranger = control_plane.user_kubeconfig("stranger")
    command = control_plane.kubectl_command("get", "nodes", kubeconfig=stranger)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Forbidden" in done.stderr


def test_a_service_account_logs_in_with_its_token(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "serviceaccount", "robot", "-n", namespace)
    robot = control_plane.service_account_kubeconfig(namespace, "robot")
    command = control_plane.kubectl_command("auth", "whoami", "-o", "json", kubeconfig=robot)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:robot"


@pytest.fixture
def small_plane() -> ControlPlane:
    """Just an API server: starts in half the time."""
    return ControlPlane(components=frozenset({"etcd", "kube-apiserver"}))


@pytest.mark.control_plane
def test_stopping_leaves_no_process_no_port_and_no_directory(small_plane: ControlPlane) -> None:
    with small_plane:
        pids, ports, directory = dict(small_plane.pids), dict(small_plane.ports), small_plane.directory
        small_plane.kubectl("create", "configmap", "-n", "default", "kept", "--from-literal=a=b")
        small_plane.stop("kube-apiserver")
        assert refused(ports["kube-apiserver"])
        small_plane.start("kube-apiserver")
        assert small_plane.kubectl("get", "configmap", "-n", "default", "kept").returncode == 0
    assert not any(alive(pid) for pid in pids.values())
    assert all(refused(port) for port in ports.values())
    assert not directory.exists()


@pytest.mark.control_plane
def test_a_killed_parent_takes_its_children_along(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from hyperpod_testbed.control_plane import ControlPlane\n"
        "with ControlPlane(components=frozenset({'etcd', 'kube-apiserver'})) as plane:\n"
        "    print(*plane.pids.values(), flush=True)\n"
        "    time.sleep(60)\n"
    )
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=env) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.send_signal(signal.SIGKILL)
        parent.wait(60)
    until(lambda: not any(alive(pid) for pid in pids), "its children end")


def test_components_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="etcd and kube-apiserver are needed"):
        ControlPlane(components=frozenset({"etcd", "kubelet"}))


@pytest.mark.control_plane
def test_a_component_that_dies_shows_the_end_of_its_log() -> None:
    plane = ControlPlane(
        components=frozenset({"etcd", "kube-apiserver"}), extra_args={"kube-apiserver": ["--no-such-flag"]}
    )
    with pytest.raises(ControlPlaneError, match="no-such-flag"):
        plane.start_all()


def built_in(cache: Path, release: Release) -> Path:
    """The directory of a release in a cache where it is built already."""
    directory = cache / "hyperpod-operator" / "controlplane" / release.digest / "bin"
    directory.mkdir(parents=True)
    for name in release.packages:
        (directory / name).touch()
    return directory


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the pinned release is, in a cache in which it is built already."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.delenv(VARIABLE, raising=False)
    return built_in(tmp_path, PINNED)


def test_what_is_built_is_found_without_go(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert binaries().path("etcd") == built / "etcd"


def test_kubebuilder_assets_come_first(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    for name in ("etcd", "kube-apiserver", "kubectl"):
        (assets / name).touch()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    found = binaries()
    assert found.path("kube-apiserver") == assets / "kube-apiserver"
    assert found.path("kube-scheduler") == built / "kube-scheduler"


def test_incomplete_kubebuilder_assets_are_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    with pytest.raises(BuildError, match="has no etcd, kube-apiserver, kubectl"):
        binaries()


@pytest.mark.parametrize("name", [name for name, tool in TOOLS.items() if tool.installed])
def test_an_installed_tool_serves_where_its_version_matters_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / name).touch(mode=0o755)
    assert tool(name) == tmp_path / name


def test_helm_is_the_pinned_one_although_another_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "helm").touch(mode=0o755)
    monkeypatch.setattr(tools, "_build", lambda name, *, module, target: (target / name).touch())
    assert tool("helm") != tmp_path / "helm"


@pytest.mark.parametrize("name", OTHERS)
def test_another_release_has_its_own_servers_and_the_pinned_etcd_and_kubectl(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    servers = built_in(tmp_path, OTHERS[name])
    monkeypatch.setenv(VARIABLE, name)
    found = binaries()
    assert {binary: found.path(binary).parent for binary in PINNED.packages} == {
        "etcd": built,
        "kube-apiserver": servers,
        "kubectl": built,
        "kube-scheduler": servers,
        "kube-controller-manager": servers,
    }


def test_a_chosen_release_is_used_although_kubebuilder_assets_are_there(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, release = next(iter(OTHERS.items()))
    servers = built_in(tmp_path, release)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(built))
    monkeypatch.setenv(VARIABLE, name)
    assert binaries().path("kube-apiserver") == servers / "kube-apiserver"


def test_a_release_that_no_module_pins_is_refused_with_those_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1.10")
    with pytest.raises(BuildError, match=f"set it to one of {', '.join(OTHERS)}, or unset it"):
        binaries()


@pytest.mark.parametrize("name", OTHERS)
def test_the_module_of_a_release_pins_that_release(name: str) -> None:
    assert OTHERS[name].version.startswith(f"v{name}.")


def test_the_oldest_release_is_the_oldest_that_the_chart_allows() -> None:
    allowed = yaml.safe_load((ROOT / "helm" / "hyperpod-operator" / "Chart.yaml").read_text())["kubeVersion"]
    assert allowed == f">={min(OTHERS, key=lambda name: int(name.partition('.')[2]))}.0-0"
