"""What roles may do: whether HyperPod can assume one, and what its policies say to an action."""

from collections.abc import Mapping
from typing import Any

from hyperpod_testbed.simulator.prerequisites import inventory, policies
from hyperpod_testbed.simulator.prerequisites.resources import Role
from hyperpod_testbed.simulator.simulation import Simulation

SERVICE = "sagemaker.amazonaws.com"


def assumable(sim: Simulation, named: str) -> bool:
    """Whether HyperPod can assume a role: it exists and trusts SageMaker, or HyperPod as cluster roles do."""
    found = inventory.role(sim, named)
    return found is not None and any(one in found.services for one in policies.HYPERPOD_SERVICES)


def allows(sim: Simulation, named: str, action: str, *, resource: str = "*") -> bool:
    """Whether HyperPod, as this role, may do something."""
    decided, asked = sim.account.inventory.decided, (named, action, resource)
    options, allowed = decided.get(asked, (None, False))
    if options is not sim.options:
        found = inventory.role(sim, named)
        allowed = found is not None and evaluate(sim, found, action=action, resource=resource).decision == "allowed"
        decided[asked] = (sim.options, allowed)
    return allowed


def evaluate(sim: Simulation, role: Role, *, action: str, resource: str) -> policies.Evaluation:
    """What a role's policies say, and its permissions boundary."""
    if role.boundary:
        limit = inventory.policy(sim, role.boundary)
        within = {role.boundary: limit.document} if limit else {}
        found = policies.evaluate(within, action=action, resource=resource)
        if found.decision != "allowed":
            return found
    return policies.evaluate(documents(sim, role), action=action, resource=resource)


def documents(sim: Simulation, role: Role) -> Mapping[str, Mapping[str, Any]]:
    """The documents of a role's policies, by name."""
    attached = (inventory.policy(sim, arn) for arn in role.managed)
    return {**{one.name: one.document for one in attached if one}, **role.inline}
