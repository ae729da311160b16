"""Two claims and one volume, every pair of them: what is said, and that nothing is sent and nothing taken.

Each row is what the tags of the volume say of its owner, seen from the claim team/data of the EKS cluster ml.
"""

from dataclasses import dataclass, replace

import pytest
from tests.unit.core.volume.builders import EKS, UID, VOLUME_ID, adopting, claim, made_status, snapshot_of, spec, volume

from hyperpod_operator.api.names import TAG_CLAIM_UID, TAG_EKS_CLUSTER, TAG_OWNER, TAG_RELEASED, Reason
from hyperpod_operator.core.engine.decision import RemoveFinalizer, Wait
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Act
from hyperpod_operator.core.volume.plan import DropLease

ELSEWHERE = f"{EKS}-2"
POLICIES = ("Never", "IfUnowned", "Force")


def tags(owner: str = "", uid: str = "", eks: str = EKS, released: str = "") -> dict[str, str]:
    found = {TAG_OWNER: owner, TAG_CLAIM_UID: uid, TAG_EKS_CLUSTER: eks, TAG_RELEASED: released}
    return {key: value for key, value in found.items() if value}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What the tags say, how the message names the owner, and which policies let a claim that names the volume take
    it."""

    tags: dict[str, str]
    says: str
    reason: Reason = Reason.CLAIMED_BY_OTHER
    takes: tuple[str, ...] = ()


PAIRS = {
    "another claim": Pair(tags=tags("team/other", "other"), says="team/other", takes=("Force",)),
    "the same name in another namespace": Pair(tags=tags("b/data", "other"), says="b/data", takes=("Force",)),
    "the same name in another EKS cluster": Pair(tags=tags("team/data", "other", ELSEWHERE), says=ELSEWHERE),
    "another name in another EKS cluster": Pair(tags=tags("b/x", "other", ELSEWHERE), says=ELSEWHERE),
    "a claim without an EKS cluster": Pair(tags=tags("team/data", "other", ""), says="that it does not name"),
    "an earlier claim of this name": Pair(
        tags=tags("team/data", "older"),
        says="An earlier claim team/data left",
        reason=Reason.NOT_OWNED,
        takes=("IfUnowned", "Force"),
    ),
    "released by an earlier claim of this name": Pair(
        tags=tags(released="team/data"),
        says="An earlier claim team/data left",
        reason=Reason.NOT_OWNED,
        takes=("IfUnowned", "Force"),
    ),
    "released by a claim of another namespace": Pair(
        tags=tags(released="b/data"), says="adoptionPolicy", reason=Reason.NOT_OWNED, takes=("IfUnowned", "Force")
    ),
    "nobody": Pair(tags={"a": "b"}, says="adoptionPolicy", reason=Reason.NOT_OWNED, takes=("IfUnowned", "Force")),
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", PAIRS)
def test_a_volume_that_a_claim_names_is_taken_by_policy_alone(name: str, policy: str) -> None:
    pair = PAIRS[name]
    owner = claim(adopting(management={"adoptionPolicy": policy}))
    answer = decide(snapshot_of(owner, volume=volume(tags=pair.tags)))
    assert isinstance(answer, Wait), answer
    if policy in pair.takes:
        assert answer.reason is Reason.ADOPTION_ANNOUNCED
        return
    assert (answer.reason, answer.stalled) == (pair.reason, True)
    assert pair.says in answer.message
    assert VOLUME_ID in answer.message
    assert "delete the PVC" not in answer.message
    assert "empty" not in answer.message, "no volume is made for a claim that names one"


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", PAIRS)
def test_a_volume_that_a_restored_status_names_is_not_this_claims(name: str, policy: str) -> None:
    """Only what an earlier claim of this name left may be continued with."""
    owner = claim(spec(management={"adoptionPolicy": policy}), status=made_status())
    answer = decide(snapshot_of(owner, volume=volume(tags=PAIRS[name].tags)))
    assert isinstance(answer, Wait), answer
    former = "An earlier claim" in PAIRS[name].says
    wanted = (
        {Reason.ADOPTION_ANNOUNCED} if former and policy != "Never" else {Reason.CLAIMED_BY_OTHER, Reason.NOT_OWNED}
    )
    assert answer.reason in wanted


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", PAIRS)
def test_a_deleted_claim_leaves_the_volume_of_another_owner_alone(name: str, policy: str, made: bool) -> None:
    management = {"adoptionPolicy": policy, "reclaimPolicy": "Delete", "deletionProtection": False}
    wanted = spec(management=management) if made else adopting(management=management)
    owner = claim(wanted, status=made_status(), deleting=True)
    answer = decide(snapshot_of(owner, volume=volume(tags=PAIRS[name].tags)))
    assert isinstance(answer, RemoveFinalizer | Wait) or isinstance(answer.step, DropLease), answer


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", PAIRS)
def test_what_another_claim_took_is_not_taken_back(name: str, policy: str) -> None:
    pair = PAIRS[name]
    if TAG_CLAIM_UID not in pair.tags:
        pair = replace(pair, tags={**pair.tags, TAG_CLAIM_UID: "other"})
    status = made_status(ownership={"mode": "Adopted", "tag": UID})
    owner = claim(adopting(management={"adoptionPolicy": policy}), status=status)
    answer = decide(snapshot_of(owner, volume=volume(tags=pair.tags)))
    assert not isinstance(answer, Act), answer
    assert isinstance(answer, Wait)
    assert answer.reason is not Reason.ADOPTION_ANNOUNCED
