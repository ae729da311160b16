"""Whose is the volume: lease, tags, the CSI driver, Multi-Attach."""

from typing import Any

import pytest
from tests.unit.core.volume.builders import (
    ARN,
    EKS,
    UID,
    adopting,
    attached_status,
    attachment,
    claim,
    made_status,
    reason_of,
    situation,
    spec,
    step_of,
    volume,
)

from hyperpod_operator.api.names import TAG_ADOPTED, TAG_CLAIM_UID, TAG_CSI_CLUSTER, TAG_CSI_CLUSTER_NAME, TAG_OWNER
from hyperpod_operator.core.volume.observed import Lease
from hyperpod_operator.core.volume.plan import CreateTags, DeleteTags, TakeLease
from hyperpod_operator.core.volume.policy import decide
from hyperpod_operator.core.volume.verdict import Act, Verdict

OTHERS = {TAG_CLAIM_UID: "other-uid", TAG_OWNER: "team/other"}
FORCE = {"management": {"adoptionPolicy": "Force"}}


def judged(members: dict[str, Any] | None = None, **seen: Any) -> Verdict:
    """The verdict about an adopted volume that carries no tag yet."""
    return decide(situation(claim(adopting(**(members or {}))), **{"volume": volume(tags={}), **seen}))


def test_the_lease_comes_first() -> None:
    assert isinstance(step_of(judged(lease=None)), TakeLease)


def test_the_tags_come_next_and_say_that_the_volume_was_adopted() -> None:
    step = step_of(judged())
    assert isinstance(step, CreateTags)
    assert step.tags[TAG_CLAIM_UID] == UID
    assert step.tags[TAG_ADOPTED] == "true"


def test_the_lease_of_a_living_claim_wins() -> None:
    held = Lease(holder="team/other/other-uid", holder_alive=True)
    assert reason_of(judged(lease=held)) == "ClaimedByOther"
    assert reason_of(judged(FORCE, lease=held)) == "ClaimedByOther"


def test_the_lease_of_a_claim_that_is_gone_is_taken_over_from_that_one_only() -> None:
    step = step_of(judged(lease=Lease(holder="team/other/other-uid", holder_alive=False)))
    assert isinstance(step, TakeLease)
    assert step.replaces == "team/other/other-uid"


def test_tags_of_another_claim_stop_a_claim_without_force() -> None:
    verdict = judged(volume=volume(tags=OTHERS))
    assert reason_of(verdict) == "ClaimedByOther"
    assert "team/other" in verdict.message  # type: ignore[union-attr]  # a Hold


def test_force_overwrites_tags_that_nobody_stands_behind() -> None:
    step = step_of(judged(FORCE, volume=volume(tags=OTHERS)))
    assert isinstance(step, CreateTags)
    assert step.tags[TAG_CLAIM_UID] == UID


def test_a_claim_whose_tag_was_overwritten_steps_back() -> None:
    """The second look after writing: another cluster's operator wrote last."""
    assert reason_of(decide(situation(volume=volume(tags={**volume().tags, **OTHERS})))) == "ClaimedByOther"


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
    assert reason_of(judged(volume=shared)) == "MultiAttach"
    assert isinstance(judged({"attachment": {"mode": "None"}}, volume=shared), Act)


def test_tags_of_the_spec_are_added_and_only_ours_are_removed() -> None:
    wanted = spec(volume={"size": 100, "tags": [{"key": "team", "value": "nlp"}]})
    step = step_of(decide(situation(claim(wanted, status=made_status()))))
    assert isinstance(step, CreateTags)
    assert step.tags == {"team": "nlp"}
    tagged = volume(tags={**volume().tags, "old": "x", "theirs": "y"})
    step = step_of(decide(situation(claim(status=made_status(appliedTagKeys=["old"])), volume=tagged)))
    assert isinstance(step, DeleteTags)
    assert step.keys == ("old",)


def test_a_settled_volume_needs_no_tag() -> None:
    owner = claim(status=attached_status())
    assert volume().tags["hyperpod-operator.dev/cluster"] == ARN
    assert not isinstance(decide(situation(owner, volume=volume(attachment()))), Act)
