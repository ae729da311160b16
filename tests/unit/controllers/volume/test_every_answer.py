"""The life of a volume under each answer that AWS may give: the nightly matrix (`make test-matrix-aws`)."""

from typing import Any

import pytest
from tests.unit.controllers.answers import NO_NODES, named, other_answers
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.test_either_answer import life


@pytest.mark.long
@pytest.mark.parametrize("answer", [one for one in other_answers() if one != NO_NODES], ids=named)
async def test_the_life_of_a_volume_ends_the_same_under_every_answer(make_rig: MakeRig, answer: dict[str, Any]) -> None:
    await life(make_rig(**answer))
