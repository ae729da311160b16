"""The EC2 edge against the simulator: what each method sends, what it makes of the answer, and what of a refusal."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import botocore.session
import pytest

from hyperpod_operator.api.names import TAG_CLAIM_UID
from hyperpod_operator.aws import cloud as cloud_module
from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.aws.ec2 import queries as volume_queries
from hyperpod_operator.aws.ec2.volumes import Volumes
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.volume.device import associated_resource
from hyperpod_operator.core.volume.ports import AttachmentLimit, Change, NewVolume, Volume, VolumeCloud, VolumeClouds
from hyperpod_testbed.simulator import Fault, Simulator

REQUEST = NewVolume(
    client_token="0" * 64,
    tags={TAG_CLAIM_UID: "uid-1", "team": "vision"},
    volume_type="gp3",
    size=100,
    iops=4000,
    throughput=250,
    encrypted=True,
    availability_zone="us-west-2b",
)
"""The zone is that of the node that `create_foreign_cluster` brings."""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(account="111122223333", speed=0) as running:
        yield running


@pytest.fixture(scope="module")
def botocore_session() -> Any:
    """One for all: reading EC2's service model is what takes time."""
    return botocore.session.Session()


@pytest.fixture
async def open_cloud(
    simulator: Simulator, botocore_session: Any, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., AwsCloud]]:
    monkeypatch.setattr(cloud_module, "Session", lambda: botocore_session)
    opened = []
    for name, value in simulator.environment().items():
        monkeypatch.setenv(name, value)

    def make(**settings: Any) -> AwsCloud:
        opened.append(AwsCloud(settings=CloudSettings(region="us-west-2", **settings), on_call=lambda **_: None))
        return opened[-1]

    yield make
    for cloud in opened:
        cloud.close()


@pytest.fixture
def volumes(open_cloud: Callable[..., AwsCloud]) -> Volumes:
    return open_cloud().volumes(region="")


