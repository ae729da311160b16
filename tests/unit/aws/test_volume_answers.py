"""EC2's answers about volumes: a member that a decision rests on is known, or the answer is no answer."""

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from hyperpod_operator.aws.call.answers import check
from hyperpod_operator.aws.ec2 import shapes
from hyperpod_operator.core.errors import CloudError, ErrorKind

BORN = datetime(2026, 11, 1, tzinfo=UTC)
WHOLE: Mapping[str, Any] = {
    "VolumeId": "vol-1",
    "State": "in-use",
    "Size": 100,
    "VolumeType": "io2",
    "Iops": 3000,
    "MultiAttachEnabled": False,
    "AvailabilityZone": "us-west-2b",
    "CreateTime": BORN,
    "Tags": [{"Key": "a", "Value": ""}],
    "Attachments": [{"State": "attached", "AssociatedResource": "arn", "AttachTime": BORN}],
}
DECISIVE = ["VolumeId", "State", "Size", "VolumeType", "Iops", "MultiAttachEnabled", "AvailabilityZone", "Attachments"]
GONE = object()
EMPTY: Mapping[type, Any] = {str: "", list: []}


def read(raw: Mapping[str, Any]) -> None:
    check({"Volumes": [raw]}, operation="DescribeVolumes", members=shapes.VOLUMES)
    shapes.volume(raw)


def changed(member: str, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(dict(WHOLE))
    if value is GONE:
        del made[member]
    else:
        made[member] = value
    return made


def test_a_whole_answer_is_read() -> None:
    read(WHOLE)


@pytest.mark.parametrize("value", [GONE, None, EMPTY, 1.5], ids=["dropped", "null", "empty", "another type"])
@pytest.mark.parametrize("member", DECISIVE)
def test_a_member_that_is_not_known_makes_the_whole_answer_unknown(member: str, value: Any) -> None:
    empty = EMPTY.get(type(WHOLE[member]), None)
    with pytest.raises(CloudError) as caught:
        read(changed(member, empty if value is EMPTY else value))
    assert caught.value.kind is ErrorKind.MALFORMED
    assert caught.value.operation == "DescribeVolumes"
    assert member in caught.value.message


@pytest.mark.parametrize("member", ["State", "AssociatedResource"])
def test_an_attachment_says_of_what_it_is_and_how_far(member: str) -> None:
    kept = {name: value for name, value in WHOLE["Attachments"][0].items() if name != member}
    with pytest.raises(CloudError, match=member):
        read(changed("Attachments", [kept]))


@pytest.mark.parametrize("operation", sorted(shapes.PAGES))
def test_a_page_without_its_list_is_no_empty_list(operation: str) -> None:
    with pytest.raises(CloudError, match="is missing"):
        check({}, operation=operation, members=shapes.PAGES[operation])
