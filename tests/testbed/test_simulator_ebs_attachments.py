"""AttachClusterNodeVolume and DetachClusterNodeVolume, what EC2 shows of them, and what a node's end does to them."""

import time

import pytest

from hyperpod_testbed.simulator import SimulatorClient
from hyperpod_testbed.simulator.clock import SimulatedClock

WRAPPED = "HyperPod - Ec2ErrCode: {} : Ec2ErrMsg: "


class Site:
    """A Continuous cluster with two nodes in one zone, and a volume there."""

    def __init__(self, it, ec2):
        self.it, self.sim, self.aws, self.ec2 = it, it.sim, it.aws, ec2
        self.arn = it.describe()["ClusterArn"]
        self.node, self.other = sorted(one["InstanceId"] for one in it.nodes())
        details = it.aws.describe_cluster_node(ClusterName="ml", NodeId=self.node)["NodeDetails"]
        self.zone = details["Placement"]["AvailabilityZone"]
        self.volume = self.new_volume()

    def new_volume(self, **members):
        return self.sim.ebs.create_volume(**{"zone": self.zone, **members})

    def names(self, volume=None, node=None):
        return {"ClusterArn": self.arn, "NodeId": node or self.node, "VolumeId": volume or self.volume}

    def attach(self, **names):
        return self.aws.attach_cluster_node_volume(**self.names(**names))

    def detach(self, **names):
        return self.aws.detach_cluster_node_volume(**self.names(**names))

    def attached(self, **names):
        answer = self.attach(**names)
        self.sim.clock.advance(30)
        return answer

    def look(self, volume=None):
        """State of the volume, and states of its attachments."""
        (found,) = self.ec2.describe_volumes(VolumeIds=[volume or self.volume])["Volumes"]
        return found["State"], [one["State"] for one in found["Attachments"]]


@pytest.fixture
def site(account, connect):
    def make(count=2, type_name="ml.g5.8xlarge", **options):
        it = account(**options)
        it.create(it.group(count=count, InstanceType=type_name), NodeProvisioningMode="Continuous")
        return Site(it, connect(it.sim, service="ec2"))

    return make


@pytest.fixture
def refused(code):
    """The EC2 code that a refused call wraps; the text itself where it wraps none."""

    def why(call, **names):
        found, message = code(call, **names)
        assert found == "ValidationException"
        return message.partition("Ec2ErrCode: ")[2].partition(" : ")[0] or message

    return why


def test_a_volume_is_attached_after_a_while(site):
    at = site()
    answer = at.attach()
    assert (answer["Status"], answer["NodeId"], answer["VolumeId"]) == ("attaching", at.node, at.volume)
    assert answer["DeviceName"].startswith("/dev/xvd")
    assert at.look() == ("in-use", ["attaching"])
    at.sim.clock.advance(30)
    assert at.look() == ("in-use", ["attached"])


def test_an_attachment_whose_key_cannot_be_used_is_accepted_and_dropped(site):
    at = site()
    key = "arn:aws:kms:us-west-2:123456789012:key/11111111-1111-1111-1111-111111111111"
    made = at.ec2.create_volume(AvailabilityZone=at.zone, Size=8, Encrypted=True, KmsKeyId=key)
    at.volume = made["VolumeId"]
    at.sim.clock.advance(30)
    at.sim.ebs.break_key(key)
    assert at.attach()["Status"] == "attaching"
    at.sim.clock.advance(30)
    assert at.look() == ("available", [])


def test_an_attachment_to_a_node_shows_no_instance_and_no_device(site):
    at = site()
    at.attached()
    (found,) = at.ec2.describe_volumes()["Volumes"][0]["Attachments"]
    assert found["AssociatedResource"] == f"{at.arn}-{at.node}"
    assert found["InstanceOwningService"] == "sagemaker.amazonaws.com"
    assert found["DeleteOnTermination"] is False
    assert not {"InstanceId", "Device"} & set(found)
    by_instance = [{"Name": "attachment.instance-id", "Values": [at.node]}]
    assert at.ec2.describe_volumes(Filters=by_instance)["Volumes"] == []


def test_an_attachment_to_plain_ec2_shows_its_instance(site):
    at = site()
    at.sim.ebs.attach_foreign(at.volume, instance_id="i-0123456789abcdef0")
    by_instance = [{"Name": "attachment.instance-id", "Values": ["i-0123456789abcdef0"]}]
    (found,) = at.ec2.describe_volumes(Filters=by_instance)["Volumes"]
    assert found["Attachments"][0]["Device"] == "/dev/sdf"
    assert "AssociatedResource" not in found["Attachments"][0]


def test_a_detached_volume_is_available_after_a_while(site):
    at = site()
    at.attached()
    assert at.detach()["Status"] == "detaching"
    assert at.look() == ("in-use", ["detaching"])
    at.sim.clock.advance(30)
    assert at.look() == ("available", [])


