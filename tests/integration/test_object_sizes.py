"""How much of etcd's 1.5 MiB the largest object takes, with what the API server notes about it."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.core.nodeoperation.builders import NOW, entry, operation, snapshot, spec

from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.record import PassRecord
from hyperpod_operator.core.nodeoperation.report import report
from hyperpod_operator.core.nodeoperation.states import State
from hyperpod_testbed.control_plane import ControlPlane

ROOT = Path(__file__).parents[2]
IDS = tuple(f"i-{number:017x}" for number in range(1000))
HALF_OF_ETCD = 786_432


@pytest.mark.fault(20)
def test_an_operation_on_a_thousand_nodes_takes_less_than_half_of_what_etcd_takes(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    control_plane.install_crds(ROOT / "crds")
    wanted: dict[str, Any] = {**spec("Reboot", maxInFlight="100%")}
    wanted["nodes"] = {"names": [f"hyperpod-{one}" for one in IDS]}
    entries = [
        entry(
            one, State.DRAINING, id=f"hyperpod-{one}", instanceGroupName="g" * 63, nodeLogicalId="l" * 36,
            startTime=stamp(NOW), message="Waits. " * 140, waitingFor=["p" * 300] * 5, marked="Drain", attempts=3,
            retryTime=stamp(NOW), batch=40,
        )
        for one in IDS
    ]  # fmt: skip
    found = PassRecord(snapshot=snapshot(operation(wanted), entries=entries))
    status = report(found).status.model_dump(mode="json", exclude_none=True)
    made = {
        "apiVersion": "hyperpod-operator.dev/v1alpha1",
        "kind": "HyperPodNodeOperation",
        "metadata": {"name": "big"},
        "spec": wanted,
    }
    control_plane.api.create(made, namespace=namespace)
    (tmp_path / "status.json").write_text(json.dumps({"status": status}))
    kubectl = ("-n", namespace)
    patch = ("--subresource=status", "--type=merge", "--patch-file", str(tmp_path / "status.json"))
    control_plane.kubectl(*kubectl, "patch", "hpno", "big", *patch)
    stored = json.loads(
        control_plane.kubectl(*kubectl, "get", "hpno", "big", "-o", "json", "--show-managed-fields").stdout
    )
    assert len(stored["status"]["nodes"]) == 1000
    assert stored["metadata"]["managedFields"]
    assert len(json.dumps(stored, separators=(",", ":"))) < HALF_OF_ETCD
