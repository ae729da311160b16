"""An update repeats what DescribeCluster shows of a group: one answer that lacks a member takes nothing away."""

from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from tests.unit.core.builders import ago, cluster, recorded, resource, scaled, seen, snapshot_of, told, with_group

from hyperpod_operator.core.cluster.concerns import decide
from hyperpod_operator.core.cluster.decision import Act, Decision
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord
from hyperpod_operator.core.cluster.plan import UpdateCluster
from hyperpod_operator.core.cluster.report import report
from hyperpod_operator.core.engine.decision import LookAgain
from hyperpod_operator.core.observed import ObservedCluster

MODEL = botocore.session.Session().get_service_model("sagemaker")


def optional() -> list[str]:
    """The members that a group may have, from botocore's model of an update, in the spec's vocabulary."""
    shape = MODEL.shape_for("ClusterInstanceGroupSpecification")
    set_by_the_spec = {"LifeCycleConfig", "InstanceType"}
    of_no_pin = {"ImageId", "ImageReleaseVersion"}
    names = set(shape.members) - set(shape.required_members) - set_by_the_spec - of_no_pin
    return sorted(name[0].lower() + name[1:] for name in names)


def without(name: str) -> ObservedCluster:
    """The cluster that the operator made, whose group gpu is shown without a member."""
    found = cluster()
    gpu = found.group("gpu")
    assert gpu is not None
    return with_group(found, replace(gpu, members={key: value for key, value in gpu.members.items() if key != name}))


def with_member(name: str, value: Any) -> ObservedCluster:
    """The cluster that the operator made, whose group gpu has a member that the spec does not set."""
    found = cluster()
    gpu = found.group("gpu")
    assert gpu is not None
    return with_group(found, replace(gpu, members={**gpu.members, name: value}))


def status(*members: str, **fields: Any) -> dict[str, Any]:
    """What earlier passes recorded: AWS showed these members of the group gpu."""
    made = recorded(**fields)
    gpu = made["instanceGroups"][0]
    made["instanceGroups"][0] = gpu | {"status": "InService", "memory": gpu["memory"] | {"members": sorted(members)}}
    return made


@pytest.mark.parametrize("name", optional())
class TestAMemberThatOneAnswerLacks:
    def test_is_looked_at_again_before_the_group_is_updated(self, name: str) -> None:
        owner = resource(spec=scaled(), status=status(name))
        answer = decide(snapshot_of(owner, seen(owner, without(name))))
        assert isinstance(answer, LookAgain)
        assert f"{name} of group gpu" in answer.message

    def test_stays_recorded_until_its_absence_is_believed(self, name: str) -> None:
        owner = resource(spec=scaled(), status=status(name))
        snapshot = snapshot_of(owner, seen(owner, without(name)))
        left = report(PassRecord(snapshot=snapshot, decision=decide(snapshot))).status
        gpu = next(entry for entry in left.instanceGroups or [] if entry.instanceGroupName == "gpu")
        assert name in (gpu.remembered.members or [])
        assert left.remembered.missing is not None
        assert left.remembered.missing.what == f"{name} of group gpu"

    @pytest.mark.parametrize(("seconds", "believed"), [(16, False), (590, False), (610, True)])
    def test_is_gone_after_as_long_as_aws_may_lag(self, name: str, seconds: int, believed: bool) -> None:
        missing = {"what": f"{name} of group gpu", "since": ago(seconds)}
        owner = resource(spec=scaled(), status=status(name, missing=missing))
        snapshot = snapshot_of(owner, seen(owner, without(name)))
        answer = decide(snapshot)
        assert isinstance(answer, Act if believed else LookAgain)
        left = report(PassRecord(snapshot=snapshot, decision=answer, result=_taken(answer))).status
        gpu = next(entry for entry in left.instanceGroups or [] if entry.instanceGroupName == "gpu")
        assert (name in (gpu.remembered.members or [])) is not believed
        assert (left.remembered.missing is None) is believed


def _taken(answer: Decision) -> Accepted | None:
    if not isinstance(answer, Act):
        return None
    assert isinstance(answer.action, UpdateCluster)
    return Accepted(action=answer.action, fingerprint=answer.fingerprint, arn="")


IMAGE = "ami-0123456789abcdef0"


def pinned(**fields: Any) -> Any:
    """The object whose spec pins an image that AWS showed for the group."""
    wanted = scaled()
    wanted["instanceGroups"][0]["imageId"] = IMAGE
    return resource(spec=wanted, status=status("imageId", **fields))


def test_a_pinned_image_that_aws_does_not_show_any_more_is_never_sent_again() -> None:
    missing = {"what": "imageId of group gpu", "since": ago(7200)}
    owner = pinned(missing=missing)
    answer = decide(snapshot_of(owner, seen(owner, without("imageId"))))
    assert isinstance(answer, LookAgain)
    assert "imageId of group gpu" in answer.message


def test_a_release_in_place_of_a_pinned_image_is_an_answer() -> None:
    owner = pinned()
    answer = decide(snapshot_of(owner, seen(owner, with_member("imageReleaseVersion", "1.2.3"))))
    assert not isinstance(answer, LookAgain)


@pytest.mark.parametrize("name", ["imageId", "imageReleaseVersion"])
def test_an_image_that_nobody_pins_is_not_missed(name: str) -> None:
    owner = resource(spec=scaled(), status=status(name))
    assert not isinstance(decide(snapshot_of(owner, seen(owner, without(name)))), LookAgain)


def test_status_names_only_what_an_update_repeats() -> None:
    owner = resource(status=recorded())
    left = report(told(owner, with_member("overrideVpcConfig", {"subnets": ["subnet-9"]}))).status
    gpu = next(entry for entry in left.instanceGroups or [] if entry.instanceGroupName == "gpu")
    assert "overrideVpcConfig" in (gpu.remembered.members or [])
    assert not {"instanceGroupName", "instanceCount", "instanceType", "executionRole"} & set(
        gpu.remembered.members or []
    )


def test_an_update_repeats_the_member_that_is_shown() -> None:
    owner = resource(spec=scaled(), status=status("overrideVpcConfig"))
    network = {"securityGroupIds": ["sg-9"], "subnets": ["subnet-9"]}
    answer = decide(snapshot_of(owner, seen(owner, with_member("overrideVpcConfig", network))))
    assert isinstance(answer, Act)
    assert isinstance(answer.action, UpdateCluster)
    sent = {group["instanceGroupName"]: group for group in answer.action.request["instanceGroups"]}
    assert sent["gpu"]["overrideVpcConfig"] == network


def test_a_deletion_waits_for_no_member() -> None:
    owner = resource(deleting=True, status=status("overrideVpcConfig"))
    assert not isinstance(decide(snapshot_of(owner, seen(owner, without("overrideVpcConfig")))), LookAgain)
