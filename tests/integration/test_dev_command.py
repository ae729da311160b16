"""`make dev`: what it prints is enough for a person's own tools, and Ctrl-C leaves nothing behind."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from hyperpod_testbed.waiting import until

COMMAND = [str(Path(sys.executable).parent / "hyperpod-testbed"), "dev", "--speed=300"]


def processes(parent: int) -> set[int]:
    """The living children of a process."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return {int(pid) for pid in listed}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.control_plane
def test_a_persons_own_tools_work_and_ctrl_c_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        exports: dict[str, str] = {}
        while "PATH" not in exports:
            name, _, value = running.stdout.readline().removeprefix("export ").strip().partition("=")
            exports[name] = shlex.split(value)[0]
        env = {**os.environ, **exports, "PATH": exports["PATH"].replace("$PATH", os.environ["PATH"])}
        children = processes(running.pid)
        assert len(children) == 5
        shown = subprocess.run(["kubectl", "get", "hpc"], env=env, capture_output=True, text=True, check=True)
        assert "No resources found" in shown.stderr
        kept = Path(exports["KUBECONFIG"]).parent / "env"
        command = f'eval "$(cat {kept})"; kubectl hyperpod status'
        told = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        assert "HyperPodCluster" in told.stdout + told.stderr
        for name, value in exports.items():
            if name.startswith("AWS_"):
                monkeypatch.setenv(name, value)
        assert boto3.client("sagemaker").list_clusters()["ClusterSummaries"] == []
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
        assert running.returncode == 0
    until(lambda: not any(alive(pid) for pid in children), "its children end")
    assert not Path(exports["KUBECONFIG"]).exists()
