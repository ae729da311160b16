"""Reading and writing HyperPodClusters on the real API server: every guard, and what happens when it bites."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import APPROVE_PLAN, RECONCILE_REQUESTED_AT
from hyperpod_operator.core.ports import Key, KubernetesError, ObjectGone, StaleObject, StoredObject
from hyperpod_operator.kube import objects as objects_module
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.objects import CustomObjects
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.documents import documents

ROOT = Path(__file__).parents[2]
OTHERS = "example.com/other"

Create = Callable[..., Key]


@pytest.fixture(scope="module", autouse=True)
def crds(control_plane: ControlPlane) -> None:
    control_plane.install_crds(ROOT / "crds")


@pytest.fixture
async def api(control_plane: ControlPlane) -> AsyncIterator[ApiServer]:
    api = await ApiServer.connect(kubeconfig=str(control_plane.kubeconfig))
    yield api
    await api.close()


@pytest.fixture
def objects(api: ApiServer, namespace: str) -> CustomObjects:
    return CustomObjects(api, CLUSTER, namespaces=(namespace,))


@pytest.fixture
def kubectl(control_plane: ControlPlane, namespace: str) -> Callable[..., str]:
    """kubectl in the test's namespace; returns what it prints."""
    return lambda *args, **more: control_plane.kubectl("-n", namespace, *args, **more).stdout


@pytest.fixture
def create(control_plane: ControlPlane, namespace: str) -> Create:
    """Create a cluster object from the smallest example."""
    (example,) = documents((ROOT / "examples" / "minimal.yaml").read_text())

    def create(name: str = "blue", finalizers: tuple[str, ...] = ()) -> Key:
        made = {**example, "metadata": {"name": name, "finalizers": finalizers}}
        control_plane.api.create(made, namespace=namespace)
        return Key(namespace, name)

    return create


@pytest.fixture
def show(control_plane: ControlPlane, namespace: str) -> Callable[..., dict[str, Any]]:
    def show(name: str = "blue") -> dict[str, Any]:
        shown = control_plane.api.get("hpc", name, namespace=namespace)
        assert shown is not None
        return shown

    return show


