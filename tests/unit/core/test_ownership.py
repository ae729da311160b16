"""Only AWS's tags prove whose cluster it is."""

import pytest
from tests.unit.core.builders import ARN, EKS, FORMER, OTHERS, cluster, decision, held, our_tags, recorded, resource

from hyperpod_operator.api.names import TAG_ADOPTED, TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID, Reason
from hyperpod_operator.core.cluster.ownership import Ownership, is_adopted, ownership
from hyperpod_operator.core.cluster.resource import TAG_VALUE_MOST
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.ports import Key

OURS = resource().ownership_tags


@pytest.mark.parametrize(
    ("tags", "answer"),
    [
        (OURS, Ownership.OURS),
        ({**OURS, TAG_ADOPTED: "true", "team": "a"}, Ownership.OURS),
        ({**OURS, TAG_OWNER: "team/renamed"}, Ownership.OURS),
        ({}, Ownership.UNOWNED),
        ({"team": "a"}, Ownership.UNOWNED),
        ({TAG_EKS_CLUSTER: EKS}, Ownership.UNOWNED),
        (FORMER, Ownership.FORMER),
        ({TAG_OWNER: "team/research", TAG_EKS_CLUSTER: EKS}, Ownership.FORMER),
        (OTHERS, Ownership.OTHER),
        ({**FORMER, TAG_EKS_CLUSTER: EKS + "-2"}, Ownership.OTHER),
        ({**OURS, TAG_EKS_CLUSTER: EKS + "-2"}, Ownership.OTHER),
        ({TAG_OWNER_UID: "uid-1"}, Ownership.OTHER),
    ],
)
def test_tags_tell_the_owner(tags: dict[str, str], answer: Ownership) -> None:
    assert ownership(resource=resource(), observed=Observed(cluster=cluster(), tags=tags)) is answer


def test_tags_that_were_read_outweigh_what_was_recorded() -> None:
    owner = resource(status=recorded())
    assert ownership(resource=owner, observed=Observed(cluster=cluster(), tags={})) is Ownership.UNOWNED


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (recorded(), Ownership.RECORDED),
        (recorded(clusterArn=ARN + "x"), Ownership.UNREAD),
        (recorded(origin=None), Ownership.UNREAD),
        ({}, Ownership.UNREAD),
    ],
)
def test_without_tags_only_this_very_arn_counts_as_seen_before(status: dict[str, object], answer: Ownership) -> None:
    assert ownership(resource=resource(status=status), observed=Observed(cluster=cluster())) is answer


def test_an_absent_cluster_proves_nothing() -> None:
    assert ownership(resource=resource(status=recorded()), observed=Observed(cluster=None)) is Ownership.UNREAD


def test_a_long_name_is_still_recognised_after_aws_bounds_the_tag() -> None:
    owner = resource(key=Key("n" * 63, "x" * 253))
    assert len(owner.ownership_tags[TAG_OWNER]) == TAG_VALUE_MOST
    observed = Observed(cluster=cluster(), tags=our_tags(owner))
    assert ownership(resource=owner, observed=observed) is Ownership.OURS


@pytest.mark.parametrize("ends", ["y", "", "x-y"])
def test_a_long_name_that_begins_alike_is_another_owner(ends: str) -> None:
    """Cut to what AWS takes, both would be the same: the second would adopt the cluster of the first while it lives."""
    first = resource(key=Key("n" * 63, "x" * 250 + "z"))
    second = resource(key=Key("n" * 63, "x" * 250 + ends), uid="uid-2")
    found = Observed(cluster=cluster(), tags=our_tags(first))
    assert ownership(resource=second, observed=found) is Ownership.OTHER
    again = resource(key=first.key, uid="uid-3")
    assert ownership(resource=again, observed=found) is Ownership.FORMER


def test_adoption_can_be_told_from_aws_alone() -> None:
    assert is_adopted({**OURS, TAG_ADOPTED: "true"})
    assert not is_adopted(OURS)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({}, "carries no ownership tags"),
        ({TAG_OWNER_UID: "old", TAG_OWNER: "team/research", TAG_EKS_CLUSTER: EKS}, "an earlier object of this name"),
        ({TAG_OWNER_UID: "x", TAG_OWNER: "other/research", TAG_EKS_CLUSTER: EKS}, "other/research of this EKS cluster"),
        ({TAG_OWNER_UID: "x", TAG_OWNER: "team/research", TAG_EKS_CLUSTER: "eks-2"}, "team/research on eks-2"),
        ({TAG_OWNER_UID: "uid-1", TAG_OWNER: "team/research", TAG_EKS_CLUSTER: "eks-2"}, "made by this object for"),
        ({TAG_OWNER_UID: "x", TAG_EKS_CLUSTER: EKS}, "the object with uid x"),
    ],
)
def test_whose_cluster_it_is_is_said_of_each_pair(tags: dict[str, str], words: str) -> None:
    answer = held(decision(resource(), cluster(), tags=tags))
    assert answer.reason is Reason.NOT_OWNED
    assert words in answer.message
