"""The life of a cluster, pass by pass, against the simulator."""

from collections.abc import Callable

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.core.outcome import Blocked, Done, Gone
from hyperpod_operator.core.timings import Timings
from hyperpod_testbed.simulator import Fault


def two(gpu: int = 4, cpu: int = 2, **members: object) -> dict[str, object]:
    return spec(instanceGroups=[group_spec(count=gpu), group_spec("cpu", cpu, instanceType="ml.m5.4xlarge")], **members)


def plain(gpu: int = 4, cpu: int = 2, **members: object) -> dict[str, object]:
    """Without continuous provisioning: all or nothing."""
    made = two(gpu, cpu, **members)
    del made["nodeProvisioningMode"]
    return made


THEIRS = {
    "InstanceGroupName": "theirs",
    "InstanceType": "ml.g5.xlarge",
    "InstanceCount": 1,
    "ExecutionRole": "arn:aws:iam::111122223333:role/hyperpod-execution",
    "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-x/lifecycle", "OnCreate": "on_create.sh"},
}
"""A group that somebody else adds in AWS."""

MODES = pytest.mark.parametrize("wanted", [two(), plain()], ids=["continuous", "all-or-nothing"])


@MODES
async def test_apply_becomes_a_cluster_with_its_nodes(rig: Rig, wanted: dict[str, object]) -> None:
    rig.apply(wanted)
    assert isinstance(await rig.rest(), Done)
    assert rig.operations() == ["CreateCluster"]
    assert rig.condition("Ready")["status"] == "True"
    assert rig.status["nodes"]["summary"] == "6/6"
    assert rig.status["origin"] == "Created"
    assert rig.has_finalizer


@MODES
async def test_a_settled_cluster_is_not_written_to_and_hardly_read(rig: Rig, wanted: dict[str, object]) -> None:
    rig.apply(wanted)
    await rig.rest()
    writes, calls = len(rig.objects.writes), len(rig.simulator.log.calls())
    await rig.idle(3 * 3600)
    assert len(rig.objects.writes) == writes
    reads = [call.operation for call in rig.simulator.log.calls()[calls:]]
    assert reads.count("DescribeCluster") <= 19
    assert reads.count("ListTags") <= 4
    assert reads.count("ListClusterNodes") <= 4
    assert len(rig.calls()) == 1


@MODES
async def test_scaling_out_and_in_follows_the_spec(rig: Rig, wanted: dict[str, object]) -> None:
    rig.apply(wanted)
    await rig.rest()
    continuous = "nodeProvisioningMode" in wanted
    for gpu, total in ((6, 8), (3, 5)):
        rig.apply(two(gpu) if continuous else plain(gpu))
        assert isinstance(await rig.rest(), Done)
        assert rig.status["nodes"]["summary"] == f"{total}/{total}"
    assert rig.operations() == ["CreateCluster", "UpdateCluster", "UpdateCluster"]


@MODES
async def test_deletion_ends_with_nothing_in_aws(rig: Rig, wanted: dict[str, object]) -> None:
    rig.apply(wanted)
    await rig.rest()
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert not rig.objects.exists(KEY)
    assert rig.operations() == ["CreateCluster", "DeleteCluster"]
    assert await rig.cloud.clusters(region="").describe(name="research") is None


@pytest.mark.fault(17)
@MODES
async def test_deletion_during_creation_waits_and_deletes_once(rig: Rig, wanted: dict[str, object]) -> None:
    rig.apply(wanted)
    await rig.once()
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    deletions = rig.calls("DeleteCluster")
    assert [call.code for call in deletions].count("OK") == 1


@pytest.mark.fault(8)
async def test_edits_during_an_update_become_at_most_two_calls(rig: Rig) -> None:
    rig.look_seldom(poll=Timings().poll)
    rig.apply(plain())
    await rig.rest()
    rig.apply(plain(5))
    await rig.once()
    for count in range(6, 26):
        rig.apply(plain(count))
        await rig.step()
        assert rig.condition("Ready")["reason"] in {"Updating", "Settling"}
    assert isinstance(await rig.rest(), Done)
    assert rig.status["nodes"]["summary"] == "27/27"
    assert len(rig.calls("UpdateCluster")) <= 3


