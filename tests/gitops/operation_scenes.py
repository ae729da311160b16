"""Scenes of a HyperPodNodeOperation; its spec is that of examples/hyperpodnodeoperation-reboot.yaml."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from tests.unit.core.nodeoperation.builders import NOW, entry, instance, judged, node, operation, snapshot
from tools.argocd.scene import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, Scene, edited, manifest

from hyperpod_operator.api.kinds import NODE_OPERATION
from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.record import PassRecord
from hyperpod_operator.core.nodeoperation.report import report
from hyperpod_operator.core.nodeoperation.snapshot import Obstacle
from hyperpod_operator.core.nodeoperation.states import State

EXAMPLE = Path(__file__).parents[2] / "examples" / "hyperpodnodeoperation-reboot.yaml"
SPEC: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())["spec"]
KIND = NODE_OPERATION
ASKED = {"sentTime": stamp(NOW), "startTime": stamp(NOW), "marked": "Maintenance", "bootId": "former", "batch": 1}


def scenes() -> Iterator[Scene]:
    yield Scene(kind=KIND, name="new", health=PROGRESSING, manifest=manifest(KIND, spec=SPEC, name="operation"))
    done = judged(snapshot(operation(SPEC), entries=[entry(state=State.SUCCEEDED)]))
    healthy = _of("healthy", HEALTHY, done)
    yield healthy
    yield edited(healthy, name="edited")
    chosen = operation(SPEC, status=HyperPodNodeOperationStatus(nodes=[entry()]))
    yield _of("draining", PROGRESSING, judged(snapshot(chosen, entries=[entry()])))
    waiting = snapshot(
        operation(SPEC),
        entries=[entry(state=State.WAITING, **ASKED)],
        instances=[instance(status="Pending")],
        nodes=[node(ready=False)],
    )
    yield _of("rebooting", PROGRESSING, judged(waiting))
    failed = entry(state=State.FAILED, message="AWS refuses this node. InstanceIdNotFound: no such instance")
    yield _of("failed", DEGRADED, judged(snapshot(operation(SPEC), entries=[failed])))
    stopped = {**SPEC, "suspend": True}
    yield _of("suspended", SUSPENDED, judged(snapshot(operation(stopped), entries=[entry()])), spec=stopped)
    guarded = snapshot(operation(SPEC), entries=[entry()])
    if guarded.cluster is None:
        raise AssertionError("the snapshot has a cluster")
    guarded = replace(guarded, cluster=replace(guarded.cluster, change_policy="ApproveAll"))
    yield _of("waiting_for_approval", SUSPENDED, judged(guarded))
    missing = Obstacle(
        reason=Reason.CLUSTER_NOT_FOUND, message="There is no HyperPodCluster team/research.", stalled=True
    )
    yield _of("cluster_not_found", DEGRADED, judged(snapshot(operation(SPEC), cluster=None, obstacle=missing)))
    unread = PassRecord(
        snapshot=snapshot(operation(SPEC), entries=[entry()]),
        read_error=CloudError(
            kind=ErrorKind.THROTTLED, operation="DescribeCluster", code="ThrottlingException", message="Rate exceeded"
        ),
    )
    yield _of("throttled", PROGRESSING, unread)
    going = snapshot(operation(SPEC, deleting=True), entries=[entry(state=State.DRAINING, marked="Drain")])
    yield _of("deleting", PROGRESSING, judged(going), deleting=True)


def _of(name: str, health: str, record: PassRecord, **fields: Any) -> Scene:
    fields = {"spec": SPEC, "name": "operation", **fields}
    made = manifest(KIND, status=report(record).status, uid=record.snapshot.operation.uid, **fields)
    return Scene(kind=KIND, name=name, health=health, manifest=made)
