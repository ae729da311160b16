"""A node that is drained takes no volume; one whose volumes are asked for gives up those that no pod uses."""

from typing import Any

import pytest
from tests.unit.core.volume.builders import (
    FIRST,
    SECOND,
    attached_status,
    attachment,
    claim,
    made_status,
    node,
    reason_of,
    snapshot_of,
    spec,
    step_of,
    volume,
)

from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Decision
from hyperpod_operator.core.volume.memory.attachment import attachment as remembered
from hyperpod_operator.core.volume.pass_record import PassRecord
from hyperpod_operator.core.volume.plan import Attach, Detach, UnlabelNode

HOLDER = "HyperPodNodeOperation team/replace"
DRAINED = node(FIRST, drained_for=HOLDER)
ASKED = node(FIRST, drained_for=HOLDER, asked_to_detach=True)
OTHERS = (node(SECOND),)
NAMED = {"target": {"instanceId": FIRST}}


def attached(owner: Claim | None = None, *, first: Any = ASKED, **seen: Any) -> Decision:
    """What a pass decides about a volume that is on FIRST."""
    owner = owner or claim(status=attached_status())
    return decide(snapshot_of(owner, nodes=(first, *OTHERS), volume=volume(attachment()), **seen))


def free(owner: Claim, *nodes: Any) -> Decision:
    return decide(snapshot_of(owner, nodes=nodes))


def named(**status: Any) -> Claim:
    return claim(spec(attachment=NAMED), status=attached_status(target=f"instanceId={FIRST}", **status))


def test_a_volume_leaves_a_node_that_asks_for_it() -> None:
    decision = attached()
    step = step_of(decision)
    assert isinstance(step, Detach)
    assert HOLDER in step.why


def test_a_volume_stays_on_a_node_that_is_drained_and_asks_for_nothing() -> None:
    assert not isinstance(getattr(attached(first=DRAINED), "step", None), Detach)


def test_the_label_goes_before_the_volume() -> None:
    assert isinstance(step_of(attached(labelled=(f"hyperpod-{FIRST}",))), UnlabelNode)


@pytest.mark.parametrize("policy", ["WhenUnused", "Immediate"])
def test_no_volume_is_taken_from_a_pod_that_runs(policy: str) -> None:
    target = {"target": {"instanceGroupName": "workers"}, "detachPolicy": policy}
    decision = attached(claim(spec(attachment=target), status=attached_status()), pods=("team/train",))
    assert reason_of(decision) == "InUse"
    assert isinstance(decision, Wait)
    assert HOLDER in decision.message
    assert "Immediate" not in decision.message


def test_immediate_still_counts_for_a_person_who_suspends_the_attachment() -> None:
    target = {"target": {"instanceGroupName": "workers"}, "detachPolicy": "Immediate", "suspend": True}
    decision = attached(claim(spec(attachment=target), status=attached_status()), pods=("team/train",))
    assert isinstance(step_of(decision), Detach)


def test_an_attachment_that_is_not_the_claims_own_is_reported_and_left_alone() -> None:
    decision = attached(claim(status=attached_status(attachTime=None)))
    assert reason_of(decision) == "AttachedElsewhere"


def test_a_volume_goes_from_a_drained_node_to_another_one_of_its_group() -> None:
    step = step_of(free(claim(status=attached_status(state="detached")), ASKED, *OTHERS))
    assert isinstance(step, Attach)
    assert step.instance_id == SECOND


def test_a_volume_for_one_node_waits_until_that_node_is_drained_no_more() -> None:
    waiting = free(named(state="detached"), ASKED, *OTHERS)
    assert reason_of(waiting) == "NodeDraining"
    assert isinstance(waiting, Wait)
    assert (HOLDER in waiting.message, waiting.stalled) == (True, False)
    step = step_of(free(named(state="detached"), node(FIRST), *OTHERS))
    assert isinstance(step, Attach)
    assert step.instance_id == FIRST


def test_no_drained_node_is_chosen() -> None:
    step = step_of(free(claim(status=made_status()), DRAINED, *OTHERS))
    assert isinstance(step, Attach)
    assert step.instance_id == SECOND


def test_a_group_whose_nodes_are_all_drained_is_waited_for() -> None:
    assert reason_of(free(claim(status=made_status()), DRAINED)) == "NodeDraining"


def test_a_wait_for_pods_counts_from_the_time_at_which_the_volume_was_asked_for() -> None:
    before = snapshot_of(
        claim(status=attached_status()),
        nodes=(ASKED, *OTHERS),
        volume=volume(attachment()),
        pods=("team/train",),
    )
    after = remembered(PassRecord(snapshot=before, decision=decide(before)))
    assert after is not None
    assert after.remembered.detachTime is not None
