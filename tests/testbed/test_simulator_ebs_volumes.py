"""EBS volumes, modifications, snapshots and tags, with boto3 over HTTP as anybody would call EC2."""

import pytest

from hyperpod_testbed.simulator import Fault

VOLUME = {"AvailabilityZone": "us-west-2a", "Size": 100, "VolumeType": "gp3"}
DAY = 24 * 3600


@pytest.fixture
def ec2(sim, connect):
    return connect(sim, service="ec2")


@pytest.fixture
def make(sim, ec2):
    """Create a volume and wait until it is there."""

    def create(**members):
        found = ec2.create_volume(**{**VOLUME, **members})["VolumeId"]
        sim.clock.advance(10)
        return found

    return create


def state(ec2, volume):
    return ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"]


def ids(ec2, **parameters):
    return {one["VolumeId"] for one in ec2.describe_volumes(**parameters)["Volumes"]}


def tagged(resource, **tags):
    return [{"ResourceType": resource, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def test_a_volume_takes_a_moment_to_be_available(sim, ec2):
    made = ec2.create_volume(**VOLUME, TagSpecifications=tagged("volume", a="b <&> c"))
    assert (made["State"], made["Iops"], made["Throughput"], made["Encrypted"]) == ("creating", 3000, 125, False)
    sim.clock.advance(10)
    (found,) = ec2.describe_volumes()["Volumes"]
    assert (found["State"], found["AvailabilityZoneId"]) == ("available", "usw2-az1")
    assert (found["Tags"], found["Attachments"]) == ([{"Key": "a", "Value": "b <&> c"}], [])
    assert found["CreateTime"].timestamp() == 1_800_000_000.0


def test_a_zone_can_be_given_by_its_id(ec2, make):
    volume = make(AvailabilityZone="", AvailabilityZoneId="usw2-az3")
    assert ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["AvailabilityZone"] == "us-west-2c"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"AvailabilityZone": ""}, "MissingParameter"),
        ({"AvailabilityZoneId": "usw2-az1"}, "InvalidParameterCombination"),
        ({"AvailabilityZone": "us-west-2z"}, "InvalidZone.NotFound"),
        ({"Size": 0}, "InvalidParameterValue"),
        ({"Size": 70000}, "InvalidParameterValue"),
        ({"VolumeType": "gp9"}, "InvalidParameterValue"),
        ({"Iops": 2999}, "InvalidParameterValue"),
        ({"Iops": 80001}, "InvalidParameterValue"),
        ({"Iops": 50001}, "InvalidParameterValue"),
        ({"Throughput": 751}, "InvalidParameterValue"),
        ({"VolumeType": "gp2", "Iops": 3000}, "InvalidParameterCombination"),
        ({"VolumeType": "io2"}, "MissingParameter"),
        ({"VolumeType": "io1", "Iops": 5001}, "InvalidParameterValue"),
        ({"VolumeType": "io2", "Iops": 500, "Throughput": 125}, "InvalidParameterCombination"),
        ({"MultiAttachEnabled": True}, "InvalidParameterCombination"),
        ({"KmsKeyId": "key"}, "InvalidParameterCombination"),
        ({"SnapshotId": "snap-00000000"}, "InvalidSnapshot.NotFound"),
        ({"SnapshotId": "snap-x"}, "InvalidParameterValue"),
        ({"VolumeInitializationRate": 100}, "InvalidParameterCombination"),
        ({"TagSpecifications": tagged("instance", a="b")}, "InvalidParameterValue"),
        ({"TagSpecifications": tagged("volume", **{"aws:a": "b"})}, "InvalidParameterValue"),
        ({"TagSpecifications": tagged("volume", **{f"k{n}": "" for n in range(51)})}, "TagLimitExceeded"),
    ],
)
def test_what_cannot_be_is_not_made(sim, ec2, code, members, expected):
    assert code(ec2.create_volume, **{**VOLUME, **members})[0] == expected
    assert sim.ebs.volumes() == {}


