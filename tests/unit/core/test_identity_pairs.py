"""Two objects and one cluster, every pair of them: what is said, and that nothing is sent and nothing taken.

Each row is what the tags of the cluster say of its owner, seen from team/research (uid-1) of the EKS cluster ml.
"""

from dataclasses import dataclass
from typing import Any

import pytest
from tests.unit.core.builders import ARN, EKS, FORMER, cluster, decision, managed, recorded, resource, second_look

from hyperpod_operator.api.names import TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID, Reason
from hyperpod_operator.core.engine.decision import RemoveFinalizer, Wait

ELSEWHERE = f"{EKS}-2"


def tags(owner: str, uid: str, eks: str = EKS) -> dict[str, str]:
    found = {TAG_OWNER: owner, TAG_OWNER_UID: uid, TAG_EKS_CLUSTER: eks}
    return {key: value for key, value in found.items() if value}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What the tags say, how the message names the owner, and whether adoptionPolicy: IfUnowned may take it."""

    tags: dict[str, str]
    says: str
    adoptable: bool = False


PAIRS = {
    "another object of the namespace": Pair(tags=tags("team/other", "other"), says="belongs to team/other of this EKS"),
    "the same name in another namespace": Pair(tags=tags("b/research", "other"), says="belongs to b/research of this"),
    "the same name in another EKS cluster": Pair(
        tags=tags("team/research", "other", ELSEWHERE), says=f"belongs to team/research on {ELSEWHERE}"
    ),
    "another name in another EKS cluster": Pair(
        tags=tags("b/x", "other", ELSEWHERE), says=f"belongs to b/x on {ELSEWHERE}"
    ),
    "this object, for another EKS cluster": Pair(
        tags=tags("team/research", "uid-1", ELSEWHERE), says=f"was made by this object for {ELSEWHERE}"
    ),
    "an owner without a name": Pair(tags=tags("", "other"), says="belongs to the object with uid other"),
    "an owner without an EKS cluster": Pair(tags=tags("team/research", "other", ""), says="on another EKS cluster"),
    "an earlier object of this name": Pair(tags=FORMER, says="an earlier object of this name", adoptable=True),
    "an earlier object without a uid": Pair(
        tags=tags("team/research", ""), says="an earlier object of this name", adoptable=True
    ),
    "nobody": Pair(tags={"team": "a"}, says="carries no ownership tags", adoptable=True),
}
STATUS: dict[str, dict[str, Any]] = {
    "new": {},
    "restored with the status of an earlier object": recorded(ownerUid="older"),
    "restored with a status of no uid": recorded(ownerUid=None),
}
POLICIES = ("Never", "IfUnowned")


@pytest.mark.parametrize("status", STATUS)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", PAIRS)
def test_the_owner_is_named_and_nothing_is_sent(name: str, policy: str, status: str) -> None:
    pair, owner = PAIRS[name], resource(spec=managed(adoptionPolicy=policy), status=STATUS[status])
    answer = second_look(owner, cluster(), tags=pair.tags)
    assert isinstance(answer, Wait), answer
    if pair.adoptable and policy == "IfUnowned":
        assert answer.reason is Reason.ADOPTION_ANNOUNCED
        return
    assert (answer.reason, answer.stalled) == (Reason.NOT_OWNED, True)
    assert pair.says in answer.message
    assert ARN in answer.message
    assert ("IfUnowned" in answer.message) is pair.adoptable
    # Whoever only reads "delete the owner" deletes the cluster.
    assert ("deletionPolicy: Retain" in answer.message) is not pair.adoptable


@pytest.mark.parametrize("status", STATUS)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", PAIRS)
def test_a_deleted_object_leaves_the_cluster_of_another_owner_alone(name: str, policy: str, status: str) -> None:
    owner = resource(spec=managed(adoptionPolicy=policy, deletionPolicy="Delete"), status=STATUS[status], deleting=True)
    answer = second_look(owner, cluster(), tags=PAIRS[name].tags)
    assert isinstance(answer, RemoveFinalizer | Wait), answer
    assert answer.reason in {Reason.RELEASED, Reason.NOT_OWNED}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", [name for name, pair in PAIRS.items() if pair.tags.get(TAG_OWNER)])
def test_what_another_owner_took_is_not_taken_back(name: str, policy: str) -> None:
    """Two installations that adopt would take a cluster from each other without end."""
    owner = resource(spec=managed(adoptionPolicy=policy), status=recorded())
    answer = second_look(owner, cluster(), tags=PAIRS[name].tags)
    assert isinstance(answer, Wait), answer
    assert (answer.reason, answer.stalled) == (Reason.NOT_OWNED, True)


def test_the_newer_object_that_took_a_cluster_is_named_with_the_way_to_have_it_back() -> None:
    answer = decision(resource(spec=managed(adoptionPolicy="IfUnowned"), status=recorded()), cluster(), tags=FORMER)
    assert isinstance(answer, Wait)
    assert "(uid older) took" in answer.message
    assert "hyperpod-operator.dev/abandon" in answer.message