class Site:
    """A cluster with one node and a volume in its zone."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.arn = simulator.world.create_foreign_cluster("ml")
        (node,) = simulator.settings.dump()["us-west-2"]["ml"]["Nodes"]
        self.node = node["InstanceId"]
        self.volume = simulator.ebs.create_volume(zone=node["Placement"]["AvailabilityZone"])

    @property
    def names(self) -> dict[str, str]:
        return {"cluster_arn": self.arn, "instance_id": self.node, "volume_id": self.volume}


@pytest.fixture
def site(simulator: Simulator) -> Site:
    return Site(simulator)


async def refused(work: Any) -> CloudError:
    with pytest.raises(CloudError) as caught:
        await work
    return caught.value


def operations(simulator: Simulator, *, mutating: bool | None = None) -> list[str]:
    return [call.operation for call in simulator.log.calls(mutating=mutating)]


def test_the_edge_is_what_decisions_ask_for(open_cloud: Callable[..., AwsCloud]) -> None:
    cloud: VolumeClouds = open_cloud()
    volumes: VolumeCloud = cloud.volumes(region="")
    assert volumes is cloud.volumes(region="us-west-2")


async def test_a_volume_is_made_and_found_by_id_and_by_tag(volumes: Volumes, simulator: Simulator) -> None:
    made = await volumes.create_volume(request=REQUEST)
    assert (made.state, made.size, made.iops, made.throughput, made.encrypted) == ("creating", 100, 4000, 250, True)
    simulator.clock.advance(5)
    found = await volumes.find_volume(volume_id=made.volume_id)
    assert found is not None
    assert (found.state, found.availability_zone, found.availability_zone_id) == ("available", "us-west-2b", "usw2-az2")
    assert found.tags == REQUEST.tags
    assert await volumes.find_volumes_by_tag(claim_uid="uid-1") == (found,)
    assert await volumes.find_volumes_by_tag(claim_uid="uid-?") == ()
    assert await volumes.managed_volumes() == (found,)


async def test_the_same_token_makes_no_second_volume(volumes: Volumes, simulator: Simulator) -> None:
    first = await volumes.create_volume(request=REQUEST)
    again = await volumes.create_volume(request=replace(REQUEST, tags=dict(reversed(REQUEST.tags.items()))))
    assert (first.volume_id, len(simulator.ebs.volumes())) == (again.volume_id, 1)
    error = await refused(volumes.create_volume(request=replace(REQUEST, size=200)))
    assert (error.ec2_code, error.kind) == ("IdempotentParameterMismatch", ErrorKind.INVALID)


async def test_a_lost_answer_to_a_creation_is_an_unknown_outcome(volumes: Volumes, simulator: Simulator) -> None:
    simulator.faults.add(Fault("CreateVolume", "commit_then_drop", times=1))
    error = await refused(volumes.create_volume(request=REQUEST))
    assert error.kind is ErrorKind.UNKNOWN_OUTCOME
    assert len(await volumes.find_volumes_by_tag(claim_uid="uid-1")) == 1
    assert operations(simulator, mutating=True) == ["CreateVolume"]


async def together(volumes: Volumes, ids: list[str]) -> dict[str, Volume]:
    """Those that exist of the volumes that many passes look for at once."""
    found = await asyncio.gather(*(volumes.find_volume(volume_id=one) for one in ids))
    return {volume.volume_id: volume for volume in found if volume is not None}


async def test_a_volume_that_does_not_exist_is_none_and_spoils_nothing(volumes: Volumes, simulator: Simulator) -> None:
    real = [simulator.ebs.create_volume() for _ in range(2)]
    absent = ["vol-00000000000000001", "vol-00000000000000002"]
    assert await volumes.find_volume(volume_id=absent[0]) is None
    assert set(await together(volumes, [*absent, *real])) == set(real)


async def test_a_volume_that_an_answer_leaves_out_without_a_word_is_not_known(
    volumes: Volumes, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = [await volumes.create_volume(request=replace(REQUEST, client_token=key)) for key in ("one", "other")]
    whole = volumes._ec2.read

    async def short(operation: str, call: Any, *, target: str) -> Any:
        answer = dict(await whole(operation, call, target=target))
        answer["Volumes"] = [raw for raw in answer["Volumes"] if raw["VolumeId"] != one.volume_id]
        return answer

    monkeypatch.setattr(volumes._ec2, "read", short)
    found, lost = await asyncio.gather(
        volumes.find_volume(volume_id=other.volume_id),
        volumes.find_volume(volume_id=one.volume_id),
        return_exceptions=True,
    )
    assert isinstance(found, Volume)
    assert isinstance(lost, CloudError)
    assert lost.kind is ErrorKind.MALFORMED
    assert one.volume_id in lost.message
    monkeypatch.undo()
    assert await volumes.find_volume(volume_id=one.volume_id) is not None


async def test_an_error_that_does_not_name_the_missing_volume_is_searched_by_halves(
    volumes: Volumes, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = [simulator.ebs.create_volume() for _ in range(4)]
    monkeypatch.setattr(volume_queries, "_IDS", re.compile("never"))
    found = await together(volumes, ["vol-00000000000000001", *real])
    assert set(found) == set(real)


async def test_many_claims_that_look_at_once_are_one_call(volumes: Volumes, simulator: Simulator) -> None:
    ids = [simulator.ebs.create_volume() for _ in range(5)]
    for one in ids:
        assert await together(volumes, ids)
        assert await volumes.find_volume(volume_id=one)
    assert operations(simulator) == ["DescribeVolumes"]


async def test_a_write_makes_the_next_look_a_new_one(volumes: Volumes, site: Site) -> None:
    await volumes.find_volume(volume_id=site.volume)
    await volumes.create_tags(volume_id=site.volume, tags={"a": "1", "b": "2"})
    found = await volumes.find_volume(volume_id=site.volume)
    assert found is not None
    assert found.tags == {"a": "1", "b": "2"}
    await volumes.delete_tags(volume_id=site.volume, keys=["a"])
    found = await volumes.find_volume(volume_id=site.volume)
    assert found is not None
    assert found.tags == {"b": "2"}


async def test_no_keys_are_no_call(volumes: Volumes, site: Site) -> None:
    await volumes.delete_tags(volume_id=site.volume, keys=[])
    assert operations(site.simulator, mutating=True) == []


async def test_an_attachment_names_its_node(volumes: Volumes, site: Site) -> None:
    answer = await volumes.attach(**site.names)
    assert (answer.state, answer.instance_id) == ("attaching", "")
    site.simulator.clock.advance(60)
    found = await volumes.find_volume(volume_id=site.volume)
    assert found is not None
    (attachment,) = found.attachments
    assert (found.state, attachment.state, attachment.device, attachment.instance_id) == ("in-use", "attached", "", "")
    assert attachment.delete_on_termination is False
    assert attachment.associated_resource == answer.associated_resource
    node = associated_resource(attachment.associated_resource)
    assert node is not None
    assert (node.cluster_arn, node.instance_id) == (site.arn, site.node)


async def test_a_detached_volume_is_available_and_a_second_detach_has_nothing_to_do(
    volumes: Volumes, site: Site
) -> None:
    await volumes.attach(**site.names)
    site.simulator.clock.advance(60)
    answer = await volumes.detach(**site.names)
    assert answer is not None
    assert answer.state == "detaching"
    site.simulator.clock.advance(60)
    assert await volumes.detach(**site.names) is None
    found = await volumes.find_volume(volume_id=site.volume)
    assert found is not None
    assert (found.state, found.attachments) == ("available", ())


async def test_a_mounted_volume_is_busy(volumes: Volumes, site: Site) -> None:
    await volumes.attach(**site.names)
    site.simulator.ebs.mount(site.volume)
    answer = await volumes.detach(**site.names)
    assert answer is not None
    assert answer.state == "busy"


async def test_a_volume_that_is_gone_has_nothing_to_detach(volumes: Volumes, site: Site) -> None:
    site.simulator.ebs.delete_volume(site.volume)
    assert await volumes.detach(**site.names) is None


@pytest.mark.parametrize(
    ("spoil", "ec2_code", "kind"),
    [
        (lambda site: site.simulator.ebs.attach_foreign(site.volume), "VolumeInUse", ErrorKind.BUSY),
        (
            lambda site: setattr(site, "volume", site.simulator.ebs.create_volume(zone="us-west-2c")),
            "InvalidVolume.ZoneMismatch",
            ErrorKind.INVALID,
        ),
        (
            lambda site: site.simulator.settings.set_options(attachment_limits={"ml.m5.xlarge": 1}),
            "AttachmentLimitExceeded",
            ErrorKind.QUOTA,
        ),
        (lambda site: site.simulator.ebs.delete_volume(site.volume), "InvalidVolume.NotFound", ErrorKind.NOT_FOUND),
        (lambda site: site.simulator.access.deny("AttachVolume"), "UnauthorizedOperation", ErrorKind.DENIED),
        (lambda site: site.simulator.access.deny("AttachClusterNodeVolume"), "", ErrorKind.DENIED),
        (lambda site: site.simulator.settings.set_options(ec2_errors="plain"), "", None),
        (lambda site: site.simulator.world.delete_out_of_band("ml"), "", ErrorKind.INVALID),
        (lambda site: site.simulator.world.delete_out_of_band("ml", at_once=True), "", ErrorKind.NOT_FOUND),
    ],
    ids=["in-use", "zone", "limit", "gone", "ec2-denied", "denied", "plain", "deleting", "no-cluster"],
)
async def test_a_refused_attach_tells_what_ec2_said(
    volumes: Volumes, site: Site, spoil: Callable[[Site], None], ec2_code: str, kind: ErrorKind | None
) -> None:
    spoil(site)
    if kind is None:
        site.simulator.ebs.attach_foreign(site.volume)
    error = await refused(volumes.attach(**site.names))
    assert (error.ec2_code, error.kind) == (ec2_code, kind or ErrorKind.INVALID)
    assert "Ec2ErrCode" not in error.message


async def test_an_ec2_error_carries_its_code(volumes: Volumes, site: Site) -> None:
    await volumes.attach(**site.names)
    error = await refused(volumes.delete_volume(volume_id=site.volume))
    assert (error.ec2_code, error.code, error.kind) == ("VolumeInUse", "VolumeInUse", ErrorKind.BUSY)


async def test_deleting_what_is_gone_is_no_error(volumes: Volumes, site: Site) -> None:
    await volumes.delete_volume(volume_id=site.volume)
    site.simulator.clock.advance(60)
    assert await volumes.find_volume(volume_id=site.volume) is None
    await volumes.delete_volume(volume_id=site.volume)


async def test_one_modification_changes_everything_and_is_followed(volumes: Volumes, site: Site) -> None:
    assert await volumes.volume_modifications(volume_ids=[site.volume]) == {}
    change = Change(size=200, volume_type="io2", iops=5000)
    first = await volumes.modify_volume(volume_id=site.volume, change=change)
    assert (first.modification_state, first.target_size, first.target_volume_type) == ("modifying", 200, "io2")
    site.simulator.clock.advance(60)
    other = site.simulator.ebs.create_volume()
    found = await volumes.volume_modifications(volume_ids=[other, site.volume])
    assert {one: item.modification_state for one, item in found.items()} == {site.volume: "optimizing"}
    volume = await volumes.find_volume(volume_id=site.volume)
    assert volume is not None
    assert (volume.size, volume.volume_type, volume.iops) == (200, "io2", 5000)
    error = await refused(volumes.modify_volume(volume_id=site.volume, change=Change(size=300)))
    assert (error.ec2_code, error.kind) == ("IncorrectModificationState", ErrorKind.BUSY)


async def test_a_fifth_modification_in_a_day_says_when_the_next_is_possible(volumes: Volumes, site: Site) -> None:
    for size in (200, 300, 400, 500):
        await volumes.modify_volume(volume_id=site.volume, change=Change(size=size))
        site.simulator.clock.advance(4000)
    error = await refused(volumes.modify_volume(volume_id=site.volume, change=Change(size=600)))
    assert (error.ec2_code, error.kind) == ("VolumeModificationRateExceeded", ErrorKind.QUOTA)
    assert "is possible at" in error.message


async def test_a_snapshot_is_found_by_its_tag(volumes: Volumes, site: Site) -> None:
    made = await volumes.create_snapshot(volume_id=site.volume, description="why", tags={TAG_CLAIM_UID: "uid-1"})
    assert (made.state, made.volume_id) == ("pending", site.volume)
    site.simulator.clock.advance(120)
    (found,) = await volumes.find_snapshots(claim_uid="uid-1")
    assert (found.snapshot_id, found.state, found.tags) == (made.snapshot_id, "completed", {TAG_CLAIM_UID: "uid-1"})


async def test_a_known_snapshot_that_no_list_shows_is_asked_for_by_its_id(volumes: Volumes, site: Site) -> None:
    made = await volumes.create_snapshot(volume_id=site.volume, description="why", tags={TAG_CLAIM_UID: "uid-1"})
    (found,) = await volumes.find_snapshots(claim_uid="uid-2", known=[made.snapshot_id])
    assert found.snapshot_id == made.snapshot_id
    gone = "snap-0123456789abcdef0"
    assert await volumes.find_snapshots(claim_uid="uid-2", known=[gone]) == ()


async def test_limits_of_instance_types_are_asked_once(volumes: Volumes, simulator: Simulator) -> None:
    expected = {"g5.48xlarge": AttachmentLimit(maximum=9, shared=True)}
    for _ in range(2):
        assert await volumes.attachment_limits(instance_types=["g5.48xlarge"]) == expected
    assert operations(simulator) == ["DescribeInstanceTypes"]
    assert await volumes.attachment_limits(instance_types=["g5.48xlarge", "x9.future"]) == expected


async def test_all_claims_at_once_share_the_answers_that_are_of_no_single_claim(
    volumes: Volumes, simulator: Simulator
) -> None:
    await asyncio.gather(*(volumes.managed_volumes() for _ in range(5)))
    await asyncio.gather(*(volumes.attachment_limits(instance_types=["g5.48xlarge"]) for _ in range(5)))
    assert operations(simulator) == ["DescribeVolumes", "DescribeInstanceTypes"]


async def test_what_slots_are_counted_by_is_never_older_than_our_own_write(volumes: Volumes, site: Site) -> None:
    site.simulator.ebs.set_tags(site.volume, {TAG_CLAIM_UID: "uid-1"})
    (before,) = await volumes.managed_volumes()
    await volumes.attach(**site.names)
    (after,) = await volumes.managed_volumes()
    assert (before.state, after.state) == ("available", "in-use")


async def test_long_lists_are_read_to_the_end(
    volumes: Volumes, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume_queries, "PAGE", 2)
    made = {simulator.ebs.create_volume(tags={TAG_CLAIM_UID: "uid-1"}) for _ in range(5)}
    assert {one.volume_id for one in await volumes.find_volumes_by_tag(claim_uid="uid-1")} == made


async def test_a_process_that_may_not_write_reads_and_writes_nothing(
    open_cloud: Callable[..., AwsCloud], site: Site
) -> None:
    def refuse() -> None:
        raise PermissionError("not the leader")

    volumes = open_cloud(before_write=refuse).volumes(region="")
    assert await volumes.find_volume(volume_id=site.volume)
    for work in (
        volumes.create_volume(request=REQUEST),
        volumes.attach(**site.names),
        volumes.detach(**site.names),
        volumes.modify_volume(volume_id=site.volume, change=Change(size=200)),
        volumes.create_tags(volume_id=site.volume, tags={"a": "b"}),
        volumes.delete_tags(volume_id=site.volume, keys=["a"]),
        volumes.create_snapshot(volume_id=site.volume, description="", tags={}),
        volumes.delete_volume(volume_id=site.volume),
    ):
        await refused(work)
    assert operations(site.simulator, mutating=True) == []


async def test_reads_are_tried_again_and_writes_are_not(volumes: Volumes, site: Site) -> None:
    for operation in ("DescribeVolumes", "AttachClusterNodeVolume"):
        site.simulator.faults.add(Fault(operation, "error", times=1))
    assert await volumes.find_volume(volume_id=site.volume)
    error = await refused(volumes.attach(**site.names))
    assert error.kind is ErrorKind.UNKNOWN_OUTCOME
    assert operations(site.simulator, mutating=True) == ["AttachClusterNodeVolume"]
