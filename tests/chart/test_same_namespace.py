"""Two releases of the chart in one EKS cluster: they work side by side, or the second is refused with the way out."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.chart.conftest import DEFINITIONS, NAMESPACE, RELEASE, SERVERS

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.helm import Helm, HelmError

OTHER = "other"
ELSEWHERE = "team-b"
"""Another namespace for the second release."""
BESIDE: dict[str, Any] = {"crds": {"enabled": False}}
Releases = Any


@pytest.fixture(scope="module")
def components() -> frozenset[str]:
    return SERVERS


@pytest.fixture
def beside(plane: ControlPlane, releases: Helm) -> Iterator[Releases]:
    """Installs one release with these values, and another one with those."""

    def installed(first: dict[str, Any], second: dict[str, Any], *, namespace: str = NAMESPACE) -> None:
        releases.release("install", RELEASE, namespace=NAMESPACE, values=first)
        plane.wait_until_read(*DEFINITIONS)
        releases.release("install", OTHER, namespace=namespace, values={**BESIDE, **second})

    yield installed
    for name, namespace in ((OTHER, ELSEWHERE), (OTHER, NAMESPACE), (RELEASE, NAMESPACE)):
        releases("uninstall", name, "--namespace", namespace, "--ignore-not-found")
    plane.remove_crds(*DEFINITIONS)


@pytest.mark.parametrize("namespace", [NAMESPACE, ELSEWHERE], ids=["", "elsewhere"])
@pytest.mark.parametrize(
    ("first", "second", "named"),
    [
        ({}, {}, "all namespaces"),
        ({}, {"watchNamespaces": ["team-b"]}, "team-b"),
        ({"watchNamespaces": ["team-a"]}, {}, "team-a"),
        ({"watchNamespaces": ["team-a"]}, {"watchNamespaces": ["team-a", "team-b"]}, "team-a"),
    ],
    ids=["both all", "first all", "second all", "one in two lists"],
)
def test_no_namespace_is_watched_by_two(beside: Releases, first: Any, second: Any, named: str, namespace: str) -> None:
    with pytest.raises(
        HelmError, match=f"{RELEASE} of another release in the namespace {NAMESPACE} watches {named}, too"
    ):
        beside(first, second, namespace=namespace)


def test_two_do_not_share_an_account(beside: Releases) -> None:
    account = {"serviceAccount": {"create": False, "name": RELEASE}}
    with pytest.raises(HelmError, match=r"Set serviceAccount\.name to an account of its own"):
        beside({"watchNamespaces": ["team-a"]}, {"watchNamespaces": ["team-b"], **account})


def test_lists_that_have_nothing_in_common_are_kept_apart_by_upgrades_too(beside: Releases, releases: Helm) -> None:
    beside({"watchNamespaces": ["team-a"]}, {"watchNamespaces": ["team-b"]})
    with pytest.raises(HelmError, match="watches team-a, too"):
        releases.release("upgrade", OTHER, namespace=NAMESPACE, values={**BESIDE, "watchNamespaces": ["team-a"]})
    releases.release("upgrade", OTHER, namespace=NAMESPACE, values={**BESIDE, "watchNamespaces": ["team-b"]})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"replicaCount": 0}, {}),
        ({"watchNamespaces": ["team-a"]}, {"watchNamespaces": ["team-b"]}),
    ],
    ids=["stopped", "other namespaces"],
)
def test_one_that_watches_nothing_of_it_is_no_obstacle(beside: Releases, first: Any, second: Any) -> None:
    beside(first, second, namespace=ELSEWHERE)


def test_one_that_is_stopped_may_be_followed_by_another(beside: Releases) -> None:
    beside({"replicaCount": 0}, {})
