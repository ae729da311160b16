"""The condition of an object in quarantine: written without the pass that stops the operator."""

from tests.unit.controllers.rig import KEY, Rig
from tests.unit.core.builders import spec

from hyperpod_operator.controllers.quarantine import QuarantineMarks
from hyperpod_operator.core.ports import Key, KubernetesError


def marks(rig: Rig) -> QuarantineMarks:
    return QuarantineMarks(objects=rig.objects, events=rig.recorder, clock=rig.clock)


async def test_ready_and_stalled_say_so_and_the_rest_stays(rig: Rig) -> None:
    rig.apply(spec())
    await rig.rest()
    before = {one["type"] for one in rig.status["conditions"]}
    await marks(rig)(KEY, "why")
    assert (rig.condition("Ready")["status"], rig.condition("Ready")["reason"]) == ("False", "Quarantined")
    assert (rig.condition("Stalled")["status"], rig.condition("Stalled")["message"]) == ("True", "why")
    assert before <= {one["type"] for one in rig.status["conditions"]}
    assert rig.status["clusterArn"]
    assert "Quarantined" in rig.reasons()


async def test_an_object_without_any_status_gets_one(rig: Rig) -> None:
    rig.apply(spec())
    await marks(rig)(KEY, "why")
    assert rig.condition("Ready")["reason"] == "Quarantined"


async def test_said_again_it_keeps_its_time(rig: Rig) -> None:
    rig.apply(spec())
    await marks(rig)(KEY, "why")
    since = rig.condition("Ready")["lastTransitionTime"]
    rig.simulator.clock.advance(600)
    await marks(rig)(KEY, "why, again")
    assert rig.condition("Ready")["lastTransitionTime"] == since


async def test_a_status_that_no_model_could_read_is_no_obstacle(rig: Rig) -> None:
    rig.apply(spec())
    rig.objects.set_status(KEY, {"conditions": [{"type": "Ready"}, {"odd": 1}], "nodes": "many"})
    await marks(rig)(KEY, "why")
    assert rig.condition("Ready")["reason"] == "Quarantined"


async def test_the_next_pass_that_ends_well_takes_it_back(rig: Rig) -> None:
    rig.apply(spec())
    await rig.rest()
    await marks(rig)(KEY, "why")
    await rig.rest()
    assert rig.condition("Ready")["status"] == "True"
    assert rig.condition("Stalled") == {}


async def test_an_object_that_is_gone_is_left_alone(rig: Rig) -> None:
    await marks(rig)(Key("team", "nobody"), "why")
    assert rig.objects.writes == []


async def test_an_api_server_that_is_away_ends_nothing(rig: Rig) -> None:
    async def away(key: Key) -> None:
        raise KubernetesError(status=0, message="no answer")

    rig.apply(spec())
    rig.objects.read = away  # type: ignore[method-assign]
    await marks(rig)(KEY, "why")
    assert rig.reasons() == []
