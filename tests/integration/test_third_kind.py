"""A third kind on the real API server: its record alone gives it a definition, objects, status and a finalizer.

The passes run in the test's own process, against the store of the control plane, with no file of the operator changed.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.controllers.rig import Recorder
from tests.unit.controllers.toy.controller import Shelf, ToyController
from tests.unit.controllers.toy.core import WINDOW
from tests.unit.controllers.toy.kind import TOY

from hyperpod_operator.api.crd import all_crds
from hyperpod_operator.api.names import GROUP, VERSION
from hyperpod_operator.core.outcome import Done, Gone, Outcome
from hyperpod_operator.core.ports import Key
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.objects import CustomObjects
from hyperpod_testbed.control_plane import ControlPlane, ControlPlaneError

pytestmark = pytest.mark.control_plane


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
        self.shelf, self.time = Shelf(), Time()

    def apply(self, spec: dict[str, Any]) -> None:
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Toy", "metadata": {"name": self.key.name}, "spec": spec}
        self.control_plane.kubectl("-n", self.namespace, "apply", "-f", "-", input=yaml.safe_dump(body))

    def get(self, path: str) -> str:
        done = self.control_plane.kubectl(
            "-n", self.namespace, "get", "ty", self.key.name, "-o", f"jsonpath={{{path}}}"
        )
        return done.stdout

    async def once(self) -> Outcome:
        """One pass by a process that was just started."""
        controller = ToyController(objects=self.objects, events=Recorder(), clock=self.time, shelf=self.shelf)
        return await controller.reconcile(self.key, 0)


@pytest.fixture(scope="module", autouse=True)
def definition(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    path: Path = tmp_path_factory.mktemp("toy") / TOY.file_name()
    path.write_text(yaml.safe_dump(all_crds((TOY,))[TOY.file_name()]))
    control_plane.apply(path)
    established = 'jsonpath={.status.conditions[?(@.type=="Established")].status}=True'
    control_plane.kubectl("wait", f"--for={established}", "crd", TOY.definition)
    yield
    control_plane.kubectl("delete", "crd", TOY.definition)
    control_plane.kubectl("api-resources")  # its list is kept: without it, the category would name the kind for hours


@pytest.fixture
async def toys(control_plane: ControlPlane, namespace: str) -> AsyncIterator[Toys]:
    api = await ApiServer.connect(kubeconfig=str(control_plane.kubeconfig))
    made = Toys(api, control_plane, namespace)
    yield made
    released = ("patch", "ty", made.key.name, "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    control_plane.kubectl("-n", namespace, *released, check=False)
    control_plane.kubectl("-n", namespace, "delete", "ty", made.key.name, "--ignore-not-found")
    await api.close()


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
