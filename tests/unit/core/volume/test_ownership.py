"""Whose is the volume: lease, tags, the CSI driver, Multi-Attach."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.volume.builders import (
    ARN,
    EKS,
    UID,
    adopting,
    ago,
    attached_status,
    attachment,
    claim,
    made_status,
    reason_of,
    snapshot_of,
    spec,
    step_of,
    volume,
)

from hyperpod_operator.api.common.adoption import Adoption
from hyperpod_operator.api.names import (
    TAG_ADOPTED,
    TAG_CLAIM_UID,
    TAG_CSI_CLUSTER,
    TAG_CSI_CLUSTER_NAME,
    TAG_EKS_CLUSTER,
    TAG_OWNER,
    TAG_RELEASED,
)
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.ports import Key
from hyperpod_operator.core.volume.adoption import Belongs, announcement, belongs
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Act, Decision
from hyperpod_operator.core.volume.observed import Lease
from hyperpod_operator.core.volume.plan import CreateTags, CreateVolume, DeleteTags, TakeLease

OTHERS = {TAG_CLAIM_UID: "other-uid", TAG_OWNER: "team/other", TAG_EKS_CLUSTER: EKS}
EARLIER = {TAG_CLAIM_UID: "older", TAG_OWNER: "team/data", TAG_EKS_CLUSTER: EKS}
RELEASED = {TAG_RELEASED: "team/data", TAG_EKS_CLUSTER: EKS}
TAKES = {"management": {"adoptionPolicy": "IfUnowned"}}
FORCE = {"management": {"adoptionPolicy": "Force"}}


def judged(members: dict[str, Any] | None = None, *, announced: bool = True, **seen: Any) -> Decision:
    """The decision about a volume that was there before, carries no tag yet, and whose adoption was announced."""
    found = snapshot_of(claim(adopting(**{**TAKES, **(members or {})})), **{"volume": volume(tags={}), **seen})
    if announced and found.volume is not None:
        said = Adoption(fingerprint=announcement(found, found.volume).fingerprint, announcedAt=ago(minutes=2))
        status = found.claim.status.model_copy(update={"adoption": said})
        found = replace(found, claim=replace(found.claim, status=status))
    return decide(found)


def test_the_lease_comes_before_the_other_tags() -> None:
    mine = volume(tags={TAG_CLAIM_UID: UID})
    assert isinstance(step_of(judged(volume=mine, lease=None)), TakeLease)
    assert isinstance(step_of(judged(volume=mine)), CreateTags)


def test_an_adoption_puts_all_tags_on_and_says_that_the_volume_was_adopted() -> None:
    step = step_of(judged())
    assert isinstance(step, CreateTags)
    assert step.tags[TAG_CLAIM_UID] == UID
    assert step.tags[TAG_ADOPTED] == "true"


def test_the_lease_of_a_living_claim_wins() -> None:
    held = Lease(holder="team/other/other-uid", holder_alive=True)
    assert reason_of(judged(lease=held)) == "ClaimedByOther"
    assert reason_of(judged(FORCE, lease=held)) == "ClaimedByOther"


def test_the_lease_of_a_claim_that_is_gone_is_taken_over_from_that_one_only() -> None:
    mine = volume(tags={TAG_CLAIM_UID: UID})
    step = step_of(judged(volume=mine, lease=Lease(holder="team/other/other-uid", holder_alive=False)))
    assert isinstance(step, TakeLease)
    assert step.replaces == "team/other/other-uid"


def test_tags_of_another_claim_stop_a_claim_without_force() -> None:
    decision = judged(volume=volume(tags=OTHERS))
    assert reason_of(decision) == "ClaimedByOther"
    assert "team/other" in decision.message  # type: ignore[union-attr]  # a Wait


def test_force_takes_a_volume_from_a_claim_of_this_eks_cluster() -> None:
    step = step_of(judged(FORCE, volume=volume(tags=OTHERS)))
    assert isinstance(step, CreateTags)
    assert step.tags[TAG_CLAIM_UID] == UID


def test_a_claim_whose_tag_was_overwritten_steps_back() -> None:
    """The second look after writing: another cluster's operator wrote last."""
    assert reason_of(decide(snapshot_of(volume=volume(tags={**volume().tags, **OTHERS})))) == "ClaimedByOther"


@pytest.mark.parametrize("users", [("PersistentVolume pv-1",), ("VolumeAttachment csi-1",)])
def test_direct_does_not_fight_with_the_csi_driver(users: tuple[str, ...]) -> None:
    assert reason_of(judged(csi_users=users)) == "CSIOwned"
    assert reason_of(judged(FORCE, csi_users=users)) == "CSIOwned"


