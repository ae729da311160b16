"""The preview of a claim: the steps that follow from what AWS shows, and what nobody can know without Kubernetes."""

from typing import Any

from tests.unit.core.volume.builders import EKS, FIRST, NOW, adopting, attachment, claim, cluster, node, spec, volume

from hyperpod_operator.core.engine.call import Effect
from hyperpod_operator.core.location import Location
from hyperpod_operator.core.preview.claim import NEW, preview_claim
from hyperpod_operator.core.preview.model import BEING_DELETED, Preview, Sight
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.observed import Observed

UNJOINED: dict[str, Any] = {"node_name": "", "availability_zone": "", "availability_zone_id": "", "ready": None}
"""A node as AWS alone shows it."""
IN_B = {"create": {"availabilityZone": "us-west-2b"}}


def previewed(owner: Claim, **observed: Any) -> Preview:
    made: dict[str, Any] = {"cluster": cluster(), "nodes": (node(FIRST, **UNJOINED),), "former": (), **observed}
    snapshot = ClaimSnapshot(claim=owner, observed=Observed(**made), now=NOW, here=Location(region="us-west-2"))
    return preview_claim(snapshot, sight=Sight(memory=True))


def steps(found: Preview) -> list[tuple[str, Effect, str]]:
    return [(call.operation, call.effect, str(call.changes[0])) for call in found.calls]


def test_a_new_volume_is_created_and_attached_to_a_node_of_the_group() -> None:
    found = previewed(claim(spec(source=IN_B)))
    assert steps(found) == [
        ("CreateVolume", Effect.ADDS, "volume: create 100 GiB (gp3) in us-west-2b"),
        ("AttachClusterNodeVolume", Effect.ADDS, f"attachment: attach {NEW} to a node of instanceGroupName=workers"),
    ]
    assert not found.exists
    assert found.unknown == ()


def test_a_cluster_that_is_still_to_come_leaves_the_attachment_unknown() -> None:
    found = previewed(claim(spec(source=IN_B)), cluster=None, nodes=(), coming=True)
    assert [call.operation for call in found.calls] == ["CreateVolume"]
    (unknown,) = found.unknown
    assert unknown.startswith("what follows: AWS has not created the cluster")


def test_a_zone_that_only_a_joined_node_tells_is_unknown() -> None:
    found = previewed(claim())
    assert found.calls == ()
    (unknown,) = found.unknown
    assert unknown.startswith(f"what the operator does: The zone of {FIRST} is not known yet")
    assert found.changes


def test_a_larger_size_is_one_modification_with_both_values() -> None:
    recorded = {"volumeId": volume().volume_id, "creation": {"outcome": "Completed"}}
    found = previewed(
        claim(spec(source=IN_B, volume={"size": 200}), status=recorded), volume=volume(attachment(FIRST)), tagged=()
    )
    assert ("ModifyVolume", Effect.CHANGES, "volume.size: 100 -> 200") in steps(found)
    assert found.exists


def test_a_volume_of_another_owner_is_blocked() -> None:
    others = volume(tags={"hyperpod-operator.dev/claim-uid": "other", "hyperpod-operator.dev/owner": "team/other",
                          "hyperpod-operator.dev/eks-cluster": EKS})  # fmt: skip
    found = previewed(claim(adopting()), volume=others)
    assert found.calls == ()
    assert "team/other" in found.blocked


def test_a_claim_that_is_being_deleted_is_not_said_to_be_made() -> None:
    found = previewed(claim(spec(source=IN_B), deleting=True))
    assert found.calls == ()
    assert BEING_DELETED in found.notes


def test_what_kubernetes_knows_is_said_not_to_be_read() -> None:
    assert any("are not read" in note for note in previewed(claim()).notes)
