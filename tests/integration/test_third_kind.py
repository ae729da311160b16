"""A third kind on the real API server, with no file of the operator changed.

The chart is generated with the kind in the list and installed: its definition, rights and admission policies. The
operator runs under them, once as a process and, to be killed at each point, in the test's own process.
"""

import json
import shutil
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.controllers.rig import Recorder
from tests.unit.controllers.toy.app import SHELF
from tests.unit.controllers.toy.controller import Shelf, ToyController
from tests.unit.controllers.toy.core import WINDOW
from tests.unit.controllers.toy.kind import SIZE, TOY
from tools.generate import CHART, generated, write

from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.api.names import EVENT_CONTROLLER, GROUP, VERSION
from hyperpod_operator.core.outcome import Done, Gone, Outcome
from hyperpod_operator.core.ports import Key
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.objects import CustomObjects
from hyperpod_testbed import account
from hyperpod_testbed.control_plane import ControlPlane, ControlPlaneError
from hyperpod_testbed.helm import Helm
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.stack import ACCOUNT, FAST, ROOT, OperatorProcess
from hyperpod_testbed.waiting import until

pytestmark = [pytest.mark.control_plane, pytest.mark.xdist_group("third kind")]

RELEASE = "toys"
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")


class Time:
    moment = datetime(2026, 11, 28, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


class Killed(BaseException):
    """The process ends here."""


class Toys:
    """The kind, its controller, and what a person sees of it with kubectl."""

    def __init__(self, api: ApiServer, control_plane: ControlPlane, namespace: str) -> None:
        self.control_plane, self.namespace, self.key = control_plane, namespace, Key(namespace, "bear")
        self.objects = CustomObjects(api, TOY, namespaces=(namespace,))
        self.shelf, self.time, self.recorder = Shelf(), Time(), Recorder()

    def apply(self, spec: dict[str, Any]) -> None:
        apply(self.control_plane, self.namespace, spec)

    def get(self, path: str) -> str:
        return get(self.control_plane, self.namespace, path)

    async def once(self) -> Outcome:
        """One pass by a process that was just started."""
        controller = ToyController(
            objects=self.objects, events=self.recorder, metrics=self.recorder, clock=self.time, shelf=self.shelf
        )
        return await controller.reconcile(self.key, 0)


def apply(plane: ControlPlane, namespace: str, spec: dict[str, Any]) -> None:
    body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Toy", "metadata": {"name": "bear"}, "spec": spec}
    plane.kubectl("-n", namespace, "apply", "-f", "-", input=yaml.safe_dump(body))


def get(plane: ControlPlane, namespace: str, path: str) -> str:
    return plane.kubectl("-n", namespace, "get", "ty", "bear", "-o", f"jsonpath={{{path}}}").stdout


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What helm installs of a chart that was generated with the kind in the list."""
    copy = tmp_path_factory.mktemp("repository")
    shutil.copytree(ROOT / CHART, copy / CHART)
    write({path: text for path, text in generated((*KINDS, TOY)).items() if path.is_relative_to(CHART)}, root=copy)
    helm = Helm(home=copy / "helm-home", chart=copy / CHART)
    return helm.objects(release=RELEASE, namespace=RELEASE, values={"fullnameOverride": RELEASE})


@pytest.fixture(scope="module")
def kubeconfig(control_plane: ControlPlane, chart: list[dict[str, Any]]) -> Iterator[Path]:
    """That of the operator's service account, once its policies are in force."""
    control_plane.install_crds(ROOT / "crds")
    (definition,) = [one for one in chart if one["metadata"]["name"] == TOY.definition]
    control_plane.apply(json.dumps(definition))
    control_plane.wait_until_read(TOY.definition)
    yield account.install_release(control_plane, name=RELEASE, objects=chart)
    policies = (
        "validatingadmissionpolicybindings",
        "validatingadmissionpolicies",
        "clusterrolebindings",
        "clusterroles",
    )
    for resource in policies:
        names = [one for one in _named(control_plane, resource) if one.startswith(f"{RELEASE}-") or one == RELEASE]
        control_plane.kubectl("delete", resource, *names, "--ignore-not-found")
    control_plane.kubectl("delete", "namespace", RELEASE, "--wait=false")
    control_plane.remove_crds(TOY.definition)
    control_plane.kubectl("api-resources")  # its list is kept: without it, the category would name the kind for hours


def _named(plane: ControlPlane, resource: str) -> Sequence[str]:
    return plane.kubectl("get", resource, "-o", "jsonpath={.items[*].metadata.name}").stdout.split()


@pytest.fixture
async def toys(control_plane: ControlPlane, namespace: str, kubeconfig: Path) -> AsyncIterator[Toys]:
    """Passes with the rights of the operator's service account."""
    api = await ApiServer.connect(kubeconfig=str(kubeconfig))
    made = Toys(api, control_plane, namespace)
    yield made
    _removed(control_plane, namespace)
    await api.close()


def _removed(plane: ControlPlane, namespace: str) -> None:
    released = ("patch", "ty", "bear", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    plane.kubectl("-n", namespace, *released, check=False)
    plane.kubectl("-n", namespace, "delete", "ty", "bear", "--ignore-not-found")


async def test_its_object_is_made_and_comes_to_rest(toys: Toys) -> None:
    toys.apply({"size": 3})
    await toys.once()
    assert await toys.once() == Done()
    assert toys.shelf.puts == [("bear", 3)]
    assert toys.get(".metadata.finalizers[0]") == TOY.finalizer
    assert toys.get('.status.conditions[?(@.type=="Ready")].status') == "True"
    assert toys.get(".status.operations[0].state") == "Accepted"


async def test_a_settled_object_is_not_written(toys: Toys) -> None:
    toys.apply({"size": 3})
    await toys.once()
    await toys.once()
    version = toys.get(".metadata.resourceVersion")
    assert await toys.once() == Done()
    assert toys.get(".metadata.resourceVersion") == version


@pytest.mark.parametrize("point", ["read", "before", "after"])
async def test_a_kill_never_makes_a_second_call(toys: Toys, point: str) -> None:
    toys.apply({"size": 3})

    def kill(at: str) -> None:
        if at == point:
            raise Killed

    toys.shelf.fault = kill
    with pytest.raises(Killed):
        await toys.once()
    toys.shelf.fault = lambda _: None
    await toys.once()
    toys.time.moment += timedelta(seconds=WINDOW)
    await toys.once()
    assert toys.shelf.puts == [("bear", 3)]


@pytest.mark.parametrize("spec", [{}, {"size": 0}, {"size": "x" * 10_000}, {"size": [1]}])
async def test_the_api_server_refuses_what_its_models_refuse(toys: Toys, spec: dict[str, Any]) -> None:
    with pytest.raises(ControlPlaneError, match="spec"):
        toys.apply(spec)


async def test_a_deleted_object_goes_when_its_pass_releases_it(toys: Toys) -> None:
    toys.apply({"size": 3})
    await toys.once()
    toys.control_plane.kubectl("-n", toys.namespace, "delete", "ty", toys.key.name, "--wait=false")
    assert await toys.once() == Gone()
    listed = toys.control_plane.kubectl("-n", toys.namespace, "get", "toys", "-o", "name").stdout
    assert listed == ""


@pytest.mark.parametrize("resource", [TOY.plural, f"{TOY.plural}/status"])
def test_the_service_account_may_do_what_the_record_says_and_nothing_else(
    control_plane: ControlPlane, kubeconfig: Path, namespace: str, resource: str
) -> None:
    name, _, part = resource.partition("/")
    where = (f"{name}.{GROUP}", f"--subresource={part}", "-n", namespace)
    allowed = {verb for verb in VERBS if _as_the_operator(control_plane, "auth", "can-i", verb, *where) == "yes"}
    assert allowed == {verb for right in TOY.own_rights if right.resource == resource for verb in right.verbs}


def _as_the_operator(plane: ControlPlane, *args: str) -> str:
    """What kubectl says to the operator's service account."""
    done = plane.kubectl(f"--as=system:serviceaccount:{RELEASE}:{RELEASE}", *args, check=False)
    return (done.stdout + done.stderr).strip()


@pytest.mark.parametrize(
    ("patch", "refusal"),
    [
        ({"spec": {"size": 4}}, "the operator changes no spec of a Toy"),
        ({"metadata": {"labels": {"a": "b"}}}, "the operator changes no labels"),
        ({"metadata": {"annotations": {"a": "b"}}}, "the operator changes no labels"),
        ({"metadata": {"finalizers": [f"{GROUP}/other"]}}, "one finalizer of a Toy alone"),
    ],
)
def test_admission_keeps_a_stolen_token_from_what_the_operator_never_does(
    control_plane: ControlPlane, kubeconfig: Path, namespace: str, patch: dict[str, Any], refusal: str
) -> None:
    apply(control_plane, namespace, {"size": 3})
    try:
        change = ("-n", namespace, "patch", "ty", "bear", "--type=merge", "-p", json.dumps(patch))
        until(lambda: refusal in _as_the_operator(control_plane, *change), refusal)
        assert get(control_plane, namespace, ".metadata.finalizers") == ""
    finally:
        _removed(control_plane, namespace)


def test_the_operator_as_a_process_lives_with_it(
    control_plane: ControlPlane, kubeconfig: Path, namespace: str, tmp_path: Path
) -> None:
    """Start checks, watch, queue, worker, metrics and Events; only the table of kinds differs."""
    shelf = tmp_path / "shelf"
    flags = ("--no-node-health", "--no-volumes", "--no-node-operations", f"--lease-namespace={RELEASE}")
    with Simulator(account=ACCOUNT, kubeconfig=control_plane.kubeconfig) as simulator:
        operator = OperatorProcess(
            kubeconfig=kubeconfig,
            environment={**simulator.environment(), SHELF: str(shelf), "PYTHONPATH": str(ROOT)},
            log=tmp_path / "operator.log",
            flags=(*FAST, *flags),
            program=(sys.executable, "-m", "tests.unit.controllers.toy.app"),
        ).start()
        try:
            apply(control_plane, namespace, {"size": 3})
            ready = '.status.conditions[?(@.type=="Ready")].status'
            until(lambda: get(control_plane, namespace, ready) == "True", operator.child.tail)
            assert shelf.read_text() == "bear 3\n"
            sized = f'{SIZE.name}{{name="bear",namespace="{namespace}"}} 3.0'
            until(lambda: sized in operator.get("/metrics")[1], lambda: operator.get("/metrics")[1])
            page = operator.get("/metrics")[1]
            assert 'hyperpod_operator_queue_depth{kind="toy"}' in page
            assert f'hyperpod_operator_definition_differences{{difference="missing",plural="{TOY.plural}"}} 0.0' in page
            control_plane.kubectl("-n", namespace, "delete", "ty", "bear", "--timeout=60s")
            about = ("-n", namespace, "get", "events.events.k8s.io", "-o", "json")

            def told() -> list[tuple[str, str]]:
                events = json.loads(control_plane.kubectl(*about).stdout)["items"]
                ours = [one for one in events if one["reportingController"] == EVENT_CONTROLLER]
                return [(one["regarding"]["kind"], one["reason"]) for one in ours]

            until(lambda: ("Toy", "Deleted") in told(), lambda: f"no Event of the deletion in {told()}")
            until(lambda: SIZE.name + "{" not in operator.get("/metrics")[1], "its gauge goes")
        finally:
            operator.stop()
