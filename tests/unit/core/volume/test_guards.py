"""The pause while EC2 works, and what is not asked for again."""

from datetime import timedelta

import pytest
from tests.unit.core.volume.builders import NOW, ago, claim, made_status, snapshot_of, spec, step_of

from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Act
from hyperpod_operator.core.volume.guards import held_back, soon
from hyperpod_operator.core.volume.plan import Attach, LabelNode, PublishPV, fingerprint

LABEL = LabelNode(node_name="n", key="k", value="v")


@pytest.mark.parametrize(("since", "pause"), [(0, 1.0), (2, 1.0), (6, 2.0), (15, 5.0), (30, 10.0), (3000, 10.0)])
def test_the_pause_is_a_third_of_the_time_so_far_within_bounds(since: int, pause: float) -> None:
    status = made_status(
        operations=[{"concern": "Volume", "operation": "CreateVolume", "state": "Accepted", "time": ago(seconds=since)}]
    )
    assert soon(snapshot_of(claim(status=status))) == pause


def test_without_a_call_on_record_the_pause_is_the_longest() -> None:
    assert soon(snapshot_of(claim(status=made_status()))) == 10.0


def refused(step: LabelNode, *, left: float) -> dict[str, object]:
    record = {
        "concern": "NodeLabel",
        "operation": "LabelNode",
        "state": "Rejected",
        "rejectedAt": stamp(NOW),
        "message": "no",
        "reason": "KubernetesRefused",
        "stalled": True,
        "fingerprint": fingerprint(step),
        "retryAt": stamp(NOW + timedelta(seconds=left)),
    }
    return made_status(operations=[record])


def act(step: LabelNode | Attach) -> Act:
    return Act(step=step, reason="Publishing", message="")  # type: ignore[arg-type] # any reason


def test_a_step_that_the_api_server_refused_is_held_back_until_its_time() -> None:
    before = snapshot_of(claim(status=refused(LABEL, left=60)))
    held = held_back(before, act(LABEL))
    assert isinstance(held, Wait)
    assert (held.after, held.stalled, held.message) == (60.0, True, "no")
    later = snapshot_of(claim(status=refused(LABEL, left=0)))
    assert held_back(later, act(LABEL)) == act(LABEL)


def test_another_step_is_not_held_back() -> None:
    before = snapshot_of(claim(status=refused(LABEL, left=60)))
    other = LabelNode(node_name="other", key="k", value="v")
    assert held_back(before, act(other)) == act(other)


@pytest.mark.parametrize("anew", [{"generation": 2}, {"reconcile_requested_at": "now"}])
def test_a_person_lifts_what_is_held_back(anew: dict[str, object]) -> None:
    owner = claim(status=refused(LABEL, left=60) | {"observedGeneration": 1}, **anew)
    assert held_back(snapshot_of(owner), act(LABEL)) == act(LABEL)


def test_a_publication_has_the_same_name_at_every_pass() -> None:
    published = spec(
        attachment={"mode": "None"}, publish={"type": "LocalPV", "persistentVolumeClaim": {"name": "data"}}
    )
    first, second = (step_of(decide(snapshot_of(claim(published, status=made_status())))) for _ in range(2))
    assert isinstance(first, PublishPV)
    assert fingerprint(first) == fingerprint(second)
