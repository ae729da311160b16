"""Every kind that is served has a controller, and nothing else of the application names kinds."""

from pathlib import Path

from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.app import operator
from hyperpod_operator.app.kinds import CONTROLLERS


def test_every_kind_has_a_controller() -> None:
    assert set(CONTROLLERS) == {kind.name for kind in KINDS}


def test_the_operator_is_put_together_without_naming_a_kind() -> None:
    written = Path(operator.__file__).read_text()
    assert [kind.name for kind in KINDS if kind.name in written] == []
    assert "api.kinds" not in written
