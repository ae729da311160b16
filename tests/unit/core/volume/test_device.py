"""What EC2's names say about HyperPod nodes and disks."""

import pytest
from tests.unit.core.volume.builders import ARN, FIRST, VOLUME_ID

from hyperpod_operator.core.location import cluster_id
from hyperpod_operator.core.volume.device import associated_resource, device_path, volume_of


def test_an_associated_resource_names_cluster_and_instance() -> None:
    found = associated_resource(f"{ARN}-{FIRST}")
    assert found is not None
    assert (found.cluster_arn, found.cluster_id, found.instance_id) == (ARN, "abcdefghijkl", FIRST)


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_other_partitions_are_understood(partition: str) -> None:
    found = associated_resource(f"{ARN.replace('arn:aws:', f'arn:{partition}:')}-i-0123abcd")
    assert found is not None
    assert found.instance_id == "i-0123abcd"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ARN,
        f"{ARN}-{FIRST}x",
        f"{ARN}-hyperpod-{FIRST}",
        f"{ARN}/{FIRST}",
        f"x{ARN}-{FIRST}",
        "arn:aws:ecs:us-west-2:111122223333:cluster/abcdefghijkl-i-0123abcd",
    ],
)
def test_any_other_form_is_not_guessed_at(text: str) -> None:
    assert associated_resource(text) is None


def test_the_device_path_has_the_volumes_hex_without_its_dash() -> None:
    assert device_path(VOLUME_ID) == "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0"


def test_a_cluster_arn_is_taken_apart_and_nothing_else_is() -> None:
    assert cluster_id(ARN) == "abcdefghijkl"
    assert cluster_id("arn:aws:sagemaker:us-west-2:111122223333:cluster/too-long-a-name") == ""
    assert cluster_id("nonsense") == ""


@pytest.mark.parametrize(
    ("path", "volume_id"),
    [(device_path(VOLUME_ID), VOLUME_ID), ("/dev/nvme1n1", ""), ("", ""), (f"{device_path(VOLUME_ID)}-part1", "")],
)
def test_a_device_path_names_its_volume(path: str, volume_id: str) -> None:
    assert volume_of(path) == volume_id
