"""What most tests about volumes start from: a claim that created its volume, and a cluster of three nodes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hyperpod_operator.api.common.missing import Missing
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.names import TAG_CLAIM_UID, TAG_CLUSTER, TAG_EKS_CLUSTER, TAG_OWNER
from hyperpod_operator.api.volume.memory import AttachmentMemory, ClaimMemory, ModificationMemory
from hyperpod_operator.api.volume.resource import EBSVolumeClaimSpec
from hyperpod_operator.api.volume.status import EBSVolumeClaimStatus
from hyperpod_operator.core.engine.decision import LookAgain, Wait
from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.observed import ObservedCluster, ObservedGroup
from hyperpod_operator.core.ports import Key
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot, Decision
from hyperpod_operator.core.volume.missing import not_shown
from hyperpod_operator.core.volume.observed import Candidate, Lease, Observed
from hyperpod_operator.core.volume.ports import Attachment, Volume

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl"
EKS = "arn:aws:eks:us-west-2:111122223333:cluster/ml"
VOLUME_ID = "vol-0123456789abcdef0"
FIRST, SECOND, THIRD = "i-00000000000000001", "i-00000000000000002", "i-00000000000000003"
UID = "0f0f0f0f-1111-2222-3333-444444444444"
GROUP_TARGET = {"instanceGroupName": "workers"}


def spec(**members: Any) -> dict[str, Any]:
    """A new volume of 100 GiB for the group `workers`, Direct."""
    made = {
        "clusterRef": {"name": "research"},
        "source": {"create": {}},
        "volume": {"size": 100},
        "attachment": {"target": GROUP_TARGET},
        **members,
    }
    return {name: value for name, value in made.items() if value is not None}


def adopting(**members: Any) -> dict[str, Any]:
    return spec(**{"source": {"volumeId": VOLUME_ID}, "volume": None, **members})


def claim(wanted: Mapping[str, Any] | None = None, *, status: Mapping[str, Any] | None = None, **fields: Any) -> Claim:
    made: dict[str, Any] = {
        "key": Key("team", "data"),
        "uid": UID,
        "generation": 1,
        "deleting": False,
        "reconcile_requested_at": "",
        "force_delete": False,
        **fields,
    }
    return Claim(
        **made,
        spec=EBSVolumeClaimSpec.model_validate(spec() if wanted is None else wanted),
        status=EBSVolumeClaimStatus.model_validate(
            {"observedGeneration": made["generation"], **with_memory(status or {})}
        ),
    )


def cluster(
    status: str = "InService",
    *,
    restricted: tuple[str, ...] = (),
    counts: tuple[tuple[str, int], ...] = (("workers", 1), ("others", 0)),
    target: int = 2,
) -> ObservedCluster:
    """`counts`: how many instances each group has, `target` how many each is to have."""
    groups = tuple(
        ObservedGroup(
            name=name,
            restricted=name in restricted,
            status="InService",
            current_count=count,
            target_count=target,
            members={},
        )
        for name, count in counts
    )
    members = {"orchestrator": {"eks": {"clusterArn": EKS}}}
    return ObservedCluster(arn=ARN, name="research", status=status, groups=groups, members=members)


def node(instance_id: str = FIRST, group: str = "workers", **members: Any) -> Candidate:
    made: dict[str, Any] = {
        "status": "Running",
        "launched_at": NOW - timedelta(days=1),
        "node_name": f"hyperpod-{instance_id}",
        "availability_zone": "us-west-2b",
        "availability_zone_id": "usw2-az2",
        "ready": True,
        **members,
    }
    return Candidate(instance_id=instance_id, instance_group=group, **made)


def attachment(node_id: str = FIRST, state: str = "attached", **members: Any) -> Attachment:
    made: dict[str, Any] = {
        "associated_resource": f"{ARN}-{node_id}",
        "instance_owning_service": "sagemaker.amazonaws.com",
        "attach_time": NOW - timedelta(hours=1),
        "delete_on_termination": False,
        **members,
    }
    return Attachment(state=state, **made)


def volume(*attachments: Attachment, **members: Any) -> Volume:
    """Ours, tagged in full."""
    tags = {TAG_CLAIM_UID: UID, TAG_OWNER: "team/data", TAG_CLUSTER: ARN, TAG_EKS_CLUSTER: EKS}
    made: dict[str, Any] = {
        "volume_id": VOLUME_ID,
        "state": "in-use" if attachments else "available",
        "size": 100,
        "volume_type": "gp3",
        "iops": 3000,
        "throughput": 125,
        "availability_zone": "us-west-2b",
        "availability_zone_id": "usw2-az2",
        "create_time": NOW - timedelta(hours=2),
        "tags": tags,
        **members,
    }
    return Volume(attachments=attachments, **made)


def with_memory(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A status, with the members of its memory, and of the memory of its parts, where they belong."""
    made = _split(fields, ClaimMemory)
    parts = {"attachment": AttachmentMemory, "modification": ModificationMemory}
    return made | {name: _split(made[name], memory) for name, memory in parts.items() if made.get(name)}


