"""Both answers to open questions about software updates."""

import pytest


def failing_update(account, **options):
    it = account(**options)
    it.create(it.group(ImageId="ami-0123456789abcdef0"))
    it.sim.world.fail_software_update("ml", "workers")
    it.aws.update_cluster_software(ClusterName="ml", ImageId="ami-0fedcba9876543210")
    return it


@pytest.mark.parametrize("answer", ["Failed", "RollbackComplete"])
def test_failed_software_update_ends(account, answer):
    it = failing_update(account, failed_software_update_ends=answer)
    it.sim.clock.advance(7200)
    group = it.groups()["workers"]
    assert (group["SoftwareUpdateStatus"], group["Status"]) == (answer, "InService")
    assert {one["InstanceStatus"]["Status"] for one in it.nodes()} == {"Running"}


@pytest.mark.parametrize("answer", ["sticky", "cleared"])
def test_software_messages(account, answer):
    it = failing_update(account, software_messages=answer)
    it.sim.clock.advance(1000)
    statuses = [one["InstanceStatus"] for one in it.nodes()]
    assert {one["Status"] for one in statuses} == {"SystemUpdating"}
    assert {"Message" in one for one in statuses} == {answer == "sticky"}
    it.sim.clock.advance(7200)
    assert not any("Message" in one["InstanceStatus"] for one in it.nodes())


@pytest.mark.parametrize("answer", [True, False])
def test_software_retry_events(account, answer):
    it = account(software_retry_events=answer)
    it.create(NodeProvisioningMode="Continuous")
    it.sim.world.release_image("1.1.0")
    it.sim.world.fail_software_update("ml", "workers")
    it.aws.update_cluster_software(ClusterName="ml")
    it.sim.clock.advance(7200)
    told = [event["Description"] for event in it.aws.list_cluster_events(ClusterName="ml")["Events"]]
    assert any("is tried again" in text for text in told) is answer


@pytest.mark.parametrize(("answer", "same"), [("requested", True), ("other", False)])
def test_software_desired_image(account, answer, same):
    it = account(software_desired_image=answer)
    it.create(it.group(ImageId="ami-0123456789abcdef0"))
    it.aws.update_cluster_software(ClusterName="ml", ImageId="ami-0fedcba9876543210")
    assert (it.groups()["workers"]["DesiredImageId"] == "ami-0fedcba9876543210") is same
    it.sim.clock.advance(1200)
    assert it.groups()["workers"]["DesiredImageId"] == "ami-0fedcba9876543210"


@pytest.mark.parametrize("answer", ["SystemUpdating", "Updating"])
def test_software_update_status(account, answer):
    it = account(software_update_status=answer)
    it.create()
    it.aws.update_cluster_software(ClusterName="ml")
    assert it.describe()["ClusterStatus"] == answer
    it.sim.clock.advance(1200)
    assert it.describe()["ClusterStatus"] == "InService"


@pytest.mark.parametrize(("failing", "end"), [(1, "Succeeded"), (4, "Succeeded"), (5, "Failed")])
def test_a_software_update_has_four_retries(account, failing, end):
    it = account()
    it.create()
    it.sim.world.release_image("1.1.0")
    it.sim.world.fail_software_update("ml", "workers", tries=failing)
    it.aws.update_cluster_software(ClusterName="ml")
    it.sim.clock.advance(30 + 600 + 270 * (failing - 1) + 1)
    assert {one["InstanceStatus"].get("Message") is None for one in it.nodes()} == {False}
    assert it.groups()["workers"]["SoftwareUpdateStatus"] == (
        "InProgress" if end == "Succeeded" else "RollbackInProgress"
    )
    it.sim.clock.advance(3600)
    assert it.groups()["workers"]["SoftwareUpdateStatus"] == end
    assert not any("Message" in one["InstanceStatus"] for one in it.nodes())
