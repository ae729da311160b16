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
    group,
    group_spec,
    held,
    managed,
    our_tags,
    recorded,
    resource,
    scaled,
    spec,
    with_group,
)

from hyperpod_operator.api.names import OWNERSHIP_TAGS, TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID, Reason
from hyperpod_operator.core.cluster.decision import NeedTags
from hyperpod_operator.core.cluster.plan import (
    AddTags,
)
from hyperpod_operator.core.engine.call import fingerprint
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


class TestWhatIsThere:
    """An adoption says what it leaves alone, and what keeps it from being made."""

    policy = managed(adoptionPolicy="IfUnowned")

    def test_groups_that_the_spec_omits_are_named_and_stay(self) -> None:
        found = cluster()
        others = tuple(group(group_spec(name=name)) for name in ("old", "older"))
        found = replace(found, groups=(*found.groups, *others))
        answer = held(decision(resource(spec=self.policy), found, tags={}))
        assert "Only its tags change. Left as they are: groups old, older are not in the spec." in answer.message

    def test_a_count_above_the_spec_is_named_and_stays(self) -> None:
        found = with_group(cluster(), group(group_spec(), target_count=8))
        answer = held(decision(resource(spec=self.policy), found, tags={}))
        assert "Left as they are: instanceCount of group gpu is 8 and the spec has 4." in answer.message

    def test_after_the_adoption_nobody_is_said_to_have_scaled(self) -> None:
        found = with_group(cluster(), group(group_spec(), target_count=8))
        status = recorded(instanceGroups=[{"instanceGroupName": "gpu", "origin": "Adopted"}])
        answer = held(decision(resource(spec=self.policy, status=status), found))
        assert answer.reason is Reason.COUNT_ABOVE_SPEC
        assert answer.message.startswith("AWS has more nodes than the spec asks for: group gpu has 8 and the spec 4. ")
        assert "Scaled out" not in answer.message

    @pytest.mark.parametrize(("count", "excess"), [(47, 1), (48, 2), (50, 4)])
    def test_a_cluster_without_room_for_the_ownership_tags_says_how_many_to_remove(
        self, count: int, excess: int
    ) -> None:
        tags = {f"k{number}": "v" for number in range(count)}
        answer = held(decision(resource(spec=self.policy), cluster(), tags=tags))
        assert answer.reason is Reason.TOO_MANY_TAGS
        assert answer.stalled
        assert f"Remove at least {excess} from it: aws sagemaker delete-tags" in answer.message

    def test_46_tags_and_any_number_that_aws_set_itself_leave_room(self) -> None:
        tags = {f"k{number}": "v" for number in range(46)} | {f"aws:x{number}": "v" for number in range(9)}
        answer = held(decision(resource(spec=self.policy), cluster(), tags=tags))
        assert answer.reason is Reason.ADOPTION_ANNOUNCED

    def test_tags_of_an_earlier_owner_of_this_name_are_replaced_and_need_no_room(self) -> None:
        tags = {f"k{number}": "v" for number in range(46)} | FORMER
        answer = held(decision(resource(spec=self.policy), cluster(), tags=tags))
        assert answer.reason is Reason.ADOPTION_ANNOUNCED

    def test_a_tag_of_the_spec_that_does_not_fit_is_not_sent(self) -> None:
        wanted = spec(tags=[{"key": "new", "value": "v"}])
        owner = resource(spec=wanted, status=recorded())
        full = our_tags(owner, **{f"k{number}": "v" for number in range(47)})
        answer = held(decision(owner, cluster(), tags=full))
        assert answer.reason is Reason.TOO_MANY_TAGS
        assert "(new)" in answer.message