def test_the_same_token_gives_the_same_volume(ec2):
    first, second = (ec2.create_volume(**VOLUME, ClientToken="t")["VolumeId"] for _ in range(2))
    assert first == second
    assert ids(ec2) == {first}


def test_a_token_with_other_parameters_is_refused(ec2, code):
    ec2.create_volume(**VOLUME, ClientToken="t")
    assert code(ec2.create_volume, **{**VOLUME, "Size": 101}, ClientToken="t")[0] == "IdempotentParameterMismatch"


@pytest.mark.parametrize("reason", ["script", "key"])
def test_a_creation_that_fails_later_burns_its_token_for_half_a_day(sim, ec2, code, reason):
    request = {**VOLUME, "ClientToken": "t", "Encrypted": True, "KmsKeyId": "key"}
    if reason == "script":
        sim.ebs.fail_volumes()
    else:
        sim.ebs.break_key("key")
    made = ec2.create_volume(**request)
    assert made["State"] == "creating"
    sim.clock.advance(10)
    assert state(ec2, made["VolumeId"]) == "error"
    assert code(ec2.create_volume, **request)[0] == "IdempotentParameterMismatch"
    sim.ebs.mend_key("key")
    assert ec2.create_volume(**{**request, "ClientToken": "other"})["VolumeId"] != made["VolumeId"]
    sim.clock.advance(12 * 3600)
    ec2.create_volume(**request)


def test_a_lost_answer_is_found_again_by_token(sim, ec2, connect):
    sim.faults.add(Fault("CreateVolume", "commit_then_drop", times=1))
    found = connect(sim, service="ec2", attempts=2).create_volume(**VOLUME)["VolumeId"]
    assert ids(ec2) == {found}


def test_a_volume_that_is_not_attached_can_be_deleted(sim, ec2, make, code):
    volume = make()
    ec2.delete_volume(VolumeId=volume)
    assert state(ec2, volume) == "deleting"
    assert code(ec2.delete_volume, VolumeId=volume)[0] == "IncorrectState"
    sim.clock.advance(10)
    assert code(ec2.delete_volume, VolumeId=volume)[0] == "InvalidVolume.NotFound"


def test_an_attached_volume_cannot_be_deleted(sim, ec2, make, code):
    volume = make()
    sim.ebs.attach_foreign(volume)
    assert code(ec2.delete_volume, VolumeId=volume)[0] == "VolumeInUse"


def test_one_missing_volume_fails_the_whole_call_and_is_named(ec2, make, code):
    absent = ["vol-00000001", "vol-00000002"]
    found, message = code(ec2.describe_volumes, VolumeIds=[make(), *absent])
    assert (found, message) == ("InvalidVolume.NotFound", "The volumes 'vol-00000001, vol-00000002' do not exist.")
    assert code(ec2.describe_volumes, VolumeIds=["nonsense"])[0] == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tag:team", "vision"),
        ("tag:team", "vis*"),
        ("tag:team", "visio?"),
        ("tag-key", "team"),
        ("status", "available"),
        ("size", "7"),
        ("volume-type", "io2"),
        ("availability-zone", "us-west-2b"),
        ("availability-zone-id", "usw2-az2"),
        ("encrypted", "true"),
        ("multi-attach-enabled", "true"),
    ],
)
def test_a_filter_chooses(sim, ec2, make, name, value):
    sim.ebs.attach_foreign(make())
    wanted = make(
        Size=7, VolumeType="io2", Iops=100, AvailabilityZone="us-west-2b", Encrypted=True, MultiAttachEnabled=True,
        TagSpecifications=tagged("volume", team="vision"),
    )  # fmt: skip
    assert ids(ec2, Filters=[{"Name": name, "Values": ["nothing", value]}]) == {wanted}


def test_a_backslash_takes_the_meaning_from_a_wildcard(ec2, make):
    make(TagSpecifications=tagged("volume", a="ab"))
    literal = make(TagSpecifications=tagged("volume", a="a*"))
    assert ids(ec2, Filters=[{"Name": "tag:a", "Values": ["a\\*"]}]) == {literal}


