"""Scenes of an EBSVolumeClaim: the life of one claim in the small world of the core's tests, disturbed in many ways."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.unit.core.volume.builders import FIRST, SECOND, claim, node, spec
from tests.unit.core.volume.builders import edited as wishing
from tests.unit.core.volume.world import World, stored
from tools.argocd.scene import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, Scene, edited, manifest

from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot
from hyperpod_operator.core.volume.missing import not_shown
from hyperpod_operator.core.volume.pass_record import PassRecord, Rejected
from hyperpod_operator.core.volume.plan import CloudStep
from hyperpod_operator.core.volume.ports import Attachment
from hyperpod_operator.core.volume.report import intent, report

PUBLISH = {"type": "LocalPV", "persistentVolumeClaim": {"name": "data", "create": True}}
STRANGER = "arn:aws:sagemaker:us-west-2:111122223333:cluster/zzzzzzzzzzzz-i-0000000000000000f"


def wanted(**members: Any) -> dict[str, Any]:
    return spec(publish=PUBLISH, management={"reclaimPolicy": "Snapshot"}, **members)


def empty() -> World:
    """Two nodes of the wanted group, and no volume."""
    world = World()
    for instance_id in (FIRST, SECOND):
        world.launch(instance_id)
    return world


def settled() -> tuple[World, Claim]:
    """A world where the volume is made, attached and published."""
    world = empty()
    owner, _ = world.run(claim(wanted(), status={}))
    return world, owner


def until(reason: Reason, world: World, owner: Claim) -> Claim:
    """The claim after the pass that gives this reason for not being Ready."""
    for _ in range(20):
        owner, _, pause = world.step(owner)
        if owner.status.conditions and owner.status.conditions[0].reason == reason:
            return owner
        world.now += timedelta(seconds=pause or 0)
    raise AssertionError(f"{reason} does not come about")


def scenes() -> Iterator[Scene]:
    kind = VOLUME_CLAIM
    yield Scene(kind=kind, name="new", health=PROGRESSING, manifest=manifest(kind, spec=wanted(), name="data"))
    _, owner = settled()
    healthy = _of("healthy", HEALTHY, owner)
    yield healthy
    yield edited(healthy, name="edited")
    yield from _coming()
    yield from _wished()
    yield from _stalled()
    yield from _deleted()


def _of(name: str, health: str, owner: Claim) -> Scene:
    made = manifest(
        VOLUME_CLAIM,
        spec=owner.spec.model_dump(mode="json", exclude_none=True),
        status=owner.status,
        name="data",
        uid=owner.uid,
        generation=owner.generation,
        deleting=owner.deleting,
    )
    return Scene(kind=VOLUME_CLAIM, name=name, health=health, manifest=made)


def _told(world: World, owner: Claim, *, error: CloudError | None = None, **members: Any) -> Claim:
    """One pass that looks and changes nothing: refused where it would call, if `error` says so."""
    observed = replace(world.observe(owner), **members)
    snapshot = ClaimSnapshot(claim=owner, observed=observed, now=world.now)
    if not_shown(snapshot):
        # What is missing is believed at the second look.
        owner = stored(owner, report(PassRecord(snapshot=snapshot, decision=decide(snapshot))).status)
        world.now += timedelta(seconds=snapshot.timings.deletion_confirmation)
        snapshot = ClaimSnapshot(claim=owner, observed=observed, now=world.now)
    decision = decide(snapshot)
    result = None
    if error is not None:
        if not isinstance(decision, Act) or not isinstance(decision.step, CloudStep):
            raise AssertionError(f"AWS is not called: {decision}")
        result = Rejected(step=decision.step, error=error)
    return stored(owner, report(PassRecord(snapshot=snapshot, decision=decision, result=result)).status)


def _failed(kind: ErrorKind, code: str, *, operation: str = "CreateVolume") -> CloudError:
    return CloudError(kind=kind, operation=operation, code=code, message="It was not done.", ec2_code=code)


def _coming() -> Iterator[Scene]:
    new = claim(wanted(), status={"observedGeneration": None})
    yield _of("before_create", PROGRESSING, _about_to_create(new))
    yield _of("attaching", PROGRESSING, until(Reason.ATTACHING, empty(), new))
    yield _of(
        "permission_denied", DEGRADED, _told(empty(), new, error=_failed(ErrorKind.DENIED, "UnauthorizedOperation"))
    )
    yield _of("throttled", PROGRESSING, _told(empty(), new, error=_failed(ErrorKind.THROTTLED, "RequestLimitExceeded")))
    yield _of("node_not_running", PROGRESSING, _told(empty(), new, nodes=()))
    yield _of("cluster_not_found", DEGRADED, _told(empty(), new, cluster=None))


def _about_to_create(owner: Claim) -> Claim:
    """As stored before the first call to AWS that makes something."""
    world = empty()
    while True:
        snapshot = ClaimSnapshot(claim=owner, observed=world.observe(owner), now=world.now)
        decision = decide(snapshot)
        planned = intent(snapshot, decision) if isinstance(decision, Act) else None
        if planned is not None:
            return stored(owner, planned)
        owner, _, _ = world.step(owner)


def _wished() -> Iterator[Scene]:
    world, owner = settled()
    paused = wishing(owner, {**wanted(), "management": {"reclaimPolicy": "Snapshot", "paused": True}})
    yield _of("paused", SUSPENDED, _told(world, paused))
    world, owner = settled()
    attachment = {"target": {"instanceGroupName": "workers"}, "suspend": True}
    owner = wishing(owner, wanted(attachment=attachment))
    yield _of("suspended", SUSPENDED, until(Reason.SUSPENDED, world, owner))
    world, owner = settled()
    growing = wishing(owner, wanted(volume={"size": 200}))
    yield _of("growing", PROGRESSING, _told(world, growing))
    smaller = wishing(owner, wanted(volume={"size": 50}))
    yield _of("smaller", DEGRADED, _told(world, smaller))


def _stalled() -> Iterator[Scene]:
    world, owner = settled()
    volume = world.observe(owner).volume
    if volume is None:
        raise AssertionError("the claim is settled")
    elsewhere = replace(volume, attachments=(Attachment(state="attached", associated_resource=STRANGER),))
    yield _of("attached_elsewhere", DEGRADED, _told(world, owner, volume=elsewhere, labelled=()))
    yield _of("volume_lost", DEGRADED, _told(world, owner, volume=None))
    yield _of("node_lost", PROGRESSING, _told(world, owner, nodes=(node(SECOND),)))
    unread = PassRecord(
        snapshot=ClaimSnapshot(claim=owner, observed=world.observe(owner), now=world.now),
        unread=_failed(ErrorKind.UNREACHABLE, "EndpointConnectionError", operation="DescribeVolumes"),
        failures=3,
    )
    yield _of("aws_unreachable", PROGRESSING, stored(owner, report(unread).status))


def _deleted() -> Iterator[Scene]:
    """Argo CD runs no script on these and says Progressing."""
    world, owner = settled()
    going = replace(owner, deleting=True)
    yield _of("deleting", PROGRESSING, _told(world, going))
    yield _of("deleting_in_use", PROGRESSING, _told(world, going, pods=("team/train-0",)))
