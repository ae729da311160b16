"""Resources that nobody would write by hand, through the real API server and then through the real controller.

What the server refuses it refuses with words. What it admits must never break a pass, never loop, and never lead to
a call that AWS's model forbids; and the status that comes of it is one that the server takes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.generated.bases import seen
from tests.generated.edits import GONE, INSTANTS, Edit, edits
from tests.generated.effort import WHOLE, effort
from tests.generated.schema import places
from tests.generated.server import Answer, Json, Server
from tests.generated.trial import Trial
from tests.unit.controllers.answers import other_answers

from hyperpod_operator.api.common.bounds import MOMENT_PATTERN
from hyperpod_operator.core.outcome import Done
from hyperpod_operator.core.ports import Key

pytestmark = [pytest.mark.control_plane, pytest.mark.timeout(0)]

NAME = "research"
KEY = Key("generated", NAME)
BACK = Edit("back", (), GONE)
"""To what was there before the last edit."""


@contextmanager
def created(server: Server, spec: Any) -> Iterator[Answer]:
    """An object for the time of a case, if the server admits it."""
    answer = server.create(NAME, spec)
    try:
        yield answer
    finally:
        if answer.admitted:
            server.delete(NAME)


def judged_by(server: Server) -> Callable[[Json], None]:
    """Every status is shown to the server: it admits it, and keeps all of it."""

    def judge(status: Json) -> None:
        answer = server.judge_status(NAME, status)
        assert answer.admitted, f"the API server refuses our status: {answer.message}\n{status}"
        assert answer.body["status"] == status, f"the API server prunes our status:\n{status}\n{answer.body['status']}"

    return judge


def test_every_base_becomes_a_cluster(server: Server, trial: Trial, bases: list[Json]) -> None:
    """What the mutations start from is sound, so what a mutated one meets is the mutation's doing."""
    for base in bases:
        with created(server, base) as answer:
            trial.begin(KEY, judge=judged_by(server))
            trial.apply(answer.body["spec"])
            assert trial.live() == Done()
            trial.end()


@pytest.mark.fault(19)
@effort(WHOLE, by_default=40)
@given(data=st.data())
def test_an_odd_resource_is_refused_with_words_or_lived_with(
    server: Server, trial: Trial, bases: list[Json], data: st.DataObject
) -> None:
    base = data.draw(st.sampled_from(bases))
    edit = data.draw(edits(base, seen()))
    with created(server, edit.on(base)) as answer:
        answer.must_be_an_answer(edit)
        if answer.admitted:
            trial.begin(KEY, judge=judged_by(server))
            trial.apply(answer.body["spec"])
            trial.live()
            trial.end()


@pytest.mark.fault(19)
@effort(WHOLE // 6, by_default=8)
@given(data=st.data())
def test_a_living_resource_bears_odd_edits_one_after_the_other(
    server: Server, trial: Trial, bases: list[Json], data: st.DataObject
) -> None:
    ways = data.draw(st.sampled_from([{}, *other_answers()]))
    with created(server, data.draw(st.sampled_from(bases))) as answer:
        trial.begin(KEY, judge=judged_by(server), answer=ways)
        now = before = answer.body
        trial.apply(now["spec"])
        trial.live()
        for _ in range(data.draw(st.integers(2, 6))):
            edit = data.draw(edits(now["spec"], seen()) | st.just(BACK))
            answer = server.replace(now, before["spec"] if edit is BACK else edit.on(now["spec"]))
            answer.must_be_an_answer(edit)
            if answer.admitted:
                before, now = now, answer.body
                trial.pass_record.append(str(edit))
                trial.apply(now["spec"])
                trial.live()
        trial.end()


@pytest.mark.parametrize("instant", INSTANTS)
def test_an_instant_at_the_edge_of_the_calendar_is_refused_or_can_be_sent(
    server: Server, trial: Trial, bases: list[Json], instant: str
) -> None:
    base = bases[-1]
    wanted = [place.path for place in places(base) if place.node.get("pattern") == MOMENT_PATTERN]
    assert wanted
    with created(server, Edit("instant", wanted[0], instant).on(base)) as answer:
        answer.must_be_an_answer(instant)
        if answer.admitted:
            trial.begin(KEY, judge=judged_by(server))
            trial.apply(answer.body["spec"])
            trial.live()


@pytest.mark.fault(19)
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"x"', b"{", b"\xff", b'{"spec": {}}', b"[" * 20_000])
def test_what_is_no_resource_at_all_is_refused_with_words(server: Server, body: bytes) -> None:
    answer = server.send(body)
    answer.must_be_an_answer(body[:20])
    assert not answer.admitted
