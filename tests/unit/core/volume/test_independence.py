"""Concerns about a claim do not silence each other: a modification goes on wherever the volume is, and all that needs a
user is said."""

from dataclasses import replace

from tests.unit.core.volume.builders import VOLUME_ID, attachment, claim, spec, volume
from tests.unit.core.volume.test_modification import attached, edited_claim

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.volume.concerns import decide, judge

GROWN = {"size": 200}


def test_a_volume_that_aws_detaches_is_modified() -> None:
    found = judge(attached(edited_claim(GROWN), volume=volume(attachment(state="detaching"))))
    assert found.acting == "Modification"
    assert dict(found.waits)["Attachment"].reason is Reason.DETACHING


def test_an_edit_that_is_collected_wakes_a_claim_that_waits_for_something_else() -> None:
    owner = claim(spec(volume=GROWN), status=edited_claim(GROWN).status.model_dump(exclude_none=True))
    owner = replace(owner, status=owner.status.model_copy(update={"modification": None}))
    snapshot = attached(owner, volume=volume(attachment(state="detaching")))
    answer = decide(snapshot)
    assert isinstance(answer, Wait)
    assert answer.reason is Reason.DETACHING
    assert answer.after <= snapshot.timings.debounce


def test_what_needs_a_user_is_said_with_what_is_waited_for() -> None:
    owner = edited_claim({"size": 50})
    answer = decide(attached(owner, volume=volume(attachment(state="detaching"))))
    assert isinstance(answer, Wait)
    assert answer.reason is Reason.DETACHING
    assert f"Also ({Reason.SIZE_BELOW_ACTUAL}): {VOLUME_ID} has 100 GiB" in answer.message