async def test_a_burst_of_edits_with_continuous_provisioning_becomes_few_calls(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    for count in range(5, 25):
        rig.apply(two(count))
        await rig.once()
        rig.simulator.clock.advance(0.5)
    assert isinstance(await rig.rest(), Done)
    assert rig.status["nodes"]["summary"] == "26/26"
    assert len(rig.calls("UpdateCluster")) <= 3


async def test_a_group_added_and_removed_comes_and_goes(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    more = two()
    more["instanceGroups"].append(group_spec("extra", 1))  # type: ignore[attr-defined]
    rig.apply(more)
    await rig.rest()
    assert {item["instanceGroupName"] for item in rig.status["instanceGroups"]} == {"gpu", "cpu", "extra"}
    rig.apply(two())
    assert isinstance(await rig.rest(), Done)
    assert {item["instanceGroupName"] for item in rig.status["instanceGroups"]} == {"gpu", "cpu"}
    assert rig.calls("UpdateCluster")[-1].parameters["InstanceGroupsToDelete"] == ["extra"]


async def test_a_group_that_somebody_else_added_is_reported_and_left(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.world.add_group_out_of_band("research", THEIRS)
    rig.simulator.clock.advance(3600)
    assert isinstance(await rig.rest(), Done)
    assert rig.condition("Ready")["status"] == "True"
    assert rig.condition("SpecSynced")["reason"] == "UnknownGroups"
    rig.apply(two(5))
    await rig.rest()
    sent = {item["InstanceGroupName"]: item for item in rig.calls("UpdateCluster")[-1].parameters["InstanceGroups"]}
    assert sent["theirs"]["InstanceCount"] == 1
    cluster = await rig.cloud.clusters(region="").describe(name="research")
    assert cluster is not None
    assert cluster.group("theirs") is not None


async def test_nodes_that_somebody_else_added_are_not_ended(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.world.scale_out_of_band("research", "gpu", 6)
    rig.simulator.clock.advance(3600)
    assert isinstance(await rig.rest(), Blocked)
    assert rig.condition("Ready")["reason"] == "ScaledOutside"
    assert not rig.calls("UpdateCluster")
    rig.apply(two(6))
    assert isinstance(await rig.rest(), Done)
    rig.apply(two(4))
    assert isinstance(await rig.rest(), Done)
    assert rig.status["nodes"]["summary"] == "6/6"


async def test_nodes_that_somebody_else_removed_come_back(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.world.scale_out_of_band("research", "gpu", 1)
    rig.simulator.clock.advance(3600)
    assert isinstance(await rig.rest(), Done)
    assert rig.status["nodes"]["summary"] == "6/6"


async def test_an_edit_back_in_the_middle_of_a_scale_out_is_followed(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.apply(two(8))
    await rig.once()
    rig.apply(two(4))
    assert isinstance(await rig.rest(), Done)
    assert rig.status["nodes"]["summary"] == "6/6"


async def test_a_group_that_comes_back_while_it_is_going_is_made_anew(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.apply(spec(instanceGroups=[group_spec()]))
    await rig.step()
    rig.apply(two())
    assert isinstance(await rig.rest(), Done)
    assert rig.status["nodes"]["summary"] == "6/6"
    assert rig.condition("Ready")["status"] == "True"


async def test_an_external_owners_count_is_never_written_back(rig: Rig) -> None:
    def wanted(cpu: int) -> dict[str, object]:
        external = group_spec(count=4, management={"countOwner": "External"})
        return spec(instanceGroups=[external, group_spec("cpu", cpu, instanceType="ml.m5.4xlarge")])

    rig.apply(wanted(2))
    await rig.rest()
    rig.simulator.world.scale_out_of_band("research", "gpu", 7)
    rig.simulator.clock.advance(3600)
    rig.apply(wanted(3))
    assert isinstance(await rig.rest(), Done)
    assert rig.status["nodes"]["summary"] == "10/10"


async def test_tags_are_set_changed_and_taken_off_and_others_left(rig: Rig) -> None:
    rig.apply(two(tags=[{"key": "team", "value": "a"}, {"key": "old", "value": "x"}]))
    await rig.rest()
    arn = rig.status["clusterArn"]
    tags = await rig.cloud.clusters(region="").tags(arn=arn)
    rig.simulator.world.set_tags("research", {**tags, "foreign": "y"})
    rig.apply(two(tags=[{"key": "team", "value": "b"}]))
    assert isinstance(await rig.rest(), Done)
    found = await rig.cloud.clusters(region="").tags(arn=arn)
    assert {key: value for key, value in found.items() if "/" not in key} == {"team": "b", "foreign": "y"}


async def test_an_exchange_of_many_tags_never_holds_more_than_aws_takes(rig: Rig) -> None:
    def tagged(prefix: str) -> dict[str, object]:
        return two(tags=[{"key": f"{prefix}{number}", "value": "x"} for number in range(40)])

    rig.apply(tagged("old"))
    await rig.rest()
    rig.apply(tagged("new"))
    assert isinstance(await rig.rest(), Done)
    found = await rig.cloud.clusters(region="").tags(arn=rig.status["clusterArn"])
    assert {key for key in found if "/" not in key} == {f"new{number}" for number in range(40)}


async def test_a_tag_edit_that_was_throttled_is_not_forgotten(rig: Rig) -> None:
    rig.apply(two(tags=[{"key": "team", "value": "a"}]))
    await rig.rest()
    rig.simulator.faults.add(Fault(operation="AddTags", kind="throttle", times=1))
    rig.apply(two(tags=[{"key": "team", "value": "b"}]))
    assert isinstance(await rig.rest(), Done)
    assert (await rig.cloud.clusters(region="").tags(arn=rig.status["clusterArn"]))["team"] == "b"


async def test_two_tag_edits_in_a_row_end_with_the_second(rig: Rig) -> None:
    rig.apply(two(tags=[{"key": "team", "value": "a"}]))
    await rig.rest()
    for value in ("b", "c"):
        rig.apply(two(tags=[{"key": "team", "value": value}]))
        await rig.once()
        rig.simulator.clock.advance(2.0)
    assert isinstance(await rig.rest(), Done)
    assert (await rig.cloud.clusters(region="").tags(arn=rig.status["clusterArn"]))["team"] == "c"


async def test_a_group_that_somebody_else_made_is_not_deleted_even_after_the_spec_named_it(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.world.add_group_out_of_band("research", THEIRS)
    rig.simulator.clock.advance(3600)
    named = two()
    named["instanceGroups"].append(group_spec("theirs", 1, instanceType="ml.g5.xlarge"))  # type: ignore[attr-defined]
    rig.apply(named)
    await rig.rest()
    rig.apply(two())
    assert isinstance(await rig.rest(), Done)
    assert not any("InstanceGroupsToDelete" in call.parameters for call in rig.calls("UpdateCluster"))


async def test_another_release_goes_by_its_own_call(rig: Rig) -> None:
    rig.simulator.world.release_image("1.1.0")

    def wanted(version: str) -> dict[str, object]:
        pinned = group_spec(imageReleaseVersion=version)
        return spec(instanceGroups=[pinned, group_spec("cpu", 2, instanceType="ml.m5.4xlarge")])

    rig.apply(wanted("1.0.0"))
    await rig.rest()
    rig.apply(wanted("1.1.0"))
    assert isinstance(await rig.rest(), Done)
    call = rig.calls("UpdateClusterSoftware")[-1]
    assert call.parameters["InstanceGroups"] == [{"InstanceGroupName": "gpu", "ImageReleaseVersion": "1.1.0"}]
    assert not rig.calls("UpdateCluster")


@pytest.mark.parametrize("ends", ["Failed", "RollbackComplete"])
async def test_a_release_that_failed_and_is_taken_back_is_no_trouble_any_more(
    make_rig: Callable[..., Rig], ends: str
) -> None:
    rig = make_rig(failed_software_update_ends=ends)
    rig.simulator.world.release_image("1.1.0")
    rig.apply(spec(instanceGroups=[group_spec(imageReleaseVersion="1.0.0")]))
    await rig.rest()
    rig.simulator.world.fail_software_update("research", "gpu")
    rig.apply(spec(instanceGroups=[group_spec(imageReleaseVersion="1.1.0")]))
    await rig.until("UpdateRolledBack")
    rig.apply(spec(instanceGroups=[group_spec(imageReleaseVersion="1.0.0")]))
    await rig.idle(1800)
    assert rig.condition("Ready")["status"] == "True"
    assert rig.operations() == ["CreateCluster", "UpdateClusterSoftware"]


async def test_paused_changes_nothing_not_even_by_deletion(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.apply(two(9, management={"paused": True}))
    await rig.idle(1200)
    assert rig.condition("Paused")["status"] == "True"
    assert "instanceCount: 4 -> 9" in rig.condition("Ready")["message"]
    rig.objects.delete(KEY)
    await rig.idle(1200)
    assert rig.operations() == ["CreateCluster"]
    assert rig.objects.exists(KEY)


async def test_a_retained_cluster_stays_without_our_tags(rig: Rig) -> None:
    rig.apply(two(tags=[{"key": "team", "value": "a"}], management={"deletionPolicy": "Retain"}))
    await rig.rest()
    arn = rig.status["clusterArn"]
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert await rig.cloud.clusters(region="").tags(arn=arn) == {"team": "a"}
    assert not rig.calls("DeleteCluster")


async def test_status_lists_troubled_nodes_and_stays_small(rig: Rig) -> None:
    rig.simulator.world.limit_capacity("research", "gpu", 4)
    rig.apply(two(4, 400))
    await rig.rest()
    node = (await rig.cloud.clusters(region="").nodes(name="research"))[0]
    rig.simulator.world.fail_node("research", node.instance_id, "Hardware failure.")
    rig.simulator.clock.advance(3600)
    await rig.once()
    import json

    assert len(json.dumps(rig.status)) < 100_000