def test_several_filters_all_have_to_fit(ec2, make):
    make(TagSpecifications=tagged("volume", a="1"))
    both = make(TagSpecifications=tagged("volume", a="1", b="2"))
    assert ids(ec2, Filters=[{"Name": "tag:a", "Values": ["1"]}, {"Name": "tag-key", "Values": ["b"]}]) == {both}


def test_a_filter_that_does_not_exist_or_has_too_many_values_is_refused(ec2, code):
    assert code(ec2.describe_volumes, Filters=[{"Name": "x", "Values": ["y"]}])[0] == "InvalidParameterValue"
    many = [{"Name": "volume-id", "Values": [str(number) for number in range(201)]}]
    assert code(ec2.describe_volumes, Filters=many)[0] == "FilterLimitExceeded"


def test_pages_hold_every_volume_once(ec2, make):
    made = {make() for _ in range(7)}
    pages = list(ec2.get_paginator("describe_volumes").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["Volumes"]) for page in pages] == [3, 3, 1]
    assert {one["VolumeId"] for page in pages for one in page["Volumes"]} == made


def test_ids_and_a_page_size_exclude_each_other(ec2, make, code):
    found = code(ec2.describe_volumes, VolumeIds=[make()], MaxResults=5)[0]
    assert found == "InvalidParameterCombination"


def test_a_modification_goes_through_its_states(sim, ec2, make, code):
    volume = make()
    change = ec2.modify_volume(VolumeId=volume, Size=200, Iops=4000)["VolumeModification"]
    assert (change["ModificationState"], change["OriginalSize"], change["TargetIops"]) == ("modifying", 100, 4000)
    assert ec2.describe_volumes()["Volumes"][0]["Size"] == 100
    sim.clock.advance(60)
    (change,) = ec2.describe_volumes_modifications(VolumeIds=[volume])["VolumesModifications"]
    assert change["ModificationState"] == "optimizing"
    assert ec2.describe_volumes()["Volumes"][0]["Size"] == 200
    assert code(ec2.modify_volume, VolumeId=volume, Size=300)[0] == "IncorrectModificationState"
    sim.clock.advance(3600)
    (change,) = ec2.describe_volumes_modifications()["VolumesModifications"]
    assert (change["ModificationState"], change["Progress"]) == ("completed", 100)
    assert change["EndTime"] > change["StartTime"]


def test_a_failed_modification_leaves_the_volume_alone(sim, ec2, make):
    volume = make()
    sim.ebs.fail_modifications()
    ec2.modify_volume(VolumeId=volume, Size=200)
    sim.clock.advance(60)
    (change,) = ec2.describe_volumes_modifications()["VolumesModifications"]
    assert (change["ModificationState"], sim.ebs.volumes()[volume]["Size"]) == ("failed", 100)
    ec2.modify_volume(VolumeId=volume, Size=200)


@pytest.mark.parametrize("change", [{"Size": 99}, {"Iops": 100}, {"VolumeType": "gp2", "Iops": 3000}, {}])
def test_a_modification_that_cannot_be_is_refused_and_not_counted(sim, ec2, make, code, change):
    volume = make()
    assert code(ec2.modify_volume, VolumeId=volume, **change)[0].startswith(("Invalid", "Missing"))
    assert ec2.describe_volumes_modifications()["VolumesModifications"] == []


def test_another_type_brings_its_own_performance(sim, ec2, make):
    volume = make(Iops=6000, Throughput=500)
    change = ec2.modify_volume(VolumeId=volume, VolumeType="io2")["VolumeModification"]
    assert (change["TargetIops"], change.get("TargetThroughput")) == (3000, None)
    sim.clock.advance(DAY)
    change = ec2.modify_volume(VolumeId=volume, VolumeType="gp3")["VolumeModification"]
    assert (change["TargetIops"], change["TargetThroughput"]) == (3000, 125)


def test_what_the_change_does_not_name_stays(ec2, make):
    change = ec2.modify_volume(VolumeId=make(Iops=6000, Throughput=500), Size=200)["VolumeModification"]
    assert (change["TargetIops"], change["TargetThroughput"]) == (6000, 500)


