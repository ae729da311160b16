"""Every open question about volumes on HyperPod, with all its answers."""

import pytest

VOLUME = {"AvailabilityZone": "us-west-2a", "Size": 100, "VolumeType": "gp3"}


class Site:
    """A Continuous cluster with two nodes, and short ways to its first node's volume."""

    def __init__(self, it, ec2, **group):
        self.it, self.sim, self.aws, self.ec2 = it, it.sim, it.aws, ec2
        it.create(it.group(count=2, **group), NodeProvisioningMode="Continuous")
        self.arn = it.describe()["ClusterArn"]
        self.node, self.other = sorted(one["InstanceId"] for one in it.nodes())
        self.zone = self.aws.describe_cluster_node(ClusterName="ml", NodeId=self.node)["NodeDetails"]["Placement"][
            "AvailabilityZone"
        ]
        self.volume = self.sim.ebs.create_volume(zone=self.zone)

    def attach(self, volume=None, node=None):
        answer = self.aws.attach_cluster_node_volume(
            ClusterArn=self.arn, NodeId=node or self.node, VolumeId=volume or self.volume
        )
        self.sim.clock.advance(30)
        return answer

    def detach(self):
        return self.aws.detach_cluster_node_volume(ClusterArn=self.arn, NodeId=self.node, VolumeId=self.volume)

    def state(self):
        found = self.sim.ebs.volumes().get(self.volume)
        return found and (found["State"], [one["State"] for one in found["Attachments"]])


@pytest.fixture
def site(account, connect):
    def make(**options):
        it = account(**options)
        return Site(it, connect(it.sim, service="ec2"))

    return make


@pytest.fixture
def ec2_of(account, connect):
    def make(**options):
        it = account(**options)
        return it.sim, connect(it.sim, service="ec2")

    return make


@pytest.mark.parametrize(
    ("answer", "expected"), [("VolumeInUse", "VolumeInUse"), ("IncorrectState", "IncorrectState"), ("accept", None)]
)
def test_attach_again_is_an_error_or_success(site, code, answer, expected):
    at = site(attach_again=answer)
    at.attach()
    if expected:
        assert f"Ec2ErrCode: {expected} " in code(at.attach)[1]
    else:
        assert at.attach()["Status"] == "attached"
    assert at.state() == ("in-use", ["attached"])


@pytest.mark.parametrize(("answer", "wrapped"), [("wrapped", True), ("plain", False)])
def test_ec2_errors_name_their_code_or_not(site, code, answer, wrapped):
    at = site(ec2_errors=answer)
    at.attach()
    found, message = code(at.attach, node=at.other)
    assert (found, "VolumeInUse" in message) == ("ValidationException", wrapped)
    # A code that others saw wrapped is always wrapped.
    at.sim.ebs.delete_volume(at.volume)
    assert "InvalidVolume.NotFound" in code(at.attach)[1]


@pytest.mark.parametrize("answer", [True, False])
def test_delete_on_termination_of_new_attachments(site, answer):
    at = site(delete_on_termination=answer)
    at.attach()
    assert at.sim.ebs.volumes()[at.volume]["Attachments"][0]["DeleteOnTermination"] is answer
    at.aws.batch_delete_cluster_nodes(ClusterName="ml", NodeIds=[at.node])
    at.sim.clock.advance(600)
    assert at.state() == (None if answer else ("available", []))


@pytest.mark.parametrize("answer", [True, False])
def test_multi_attach_nodes(site, code, answer):
    at = site(multi_attach_nodes=answer)
    request = {"AvailabilityZone": at.zone, "Size": 10, "VolumeType": "io2", "Iops": 100, "MultiAttachEnabled": True}
    at.volume = at.ec2.create_volume(**request)["VolumeId"]
    at.sim.clock.advance(10)
    at.attach()
    if answer:
        at.attach(node=at.other)
        assert at.state() == ("in-use", ["attached", "attached"])
    else:
        assert "VolumeInUse" in code(at.attach, node=at.other)[1]


@pytest.mark.parametrize(
    ("answer", "updating", "scaling"), [("status", False, True), ("groups", False, False), ("deleting", True, True)]
)
def test_attach_gate(site, code, outcome, answer, updating, scaling):
    at = site(attach_gate=answer)
    at.it.update(at.it.group(count=3, MinInstanceCount=3), seconds=1)
    group = at.it.groups()["workers"]
    assert (at.it.describe()["ClusterStatus"], group["Status"]) == ("InService", "Updating")
    assert (outcome(at.attach) == "OK") is scaling
    at.sim.clock.advance(3600)
    at.aws.update_cluster_software(ClusterName="ml")
    at.sim.clock.advance(60)
    assert at.it.describe()["ClusterStatus"] == "Updating"
    other = at.sim.ebs.create_volume(zone=at.zone)
    assert (outcome(at.attach, volume=other, node=at.other) == "OK") is updating


