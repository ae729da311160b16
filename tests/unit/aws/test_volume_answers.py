"""EC2's answers about volumes: a member that a decision rests on is known, or the answer is no answer."""

import asyncio
import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hyperpod_operator.aws.call.answers import check
from hyperpod_operator.aws.call.caller import Caller
from hyperpod_operator.aws.ec2 import shapes
from hyperpod_operator.aws.ec2.queries import VolumeQueries
from hyperpod_operator.aws.ec2.tags import TagReads
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.volume.ports import Volume

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
    (one,) = shapes.volumes([raw])
    if isinstance(one, CloudError):
        raise one


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
def test_a_member_that_is_not_known_makes_the_volume_unknown(member: str, value: Any) -> None:
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


OTHER = {**WHOLE, "VolumeId": "vol-2", "Tags": [{"Key": "a", "Value": "theirs"}]}
HALF = {**WHOLE, "Attachments": []}


ANSWER = {"Volumes": [HALF, OTHER]}


class Ec2:
    """EC2, and the caller of it, which answers each read with these volumes."""

    meta = SimpleNamespace(method_to_api_mapping={"describe_volumes": "DescribeVolumes"})

    async def read(self, operation: str, call: Callable[[Any], Any], *, target: str) -> Any:
        return call(self)

    def describe_volumes(self, **_: Any) -> Any:
        return ANSWER

    def get_paginator(self, _: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: [ANSWER])


@pytest.fixture
def ask() -> VolumeQueries:
    return VolumeQueries(cast("Caller", Ec2()))


async def test_what_is_said_of_one_volume_says_nothing_about_the_others_of_an_answer(ask: VolumeQueries) -> None:
    """A claim may name any volume of the Region: no other claim waits for what EC2 says of it."""
    by_id = await ask.describe(["vol-1", "vol-2"])
    assert isinstance(by_id["vol-1"], CloudError)
    assert by_id["vol-1"].kind is ErrorKind.MALFORMED
    assert isinstance(by_id["vol-2"], Volume)
    assert [one.volume_id for one in await ask.listed([], target="managed")] == ["vol-2"]


async def test_a_volume_of_which_half_is_known_is_not_left_out_where_a_volume_may_be_made(ask: VolumeQueries) -> None:
    tagged = TagReads("a", ask.by_tag)
    mine, theirs = await asyncio.gather(tagged.get(""), tagged.get("theirs"), return_exceptions=True)
    assert isinstance(mine, CloudError)
    assert not isinstance(theirs, BaseException)
    assert [one.volume_id for one in theirs] == ["vol-2"]
