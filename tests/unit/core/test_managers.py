"""Which tool would create an object again."""

from typing import Any

import pytest

from hyperpod_operator.core.managers import manager


@pytest.mark.parametrize(
    ("metadata", "field_manager", "tool"),
    [
        ({}, "", ""),
        ({"labels": None, "annotations": None}, "kubectl-client-side-apply", ""),
        ({"labels": {"app.kubernetes.io/instance": "research"}}, "kubectl", ""),
        ({"labels": {"app.kubernetes.io/instance": "research"}}, "argocd-controller", "Argo CD"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "research:x"}}, "", "Argo CD"),
        ({"annotations": {"argocd.argoproj.io/sync-wave": "1"}}, "", ""),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "research"}}, "", "Flux"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "research"}}, "", "Flux"),
        ({"labels": {}}, "kustomize-controller", "Flux"),
        ({"annotations": {"meta.helm.sh/release-name": "research"}}, "", "Helm"),
        ({"labels": "odd", "annotations": ["odd"]}, "", ""),
    ],
)
def test_a_tool_is_known_by_its_marks_or_its_field_manager(
    metadata: dict[str, Any], field_manager: str, tool: str
) -> None:
    assert manager(metadata, field_manager=field_manager) == tool
