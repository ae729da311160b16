"""One real Argo CD with the operator under it for all tests here; teams keep them apart."""

from collections.abc import Iterator

import pytest
from tests.argocd.platform import OPERATOR, Platform, Team, config

from hyperpod_testbed.argocd import ArgoCD, Repository
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.simulator import Options, Simulator
from hyperpod_testbed.stack import ACCOUNT

SPEED = 300.0
TIMEOUT = 900.0
"""Seconds of a test with what it waits for first: the chart has forty resources, and Argo CD syncs them one by one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Argo CD takes minutes to build: its tests have a target of their own."""
    for item in items:
        if item.path.parent.name == "argocd":
            item.add_marker(pytest.mark.long)
            item.add_marker(pytest.mark.control_plane)
            item.add_marker(pytest.mark.timeout(TIMEOUT))


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Argo CD with our settings, and the platform in Git; nothing is applied yet."""
    with (
        ControlPlane() as plane,
        Simulator(options=Options.crowded(), account=ACCOUNT, speed=SPEED, kubeconfig=plane.kubeconfig) as simulator,
        ArgoCD(plane, config=config()) as argo,
    ):
        repository = Repository(tmp_path_factory.mktemp("git") / "platform")
        made = Platform(plane=plane, argo=argo, simulator=simulator, repository=repository)
        repository.write("research/nothing.yaml")  # Git keeps no empty folders
        made.declare()
        yield made
        made.stop()


@pytest.fixture(scope="session")
def platform(declared: Platform) -> Platform:
    """The platform as one `kubectl apply` of the root Application brings it about, Synced and Healthy."""
    declared.argo.apply(declared.root())
    held = "waiting for healthy state of argoproj.io/Application/hyperpod-operator"
    declared.argo.until("root", lambda app: held in app.message, "the first wave")
    declared.early = bool(declared.argo.application("research").manifest)
    declared.argo.until(OPERATOR, lambda app: app.sync == "Synced" and app.phase == "Succeeded", "the chart")
    declared.run_operator()
    declared.argo.until(OPERATOR, lambda app: app.health == "Healthy", "a healthy operator")
    declared.argo.until("root", lambda app: app.phase == "Succeeded", "all waves")
    declared.argo.until("research", lambda app: app.sync == "Synced", "the first team")
    return declared


@pytest.fixture
def team(platform: Platform) -> Team:
    made = platform.team()
    platform.plane.kubectl("create", "namespace", made.name)
    return made