def test_a_left_over_csi_tag_yields_to_force() -> None:
    tagged = volume(tags={TAG_CSI_CLUSTER: "true"})
    assert reason_of(judged(volume=tagged)) == "CSIOwned"
    assert isinstance(judged(FORCE, volume=tagged), Act)


def test_mode_csi_lets_the_driver_in_by_tag() -> None:
    step = step_of(judged({"attachment": {"mode": "CSI"}}, csi_users=("PersistentVolume pv-1",)))
    assert step.tags[TAG_CSI_CLUSTER] == "true"
    assert step.tags[TAG_CSI_CLUSTER_NAME] == EKS.rpartition("/")[2]


def test_multi_attach_is_refused_in_direct_only() -> None:
    shared = volume(tags={}, multi_attach_enabled=True)
    told = judged(volume=shared)
    assert isinstance(told, Wait)
    assert (told.reason, "in a new claim" in told.message) == ("MultiAttach", True)
    assert isinstance(judged({"attachment": {"mode": "None"}}, volume=shared), Act)


def test_tags_of_the_spec_are_added_and_only_ours_are_removed() -> None:
    wanted = spec(volume={"size": 100, "tags": [{"key": "team", "value": "nlp"}]})
    step = step_of(decide(snapshot_of(claim(wanted, status=made_status()))))
    assert isinstance(step, CreateTags)
    assert step.tags == {"team": "nlp"}
    tagged = volume(tags={**volume().tags, "old": "x", "theirs": "y"})
    step = step_of(decide(snapshot_of(claim(status=made_status(appliedTagKeys=["old"])), volume=tagged)))
    assert isinstance(step, DeleteTags)
    assert step.keys == ("old",)


def test_a_settled_volume_needs_no_tag() -> None:
    owner = claim(status=attached_status())
    assert volume().tags["hyperpod-operator.dev/cluster"] == ARN
    assert not isinstance(decide(snapshot_of(owner, volume=volume(attachment()))), Act)


ELSEWHERE = {**OTHERS, TAG_EKS_CLUSTER: f"{EKS}-of-others"}
FOREIGN = attachment(associated_resource="", instance_id="i-0fedcba9876543210", instance_owning_service="")
POLICIES = pytest.mark.parametrize("policy", ["Never", "IfUnowned", "Force"])
MODES = pytest.mark.parametrize("mode", ["Direct", "CSI", "None"])


def with_policy(policy: str, mode: str = "Direct") -> dict[str, Any]:
    target = {"target": {"instanceGroupName": "workers"}} if mode == "Direct" else {}
    return {"attachment": {"mode": mode, **target}, "management": {"adoptionPolicy": policy}}


@pytest.mark.parametrize("members", [{"management": None}, with_policy("Never")])
def test_a_volume_that_was_there_is_left_alone_by_default(members: dict[str, Any]) -> None:
    assert reason_of(judged(members)) == "NotOwned"


@POLICIES
def test_a_volume_that_carries_the_claims_tag_is_its_own_whatever_the_policy(policy: str) -> None:
    found = volume(tags={**volume().tags, TAG_ADOPTED: "true"})
    assert not isinstance(judged(with_policy(policy), volume=found), Wait)


@pytest.mark.parametrize("policy", ["IfUnowned", "Force"])
def test_an_adoption_is_announced_before_anything_is_changed(policy: str) -> None:
    first = judged({**with_policy(policy), "volume": {"size": 200}}, announced=False, lease=None)
    assert reason_of(first) == "AdoptionAnnounced"
    assert "size 200 GiB" in first.message  # type: ignore[union-attr]  # a Wait


@MODES
@POLICIES
def test_what_is_attached_to_something_foreign_is_never_taken(policy: str, mode: str) -> None:
    assert reason_of(judged(with_policy(policy, mode), volume=volume(FOREIGN, tags={}))) == "AttachedElsewhere"


@pytest.mark.parametrize("mode", ["Direct", "None"])
def test_our_own_volume_is_not_changed_while_something_foreign_holds_it(mode: str) -> None:
    held = snapshot_of(
        claim(spec(**with_policy("Never", mode), volume={"size": 500}), status=made_status()), volume=volume(FOREIGN)
    )
    assert reason_of(decide(held)) == "AttachedElsewhere"


@POLICIES
def test_a_volume_of_another_eks_cluster_is_never_taken(policy: str) -> None:
    assert reason_of(judged(with_policy(policy), volume=volume(tags=ELSEWHERE))) == "ClaimedByOther"


