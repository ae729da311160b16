"""Events: the operator's service account writes Events in its own name, about what it looks after.

People and alerts believe an Event by its source: one that says "kubelet" about another team's pod is a lie that
costs an evening.
"""

from hyperpod_operator.api.admission.manifests import cel
from hyperpod_operator.api.admission.service_account import (
    WITHOUT_OWNERS,
    Manifest,
    ServiceAccount,
    holding,
    validation,
)
from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.api.names import EVENT_CONTROLLER, GROUP

NAME = "hyperpod-operator-events"

REGARDING = (*(kind.name for kind in KINDS), "Node")
DEFINITIONS = tuple(f"{kind.plural}.{GROUP}" for kind in KINDS)
"""CustomResourceDefinitions that the operator compares with its own at the start (DefinitionDiffers)."""
_OURS = f".?reportingController.orValue('') == {cel(EVENT_CONTROLLER)}"


def events(account: ServiceAccount) -> list[Manifest]:
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
                f"request.operation == 'DELETE' || object.?regarding.?kind.orValue('') in {cel(REGARDING)} "
                "|| (object.?regarding.?kind.orValue('') == 'CustomResourceDefinition' "
                f"&& object.?regarding.?name.orValue('') in {cel(DEFINITIONS)})",
                f"the operator writes Events about these kinds alone: {', '.join(REGARDING)}, and about its "
                "CustomResourceDefinitions",
            ),
            validation(WITHOUT_OWNERS, "the operator writes Events without owner references"),
        ],
    )
