"""The control of the prerequisites: change, remove and restore what a HyperPod cluster needs.

`simulator.prerequisites`. Kinds and their members are in `resources`; resources are named by id, name or ARN, objects
by `s3://bucket/key`, instance types with `ml.`.
"""

from typing import Any

from hyperpod_testbed.simulator.core import Core
from hyperpod_testbed.simulator.prerequisites import inventory
from hyperpod_testbed.simulator.prerequisites.resources import KINDS
from hyperpod_testbed.simulator.state import DEFAULT_REGION, JSON
from hyperpod_testbed.simulator.verbs import verb


class Prerequisites:
    """What other people do to an account's network, roles, EKS clusters and the like."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @verb
    def change(self, kind: str, name: str, region: str = DEFAULT_REGION, **members: Any) -> None:
        """Set members of a resource, such as `change("subnet", "subnet-0a", route="internet")`; what was not there is
        there from now on."""
        with self._core.change() as sim:
            inventory.change(sim, sim.account.region(region), kind, name, members)

    @verb
    def remove(self, kind: str, name: str, region: str = DEFAULT_REGION) -> None:
        """Take a resource away."""
        with self._core.change() as sim:
            inventory.remove(sim, sim.account.region(region), kind, name)

    @verb
    def restore(self, kind: str, name: str, region: str = DEFAULT_REGION) -> None:
        """Have a resource as it was at the beginning."""
        with self._core.change() as sim:
            inventory.restore(sim, sim.account.region(region), kind, name)

    @verb
    def show(self, kind: str, name: str, region: str = DEFAULT_REGION) -> JSON | None:
        """The members of a resource; None when there is none."""
        if kind not in KINDS:
            raise ValueError(f"no such kind: {kind}; kinds are {', '.join(sorted(KINDS))}")
        with self._core.change() as sim:
            found: Any = inventory.find(sim, sim.account.region(region), KINDS[kind], name)
            return None if found is None else _plain(found)


def _plain(found: Any) -> JSON:
    members = {name: getattr(found, name) for name in found.__dataclass_fields__}
    return {name: _json(value) for name, value in members.items()}


def _json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_json(one) for one in value]
    return {key: _json(one) for key, one in value.items()} if hasattr(value, "items") else value
