"""The life of a cluster under each answer that AWS may give: the nightly matrix (`make test-matrix-aws`)."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.answers import named, other_answers
from tests.unit.controllers.rig import Rig
from tests.unit.controllers.test_either_answer import life

ELSEWHERE = {
    "provisioning_mode_default": "a cluster without continuous provisioning is what half of this test is about",
}
"""Switches that this life cannot be lived under, with the reason."""


@pytest.mark.long
@pytest.mark.parametrize("continuous", [True, False], ids=["continuous", "all-or-nothing"])
@pytest.mark.parametrize("answer", [one for one in other_answers() if not set(one) & set(ELSEWHERE)], ids=named)
async def test_the_life_of_a_cluster_ends_the_same_under_every_answer(
    make_rig: Callable[..., Rig], answer: dict[str, Any], continuous: bool
) -> None:
    await life(make_rig(**answer), continuous=continuous)


def test_every_switch_is_turned() -> None:
    turned = {name for answer in other_answers() for name in answer}
    assert {"clusters_per_eks", "busy_code", "scale_in", "attach_gate", "event_cause", "read_lag"} <= turned
    assert len(other_answers()) > 50
