"""The command `simulator`: it stops when it is asked to, whatever its control plane does."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperpod_testbed.simulator.command import simulator
from hyperpod_testbed.simulator.options import Timings
from hyperpod_testbed.stack import ACCOUNT, ROOT

KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: u, user: {{}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_beside_a_control_plane_that_hangs(tmp_path, silent_port, number):
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG.format(port=silent_port))
    command = [Path(sys.executable).with_name("hyperpod-testbed"), "simulator", "--kubeconfig", kubeconfig]
    with subprocess.Popen(
        [*command, "--stop-within", "0.2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            while "# ready" not in process.stderr.readline():
                assert process.poll() is None
            process.send_signal(number)
            _, told = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, told
    assert "nodes may be left behind" in told


def test_the_live_timings_are_those_that_were_recorded(start_simulator, connect, cluster):
    sim = start_simulator(timings=Timings.live())
    aws = connect(sim)
    aws.create_cluster(**cluster())
    sim.clock.advance(15 * 60)
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "Creating"
    sim.clock.advance(10 * 60)
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "InService"
    aws.update_cluster(ClusterName="ml", InstanceGroups=[cluster()["InstanceGroups"][0] | {"InstanceCount": 1}])
    sim.clock.advance(15 * 60)
    assert aws.describe_cluster(ClusterName="ml")["InstanceGroups"][0]["CurrentCount"] == 2
    sim.clock.advance(10 * 60)
    assert aws.describe_cluster(ClusterName="ml")["InstanceGroups"][0]["CurrentCount"] == 1


def test_its_account_is_that_of_the_examples():
    """The operator refuses a cluster whose EKS cluster is in another account."""
    examples = "\n".join(path.read_text() for path in (ROOT / "examples").glob("**/*.yaml"))
    (default,) = (option.default for option in simulator.params if option.name == "account")
    assert {ACCOUNT} == set(re.findall(r"arn:aws:[a-z]+:[a-z0-9-]*:(\d{12}):", examples)) == {default}