def _split(fields: Mapping[str, Any], memory: type[Model]) -> dict[str, Any]:
    notes = {name: value for name, value in fields.items() if name in memory.model_fields}
    rest = {name: value for name, value in fields.items() if name not in notes}
    return {**rest, **({"memory": {**rest.get("memory", {}), **notes}} if notes else {})}


def made_status(**members: Any) -> dict[str, Any]:
    """Status after the volume was made; `claim` puts what is memory where it belongs."""
    return {
        "volumeId": VOLUME_ID,
        "creation": {"attempt": 1, "outcome": "Completed", "time": ago(hours=2)},
        **members,
    }


def attached_status(instance_id: str = FIRST, **members: Any) -> dict[str, Any]:
    """Status after the volume was attached to this node."""
    return made_status(
        attachment={
            "clusterArn": ARN,
            "target": "instanceGroupName=workers",
            "instanceGroupName": "workers",
            "instanceId": instance_id,
            "nodeName": f"hyperpod-{instance_id}",
            "state": "attached",
            "attachTime": ago(hours=1),
            **members,
        }
    )


def ago(**span: float) -> str:
    return stamp(NOW - timedelta(**span))


def snapshot_of(
    owner: Claim | None = None, *, now: datetime = NOW, first_look: bool = False, **members: Any
) -> ClaimSnapshot:
    """A pass over a claim whose volume is there and free; nodes FIRST and SECOND are in `workers`.

    What AWS does not show any more was missed by an earlier pass, too, unless this is the `first_look`.
    """
    owner = owner or claim(status=made_status())
    seen: dict[str, Any] = {
        "cluster": cluster(),
        "nodes": (node(FIRST), node(SECOND), node(THIRD, "others")),
        "volume": volume(),
        "lease": Lease(holder=owner.holder, holder_alive=True),
        **members,
    }
    found = ClaimSnapshot(claim=owner, observed=Observed(**seen), now=now)
    what = not_shown(found)
    if not what or first_look:
        return found
    missed = Missing(what=what, since=stamp(now - timedelta(minutes=1)))
    return replace(found, claim=replace(owner, status=updated(owner.status, {"missing": missed})))


def step_of(decision: Decision) -> Any:
    assert isinstance(decision, Act), decision
    return decision.step


def reason_of(decision: Decision) -> str:
    assert isinstance(decision, Wait | LookAgain), decision
    return str(decision.reason)


def failure(kind: ErrorKind, *, ec2_code: str = "", operation: str = "CreateVolume") -> CloudError:
    return CloudError(kind=kind, operation=operation, code=ec2_code or "X", message="AWS's words.", ec2_code=ec2_code)


def edited(owner: Claim, wanted: Mapping[str, Any]) -> Claim:
    return replace(owner, spec=EBSVolumeClaimSpec.model_validate(wanted), generation=owner.generation + 1)
