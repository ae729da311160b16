"""The scenes of the demo that play on single nodes: a volume with a place, a GPU that fails, a replacement."""

import json
from collections.abc import Mapping
from typing import Any

from hyperpod_testbed.stack import ROOT
from hyperpod_testbed.stage import NAME, Stage, edited, wait

CLAIM = ROOT / "examples" / "ebsvolumeclaim-new.yaml"
VOLUME = "scratch"
TAINT = "sagemaker.amazonaws.com/node-health-status"
POD = "train"
WHERE = "custom-columns=NAME:.metadata.name,NODE:.spec.nodeName"
EVENTS = "custom-columns=REASON:.reason,ABOUT:.involvedObject.kind,MESSAGE:.message"


def a_volume_is_claimed(stage: Stage) -> None:
    """A claim on a slot of the GPU group, and a pod that uses it."""
    stage.title("A volume is claimed for a node of the GPU group, and a pod uses it")
    manifest = edited(CLAIM.read_text(), "instanceGroupName: workers", "instanceGroupName: gpu")
    stage.apply(manifest, edit=f"sed 's/: workers/: gpu/' {CLAIM.relative_to(ROOT)}")
    stage.show_when("get", "evc", VOLUME, done=lambda text: " True " in text, what="the volume on a node")
    _run_pod(stage, POD, volumes=[{"name": VOLUME, "persistentVolumeClaim": {"claimName": VOLUME}}])
    stage.show_when("get", "pod", POD, "-o", WHERE, done=lambda text: "hyperpod-i-" in text, what="a node for the pod")


def a_gpu_fails(stage: Stage) -> None:
    """HyperPod finds the fault and forgets its taint; then it replaces the node."""
    claim = _claim(stage)
    node, volume = claim["attachment"]["nodeName"], claim["volumeId"]
    stage.title(f"A GPU of {node} fails, and HyperPod does not set its taint: the operator taints the node")
    stage.stack.simulator.health.forget_taints(NAME, "gpu")
    stage.stack.simulator.health.fail(node=node, recovery="replace")
    path = "jsonpath={.spec.taints}{'\\n'}{.metadata.annotations.hyperpod-operator\\.dev/taint-reason}"
    stage.show_when("get", "node", node, "-o", path, done=lambda text: TAINT in text, what="the taint")
    stage.run("delete", "pod", POD, "--force", "--grace-period=0")
    _run_pod(stage, "elsewhere")
    stage.show_when(
        "get", "pod", "elsewhere", "-o", WHERE, done=lambda text: "hyperpod-i-" in text, what="another node for the pod"
    )

    stage.title("HyperPod replaces the node: the same volume goes to another one, and so does its pod")
    wait(lambda: _moved(stage, node), "the volume on another node")
    stage.run("get", "evc", VOLUME)
    if _claim(stage)["volumeId"] != volume:
        raise AssertionError(f"the volume was {volume} and is {_claim(stage)['volumeId']}")
    _run_pod(stage, POD, volumes=[{"name": VOLUME, "persistentVolumeClaim": {"claimName": VOLUME}}])
    holder = str(_claim(stage)["attachment"]["nodeName"])
    stage.show_when("get", "pod", POD, "-o", WHERE, done=lambda text: holder in text, what="the pod beside its volume")
    stage.watch(until=lambda row: "11/11" in row, what="the replacement")
    stage.run("get", "events", "--field-selector=reason=NodeTainted", "-o", EVENTS)


def the_claim_is_deleted(stage: Stage) -> None:
    """The volume goes, and a snapshot of it stays."""
    stage.title("The claim is deleted: a snapshot is made before the volume goes")
    stage.run("delete", "pods", "--all", "--force", "--grace-period=0")
    stage.run("delete", "evc", VOLUME, "--timeout=120s")
    volumes, snapshots = stage.stack.simulator.ebs.volumes(), stage.stack.simulator.ebs.snapshots()
    print(f"AWS has {len(volumes)} volumes and {len(snapshots)} snapshot.", flush=True)


def _run_pod(stage: Stage, name: str, **spec: Any) -> None:
    body = {
        "nodeSelector": {"node.kubernetes.io/instance-type": "ml.p5.48xlarge"},
        "containers": [{"name": "train", "image": "train"}],
        **spec,
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": body}
    uses = f", with the volume {VOLUME}" if "volumes" in spec else ""
    stage.run(
        "apply", "-f", "-", shown=f"kubectl apply -f {name}.yaml   # wants ml.p5.48xlarge{uses}", text=json.dumps(pod)
    )


def _claim(stage: Stage) -> Mapping[str, Any]:
    found = json.loads(stage.stack.plane.kubectl("get", "evc", VOLUME, "-o", "json").stdout)
    return dict(found["status"])


def _moved(stage: Stage, node: str) -> bool:
    claim = _claim(stage)
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in claim["conditions"])
    return ready and claim["attachment"].get("nodeName", node) != node
