"""What the API server answers when it does not do what it was asked, in the operator's own errors and words."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hyperpod_operator.core.ports import KubernetesError, ObjectGone, StaleObject

_JSON = msgspec.json.Decoder()
"""Takes half the time of the standard library's: pages of lists are megabytes, and all else waits meanwhile."""
_LONGEST_MESSAGE = 1024

_WHAT_TO_DO = {
    0: "Check that the API server runs and that the network (or a proxy) lets the operator reach it.",
    401: "Check the operator's credentials: its service account token, or the user of the kubeconfig.",
    403: "Grant this to the operator's service account; the Helm chart's ClusterRole has all it needs.",
    404: "Check that the operator's CustomResourceDefinitions are installed.",
    422: "The API server refused the content; check that the CustomResourceDefinitions have the operator's version.",
    429: "The API server limits the rate of calls; the operator tries again later.",
}
_ADMISSION = (
    "This is no lack of rights: an admission plugin of the Kubernetes cluster refuses it, such as a quota, a policy or "
    "a webhook. Change that one, or ask those who set it up."
)
_NAMESPACE_ENDS = "The namespace is being deleted, and nothing is created in it any more. Nothing to do."
_TOO_LARGE = "request is too large"
"""etcd's words, which come with HTTP 500."""
_SERVER_SIDE = "The API server had a fault of its own; the operator tries again later."


def decoded(content: bytes) -> dict[str, Any] | None:
    """The JSON object that an answer is; None for anything else."""
    try:
        found = _JSON.decode(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def refusal(what: str, *, status: int, content: bytes) -> KubernetesError | ObjectGone | StaleObject:
    """The error that an answer with this HTTP status is; `what` names the call."""
    details, words = (decoded(content) or {}).get("details") or {}, said(content)
    # A 404 that names no object is about the path: the kind itself is not served.
    if status == 404 and details.get("name"):
        return ObjectGone(f"{what}: {words}")
    if status == 409:
        return StaleObject(f"{what}: {words}")
    ends = "NamespaceTerminating" in {cause.get("reason") for cause in _causes(details)}
    if _TOO_LARGE in words:
        advice = "etcd takes objects of up to 1.5 MiB."
    elif ends:
        advice = _NAMESPACE_ENDS
    elif _is_admission(words) or (status == 403 and details.get("kind") and not _is_authorization(words)):
        advice = _ADMISSION
    else:
        advice = _SERVER_SIDE if status >= 500 else _WHAT_TO_DO.get(status, "See the API server's explanation.")
    message = f"{what}: HTTP {status}: {words.rstrip('.')}. {advice}"
    budget = _budget(details) if status == 429 else ""
    return KubernetesError(status=status, message=message, budget=budget, namespace_ends=ends)


def _is_authorization(words: str) -> bool:
    """Whether a user lacks a right (k8s.io/apiserver, `forbiddenMessage`). Admission plugins answer 403 as well."""
    return 'User "' in words and '" cannot ' in words


def _is_admission(words: str) -> bool:
    """Whether a webhook or a policy denies it: these choose the HTTP status themselves."""
    return " denied " in words and ("admission webhook" in words or "ValidatingAdmissionPolicy" in words)


def said(content: bytes) -> str:
    """The server's own words."""
    words = (decoded(content) or {}).get("message") or content.decode("utf-8", "replace").strip() or "no explanation"
    return str(words)[:_LONGEST_MESSAGE]


def unanswered(what: str, error: BaseException) -> KubernetesError:
    """The error where no answer came, or not to its end; `what` says of which call, up to the parenthesis."""
    return KubernetesError(status=0, message=f"{what} ({short(error)}). {_WHAT_TO_DO[0]}")


def _budget(details: Mapping[str, Any]) -> str:
    """Which PodDisruptionBudget does not allow an eviction (kubernetes.io, "API-initiated Eviction")."""
    words = [str(cause.get("message", "")) for cause in _causes(details) if cause.get("reason") == "DisruptionBudget"]
    return "; ".join(words)[:_LONGEST_MESSAGE]


def _causes(details: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [cause for cause in details.get("causes") or () if isinstance(cause, dict)]


def short(error: BaseException) -> str:
    """An error of the transport for a message."""
    return f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE].rstrip(": ")
