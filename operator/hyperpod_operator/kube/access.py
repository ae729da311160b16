"""Who may read /metrics: the API server says, by TokenReview and SubjectAccessReview.

As kube-rbac-proxy and the filter WithAuthenticationAndAuthorization of controller-runtime ask it. Sources:
TokenReview (authentication.k8s.io/v1) and SubjectAccessReview (authorization.k8s.io/v1), Kubernetes API reference.
"""

from typing import Any

from hyperpod_operator.core.ports import Access
from hyperpod_operator.kube.client import ApiServer

PATH = "/metrics"
_TOKENS = "/apis/authentication.k8s.io/v1/tokenreviews"
_ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class MetricsReaders:
    """Reviews tokens. Both reviews change nothing, so a replica on standby may make them."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    async def review(self, token: str) -> Access:
        """Raises KubernetesError."""
        answer = await self._create(_TOKENS, "authentication.k8s.io/v1", "TokenReview", {"token": token})
        who: dict[str, Any] = answer.get("user") or {}
        if not answer.get("authenticated"):
            return Access(authenticated=False, allowed=False)
        user = str(who.get("username") or "")
        asked = {
            "user": user,
            "uid": who.get("uid") or "",
            "groups": who.get("groups") or [],
            "extra": who.get("extra") or {},
            "nonResourceAttributes": {"path": PATH, "verb": "get"},
        }
        answer = await self._create(_ACCESS, "authorization.k8s.io/v1", "SubjectAccessReview", asked)
        return Access(authenticated=True, allowed=bool(answer.get("allowed")), user=user)

    async def _create(self, path: str, version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        body = {"apiVersion": version, "kind": kind, "spec": spec}
        answer = await self._api.create(path, body, leader_only=False)
        found = answer.get("status")
        return found if isinstance(found, dict) else {}
