"""Whose cluster is it, and when may it be taken over?"""

from dataclasses import replace

import pytest
from tests.unit.core.builders import (
    ARN,
    EKS,
    FORMER,
    OTHERS,
    action,
    ago,
    cluster,
    decision,
    held,
    managed,
    recorded,
    resource,
    scaled,
)

from hyperpod_operator.api.names import OWNERSHIP_TAGS, TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID, Reason
from hyperpod_operator.core.cluster.decision import NeedTags
from hyperpod_operator.core.cluster.plan import (
    AddTags,
    fingerprint,
)
from hyperpod_operator.core.engine.decision import InSync


class TestOwnership:
    def test_tags_are_read_before_a_strange_cluster_is_judged(self) -> None:
        assert isinstance(decision(resource(), cluster(), tags=None), NeedTags)

    def test_a_proved_arn_needs_no_tags_to_look_at(self) -> None:
        assert isinstance(decision(resource(status=recorded()), cluster(), tags=None), InSync)

    def test_a_proved_arn_needs_tags_to_be_changed(self) -> None:
        assert isinstance(decision(resource(spec=scaled(), status=recorded()), cluster(), tags=None), NeedTags)

    @pytest.mark.parametrize("tags", [{}, OTHERS, FORMER])
    def test_a_foreign_cluster_is_not_touched(self, tags: dict[str, str]) -> None:
        answer = held(decision(resource(spec=scaled()), cluster(), tags=tags))
        assert answer.reason is Reason.NOT_OWNED
        assert answer.stalled

    def test_somebody_elses_cluster_is_not_adopted_even_by_policy(self) -> None:
        answer = held(decision(resource(spec=managed(adoptionPolicy="IfUnowned")), cluster(), tags=OTHERS))
        assert answer.reason is Reason.NOT_OWNED
        assert "team/other" in answer.message

    def test_our_uid_under_another_eks_cluster_is_not_ours(self) -> None:
        tags = {TAG_OWNER_UID: "uid-1", TAG_OWNER: "team/research", TAG_EKS_CLUSTER: EKS + "-2"}
        assert held(decision(resource(), cluster(), tags=tags)).reason is Reason.NOT_OWNED

    @pytest.mark.parametrize("tags", [{}, {"team": "a"}, FORMER])
    def test_adoption_is_announced_with_what_it_would_change(self, tags: dict[str, str]) -> None:
        wanted = scaled() | {"management": {"adoptionPolicy": "IfUnowned"}}
        answer = held(decision(resource(spec=wanted), cluster(), tags=tags))
        assert answer.reason is Reason.ADOPTION_ANNOUNCED
        assert "instanceGroups[gpu].instanceCount: 4 -> 6" in answer.message

    def test_adoption_follows_the_announcement_by_tags_alone(self) -> None:
        owner = resource(spec=managed(adoptionPolicy="IfUnowned"))
        mark = fingerprint(operation="Adopt", desired=[ARN, ()])
        owner = replace(
            owner,
            status=owner.status.model_validate({"adoption": {"fingerprint": mark, "announcedAt": ago(61)}}),
        )
        adopting = action(decision(owner, cluster(), tags={}))
        assert isinstance(adopting, AddTags)
        assert set(adopting.tags) == set(OWNERSHIP_TAGS)

    def test_another_announcement_starts_the_notice_anew(self) -> None:
        status = {"adoption": {"fingerprint": "of other changes", "announcedAt": ago(3600)}}
        owner = resource(spec=managed(adoptionPolicy="IfUnowned"), status=status)
        assert held(decision(owner, cluster(), tags={})).reason is Reason.ADOPTION_ANNOUNCED

    def test_paused_is_not_adopted(self) -> None:
        owner = resource(spec=managed(adoptionPolicy="IfUnowned", paused=True))
        assert held(decision(owner, cluster(), tags={})).reason is Reason.PAUSED
