"""What a user does with resources, from the first apply to the last delete: scenes that use an operator's rights."""

import json
from typing import Any

import yaml
from tests.chart.installation import Installation

from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.stack import ROOT

Json = dict[str, Any]

GROUP = "gpu"


def example(name: str) -> Json:
    return dict(yaml.safe_load((ROOT / "examples" / name).read_text()))


class Scenes:
    """One user in one namespace."""

    def __init__(self, installation: Installation, simulator: Simulator, *, namespace: str) -> None:
        self._at, self._simulator, self._namespace = installation, simulator, namespace

    def cluster(self, name: str) -> None:
        """Create, scale, and see the operator's labels on the Nodes."""
        self._apply("gpu-and-cpu.yaml", name)
        self._at.until(lambda: self._shows("hpc", name, "6/6"), "a cluster with 6 nodes")
        groups = example("gpu-and-cpu.yaml")["spec"]["instanceGroups"]
        groups[1]["instanceCount"] = 3
        self._apply("gpu-and-cpu.yaml", name, instanceGroups=groups)
        self._at.until(lambda: self._shows("hpc", name, "7/7"), "the seventh node")
        self._simulator.nodes.wait_until_in_step()
        labelled = f"sagemaker.amazonaws.com/cluster-name={name},hyperpod-operator.dev/instance-type"
        self._at.until(lambda: len(self._at.plane.api.list("nodes", labels=labelled)) == 7, "the labels on Nodes")

    def pauses(self, name: str) -> None:
        """The same Event twice, which the operator counts up instead of making another one."""
        for _ in range(2):
            for paused, said in ((True, "Paused"), (False, "")):
                patch = json.dumps({"spec": {"management": {"paused": paused}}})
                self._kubectl("patch", "hpc", name, "--type=merge", "-p", patch)
                self._at.until(lambda said=said: self._condition("hpc", name, "Paused") == said, f"Paused: {said!r}")

    def claim(self, name: str, *, cluster: str) -> None:
        """A new volume for a group, published; its node is replaced and the volume follows; deleted."""
        self._apply(
            "ebsvolumeclaim-new.yaml",
            name,
            clusterRef={"name": cluster},
            attachment={"target": {"instanceGroupName": GROUP}},
        )
        self._at.until(lambda: self._ready("evc", name), "the volume on a node")
        left = self._node(name)
        self._simulator.health.fail(node=left, recovery="replace")
        self._at.until(lambda: self._ready("evc", name) and self._node(name) not in ("", left), "the volume elsewhere")
        self._kubectl("delete", "evc", name, "--timeout=60s")

    def takeover(self, first: str, second: str, *, cluster: str) -> None:
        """A claim is abandoned with its volume; another one takes over the volume and the Lease on it."""
        zone = self._kubectl(
            *("get", "nodes", "-l", f"sagemaker.amazonaws.com/cluster-name={cluster}"),
            *("-o", r"jsonpath={.items[0].metadata.labels.topology\.kubernetes\.io/zone}"),
        )
        members = {
            "clusterRef": {"name": cluster},
            "source": {"volumeId": self._simulator.ebs.create_volume(zone=zone)},
            "attachment": {"target": {"instanceGroupName": GROUP}, "suspend": True},
            "management": {"adoptionPolicy": "Force"},
        }
        self._apply("ebsvolumeclaim-existing.yaml", first, **members)
        self._at.until(lambda: self._condition("evc", first, "Ready") == "Suspended", "the first claim's volume")
        self._kubectl("annotate", "evc", first, f"hyperpod-operator.dev/abandon={first}")
        self._kubectl("delete", "evc", first, "--timeout=60s")
        self._apply("ebsvolumeclaim-existing.yaml", second, **members)
        self._at.until(lambda: self._condition("evc", second, "Ready") == "Suspended", "the second claim's volume")
        self._kubectl("delete", "evc", second, "--timeout=60s")

    def ends(self, name: str) -> None:
        self._kubectl("delete", "hpc", name, "--timeout=60s")

    def _apply(self, file: str, name: str, **members: Any) -> None:
        made = example(file)
        made["metadata"]["name"] = name
        made["spec"] |= members
        self._at.plane.api.apply(made, namespace=self._namespace)

    def _kubectl(self, *args: str, **options: Any) -> str:
        return self._at.kubectl(self._namespace, *args, **options)

    def _shows(self, kind: str, name: str, text: str) -> bool:
        row = self._kubectl("get", kind, name, "--no-headers").split()
        return "True" in row and text in row

    def _ready(self, kind: str, name: str) -> bool:
        return self._condition(kind, name, "Ready", member="status") == "True"

    def _condition(self, kind: str, name: str, condition: str, *, member: str = "reason") -> str:
        conditions = self._status(kind, name).get("conditions", ())
        return next((str(one[member]) for one in conditions if one["type"] == condition), "")

    def _node(self, name: str) -> str:
        return str(self._status("evc", name).get("attachment", {}).get("nodeName", ""))

    def _status(self, kind: str, name: str) -> Json:
        found = self._at.plane.api.get(kind, name, namespace=self._namespace)
        assert found is not None
        return dict(found.get("status", {}))
