"""A status that the API server does not store. Nothing in the object says so, and what its status shows grows old."""

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.ports import Event, KubernetesError

ABOUT_THE_OBJECT = frozenset({400, 403, 413, 422})
"""HTTP statuses of an answer that the same status of the same object gets again, until a person changes something."""
TOO_LARGE = "request is too large"
"""etcd's words, which the API server passes on with HTTP 500."""


def refused_status(error: KubernetesError) -> Event | None:
    """What to tell of a failed write; None where the API server may well take the status at the next try."""
    if TOO_LARGE in str(error):
        remedy = "Make the object smaller: its annotations, or labels and taints of groups."
    elif error.status in ABOUT_THE_OBJECT:
        remedy = ""
    else:
        return None
    message = f"The API server does not store the status of this object; what it shows may be old. {remedy} {error}"
    return Event(type="Warning", reason=Reason.STATUS_REFUSED, action="Report", message=" ".join(message.split()))