def test_devices_differ_and_are_used_again(site):
    at = site()
    first = at.attached()["DeviceName"]
    second = at.attached(volume=at.new_volume())["DeviceName"]
    assert first != second
    at.detach()
    at.sim.clock.advance(30)
    assert at.attach()["DeviceName"] == first


def test_an_attached_volume_is_refused_to_another_node(site, refused):
    at = site()
    at.attached()
    assert refused(at.attach, node=at.other) == "VolumeInUse"


def test_what_is_held_elsewhere_is_neither_attached_nor_detached(site, refused):
    at = site()
    at.sim.ebs.attach_foreign(at.volume, cluster_arn="arn:aws:sagemaker:us-west-2:123456789012:cluster/zzzzzzzzzzzz")
    assert refused(at.attach) == "VolumeInUse"
    assert refused(at.detach) == "InvalidAttachment.NotFound"
    assert at.look() == ("in-use", ["attached"])


def test_the_same_instance_id_in_another_cluster_is_another_node(site, refused):
    at = site()
    foreign = "arn:aws:sagemaker:us-west-2:123456789012:cluster/zzzzzzzzzzzz"
    at.sim.ebs.attach_foreign(at.volume, instance_id=at.node, cluster_arn=foreign)
    assert refused(at.detach) == "InvalidAttachment.NotFound"


def test_a_volume_of_another_zone_is_refused(site, refused):
    at = site()
    zone = next(f"us-west-2{letter}" for letter in "abc" if not at.zone.endswith(letter))
    assert refused(at.attach, volume=at.new_volume(zone=zone)) == "InvalidVolume.ZoneMismatch"


def test_a_volume_that_is_not_there_yet_or_any_more_is_refused(site, refused):
    at = site()
    at.ec2.delete_volume(VolumeId=at.volume)
    assert refused(at.attach) == "IncorrectState"
    at.sim.clock.advance(30)
    assert refused(at.attach) == "InvalidVolume.NotFound"
    assert refused(at.detach) == "InvalidVolume.NotFound"


def test_detaching_what_is_not_attached_is_refused(site, refused):
    at = site()
    assert refused(at.detach) == "IncorrectState"
    at.attached()
    assert refused(at.detach, node=at.other) == "InvalidAttachment.NotFound"


def test_a_full_node_takes_no_more(site, refused):
    at = site(attachment_limits={"ml.g5.8xlarge": 3})
    for _ in range(2):
        at.attached(volume=at.new_volume())
    assert refused(at.attach) == "AttachmentLimitExceeded"
    at.attach(node=at.other)


def test_hyperpods_own_volumes_take_slots_too(site, account, connect, refused):
    it = account(attachment_limits={"ml.g5.8xlarge": 3})
    storage = [{"EbsVolumeConfig": {"VolumeSizeInGB": 100}}]
    it.create(it.group(count=2, InstanceStorageConfigs=storage), NodeProvisioningMode="Continuous")
    at = Site(it, connect(it.sim, service="ec2"))
    at.attached()
    assert refused(at.attach, volume=at.new_volume()) == "AttachmentLimitExceeded"


def test_a_node_that_is_not_there_is_not_found(site, code):
    at = site()
    assert code(at.attach, node="i-00000000000000000")[0] == "ResourceNotFound"
    assert code(at.detach, node="i-00000000000000000")[0] == "ResourceNotFound"


def test_a_cluster_that_is_not_there_is_not_found(site, code):
    at = site()
    names = {**at.names(), "ClusterArn": at.arn[:-12] + "zzzzzzzzzzzz"}
    assert code(at.aws.attach_cluster_node_volume, **names)[0] == "ResourceNotFound"


def test_a_restricted_group_takes_no_volumes(account, connect, refused):
    it = account()
    restricted = {**it.group("secret", count=2), "EnvironmentConfig": {"FSxLustreConfig": {}}}
    del restricted["LifeCycleConfig"]
    restricted["EnvironmentConfig"]["FSxLustreConfig"] = {"SizeInGiB": 1200, "PerUnitStorageThroughput": 125}
    request = it.cluster("ml", RestrictedInstanceGroups=[restricted], InstanceGroups=None)
    it.aws.create_cluster(**request)
    it.sim.clock.advance(1200)
    at = Site(it, connect(it.sim, service="ec2"))
    assert "restricted" in refused(at.attach)


def test_nothing_moves_while_the_cluster_is_deleting(site, refused):
    at = site()
    at.attached()
    at.aws.delete_cluster(ClusterName="ml")
    assert "Deleting" in refused(at.detach)
    assert "Deleting" in refused(at.attach, volume=at.new_volume())


def test_a_node_on_its_way_out_takes_no_volumes(site, refused):
    at = site()
    at.aws.batch_replace_cluster_nodes(ClusterName="ml", NodeIds=[at.node])
    assert refused(at.attach) == "IncorrectState"


