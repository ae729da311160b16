"""Admission policies in CEL, run by the API server itself: help for people's pods, and a fence around the operator.

No webhook of ours: these need no certificate and work while the operator is down.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hyperpod_operator.api.admission.fence import fence
from hyperpod_operator.api.admission.pods import advice, types_of_pods
from hyperpod_operator.api.admission.prefix import prefix

__all__ = ["PolicySettings", "all_policies"]

Manifest = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PolicySettings:
    """Who the operator is, what happens to a pod that cannot be scheduled, and which types exist with `ml.` only."""

    namespace: str = "hyperpod-operator"
    service_account: str = "hyperpod-operator"
    action: Literal["Warn", "Deny"] = "Warn"
    instance_types: tuple[str, ...] = ()
    """EC2 instance types, without `ml.`, that no node of this Kubernetes cluster has but HyperPod's."""


def all_policies(settings: PolicySettings) -> Mapping[str, list[Manifest]]:
    """Manifests by file name. `prefix.yaml` needs an API server that serves MutatingAdmissionPolicy."""
    return {
        "operator.yaml": fence(namespace=settings.namespace, service_account=settings.service_account),
        "pods.yaml": [
            types_of_pods(namespace=settings.namespace, instance_types=settings.instance_types),
            *advice(namespace=settings.namespace, action=settings.action),
        ],
        "prefix.yaml": prefix(namespace=settings.namespace),
    }
