"""An object that is being deleted: what goes, what stays, what is waited for."""

from typing import Any

import pytest
from tests.unit.core.builders import (
    ARN,
    FORMER,
    OTHERS,
    action,
    ago,
    cluster,
    decision,
    doubted,
    held,
    managed,
    our_tags,
    recorded,
    resource,
    second_look,
    spec,
)

from hyperpod_operator.api.names import OWNERSHIP_TAGS, TAG_ADOPTED, Reason
from hyperpod_operator.core.cluster.decision import Act, NeedTags
from hyperpod_operator.core.cluster.guards import letting_go
from hyperpod_operator.core.cluster.plan import DeleteCluster, DeleteTags
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.engine.decision import RemoveFinalizer
from hyperpod_operator.core.observed import ObservedNode


class TestDeleted:
    def gone(self, **fields: Any) -> Resource:
        return resource(deleting=True, **{"status": recorded(), **fields})

    def test_a_cluster_of_ours_is_deleted(self) -> None:
        deleting = action(decision(self.gone(), cluster()))
        assert deleting == DeleteCluster(arn=ARN)

    def test_nothing_in_aws_lets_go(self) -> None:
        last = {"operation": "DeleteCluster", "state": "Accepted", "time": ago(60)}
        assert isinstance(decision(self.gone(status=recorded(last=last)), None), RemoveFinalizer)

    def test_an_object_that_never_made_anything_lets_go(self) -> None:
        assert isinstance(decision(self.gone(status={}), None), RemoveFinalizer)

    def test_a_create_that_may_have_happened_is_waited_for(self) -> None:
        last = {"operation": "CreateCluster", "state": "Unanswered", "time": ago(10)}
        assert held(decision(self.gone(status={"last": last}), None)).reason is Reason.AWAITING_VISIBILITY

    @pytest.mark.parametrize("tags", [{}, {"team": "a"}])
    def test_a_cluster_on_record_whose_tags_are_gone_is_neither_deleted_nor_released(
        self, tags: dict[str, str]
    ) -> None:
        answer = held(second_look(self.gone(), cluster(), tags=tags))
        assert (answer.reason, answer.stalled) == (Reason.NOT_OWNED, True)
        assert "aws sagemaker add-tags" in answer.message

    def test_status_of_another_cluster_is_no_reason_to_hold_on(self) -> None:
        owner = self.gone(status=recorded(clusterArn=f"{ARN}x"))
        doubted(decision(owner, cluster(), tags={}))
        assert isinstance(second_look(owner, cluster(), tags={}), RemoveFinalizer)

    def test_our_own_release_is_no_loss_of_tags(self) -> None:
        mark = fingerprint(operation="DeleteTags", desired=letting_go(ARN))
        last = {"operation": "DeleteTags", "state": "Accepted", "fingerprint": mark, "time": ago(10)}
        assert isinstance(decision(self.gone(status=recorded(last=last)), cluster(), tags={}), RemoveFinalizer)

    def test_the_removal_of_a_tag_of_the_user_explains_no_loss_of_ours(self) -> None:
        mark = fingerprint(operation="DeleteTags", desired=["team"])
        last = {"operation": "DeleteTags", "state": "Applied", "fingerprint": mark, "time": ago(10)}
        doubted(decision(self.gone(status=recorded(last=last)), cluster(), tags={}))

    @pytest.mark.parametrize("tags", [OTHERS, FORMER])
    def test_a_foreign_cluster_stays(self, tags: dict[str, str]) -> None:
        assert isinstance(decision(self.gone(), cluster(), tags=tags), RemoveFinalizer)

    def test_tags_are_read_afresh_before_anything_is_deleted(self) -> None:
        assert isinstance(decision(self.gone(), cluster(), tags=None), NeedTags)

    @pytest.mark.parametrize(("management", "origin"), [({"deletionPolicy": "Retain"}, "Created"), ({}, "Adopted")])
    def test_a_retained_cluster_loses_our_tags_and_stays(self, management: dict[str, str], origin: str) -> None:
        owner = self.gone(spec=spec(management=management), status=recorded(origin=origin))
        taken = action(decision(owner, cluster(), tags=our_tags(owner, **{TAG_ADOPTED: "true", "team": "a"})))
        assert isinstance(taken, DeleteTags)
        assert set(taken.keys) == set(OWNERSHIP_TAGS)

    def test_an_adopted_cluster_is_deleted_on_an_explicit_word(self) -> None:
        owner = self.gone(spec=managed(deletionPolicy="Delete"), status=recorded(origin="Adopted"))
        tags = our_tags(owner, **{TAG_ADOPTED: "true"})
        assert isinstance(action(decision(owner, cluster(), tags=tags)), DeleteCluster)

    def test_paused_holds_the_deletion(self) -> None:
        assert held(decision(self.gone(spec=managed(paused=True)), cluster())).reason is Reason.PAUSED

    def test_a_creating_cluster_is_waited_for(self) -> None:
        plain = spec()
        del plain["nodeProvisioningMode"]
        owner = self.gone(spec=plain)
        assert held(decision(owner, cluster(wanted=plain, status="Creating"))).reason is Reason.DELETING

    def test_a_creating_cluster_with_continuous_provisioning_is_deleted_at_once(self) -> None:
        assert isinstance(action(decision(self.gone(), cluster(status="Creating"))), DeleteCluster)

    def test_deletion_is_asked_for_once(self) -> None:
        first = decision(self.gone(), cluster())
        assert isinstance(first, Act)
        last = {"operation": "DeleteCluster", "state": "Accepted", "time": ago(5), "fingerprint": first.fingerprint}
        assert held(decision(self.gone(status=recorded(last=last)), cluster())).reason is Reason.DELETING

    @pytest.mark.parametrize("tags", [{}, None])
    def test_tags_that_go_before_the_cluster_does_change_nothing_about_a_deletion_that_was_sent(
        self, tags: dict[str, str] | None
    ) -> None:
        first = decision(self.gone(), cluster())
        assert isinstance(first, Act)
        last = {"operation": "DeleteCluster", "state": "Accepted", "time": ago(90), "fingerprint": first.fingerprint}
        owner = self.gone(status=recorded(last=last))
        assert held(decision(owner, cluster(), tags=tags)).reason is Reason.DELETING
        assert held(decision(owner, cluster(status="Deleting"), tags=tags)).reason is Reason.DELETING

    def test_the_deletion_of_another_cluster_of_this_name_is_no_deletion_of_this_one(self) -> None:
        first = second_look(self.gone(), cluster(arn="arn:aws:sagemaker:us-west-2:111122223333:cluster/zzzzzzzzzzzz"))
        assert isinstance(first, Act)
        last = {"operation": "DeleteCluster", "state": "Accepted", "time": ago(90), "fingerprint": first.fingerprint}
        assert isinstance(action(decision(self.gone(status=recorded(last=last)), cluster())), DeleteCluster)

    def test_a_wedged_teardown_names_the_role_to_restore(self) -> None:
        words = "SageMaker does not have permission to perform ec2:DeleteNetworkInterface."
        node = ObservedNode(instance_id="i-1", group="gpu", instance_type="x", status="ShuttingDown", message=words)
        answer = held(decision(self.gone(), cluster(status="Deleting"), nodes=(node,)))
        assert answer.reason is Reason.TEARDOWN_BLOCKED
        assert answer.stalled
        assert "role/hyperpod-execution" in answer.message