@pytest.mark.parametrize("answer", ["ValidationException", "ConflictException"])
def test_attach_gate_error(site, code, answer):
    at = site(attach_gate_error=answer)
    at.aws.delete_cluster(ClusterName="ml")
    found, message = code(at.attach)
    assert found == answer
    assert "must be InService" in message


@pytest.mark.parametrize("answer", ["accept", "IncorrectState"])
def test_detach_while_attaching(site, code, answer):
    at = site(detach_while_attaching=answer)
    at.sim.ebs.stick_attaching()
    at.attach()
    if answer == "accept":
        at.detach()
        at.sim.clock.advance(30)
        assert at.state() == ("available", [])
    else:
        assert "IncorrectState" in code(at.detach)[1]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("release", ("available", [])), ("keep", ("in-use", ["attached"])), ("delete", None)],
)
def test_node_end(site, answer, expected):
    at = site(node_end=answer)
    at.attach()
    at.aws.batch_delete_cluster_nodes(ClusterName="ml", NodeIds=[at.node])
    at.sim.clock.advance(600)
    assert at.state() == expected
    if answer == "keep":
        at.detach()
        at.sim.clock.advance(30)
        assert at.state() == ("available", [])


@pytest.mark.parametrize("answer", [True, False])
def test_node_waits_for_detach(site, answer):
    at = site(node_waits_for_detach=answer, scale_in="count_first")
    at.attach()
    at.aws.batch_delete_cluster_nodes(ClusterName="ml", NodeIds=[at.node])
    at.sim.clock.advance(1200)
    assert (at.node in {one["InstanceId"] for one in at.it.nodes()}) is answer
    if answer:
        at.detach()
        at.sim.clock.advance(600)
        assert at.node not in {one["InstanceId"] for one in at.it.nodes()}
    assert at.state() == ("available", [])


@pytest.mark.parametrize(("answer", "name"), [("xvd", "/dev/xvdb"), ("sd", "/dev/sdb"), ("beyond_model", "/dev/xvdba")])
def test_device_names(site, answer, name):
    assert site(device_names=answer).attach()["DeviceName"] == name


@pytest.mark.parametrize("answer", [True, False])
def test_device_names_cap(site, code, answer):
    at = site(device_names_cap=answer, attachment_limits={"ml.g5.8xlarge": 40})
    for _ in range(25):
        at.attach(volume=at.sim.ebs.create_volume(zone=at.zone))
    if answer:
        assert "AttachmentLimitExceeded" in code(at.attach)[1]
    else:
        assert at.attach()["DeviceName"] == "/dev/xvdz"


@pytest.mark.parametrize(("answer", "left"), [("error", ["error"]), ("vanish", [])])
def test_failed_volume(ec2_of, answer, left):
    sim, ec2 = ec2_of(failed_volume=answer)
    sim.ebs.fail_volumes()
    ec2.create_volume(**VOLUME)
    sim.clock.advance(10)
    assert [one["State"] for one in ec2.describe_volumes()["Volumes"]] == left


@pytest.mark.parametrize("answer", ["error", "empty"])
def test_never_modified(ec2_of, code, answer):
    sim, ec2 = ec2_of(never_modified=answer)
    ids = [sim.ebs.create_volume()]
    if answer == "error":
        assert code(ec2.describe_volumes_modifications, VolumeIds=ids)[0] == "InvalidVolumeModification.NotFound"
    else:
        assert ec2.describe_volumes_modifications(VolumeIds=ids)["VolumesModifications"] == []


@pytest.mark.parametrize(("answer", "second"), [("four_a_day", "OK"), ("six_hours", "VolumeModificationRateExceeded")])
def test_modification_limit(ec2_of, outcome, answer, second):
    sim, ec2 = ec2_of(modification_limit=answer)
    volume = sim.ebs.create_volume()
    assert outcome(ec2.modify_volume, VolumeId=volume, Size=200) == "OK"
    sim.clock.advance(4 * 3600)
    assert outcome(ec2.modify_volume, VolumeId=volume, Size=300) == second
    sim.clock.advance(2 * 3600)
    assert outcome(ec2.modify_volume, VolumeId=volume, Size=300) == "OK"


