"""Scenes of a HyperPodCluster; its spec is that of examples/gpu-and-cpu.yaml."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from tests.unit.core import builders
from tests.unit.core.builders import NOW, OTHERS, failed_creation, group, recorded, resource, told, unread, with_group
from tools.argocd.scene import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, Scene, edited, manifest

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.decision import Act
from hyperpod_operator.core.cluster.pass_record import PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import operation
from hyperpod_operator.core.cluster.report import intent, report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.observed import ObservedCluster, ObservedEvent, ObservedNode

EXAMPLE = Path(__file__).parents[2] / "examples" / "gpu-and-cpu.yaml"
SPEC: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())["spec"]
GPU, CPU = SPEC["instanceGroups"]
LIVE = recorded(appliedTagKeys=["team"])
UID = "0f0f0f0f-1111-2222-3333-444444444444"


def owned(spec: Mapping[str, Any] = SPEC, *, status: Mapping[str, Any] = LIVE, **fields: Any) -> Resource:
    return resource(spec=spec, status=status, uid=UID, **fields)


def managed(**management: Any) -> dict[str, Any]:
    return {**SPEC, "management": management}


def larger(**members: Any) -> dict[str, Any]:
    return {**SPEC, "instanceGroups": [{**GPU, "instanceCount": 6}, CPU], **members}


def found(**fields: Any) -> ObservedCluster:
    return builders.cluster(wanted=SPEC, **fields)


def seen(owner: Resource, cluster: ObservedCluster | None, **fields: Any) -> PassRecord:
    if cluster is not None and "tags" not in fields:
        fields["tags"] = builders.our_tags(owner, team="research")
    return told(owner, cluster, **fields)


def refused(owner: Resource, cluster: ObservedCluster | None, kind: ErrorKind, *, code: str, words: str) -> PassRecord:
    """The record of a pass whose call AWS answers in these words."""
    pass_record = seen(owner, cluster)
    if not isinstance(pass_record.decision, Act):
        raise AssertionError("nothing is called")
    action = pass_record.decision.action
    error = CloudError(kind=kind, operation=operation(action), code=code, message=words)
    return replace(
        pass_record, result=Rejected(action=action, fingerprint=pass_record.decision.fingerprint, error=error)
    )


def scenes() -> Iterator[Scene]:
    yield Scene(kind=CLUSTER, name="new", health=PROGRESSING, manifest=manifest(CLUSTER, spec=SPEC, uid=UID))
    healthy = _of("healthy", HEALTHY, seen(owned(), found()))
    yield healthy
    yield edited(healthy, name="edited")
    yield from _waiting()
    yield from _paused()
    yield from _planned()
    yield from _stalled()
    yield from _unread()
    yield from _deleted()


def _of(name: str, health: str, pass_record: PassRecord, *, status: Any = None) -> Scene:
    owner = pass_record.snapshot.resource
    spec = owner.spec.model_dump(mode="json", exclude_none=True)
    made = manifest(
        CLUSTER,
        spec=spec,
        status=status or report(pass_record).status,
        uid=UID,
        generation=owner.generation,
        deleting=owner.deleting,
    )
    return Scene(kind=CLUSTER, name=name, health=health, manifest=made)


def _waiting() -> Iterator[Scene]:
    first = seen(owned(status={}), None)
    if not isinstance(first.decision, Act):
        raise AssertionError("a new cluster is created")
    yield _of("before_create", PROGRESSING, first, status=intent(first, first.decision))
    yield _of("creating", PROGRESSING, first)
    short = with_group(found(), group(GPU, current=1))
    yield _of("nodes_coming", PROGRESSING, seen(owned(), short))
    event = ObservedEvent(event_id="1", at=NOW, level="Warn", description="Insufficient capacity", group="gpu")
    yield _of("capacity_shortage", PROGRESSING, seen(owned(), short, events=(event,)))
    checked = ObservedNode(
        instance_id="i-00000000000000001",
        group="gpu",
        instance_type="ml.p5.48xlarge",
        status="DeepHealthCheckInProgress",
    )
    yield _of("deep_health_checks", PROGRESSING, seen(owned(), found(), nodes=(checked,)))
    yield _of("updating", PROGRESSING, seen(owned(larger(), generation=2), found()))
    grown, new = owned(larger(), generation=2), owned(status={})
    for name, owner, cluster, kind, code, words in (
        ("busy", grown, found(), ErrorKind.BUSY, "ConflictException", "The cluster is being updated."),
        ("throttled", grown, found(), ErrorKind.THROTTLED, "ThrottlingException", "Rate exceeded"),
        ("unknown_outcome", new, None, ErrorKind.UNKNOWN_OUTCOME, "ReadTimeoutError", "no answer within 60 s"),
    ):
        yield _of(name, PROGRESSING, refused(owner, cluster, kind, code=code, words=words))
    for status in ("RollingBack", "SystemUpdating"):
        name = {"RollingBack": "rolling_back", "SystemUpdating": "system_updating"}[status]
        yield _of(name, PROGRESSING, seen(owned(), found(status=status)))
    yield _of("vanished", PROGRESSING, seen(owned(), None))


def _paused() -> Iterator[Scene]:
    yield _of("paused", SUSPENDED, seen(owned(managed(paused=True)), found()))
    yield _of("paused_with_open_changes", SUSPENDED, seen(owned(larger(management={"paused": True})), found()))


def _planned() -> Iterator[Scene]:
    """Changes that wait for an approval are no fault."""
    waits = owned(larger(management={"changePolicy": "ApproveAll"}))
    yield _of("waiting_for_approval", SUSPENDED, seen(waits, found()))
    yield _of("plan_stale", SUSPENDED, seen(replace(waits, approve_plan=f"sha256:{'0' * 64}"), found()))
    yield _of("plan_only", SUSPENDED, seen(owned(larger(management={"changePolicy": "PlanOnly"})), found()))
    yield _of("plan_only_in_sync", HEALTHY, seen(owned(managed(changePolicy="PlanOnly")), found()))


def _stalled() -> Iterator[Scene]:
    yield _of("not_owned", DEGRADED, seen(owned(status={}), found(), tags=OTHERS))
    fixed = {**SPEC, "instanceGroups": [{**GPU, "instanceType": "ml.p5en.48xlarge"}, CPU]}
    yield _of("immutable_differs", DEGRADED, seen(owned(fixed, generation=2), found()))
    limit = "The account-level service limit 'ml.p5.48xlarge for cluster usage' is 0 Instances."
    for name, kind, code, words in (
        ("spec_rejected", ErrorKind.INVALID, "ValidationException", "Subnet subnet-0123456789abcdef0 does not exist."),
        ("permission_denied", ErrorKind.DENIED, "AccessDeniedException", "Not authorized: sagemaker:CreateCluster."),
        ("quota_exceeded", ErrorKind.QUOTA, "ResourceLimitExceeded", limit),
    ):
        yield _of(name, DEGRADED, refused(owned(status={}), None, kind, code=code, words=words))
    yield _of(
        "create_failed",
        DEGRADED,
        seen(
            owned(status=builders.never_in_service()),
            failed_creation(failure_message="EFA health checks did not run successfully"),
        ),
    )
    yield _of("cluster_failed", DEGRADED, seen(owned(), found(status="Failed", failure_message="Internal failure")))
    yield _of("scaled_outside", DEGRADED, seen(owned(), with_group(found(), group(GPU, target_count=8))))
    yield _of("region_not_allowed", DEGRADED, seen(owned({**SPEC, "region": "eu-west-1"}, status={}), None))
    refusal = "Namespace team may not use spec.instanceGroups[gpu].executionRole. Have it added to the list of tenants."
    yield _held("not_allowed", Wait(reason=Reason.NOT_ALLOWED, message=refusal, after=300.0, stalled=True))


def _held(name: str, decision: Wait) -> Scene:
    return _of(name, DEGRADED, replace(seen(owned(status={}), None), decision=decision, result=None))


def _unread() -> Iterator[Scene]:
    known = owned(status=report(seen(owned(), found())).status.model_dump(mode="json", exclude_none=True))
    for name, health, kind, code, words in (
        ("aws_unreachable", PROGRESSING, ErrorKind.UNREACHABLE, "EndpointConnectionError", "Could not connect."),
        ("credentials_invalid", DEGRADED, ErrorKind.CREDENTIALS, "ExpiredTokenException", "The token is expired."),
    ):
        error = CloudError(kind=kind, operation="DescribeCluster", code=code, message=words)
        yield _of(name, health, replace(unread(known, kind, failures=3), unread=error))


def _deleted() -> Iterator[Scene]:
    """Argo CD runs no script on these and says Progressing; the script is not to say anything worse of a usual end."""
    going = owned(deleting=True)
    yield _of("deleting", PROGRESSING, seen(going, found()))
    words = "The execution role does not have permission to perform ec2:DeleteNetworkInterface"
    node = ObservedNode(
        instance_id="i-00000000000000001",
        group="gpu",
        instance_type="ml.p5.48xlarge",
        status="ShuttingDown",
        message=words,
    )
    yield _of("teardown_blocked", DEGRADED, seen(going, found(status="Deleting"), nodes=(node,)))