def test_an_attachment_may_be_stuck(site):
    at = site()
    at.sim.ebs.stick_attaching()
    at.attach()
    at.sim.clock.advance(3600)
    assert at.look() == ("in-use", ["attaching"])
    at.sim.ebs.unstick(at.volume)
    assert at.look() == ("in-use", ["attached"])


def test_a_stuck_attachment_can_be_detached_and_tried_again(site):
    at = site()
    at.sim.ebs.stick_attaching()
    at.attach()
    at.detach()
    at.sim.clock.advance(30)
    at.attached()
    assert at.look() == ("in-use", ["attached"])


def test_a_mounted_volume_is_busy_until_it_is_not(site):
    at = site()
    at.attached()
    at.sim.ebs.mount(at.volume)
    assert at.detach()["Status"] == "busy"
    at.sim.clock.advance(3600)
    assert at.look() == ("in-use", ["busy"])
    at.sim.ebs.unmount(at.volume)
    at.sim.clock.advance(30)
    assert at.look() == ("available", [])


def test_a_replaced_node_gives_its_volume_back_and_its_successor_gets_none(site):
    at = site()
    at.attached()
    at.aws.batch_replace_cluster_nodes(ClusterName="ml", NodeIds=[at.node])
    assert at.look() == ("in-use", ["attached"])
    at.sim.clock.advance(1200)
    assert at.look() == ("available", [])
    assert at.node not in {one["InstanceId"] for one in at.it.nodes()}


def test_a_reboot_keeps_the_volume(site):
    at = site()
    at.attached()
    at.aws.batch_reboot_cluster_nodes(ClusterName="ml", NodeIds=[at.node])
    at.sim.clock.advance(600)
    assert at.look() == ("in-use", ["attached"])


def test_a_scale_in_and_the_end_of_the_cluster_give_volumes_back(site):
    at = site()
    last = at.new_volume()
    at.attached()
    at.attached(volume=last, node=at.other)
    at.aws.batch_delete_cluster_nodes(ClusterName="ml", NodeIds=[at.node])
    at.sim.clock.advance(600)
    assert (at.look(), at.look(last)) == (("available", []), ("in-use", ["attached"]))
    at.aws.delete_cluster(ClusterName="ml")
    at.sim.clock.advance(1200)
    assert at.look(last) == ("available", [])


def test_a_cluster_that_vanishes_gives_volumes_back(site):
    at = site()
    at.attached()
    at.sim.world.delete_out_of_band("ml", at_once=True)
    at.sim.clock.advance(60)
    assert at.look() == ("available", [])


def test_a_fault_that_ends_in_a_replacement_frees_the_volume(site):
    at = site()
    at.attached()
    at.sim.health.fail(node=at.node, recovery="replace")
    at.sim.clock.advance(1800)
    assert at.look() == ("available", [])


def test_delete_on_termination_takes_the_volume_with_the_node(site):
    at = site()
    at.attached()
    at.sim.ebs.set_delete_on_termination(at.volume)
    assert at.ec2.describe_volumes()["Volumes"][0]["Attachments"][0]["DeleteOnTermination"] is True
    at.aws.batch_delete_cluster_nodes(ClusterName="ml", NodeIds=[at.node])
    at.sim.clock.advance(600)
    assert at.sim.ebs.volumes() == {}


def test_the_caller_needs_the_rights_of_ec2_too(site, code):
    at = site()
    at.sim.access.deny("AttachVolume")
    found, message = code(at.attach)
    assert found == "ValidationException"
    assert message.startswith(WRAPPED.format("UnauthorizedOperation"))
    assert "ec2:AttachVolume" in message


def test_volumes_of_regions_know_nothing_of_each_other(site, connect):
    at = site()
    assert connect(at.sim, service="ec2", region="eu-central-1").describe_volumes()["Volumes"] == []


def test_the_controls_work_from_another_process(site):
    at = site()
    remote = SimulatorClient(at.sim.url).ebs
    volume = remote.create_volume(zone=at.zone, tags={"a": "b"})
    at.attached(volume=volume)
    assert remote.volumes()[volume]["Attachments"][0]["State"] == "attached"
    remote.detach_out_of_band(volume)
    remote.set_tags(volume, {"c": "d"})
    assert (at.look(volume), remote.volumes()[volume]["Tags"]) == (("available", []), {"c": "d"})
    remote.delete_volume(volume)
    with pytest.raises(ValueError, match="no volume"):
        remote.mount(volume)


def test_a_clock_that_runs_fast_tells_no_attachment_from_the_future() -> None:
    clock = SimulatedClock(speed=1000.0)
    time.sleep(0.01)
    assert clock.told() <= time.time() < clock.now()


def test_a_clock_that_a_test_owns_tells_its_own_time() -> None:
    clock = SimulatedClock(speed=0.0)
    clock.advance(3600)
    assert clock.told() == clock.now()
