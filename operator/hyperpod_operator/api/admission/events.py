"""Events: the operator's service account writes Events in its own name, about what it looks after.

People and alerts believe an Event by its source: one that says "kubelet" about another team's pod is a lie that
costs an evening.
"""

from collections.abc import Sequence

from hyperpod_operator.api.admission.manifests import cel
from hyperpod_operator.api.admission.service_account import (
    UNTIED,
    Manifest,
    ServiceAccount,
    holding,
    validation,
)
from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.api.names import EVENT_CONTROLLER

NAME = "hyperpod-operator-events"

_OURS = f".?reportingController.orValue('') == {cel(EVENT_CONTROLLER)}"


def events(account: ServiceAccount, kinds: Sequence[Kind]) -> list[Manifest]:
    """About objects of these kinds, about Nodes, and about definitions, which the operator compares at its start."""
    regarding = (*(kind.name for kind in kinds), "Node")
    definitions = tuple(kind.definition for kind in kinds)
    return holding(
        account,
        name=NAME,
        group="events.k8s.io",
        resource="events",
        validations=[
            validation(
                "request.operation in ['CREATE', 'UPDATE']",
                "the operator creates and updates Events, and deletes none",
            ),
            validation(
                f"(request.operation == 'DELETE' || object{_OURS}) "
                f"&& (request.operation == 'CREATE' || oldObject{_OURS})",
                f"the operator writes Events with the reportingController {EVENT_CONTROLLER} alone",
            ),
            validation(
                f"request.operation == 'DELETE' || object.?regarding.?kind.orValue('') in {cel(regarding)} "
                "|| (object.?regarding.?kind.orValue('') == 'CustomResourceDefinition' "
                f"&& object.?regarding.?name.orValue('') in {cel(definitions)})",
                f"the operator writes Events about these kinds alone: {', '.join(regarding)}, and about its "
                "CustomResourceDefinitions",
            ),
            validation(UNTIED, "the operator writes Events without owner references and finalizers"),
        ],
    )
