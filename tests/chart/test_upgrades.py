"""Upgrades that would do more than the values say are refused, on a real API server."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.chart.conftest import DEFINITIONS, NAMESPACE, RELEASE, SERVERS

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.helm import Helm, HelmError


@pytest.fixture(scope="module")
def components() -> frozenset[str]:
    return SERVERS


@pytest.fixture
def upgrade(plane: ControlPlane, releases: Helm) -> Iterator[Any]:
    """Installs with these values, then upgrades to those."""

    def upgraded(before: dict[str, Any], after: dict[str, Any]) -> None:
        releases.release("install", RELEASE, namespace=NAMESPACE, values=before)
        plane.wait_until_read(*DEFINITIONS)
        releases.release("upgrade", RELEASE, namespace=NAMESPACE, values=after)

    yield upgraded
    plane.remove_crds(*DEFINITIONS)
    releases("uninstall", RELEASE, "--namespace", NAMESPACE, "--ignore-not-found")


def definitions(plane: ControlPlane) -> set[str]:
    return {
        found["metadata"]["name"]
        for found in plane.api.list("customresourcedefinitions")
        if "deletionTimestamp" not in found["metadata"]
    } & set(DEFINITIONS)


@pytest.mark.parametrize("keep", [True, False])
def test_definitions_that_would_be_deleted_are_not_left_out(plane: ControlPlane, upgrade: Any, keep: bool) -> None:
    """With them every resource would go, and the running operator would delete its cluster."""
    with pytest.raises(HelmError, match=r"crds\.keep"):
        upgrade({"crds": {"keep": False}}, {"crds": {"enabled": False, "keep": keep}})
    assert definitions(plane) == set(DEFINITIONS)


def test_definitions_that_are_kept_may_be_left_out(plane: ControlPlane, upgrade: Any) -> None:
    upgrade({}, {"crds": {"enabled": False}})
    assert definitions(plane) == set(DEFINITIONS)


def test_another_name_is_refused_while_the_operator_runs_under_the_old_one(upgrade: Any) -> None:
    """The new Deployment starts before the old one ends, and elects by another Lease."""
    with pytest.raises(HelmError, match=f"kubectl -n {NAMESPACE} scale deployment/{RELEASE} --replicas=0"):
        upgrade({}, {"fullnameOverride": "renamed"})


def test_an_operator_that_is_stopped_may_get_another_name(plane: ControlPlane, upgrade: Any) -> None:
    upgrade({"replicaCount": 0}, {"fullnameOverride": "renamed"})
    assert plane.api.get("deployments", "renamed", namespace=NAMESPACE) is not None


@pytest.mark.parametrize("after", [{"nameOverride": "operator"}, {"nameOverride": "x", "fullnameOverride": RELEASE}])
def test_another_label_of_the_pods_is_refused_before_anything_has_changed(
    plane: ControlPlane, releases: Helm, upgrade: Any, after: dict[str, Any]
) -> None:
    """Nobody can change what a Deployment selects; Helm would have changed Service and NetworkPolicy by then."""
    with pytest.raises(HelmError, match="Keep nameOverride") as refused:
        upgrade({}, after)
    said = str(refused.value).partition(": kubectl ")[2].partition("\n")[0]
    plane.kubectl(*said.replace("foreground", "background").split())  # no controller runs here
    releases.release("upgrade", RELEASE, namespace=NAMESPACE, values=after)


def test_the_account_of_the_operator_is_not_deleted_under_it(plane: ControlPlane, releases: Helm, upgrade: Any) -> None:
    """Helm deletes what a release no longer has, also where the values say that it exists."""
    others = {"serviceAccount": {"create": False, "name": RELEASE}}
    with pytest.raises(HelmError, match=r"serviceAccount\.create=false would delete") as refused:
        upgrade({}, others)
    plane.kubectl(*str(refused.value).partition(": kubectl ")[2].partition("\n")[0].split())
    releases.release("upgrade", RELEASE, namespace=NAMESPACE, values=others)
    assert plane.api.get("serviceaccounts", RELEASE, namespace=NAMESPACE) is not None
    plane.kubectl("delete", "serviceaccount", RELEASE, "-n", NAMESPACE)


def test_an_election_is_not_begun_beside_an_operator_that_has_none(upgrade: Any) -> None:
    with pytest.raises(HelmError, match=r"leaderElection\.enabled is new"):
        upgrade({"leaderElection": {"enabled": False}, "replicaCount": 1}, {})


@pytest.mark.parametrize(
    "values", [{"log": {"level": "DEBUG"}}, {"leaderElection": {"enabled": False}, "replicaCount": 1}]
)
def test_an_upgrade_that_changes_neither_is_carried_out(upgrade: Any, values: dict[str, Any]) -> None:
    upgrade({}, values)
