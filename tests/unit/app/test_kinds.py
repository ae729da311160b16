"""Every kind that is served has a controller, and nothing else of the application names kinds."""

from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.app.kinds import CONTROLLERS


def test_every_kind_has_a_controller() -> None:
    assert set(CONTROLLERS) == {kind.name for kind in KINDS}
