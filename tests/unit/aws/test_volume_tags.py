"""Claims that look for their volume at once share a read; nothing is remembered."""

import asyncio
from collections.abc import Sequence

import pytest

from hyperpod_operator.api.names import TAG_CLAIM_UID, TAG_OWNER, TAG_RELEASED
from hyperpod_operator.aws.ec2.queries import MOST_FILTER_VALUES
from hyperpod_operator.aws.ec2.tags import TagReads
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.volume.ports import Volume


class Ec2:
    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.owners: dict[str, str] = {}
        """Volume id to claim-uid."""
        self.fails = False
        self.called = asyncio.Event()

    async def read(self, key: str, uids: Sequence[str]) -> dict[str, tuple[Volume, ...]]:
        self.calls.append(list(uids))
        self.called.set()
        await asyncio.sleep(0)
        if self.fails:
            raise CloudError(kind=ErrorKind.THROTTLED, operation="DescribeVolumes", code="X", message="slow down")
        found: dict[str, tuple[Volume, ...]] = {}
        for one, uid in self.owners.items():
            made = Volume(volume_id=one, state="available", size=1, volume_type="gp3", tags={key: uid, "Name": "a"})
            if uid in uids:
                found[uid] = (*found.get(uid, ()), made)
        return found


KEYS = (TAG_CLAIM_UID, TAG_OWNER, TAG_RELEASED)


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Ec2:
    monkeypatch.setattr("hyperpod_operator.aws.ec2.gathered.GATHER", 0.0)
    return Ec2()


@pytest.mark.parametrize("key", KEYS)
async def test_questions_at_once_are_one_call_and_each_gets_its_own(ec2: Ec2, key: str) -> None:
    ec2.owners = {"vol-1": "a", "vol-2": "b", "vol-3": "b"}
    reads = TagReads(key, ec2.read)
    found = await asyncio.gather(*(reads.get(uid) for uid in ("a", "b", "c")))
    assert [[one.volume_id for one in volumes] for volumes in found] == [["vol-1"], ["vol-2", "vol-3"], []]
    assert ec2.calls == [["a", "b", "c"]]


async def test_a_later_question_is_read_anew(ec2: Ec2) -> None:
    reads = TagReads(TAG_CLAIM_UID, ec2.read)
    assert await reads.get("a") == ()
    ec2.owners = {"vol-1": "a"}
    assert len(await reads.get("a")) == 1


async def test_a_question_during_a_read_is_for_the_next(ec2: Ec2) -> None:
    reads = TagReads(TAG_CLAIM_UID, ec2.read)
    first = asyncio.create_task(reads.get("a"))
    await ec2.called.wait()
    ec2.owners = {"vol-1": "b"}
    assert len(await reads.get("b")) == 1
    await first
    assert ec2.calls == [["a"], ["b"]]


async def test_questions_gather_while_a_read_waits_for_its_turn_at_aws(ec2: Ec2) -> None:
    turn = asyncio.Event()

    async def slow(key: str, values: Sequence[str]) -> dict[str, tuple[Volume, ...]]:
        found = await ec2.read(key, values)
        await turn.wait()
        return found

    reads = TagReads(TAG_CLAIM_UID, slow)
    asked = [asyncio.create_task(reads.get("a"))]
    await ec2.called.wait()
    for value in ("b", "c", "d"):
        asked.append(asyncio.create_task(reads.get(value)))
        await asyncio.sleep(0.01)
    turn.set()
    await asyncio.gather(*asked)
    assert ec2.calls == [["a"], ["b", "c", "d"]]


async def test_many_are_asked_in_calls_of_what_a_filter_takes(ec2: Ec2) -> None:
    reads = TagReads(TAG_CLAIM_UID, ec2.read)
    await asyncio.gather(*(reads.get(str(number)) for number in range(MOST_FILTER_VALUES + 1)))
    assert [len(call) for call in ec2.calls] == [MOST_FILTER_VALUES, 1]


async def test_a_failure_reaches_all_who_asked_and_is_forgotten(ec2: Ec2) -> None:
    reads = TagReads(TAG_CLAIM_UID, ec2.read)
    ec2.fails = True
    failed = await asyncio.gather(reads.get("a"), reads.get("b"), return_exceptions=True)
    assert all(isinstance(one, CloudError) for one in failed)
    ec2.fails = False
    assert await reads.get("a") == ()
