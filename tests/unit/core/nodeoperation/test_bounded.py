"""The status of an operation on a thousand nodes, whatever they are called and whatever there is to say of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core.nodeoperation.builders import NOW, entry, instance, judged, node, operation, snapshot, spec

from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.ports import PodsRead
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.bounded import MESSAGE_LEAST, MESSAGES_MOST, PODS_MOST, bounded
from hyperpod_operator.core.nodeoperation.report import report
from hyperpod_operator.core.nodeoperation.states import State

IDS = tuple(f"i-{number:017x}" for number in range(1000))
GROUP, LOGICAL = "g" * 63, "l" * 36
HALF_OF_ETCD = 786_432
NOTES: dict[State, dict[str, Any]] = {
    State.PENDING: {"attempts": 10, "retryTime": stamp(NOW)},
    State.DRAINING: {
        "marked": "Detach",
        "attempts": 10,
        "retryTime": stamp(NOW),
        "batch": 40,
        "drainTimedOut": True,
        "askedLast": stamp(NOW),
    },
    State.SENT: {"marked": "Maintenance", "attempts": 10, "batch": 40, "begun": True, "bootId": "b" * 36},
    State.WAITING: {"marked": "Maintenance", "attempts": 10, "batch": 40, "begun": True, "bootId": "b" * 36},
    State.SUCCEEDED: {"marked": "Maintenance", "batch": 40, "begun": True, "missingSince": stamp(NOW)},
    State.FAILED: {"marked": "Maintenance", "batch": 40, "begun": True, "leftToAwsSince": stamp(NOW)},
    State.SKIPPED: {"attempts": 10},
}


@pytest.mark.fault(20)
@pytest.mark.parametrize("letter", ["x", "é", "漢", '"'])
@pytest.mark.parametrize("state", list(State))
def test_a_thousand_nodes_with_long_names_and_messages_stay_below_half_of_what_etcd_takes(
    state: State, letter: str
) -> None:
    names = [f"hyperpod-{one}" for one in IDS]
    wanted = {**spec("Reboot", maxInFlight="100%"), "nodes": {"names": names}}
    times = {"startTime": stamp(NOW), "sentTime": stamp(NOW), "completionTime": stamp(NOW)}
    entries = [
        entry(
            one, state, id=f"hyperpod-{one}", instanceGroupName=GROUP, nodeLogicalId=LOGICAL, replacedBy=one,
            message=letter * 1000, awsCode="InvalidNodeStatus", **times, **NOTES[state],
        )
        for one in IDS
    ]  # fmt: skip
    pods = [
        Pod(namespace="n" * 63, name=f"{'p' * 240}-{number}", uid=f"{one}-{number}", node=f"hyperpod-{one}")
        for one in IDS
        for number in range(6)
    ]
    seen = snapshot(
        operation(wanted), entries=entries, pods=PodsRead(pods=tuple(pods)), nodes=map(node, IDS),
        instances=[instance(one, group=GROUP, logical_id=LOGICAL) for one in IDS],
    )  # fmt: skip
    status = report(judged(seen)).status.model_dump(mode="json", exclude_none=True)
    assert len(status["nodes"]) == 1000
    assert len(json.dumps({"spec": wanted, "status": status}, ensure_ascii=False).encode()) < HALF_OF_ETCD


def waiting(count: int, *, pod: str = "ml/" + "p" * 240) -> tuple[int, int]:
    """How many of so many draining nodes list their pods, and how many do not."""
    stored, unlisted = bounded(entry(one, State.DRAINING, waitingFor=[pod] * 5) for one in IDS[:count])
    return sum(one.waitingFor is not None for one in stored), unlisted


def test_pods_are_listed_for_as_many_nodes_as_there_is_room_for_and_the_others_are_counted() -> None:
    listed, unlisted = waiting(1000)
    assert listed == PODS_MOST // (5 * 243)
    assert listed + unlisted == 1000


def test_pods_of_few_nodes_are_all_listed() -> None:
    assert waiting(10) == (10, 0)


def test_the_longest_messages_are_cut_and_short_ones_stay() -> None:
    said = [entry(one, State.FAILED, message="too long " * 100) for one in IDS[:500]]
    said += [entry(one, State.FAILED, message="Seen to be done.") for one in IDS[500:]]
    stored, _ = bounded(said)
    assert {one.message for one in stored[500:]} == {"Seen to be done."}
    assert all(len(one.message or "") > 60 for one in stored[:500])


def test_what_is_cut_is_the_same_in_the_next_pass() -> None:
    said = [entry(one, State.FAILED, message=f"{one}: {'why ' * 200}") for one in IDS]
    once, _ = bounded(said)
    assert bounded(once)[0] == once


@given(st.lists(st.text(min_size=1, max_size=1000), min_size=1, max_size=300))
def test_messages_never_take_more_than_their_room(texts: list[str]) -> None:
    stored, _ = bounded(entry(one, State.FAILED, message=text) for one, text in zip(IDS, texts, strict=False))
    least = 4 * MESSAGE_LEAST * len(texts)
    assert sum(len((one.message or "").encode()) for one in stored) <= max(MESSAGES_MOST, least)


def test_what_was_noted_on_the_way_of_a_node_goes_with_its_end() -> None:
    (stored,), _ = bounded([entry(state=State.SUCCEEDED, bootId="b", batch=1, begun=True, drainTimedOut=True)])
    assert stored.remembered.model_dump(exclude_none=True) == {"drainTimedOut": True}


@pytest.mark.parametrize("notes", [{"marked": "Maintenance"}, {"leftToAwsSince": stamp(NOW), "marked": "Drain"}])
def test_what_a_node_with_marks_needs_stays(notes: dict[str, str]) -> None:
    (stored,), _ = bounded([entry(state=State.FAILED, bootId="b", **notes)])
    assert stored.remembered.bootId == "b"
