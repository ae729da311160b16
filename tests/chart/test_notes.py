"""What the chart says once it is installed, by its values."""

import json
from pathlib import Path
from typing import Any

import pytest

from hyperpod_testbed.documents import documents
from hyperpod_testbed.helm import CHART, Helm

ROOT = Path(__file__).parents[2]
ROLE = {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/op"}


def notes(helm: Helm, **values: Any) -> str:
    given = ("--dry-run=client", "-n", "somewhere", *helm._values((), values))
    said = helm("install", "op", CHART, *given, input=json.dumps(values))
    return said.partition("\nNOTES:\n")[2]


@pytest.mark.parametrize(
    ("values", "order"),
    [
        ({}, "HyperPodNodeOperations, EBSVolumeClaims, HyperPodClusters"),
        ({"volumes": {"enabled": False}}, "HyperPodNodeOperations, HyperPodClusters"),
        ({"nodeOperations": {"enabled": False}}, "EBSVolumeClaims, HyperPodClusters"),
        ({"volumes": {"enabled": False}, "nodeOperations": {"enabled": False}}, "HyperPodClusters"),
    ],
)
def test_kinds_that_are_served_are_deleted_in_the_order_of_the_manual(
    helm: Helm, values: dict[str, Any], order: str
) -> None:
    assert f"until they are gone:\n{order}." in notes(helm, **values)


def test_the_manual_deletes_in_the_same_order() -> None:
    page = (ROOT / "docs" / "install.md").read_text().partition("## 5. Uninstall")[2]
    places = [page.index(f"kubectl delete {short} --all") for short in ("hpno", "evc", "hpc")]
    assert places == sorted(places)


def test_without_roles_an_administrator_makes_them_all_by_the_command_that_is_printed(helm: Helm) -> None:
    """A role that the release made as well would have two managers, and Helm's next upgrade a conflict."""
    values = {
        "rbac": {"create": False},
        "metrics": {"tls": {"secretName": "cert"}, "authentication": {"enabled": True}},
    }
    kinds = {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
    assert not kinds & {item["kind"] for item in helm.objects(values=values)}
    said = notes(helm, **values)
    assert "gives the account op-hyperpod-operator" in said
    command = said.partition("| helm ")[2].partition(" | kubectl apply -f -")[0].replace("\\\n", " ").split()
    given = json.dumps({**values, "image": {"repository": "registry.example.com/op"}})
    made = helm(*(CHART if word == "CHART" else word for word in command), input=given)
    assert {item["kind"] for item in documents(made)} == kinds


def test_without_definitions_that_is_said(helm: Helm) -> None:
    assert "crds.enabled=false" in notes(helm, crds={"enabled": False})


def test_of_an_account_that_others_made_nothing_is_claimed(helm: Helm) -> None:
    said = notes(helm, serviceAccount={"create": False, "name": "mine", "annotations": ROLE})
    assert "has no annotation with an IAM role. With" not in said
    assert "If it has no annotation" in said
    assert "--service-account mine" in said


def test_who_scrapes_with_a_token_is_to_be_allowed(helm: Helm) -> None:
    metrics = {"tls": {"secretName": "cert"}, "authentication": {"enabled": True}}
    assert "--clusterrole=op-hyperpod-operator-metrics-reader" in notes(helm, metrics=metrics)
    assert "metrics-reader" not in notes(helm)


def test_a_test_that_is_not_there_is_not_recommended(helm: Helm) -> None:
    assert "helm test op" in notes(helm)
    assert "helm test" not in notes(helm, metrics={"service": {"enabled": False}})


def test_a_list_of_tenants_that_the_values_exclude_is_not_asked_for(helm: Helm) -> None:
    said = notes(helm, tenants={"trustEveryNamespace": True})
    assert "create rolebinding hyperpod" in said
    assert "listed in `tenants`" not in said


def test_an_account_with_a_role_needs_no_association(helm: Helm) -> None:
    assert "create-pod-identity-association" not in notes(helm, serviceAccount={"annotations": ROLE})


@pytest.mark.parametrize(
    "values",
    [{"rbac": {"aggregateToAdmin": True}, "tenants": {"trustEveryNamespace": True}}, {"rbac": {"create": False}}],
)
def test_no_role_is_offered_that_is_not_there_or_not_needed(helm: Helm, values: dict[str, Any]) -> None:
    assert "create rolebinding" not in notes(helm, **values)


def test_no_line_is_wider_than_a_terminal_needs(helm: Helm) -> None:
    assert max(len(line) for line in notes(helm).splitlines()) <= 130
