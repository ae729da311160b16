"""EC2's shapes and ours: every request is one that botocore takes, every member that we name exists."""

from dataclasses import fields
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from hyperpod_operator.aws.call.classify import wrapped_by_sagemaker
from hyperpod_operator.aws.ec2 import shapes
from hyperpod_operator.core.volume.ports import Attachment, Change, Modification, NewVolume, Snapshot, Volume

EC2 = botocore.session.Session().get_service_model("ec2")
NEW = NewVolume(client_token="t", tags={"b": "2", "a": "1"}, volume_type="gp3", availability_zone_id="usw2-az1")


def problems(operation: str, request: dict[str, Any]) -> bool:
    shape = EC2.operation_model(operation).input_shape
    return bool(ParamValidator().validate(request, shape).has_errors())


def test_what_is_unset_is_not_sent() -> None:
    assert set(shapes.new_volume(NEW)) == {"ClientToken", "VolumeType", "AvailabilityZoneId", "TagSpecifications"}
    assert shapes.change(Change(iops=3000)) == {"Iops": 3000}


def test_a_whole_request_is_one_that_botocore_takes() -> None:
    whole = NewVolume(
        client_token="t",
        tags={"a": "1"},
        volume_type="gp3",
        size=1,
        iops=3000,
        throughput=125,
        snapshot_id="snap-00000000",
        encrypted=True,
        kms_key_id="key",
        availability_zone="us-west-2a",
        volume_initialization_rate=100,
    )
    assert not problems("CreateVolume", shapes.new_volume(whole))
    assert not problems("ModifyVolume", {"VolumeId": "v", **shapes.change(Change(size=1, volume_type="gp3", iops=1))})


def test_tags_have_one_order() -> None:
    assert [tag["Key"] for tag in shapes.tag_list({"b": "2", "a": "1"})] == ["a", "b"]


def test_no_tags_are_no_specification() -> None:
    assert shapes.tag_specifications("volume", {}) is None


def test_wildcards_in_a_filter_mean_themselves() -> None:
    assert shapes.tag_filter("k", r"a*b?\c") == [{"Name": "tag:k", "Values": [r"a\*b\?\\c"]}]


@pytest.mark.parametrize(
    ("record", "shape"),
    [
        (Volume, "Volume"),
        (Attachment, "VolumeAttachment"),
        (Modification, "VolumeModification"),
        (Snapshot, "Snapshot"),
        (Change, "ModifyVolumeRequest"),
    ],
)
def test_every_field_of_a_record_is_a_member_of_its_shape(record: Any, shape: str) -> None:
    renamed = {"snapshot.status_message": "StateMessage"}
    names = [renamed.get(f"{shape.lower()}.{one.name}", _camel(one.name)) for one in fields(record)]
    assert set(names) <= set(EC2.shape_for(shape).members)


def test_a_volume_with_the_least_that_ec2_tells_is_a_volume() -> None:
    found = shapes.new_answer({"VolumeId": "vol-1"})
    assert (found.state, found.iops, found.tags, found.attachments) == ("", None, {}, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "HyperPod - Ec2ErrCode: AttachmentLimitExceeded : Ec2ErrMsg: Too many volumes",
            ("AttachmentLimitExceeded", "Too many volumes"),
        ),
        (
            "1 error: HyperPod - Ec2ErrCode: InvalidVolume.NotFound: Ec2ErrMsg: The volume\nis gone",
            ("InvalidVolume.NotFound", "The volume\nis gone"),
        ),
        ("Cluster must be InService", None),
        ("HyperPod - Ec2ErrCode: : Ec2ErrMsg: nothing", None),
    ],
)
def test_the_error_that_sagemaker_wraps_is_taken_out(text: str, expected: tuple[str, str] | None) -> None:
    assert wrapped_by_sagemaker(text) == expected


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