@pytest.fixture
def recreate(kubectl: Callable[..., str], create: Create) -> Callable[[], None]:
    """Delete the object, whatever its finalizers, and create another one of the same name."""

    def recreate() -> None:
        kubectl("patch", "hpc", "blue", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        kubectl("delete", "hpc", "blue", "--wait=true")
        create()

    return recreate


Show = Callable[..., dict[str, Any]]
Kubectl = Callable[..., str]


async def read(objects: CustomObjects, key: Key) -> StoredObject:
    stored = await objects.read(key)
    assert stored is not None
    return stored


# Reading.


async def test_an_object_is_read_with_its_parts(objects: CustomObjects, create: Create, show: Show) -> None:
    stored = await read(objects, create(finalizers=(OTHERS,)))
    shown = show()
    assert (stored.uid, stored.resource_version) == (shown["metadata"]["uid"], shown["metadata"]["resourceVersion"])
    assert (stored.generation, stored.deleting, stored.finalizers) == (1, False, (OTHERS,))
    assert stored.body["spec"] == shown["spec"]
    assert stored.body["kind"] == "HyperPodCluster"


async def test_an_object_that_is_not_there_is_none(objects: CustomObjects, namespace: str) -> None:
    assert await objects.read(Key(namespace, "nobody")) is None


async def test_lists_come_in_chunks_and_are_complete(
    objects: CustomObjects, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {create(f"c{number}") for number in range(5)}
    monkeypatch.setattr(objects_module, "CHUNK", 2)
    assert {stored.key for stored in await objects.list()} == keys


async def test_the_list_of_everything_spans_namespaces(api: ApiServer, create: Create) -> None:
    key = create()
    assert key in {stored.key for stored in await CustomObjects(api, CLUSTER).list()}


# Finalizers.


async def test_a_finalizer_is_added_once_beside_those_of_others(
    objects: CustomObjects, create: Create, show: Show
) -> None:
    stored = await read(objects, create(finalizers=(OTHERS,)))
    added = await objects.add_finalizer(stored, CLUSTER.finalizer)
    assert added.finalizers == (OTHERS, CLUSTER.finalizer)
    assert await objects.add_finalizer(added, CLUSTER.finalizer) is added
    assert show()["metadata"]["finalizers"] == [OTHERS, CLUSTER.finalizer]


async def test_a_finalizer_is_added_although_somebody_edited_the_object_meanwhile(
    objects: CustomObjects, create: Create, kubectl: Kubectl
) -> None:
    stored = await read(objects, create())
    kubectl("label", "hpc", "blue", "team=a")
    added = await objects.add_finalizer(stored, CLUSTER.finalizer)
    assert added.finalizers == (CLUSTER.finalizer,)
    assert added.body["metadata"]["labels"] == {"team": "a"}


async def test_writers_that_race_lose_no_finalizer(objects: CustomObjects, create: Create, show: Show) -> None:
    stored = await read(objects, create())
    names = [f"example.com/f{number}" for number in range(4)]
    await asyncio.gather(*(objects.add_finalizer(stored, name) for name in names))
    assert sorted(show()["metadata"]["finalizers"]) == names


async def test_a_finalizer_is_never_put_on_another_object_of_the_same_name(
    objects: CustomObjects, create: Create, recreate: Callable[[], None], show: Show
) -> None:
    stored = await read(objects, create())
    recreate()
    with pytest.raises(StaleObject, match="created again"):
        await objects.add_finalizer(stored, CLUSTER.finalizer)
    assert "finalizers" not in show()["metadata"]


async def test_no_finalizer_is_added_to_an_object_that_is_being_deleted(
    objects: CustomObjects, create: Create, kubectl: Kubectl
) -> None:
    stored = await read(objects, create(finalizers=(OTHERS,)))
    kubectl("delete", "hpc", "blue", "--wait=false")
    with pytest.raises(StaleObject, match="being deleted"):
        await objects.add_finalizer(stored, CLUSTER.finalizer)
    kubectl("patch", "hpc", "blue", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


async def test_a_finalizer_is_not_added_to_what_is_gone(
    objects: CustomObjects, create: Create, kubectl: Kubectl
) -> None:
    stored = await read(objects, create())
    kubectl("delete", "hpc", "blue")
    with pytest.raises(ObjectGone):
        await objects.add_finalizer(stored, CLUSTER.finalizer)


async def test_a_name_that_the_api_server_refuses_is_an_error_and_no_endless_retry(
    objects: CustomObjects, create: Create
) -> None:
    stored = await read(objects, create())
    with pytest.raises(KubernetesError) as caught:
        await objects.add_finalizer(stored, "not a valid name")
    assert caught.value.status == 422


async def test_removing_the_last_finalizer_lets_the_object_go(
    objects: CustomObjects, create: Create, kubectl: Kubectl
) -> None:
    key = create(finalizers=(CLUSTER.finalizer,))
    kubectl("delete", "hpc", "blue", "--wait=false")
    stored = await read(objects, key)
    assert stored.deleting
    await objects.remove_finalizer(stored, CLUSTER.finalizer)
    assert await objects.read(key) is None
    await objects.remove_finalizer(stored, CLUSTER.finalizer)


async def test_removing_leaves_the_finalizers_of_others(
    objects: CustomObjects, create: Create, kubectl: Kubectl, show: Show
) -> None:
    stored = await read(objects, create(finalizers=(OTHERS, CLUSTER.finalizer)))
    kubectl("label", "hpc", "blue", "team=a")
    await objects.remove_finalizer(stored, CLUSTER.finalizer)
    assert show()["metadata"]["finalizers"] == [OTHERS]


async def test_removing_never_touches_another_object_of_the_same_name(
    objects: CustomObjects, create: Create, kubectl: Kubectl, show: Show
) -> None:
    stored = await read(objects, create(finalizers=(CLUSTER.finalizer,)))
    kubectl("patch", "hpc", "blue", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    kubectl("delete", "hpc", "blue")
    create(finalizers=(CLUSTER.finalizer,))
    await objects.remove_finalizer(stored, CLUSTER.finalizer)
    assert show()["metadata"]["finalizers"] == [CLUSTER.finalizer]


# Status.

CREATING = {"clusterStatus": "Creating", "nodes": {"target": 2, "current": 1}, "failureMessage": "x"}


async def test_a_status_is_written_and_nothing_else(objects: CustomObjects, create: Create, show: Show) -> None:
    stored = await read(objects, create())
    before = show()
    written = await objects.write_status(stored, CREATING)
    after = show()
    assert written.body["status"] == after["status"] == CREATING
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


async def test_an_equal_status_is_not_written(objects: CustomObjects, create: Create, show: Show) -> None:
    written = await objects.write_status(await read(objects, create()), CREATING)
    assert await objects.write_status(written, dict(CREATING)) is written
    assert show()["metadata"]["resourceVersion"] == written.resource_version


async def test_what_is_not_in_the_new_status_disappears(objects: CustomObjects, create: Create, show: Show) -> None:
    written = await objects.write_status(await read(objects, create()), CREATING)
    await objects.write_status(written, {"clusterStatus": "InService", "nodes": {"target": 2}})
    assert show()["status"] == {"clusterStatus": "InService", "nodes": {"target": 2}}


@pytest.mark.fault(20)
async def test_a_status_is_written_although_the_spec_changed_meanwhile(
    objects: CustomObjects, create: Create, kubectl: Kubectl, show: Show
) -> None:
    stored = await read(objects, create())
    kubectl("patch", "hpc", "blue", "--type=merge", "-p", '{"spec":{"management":{"paused":true}}}')
    written = await objects.write_status(stored, CREATING)
    assert written.generation == 2
    assert show()["status"] == CREATING
    assert show()["spec"]["management"]["paused"] is True


@pytest.mark.parametrize("edit", ["spec", "deletion", "annotation"])
async def test_an_intent_is_not_written_once_a_person_asks_for_something_else(
    objects: CustomObjects, create: Create, kubectl: Kubectl, show: Show, edit: str
) -> None:
    stored = await objects.add_finalizer(await read(objects, create()), CLUSTER.finalizer)
    if edit == "deletion":
        kubectl("delete", "hpc", "blue", "--wait=false")
    elif edit == "annotation":
        kubectl("annotate", "hpc", "blue", f"{APPROVE_PLAN}=0123")
    else:
        kubectl("patch", "hpc", "blue", "--type=merge", "-p", '{"spec":{"management":{"paused":true}}}')
    with pytest.raises(StaleObject):
        await objects.write_status(stored, CREATING, unedited=True)
    assert "status" not in show()
    await objects.remove_finalizer(stored, CLUSTER.finalizer)


async def test_an_intent_is_written_although_others_touched_the_object(
    objects: CustomObjects, create: Create, kubectl: Kubectl
) -> None:
    stored = await read(objects, create())
    kubectl("annotate", "hpc", "blue", f"{RECONCILE_REQUESTED_AT}=now", "example.com/note=x")
    assert (await objects.write_status(stored, CREATING, unedited=True)).body["status"] == CREATING


async def test_a_status_that_somebody_else_wrote_is_not_overwritten(
    objects: CustomObjects, create: Create, show: Show
) -> None:
    stored = await read(objects, create())
    await objects.write_status(stored, {"clusterStatus": "Deleting"})
    with pytest.raises(StaleObject, match="another client"):
        await objects.write_status(stored, CREATING)
    assert show()["status"] == {"clusterStatus": "Deleting"}


async def test_a_status_never_reaches_another_object_of_the_same_name(
    objects: CustomObjects, create: Create, recreate: Callable[[], None], show: Show
) -> None:
    stored = await read(objects, create())
    recreate()
    with pytest.raises(StaleObject, match="created again"):
        await objects.write_status(stored, CREATING)
    assert "status" not in show()


async def test_a_status_of_what_is_gone_is_not_written(
    objects: CustomObjects, create: Create, kubectl: Kubectl
) -> None:
    stored = await read(objects, create())
    kubectl("delete", "hpc", "blue")
    with pytest.raises(ObjectGone):
        await objects.write_status(stored, CREATING)


async def test_a_status_that_the_schema_refuses_is_an_error_with_the_reason(
    objects: CustomObjects, create: Create
) -> None:
    stored = await read(objects, create())
    with pytest.raises(KubernetesError, match="target") as caught:
        await objects.write_status(stored, {"nodes": {"target": "two"}})
    assert caught.value.status == 422