def test_volume_lag_shows_what_was(ec2_of, outcome):
    sim, ec2 = ec2_of(volume_lag=20.0)
    volume = ec2.create_volume(**VOLUME)["VolumeId"]
    assert ec2.describe_volumes()["Volumes"] == []
    assert outcome(ec2.describe_volumes, VolumeIds=[volume]) == "InvalidVolume.NotFound"
    seen = []
    for seconds in (20, 2):
        sim.clock.advance(seconds)
        seen.append(ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"])
    assert seen == ["creating", "available"]


def test_read_lag_of_snapshots_and_modifications(ec2_of):
    reads = {"DescribeSnapshots": 20.0, "DescribeVolumesModifications": 20.0}
    sim, ec2 = ec2_of(read_lag=reads, never_modified="empty")
    volume = sim.ebs.create_volume()
    ec2.create_snapshot(VolumeId=volume)
    ec2.modify_volume(VolumeId=volume, Size=200)
    counts = []
    for _ in range(2):
        snapshots = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        counts.append((len(snapshots), len(ec2.describe_volumes_modifications()["VolumesModifications"])))
        sim.clock.advance(21)
    assert counts == [(0, 0), (1, 1)]


def test_attachment_lag_hides_attachments_only(site):
    it = site(attachment_lag=60.0)
    it.attach()
    it.ec2.create_tags(Resources=[it.volume], Tags=[{"Key": "a", "Value": "b"}])
    seen = it.ec2.describe_volumes(VolumeIds=[it.volume])["Volumes"][0]
    assert (seen["State"], seen["Attachments"], seen["Tags"]) == ("available", [], [{"Key": "a", "Value": "b"}])
    it.sim.clock.advance(60)
    seen = it.ec2.describe_volumes(VolumeIds=[it.volume])["Volumes"][0]
    assert (seen["State"], len(seen["Attachments"])) == ("in-use", 1)


@pytest.mark.parametrize("answer", [0, 20])
def test_new_volume_lag(site, outcome, answer):
    it = site(new_volume_lag=answer)
    made = it.ec2.create_volume(AvailabilityZone=it.zone, Size=1, VolumeType="gp3")["VolumeId"]
    it.sim.clock.advance(3)
    tag = [{"Key": "a", "Value": "b"}]
    expected = "InvalidVolume.NotFound" if answer else "OK"
    assert outcome(it.ec2.describe_volumes, VolumeIds=[made]) == expected
    assert outcome(it.ec2.create_tags, Resources=[made], Tags=tag) == expected
    assert outcome(it.attach, made) == ("ValidationException" if answer else "OK")
    assert made in {one["VolumeId"] for one in it.ec2.describe_volumes()["Volumes"]}
    it.sim.clock.advance(20)
    assert outcome(it.ec2.create_tags, Resources=[made], Tags=tag) == "OK"


def test_new_volume_lag_hides_snapshots(ec2_of, outcome):
    sim, ec2 = ec2_of(new_volume_lag=20.0)
    volume = sim.ebs.create_volume()
    sim.clock.advance(30)
    made = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    assert outcome(ec2.describe_snapshots, SnapshotIds=[made]) == "InvalidSnapshot.NotFound"
    sim.clock.advance(20)
    assert outcome(ec2.describe_snapshots, SnapshotIds=[made]) == "OK"


def test_volume_quota_is_asked_before_the_token(ec2_of, code):
    _, ec2 = ec2_of(volume_quota=1)
    ec2.create_volume(**VOLUME, ClientToken="t")
    assert code(ec2.create_volume, **VOLUME, ClientToken="t")[0] == "VolumeLimitExceeded"


def test_attachment_limits_are_told(ec2_of):
    _, ec2 = ec2_of(attachment_limits={"ml.g5.8xlarge": 7})
    found = ec2.describe_instance_types(InstanceTypes=["g5.8xlarge"])["InstanceTypes"][0]["EbsInfo"]
    assert (found["MaximumEbsAttachments"], found["AttachmentLimitType"]) == (7, "shared")


@pytest.mark.parametrize("answer", [True, False])
def test_encryption_by_default(ec2_of, answer):
    _, ec2 = ec2_of(encryption_by_default=answer)
    made = ec2.create_volume(**VOLUME)
    assert (made["Encrypted"], "KmsKeyId" in made) == (answer, answer)
    assert ec2.create_volume(**VOLUME, Encrypted=not answer)["Encrypted"] is not answer
