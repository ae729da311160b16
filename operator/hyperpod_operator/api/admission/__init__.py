"""Admission policies in CEL, run by the API server itself: advice about pods, and bounds for the operator's account.

They need no webhook and no certificate, and they work while the operator is down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hyperpod_operator.api.admission.approvals import approvals, stamp
from hyperpod_operator.api.admission.custom_resources import custom_resources
from hyperpod_operator.api.admission.events import events
from hyperpod_operator.api.admission.evictions import evictions
from hyperpod_operator.api.admission.leases import leases
from hyperpod_operator.api.admission.manifests import NAME, named
from hyperpod_operator.api.admission.nodes import nodes
from hyperpod_operator.api.admission.pods import advice
from hyperpod_operator.api.admission.prefix import prefix
from hyperpod_operator.api.admission.service_account import ServiceAccount
from hyperpod_operator.api.admission.volumes import persistent_volume_claims, persistent_volumes
from hyperpod_operator.api.admission.warnings import warnings
from hyperpod_operator.api.kinds import KINDS, Kind

__all__ = ["PolicySettings", "all_policies"]

Manifest = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PolicySettings:
    """Who the operator is, what happens to a pod that cannot be scheduled, and which types exist with `ml.` only."""

    name: str = NAME
    """What the names of the policies begin with: two installations that shared it would share the policies."""
    namespace: str = "hyperpod-operator"
    service_account: str = "hyperpod-operator"
    lease_name: str = "hyperpod-operator"
    action: Literal["Warn", "Deny"] = "Warn"
    instance_types: tuple[str, ...] = ()
    """EC2 instance types, without `ml.`, that no node of this Kubernetes cluster has but HyperPod's."""


def all_policies(settings: PolicySettings, kinds: Sequence[Kind] = KINDS) -> Mapping[str, list[Manifest]]:
    """Manifests by file name. `prefix.yaml` and `approved-by.yaml` need MutatingAdmissionPolicy."""
    account = ServiceAccount(namespace=settings.namespace, name=settings.service_account, lease=settings.lease_name)
    found = {
        "operator.yaml": [
            *custom_resources(account, kinds),
            *persistent_volumes(account),
            *persistent_volume_claims(account),
            *leases(account),
            *events(account, kinds),
            *nodes(account),
            *evictions(account),
        ],
        "approvals.yaml": [*approvals(account, kinds), *warnings(kinds)],
        "approved-by.yaml": stamp(account, kinds),
        "pods.yaml": advice(instance_types=settings.instance_types, action=settings.action),
        "prefix.yaml": prefix(instance_types=settings.instance_types),
    }
    return {file: [named(one, settings.name) for one in manifests] for file, manifests in found.items()}