def test_force_does_not_guess_which_eks_cluster_a_volume_is_of() -> None:
    nowhere = {TAG_CLAIM_UID: "other-uid", TAG_OWNER: "team/other"}
    assert reason_of(judged(FORCE, volume=volume(tags=nowhere))) == "ClaimedByOther"
    assert reason_of(judged(FORCE, volume=volume(tags=OTHERS), cluster=None, nodes=())) == "ClusterNotFound"


@pytest.mark.parametrize("tags", [EARLIER, RELEASED], ids=["owned", "released"])
@pytest.mark.parametrize("policy", ["IfUnowned", "Force"])
def test_a_claim_that_was_restored_with_its_cluster_waits_for_that_cluster(tags: dict[str, str], policy: str) -> None:
    """Nobody is told to release its volume: that HyperPod cluster says of which EKS cluster the claim is."""
    found = {"volume": None, "former": (volume(tags=tags),)}
    owner = claim(spec(management={"adoptionPolicy": policy}))
    coming = decide(snapshot_of(owner, cluster=None, nodes=(), coming=True, desired_eks_cluster=EKS, **found))
    assert isinstance(coming, Wait)
    assert (coming.reason, coming.stalled) == ("ClusterNotInService", False)
    assert volume().volume_id in coming.message
    assert reason_of(decide(snapshot_of(owner, **found))) == "AdoptionAnnounced"
    other = snapshot_of(owner, cluster=None, nodes=(), coming=True, desired_eks_cluster=f"{EKS}2", **found)
    assert reason_of(decide(other)) != "ClusterNotInService"


def test_two_claims_with_force_do_not_take_a_volume_from_each_other_without_end() -> None:
    status = {"ownership": {"mode": "Adopted", "tag": UID}}
    decision = decide(snapshot_of(claim(adopting(**FORCE), status=status), volume=volume(tags=OTHERS)))
    assert reason_of(decision) == "ClaimedByOther"


@POLICIES
@pytest.mark.parametrize("tags", [{}, {TAG_OWNER: "team/data"}, {"Name": "theirs"}])
def test_a_volume_that_only_status_calls_ours_is_neither_tagged_nor_changed(tags: dict[str, str], policy: str) -> None:
    """Whoever may write status names any volume there."""
    wanted = spec(**with_policy(policy), volume={"size": 500})
    decision = decide(snapshot_of(claim(wanted, status=made_status()), volume=volume(tags=tags)))
    assert isinstance(decision, Wait)
    assert decision.stalled


@pytest.mark.parametrize(
    "left",
    [
        {TAG_CLAIM_UID: "former-uid", TAG_OWNER: "team/data", TAG_EKS_CLUSTER: EKS},
        {TAG_RELEASED: "team/data", TAG_EKS_CLUSTER: EKS},
    ],
    ids=["lost", "released"],
)
def test_what_an_earlier_claim_left_is_named_and_taken_by_policy_only(left: dict[str, str]) -> None:
    former = replace(volume(tags=left), volume_id="vol-0fedcba9876543210")
    stopped = decide(snapshot_of(claim(spec()), volume=None, former=(former,), lease=None))
    assert reason_of(stopped) == "NotOwned"
    assert former.volume_id in stopped.message  # type: ignore[union-attr]  # a Wait
    taken = decide(snapshot_of(claim(spec(**TAKES)), volume=None, former=(former,), lease=None))
    assert reason_of(taken) == "AdoptionAnnounced"
    several = decide(snapshot_of(claim(spec(**TAKES)), volume=None, former=(former, volume(tags=left)), lease=None))
    assert reason_of(several) == "NotOwned"


def test_a_volume_is_made_after_two_looks_found_none_of_an_earlier_claim() -> None:
    first = decide(snapshot_of(claim(spec()), first_look=True, volume=None, former=(), lease=None))
    assert reason_of(first) == "CreatingVolume"
    assert isinstance(step_of(decide(snapshot_of(claim(spec()), volume=None, former=(), lease=None))), CreateVolume)


def test_a_long_name_that_begins_alike_is_another_claim() -> None:
    """Cut to what EC2 takes, both would be the same: the second would adopt the volume of the first while it lives."""
    first, second, again = (
        claim(adopting(), key=Key("n" * 63, "x" * 250 + end), uid=f"uid-{end}-{number}")
        for number, end in enumerate(("z", "y", "z"))
    )
    theirs = volume(tags={TAG_CLAIM_UID: first.uid, TAG_OWNER: first.owner, TAG_EKS_CLUSTER: EKS})
    found = [belongs(snapshot_of(one, volume=theirs), theirs) for one in (first, second, again)]
    assert found == [Belongs.OURS, Belongs.OTHER_CLAIM, Belongs.FORMER]