def test_four_modifications_a_day_are_all_even_if_they_change_nothing(sim, ec2, make, code):
    volume = make()
    for _ in range(4):
        ec2.modify_volume(VolumeId=volume, Size=100)
        sim.clock.advance(4000)
    found, message = code(ec2.modify_volume, VolumeId=volume, Size=200)
    assert found == "VolumeModificationRateExceeded"
    assert "possible at 2027-01-16T08:00:10Z" in message
    sim.clock.advance(DAY - 16000)
    ec2.modify_volume(VolumeId=volume, Size=200)


def test_a_snapshot_takes_time_and_makes_volumes(sim, ec2, make, code):
    volume = make(Encrypted=True)
    taken = ec2.create_snapshot(VolumeId=volume, TagSpecifications=tagged("snapshot", a="b"))
    assert (taken["State"], taken["VolumeSize"], taken["Tags"]) == ("pending", 100, [{"Key": "a", "Value": "b"}])
    from_it = {"AvailabilityZone": "us-west-2b", "SnapshotId": taken["SnapshotId"], "VolumeType": "gp3"}
    assert code(ec2.create_volume, **from_it)[0] == "IncorrectState"
    sim.clock.advance(120)
    (found,) = ec2.describe_snapshots(OwnerIds=["self"], Filters=[{"Name": "tag:a", "Values": ["b"]}])["Snapshots"]
    assert (found["State"], found["Progress"]) == ("completed", "100%")
    restored = ec2.create_volume(**from_it)
    assert (restored["Size"], restored["Encrypted"]) == (100, True)
    assert code(ec2.create_volume, **from_it, Size=99)[0] == "InvalidParameterValue"


def test_a_snapshot_may_fail(sim, ec2, make):
    sim.ebs.fail_snapshots()
    volume = make()
    for _ in range(2):
        ec2.create_snapshot(VolumeId=volume)
    sim.clock.advance(120)
    assert sorted(one["State"] for one in sim.ebs.snapshots().values()) == ["completed", "error"]


@pytest.mark.parametrize(("kind", "most"), [("gp3", 5), ("st1", 1)])
def test_only_so_many_snapshots_of_a_volume_are_pending(sim, ec2, make, code, kind, most):
    volume = make(VolumeType=kind, Size=125)
    for _ in range(most):
        ec2.create_snapshot(VolumeId=volume)
    assert code(ec2.create_snapshot, VolumeId=volume)[0] == "ConcurrentSnapshotLimitExceeded"
    sim.clock.advance(120)
    ec2.create_snapshot(VolumeId=volume)


def test_a_deleted_snapshot_is_gone(ec2, make, code):
    taken = ec2.create_snapshot(VolumeId=make())["SnapshotId"]
    ec2.delete_snapshot(SnapshotId=taken)
    assert code(ec2.describe_snapshots, SnapshotIds=[taken])[0] == "InvalidSnapshot.NotFound"
    assert code(ec2.delete_snapshot, SnapshotId=taken)[0] == "InvalidSnapshot.NotFound"


def test_tags_are_set_changed_and_taken_away(ec2, make, code):
    volume = make(TagSpecifications=tagged("volume", a="1", b="2"))
    ec2.create_tags(Resources=[volume], Tags=[{"Key": "a", "Value": "9"}, {"Key": "c", "Value": "3"}])
    ec2.delete_tags(Resources=[volume], Tags=[{"Key": "b"}, {"Key": "c", "Value": "other"}, {"Key": "never"}])
    found = {tag["Key"]: tag["Value"] for tag in ec2.describe_tags()["Tags"]}
    assert found == {"a": "9", "c": "3"}
    assert code(ec2.create_tags, Resources=["vol-00000000"], Tags=[{"Key": "a"}])[0] == "InvalidVolume.NotFound"
    assert code(ec2.create_tags, Resources=["i-00000000"], Tags=[{"Key": "a"}])[0] == "InvalidID"
