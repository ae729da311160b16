"""The scenes of the demo that play on single nodes: a volume with a place, a GPU that fails, a replacement."""

import json
from collections.abc import Mapping
from typing import Any

from hyperpod_testbed.stack import ROOT
from hyperpod_testbed.stage import MANIFESTS, NAME, Stage, wait

CLAIM = ROOT / "examples" / "ebsvolumeclaim-new.yaml"
VOLUME = "scratch"
TAINT = "sagemaker.amazonaws.com/node-health-status"
POD = "train"
WHERE = "custom-columns=NAME:.metadata.name,NODE:.spec.nodeName"


def a_volume_is_claimed(stage: Stage) -> None:
    """A claim on a slot of the GPU group, and a pod that uses it."""
    stage.title("A volume is claimed for a node of the GPU group, and a pod uses it")
    text = CLAIM.read_text().replace("instanceGroupName: workers", "instanceGroupName: gpu")
    stage.apply(CLAIM, edit="s/: workers/: gpu/", text=text)
    stage.show_when("get", "evc", VOLUME, done=lambda text: " True " in text, what="the volume on a node")
    stage.apply(MANIFESTS / "train.yaml")
    stage.show_when("get", "pod", POD, "-o", WHERE, done=lambda text: "hyperpod-i-" in text, what="a node for the pod")


def a_gpu_fails(stage: Stage) -> str:
    """HyperPod finds the fault and forgets its taint. Returns the node."""
    node = str(_claim(stage)["attachment"]["nodeName"])
    stage.title("The GPU under the pod fails, and HyperPod sets no taint: the operator taints the node")
    stage.stack.simulator.health.forget_taints(NAME, "gpu")
    stage.stack.simulator.health.fail(node=node, recovery="replace")
    path = "jsonpath={.spec.taints}"
    stage.show_when("get", "node", node, "-o", path, done=lambda text: TAINT in text, what="the taint")
    stage.run("delete", "pod", POD, "--force", "--grace-period=0")
    stage.apply(MANIFESTS / "elsewhere.yaml")
    stage.show_when(
        "get", "pod", "elsewhere", "-o", WHERE, done=lambda text: "hyperpod-i-" in text, what="another node for the pod"
    )
    return node


def the_volume_has_followed(stage: Stage, *, lost: str) -> None:
    """The same volume on another node, and the pod with it."""
    stage.title("HyperPod replaces the node: the same volume goes to another one, and so does its pod")
    volume = _claim(stage)["volumeId"]
    wait(lambda: _moved(stage, lost), "the volume on another node")
    stage.run("get", "evc", VOLUME)
    if _claim(stage)["volumeId"] != volume:
        raise AssertionError(f"the volume was {volume} and is {_claim(stage)['volumeId']}")
    stage.apply(MANIFESTS / "train.yaml")
    holder = str(_claim(stage)["attachment"]["nodeName"])
    stage.show_when("get", "pod", POD, "-o", WHERE, done=lambda text: holder in text, what="the pod with its volume")


def the_claim_is_deleted(stage: Stage) -> None:
    """The volume goes, and a snapshot of it stays."""
    stage.title("The claim is deleted: a snapshot is made before the volume is deleted")
    stage.run("delete", "pods", "--all", "--force", "--grace-period=0")
    stage.run("delete", "evc", VOLUME, "--timeout=120s")
    volumes, snapshots = stage.stack.simulator.ebs.volumes(), stage.stack.simulator.ebs.snapshots()
    stage.note(f"AWS has {len(volumes)} volumes and {len(snapshots)} snapshot")


def _claim(stage: Stage) -> Mapping[str, Any]:
    found = json.loads(stage.stack.plane.kubectl("get", "evc", VOLUME, "-o", "json").stdout)
    return dict(found["status"])


def _moved(stage: Stage, node: str) -> bool:
    claim = _claim(stage)
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in claim["conditions"])
    return ready and claim["attachment"].get("nodeName", node) != node
