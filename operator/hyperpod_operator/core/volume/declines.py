"""What it means that the API server did not take a step, or would not show what a pass needs to see.

A refusal (no right, a quota, an admission policy, content that it finds invalid) lasts until a person changes
something: it is told on the claim and tried again slowly. Everything else passes by itself.
"""

from typing import assert_never

from hyperpod_operator.api.names import RECONCILE_REQUESTED_AT, Reason
from hyperpod_operator.core.errors import SLOW, Treatment
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.core.volume.plan import (
    DropLease,
    KubernetesStep,
    LabelNode,
    PublishPV,
    PublishPVC,
    RemovePV,
    RemovePVC,
    TakeLease,
    UnlabelNode,
    operation,
)

NOT_FOUND, TOO_MANY, SERVER_SIDE = 404, 429, 500

REFUSED = Treatment(
    Reason.KUBERNETES_REFUSED,
    "If a quota or an admission policy rejects it, change that. The operator retries every 5 minutes, and "
    f"immediately when you annotate the claim with a new value of {RECONCILE_REQUESTED_AT}.",
    stalled=True,
    after=SLOW,
)
PASSING = Treatment(
    Reason.KUBERNETES_ERROR, "The operator retries with backoff; nothing to do if that passes.", at_least=5.0
)


def treatment(error: KubernetesError) -> Treatment:
    """What follows from this failure."""
    passing = error.status in {0, NOT_FOUND, TOO_MANY} or error.status >= SERVER_SIDE
    return PASSING if passing else REFUSED


def text(error: KubernetesError, *, step: KubernetesStep | None) -> str:
    """What was refused, where, in the API server's words, then what to do."""
    what = f"{operation(step)} ({subject(step)})" if step is not None else "Looking at Kubernetes"
    return f"{what} failed: {str(error).rstrip('. ')}. {treatment(error).remedy}"


def subject(step: KubernetesStep) -> str:
    """The object that a step is about, for people."""
    match step:
        case LabelNode(node_name=name) | UnlabelNode(node_name=name):
            return f"Node {name}"
        case PublishPV(manifest=manifest):
            return f"PersistentVolume {manifest.name}"
        case PublishPVC(manifest=manifest):
            return f"PersistentVolumeClaim {manifest['metadata']['namespace']}/{manifest['metadata']['name']}"
        case RemovePV(name=name):
            return f"PersistentVolume {name}"
        case RemovePVC(namespace=namespace, name=name):
            return f"PersistentVolumeClaim {namespace}/{name}"
        case TakeLease(volume_id=name) | DropLease(volume_id=name):
            return f"Lease {name} in the operator's namespace"
        case _:
            assert_never(step)
