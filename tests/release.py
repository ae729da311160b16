"""What the release of Kubernetes that is under test serves: `make test-matrix` runs tests against older ones, too."""

from collections.abc import Iterable
from typing import Any

import pytest

from hyperpod_testbed.control_plane.releases import chosen

SERVES_MUTATING_POLICIES = chosen().minor >= (1, 34)
"""MutatingAdmissionPolicy in v1beta1 (Kubernetes documentation, Mutating Admission Policy)."""
SERVES_SELECTABLE_FIELDS = chosen().minor >= (1, 31)
"""`selectableFields` of definitions without a feature gate (Kubernetes documentation, CustomResourceFieldSelectors)."""

MUTATING = (
    ("--feature-gates=MutatingAdmissionPolicy=true", "--runtime-config=admissionregistration.k8s.io/v1beta1=true")
    if SERVES_MUTATING_POLICIES
    else ()
)
"""Flags of an API server that serves mutating policies, which are off by default in 1.34."""

_OF_THE_BETA = "Warning: admissionregistration.k8s.io/v1beta1 MutatingAdmissionPolicy"

needs_mutating_policies = pytest.mark.skipif(
    not SERVES_MUTATING_POLICIES, reason="this Kubernetes serves no MutatingAdmissionPolicy"
)
needs_selectable_fields = pytest.mark.skipif(
    not SERVES_SELECTABLE_FIELDS, reason="this Kubernetes drops selectableFields from definitions"
)


def served(manifests: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of kinds that this release has."""
    return [one for one in manifests if SERVES_MUTATING_POLICIES or not one["kind"].startswith("MutatingAdmission")]


def unexpected(warnings: str) -> list[str]:
    """kubectl's warnings but for those of the beta API of mutating policies, the only one that 1.34 has of them."""
    return [line for line in warnings.splitlines() if not (line.startswith(_OF_THE_BETA) and "is deprecated" in line)]
