"""What claims read and write beside themselves, on the real API server: guards, users, Leases, labels."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from hyperpod_operator.api.names import COMPUTE_TYPE, LABEL_CLAIM_UID, LABEL_VOLUME_PREFIX
from hyperpod_operator.core.ports import ObjectGone, StaleObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.nodes.labels import KubeNodeLabels
from hyperpod_operator.kube.storage.leases import KubeVolumeLeases
from hyperpod_operator.kube.storage.publications import KubePublications
from hyperpod_operator.kube.storage.users import KubeUsers
from hyperpod_operator.runtime.clock import SystemClock
from hyperpod_testbed.control_plane import ControlPlane

Kubectl = Callable[..., str]
VOLUME = "vol-0123456789abcdef0"


@pytest.fixture
async def api(control_plane: ControlPlane) -> AsyncIterator[ApiServer]:
    api = await ApiServer.connect(kubeconfig=str(control_plane.kubeconfig))
    yield api
    await api.close()


@pytest.fixture
def kubectl(control_plane: ControlPlane, namespace: str) -> Kubectl:
    return lambda *args, **more: control_plane.kubectl("-n", namespace, *args, **more).stdout


@pytest.fixture
def name(kubectl: Kubectl) -> Iterator[str]:
    """A name for objects that have no namespace; what has it goes afterwards."""
    made = f"evc-{secrets.token_hex(6)}"
    yield made
    kubectl("delete", "pv,node,volumeattachment", made, "--ignore-not-found", "--wait=false")


@pytest.fixture
def publications(api: ApiServer) -> KubePublications:
    return KubePublications(api)


@pytest.fixture
def leases(api: ApiServer, namespace: str) -> KubeVolumeLeases:
    return KubeVolumeLeases(api, namespace=namespace)


@pytest.fixture
def users(api: ApiServer) -> KubeUsers:
    return KubeUsers(api, clock=SystemClock())


class TurnedClock:
    """Time that the test turns."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


def volume(name: str, *, storage: str = "100Gi", **spec: Any) -> dict[str, Any]:
    """A PersistentVolume that no claim of another test binds."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": {LABEL_CLAIM_UID: "uid-1"}},
        "spec": {
            "capacity": {"storage": storage},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": name,
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": f"{VOLUME}-{name}"},
            **spec,
        },
    }


def claim(namespace: str, name: str = "data", *, volume_name: str = "") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace, "labels": {LABEL_CLAIM_UID: "uid-1"}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": volume_name,
            "volumeName": volume_name,
        },
    }


def pod(name: str, *, claim_name: str = "data", node: str = "somewhere") -> str:
    made = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "containers": [{"name": "c", "image": "scratch"}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": claim_name}}],
            **({"nodeName": node} if node else {"schedulingGates": [{"name": "example.com/wait"}]}),
        },
    }
    return json.dumps(made)


class TestPublications:
    async def test_what_is_made_is_read_as_ours(self, publications: KubePublications, name: str) -> None:
        await publications.create_persistent_volume(manifest=volume(name))
        found = await publications.persistent_volume(name=name)
        assert found is not None
        assert (found.claim_uid, found.capacity, found.deleting) == ("uid-1", 100, False)
        assert found.reserved_for is None

    @pytest.mark.parametrize(
        ("storage", "gib"), [("1Ti", 1024), ("102400Mi", 100), ("107374182400", 100), ("100G", 93)]
    )
    async def test_a_capacity_is_read_however_it_is_written(
        self, publications: KubePublications, name: str, storage: str, gib: int
    ) -> None:
        await publications.create_persistent_volume(manifest=volume(name, storage=storage))
        found = await publications.persistent_volume(name=name)
        assert found is not None
        assert found.capacity == gib

    async def test_making_what_exists_is_no_error_and_changes_nothing(
        self, publications: KubePublications, name: str
    ) -> None:
        await publications.create_persistent_volume(manifest=volume(name))
        await publications.create_persistent_volume(manifest=volume(name, storage="200Gi"))
        found = await publications.persistent_volume(name=name)
        assert found is not None
        assert found.capacity == 100

    async def test_one_that_was_made_anew_under_the_name_is_not_deleted(
        self, publications: KubePublications, name: str
    ) -> None:
        await publications.create_persistent_volume(manifest=volume(name))
        await publications.delete_persistent_volume(name=name, uid="that-of-the-former-one")
        found = await publications.persistent_volume(name=name)
        assert found is not None
        assert not found.deleting

    async def test_deleting_what_is_gone_is_no_error(self, publications: KubePublications, name: str) -> None:
        await publications.delete_persistent_volume(name=name, uid="any")
        assert await publications.persistent_volume(name=name) is None

    async def test_a_bound_volume_tells_its_claim_and_outlives_its_deletion(
        self, publications: KubePublications, kubectl: Kubectl, name: str, namespace: str
    ) -> None:
        await publications.create_persistent_volume(manifest=volume(name))
        await publications.create_persistent_volume_claim(manifest=claim(namespace, volume_name=name))
        kubectl("wait", "--for=jsonpath={.status.phase}=Bound", f"pv/{name}", "--timeout=60s")
        found = await publications.persistent_volume(name=name)
        assert found is not None
        assert found.reserved_for is not None
        assert (found.reserved_for.namespace, found.reserved_for.name) == (namespace, "data")
        assert found.reserved_for.uid
        await publications.delete_persistent_volume(name=name, uid=found.uid)
        left = await publications.persistent_volume(name=name)
        assert left is not None
        assert left.deleting
        bound = await publications.persistent_volume_claim(namespace=namespace, name="data")
        assert bound is not None
        assert (bound.claim_uid, bound.volume_name) == ("uid-1", name)
        await publications.delete_persistent_volume_claim(namespace=namespace, name="data", uid=bound.uid)
        kubectl("wait", "--for=delete", f"pv/{name}", "--timeout=60s")
        assert await publications.persistent_volume(name=name) is None


class TestUsers:
    async def test_only_pods_on_a_node_that_are_not_finished_use_a_volume(
        self, users: KubeUsers, kubectl: Kubectl, namespace: str
    ) -> None:
        kubectl("apply", "-f", "-", input=pod("runs"))
        kubectl("apply", "-f", "-", input=pod("waits", node=""))
        kubectl("apply", "-f", "-", input=pod("other", claim_name="else"))
        kubectl("apply", "-f", "-", input=pod("done"))
        status = json.dumps({"status": {"phase": "Succeeded"}})
        kubectl("patch", "pod", "done", "--subresource=status", "--type=merge", "-p", status)
        assert await users.pods(namespace=namespace, claim_name="data", fresh=True) == (f"{namespace}/runs",)

    async def test_volumes_of_the_csi_driver_are_found_and_our_own_is_not(
        self, users: KubeUsers, kubectl: Kubectl, name: str
    ) -> None:
        kubectl("apply", "-f", "-", input=json.dumps(volume(name)))
        handle = f"{VOLUME}-{name}"
        assert await users.csi(volume_id=handle, ours="evc-other", fresh=True) == (f"PersistentVolume {name}",)
        assert await users.csi(volume_id=handle, ours=name, fresh=True) == ()

    async def test_an_attachment_of_the_driver_counts_also_for_our_own_volume(
        self, users: KubeUsers, kubectl: Kubectl, name: str
    ) -> None:
        attachment = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "VolumeAttachment",
            "metadata": {"name": name},
            "spec": {"attacher": "ebs.csi.aws.com", "nodeName": "a", "source": {"persistentVolumeName": name}},
        }
        for made in (volume(name), attachment):
            kubectl("apply", "-f", "-", input=json.dumps(made))
        found = await users.csi(volume_id=f"{VOLUME}-{name}", ours=name, fresh=True)
        assert found == (f"VolumeAttachment {name}",)

    async def test_an_answer_serves_settled_claims_for_longer_than_those_that_are_worked_on(
        self, api: ApiServer, kubectl: Kubectl, name: str
    ) -> None:
        clock = TurnedClock()
        users, handle = KubeUsers(api, clock=clock), f"{VOLUME}-{name}"
        assert await users.csi(volume_id=handle, ours="", fresh=True) == ()
        kubectl("apply", "-f", "-", input=json.dumps(volume(name)))
        clock.seconds += 10.0
        assert await users.csi(volume_id=handle, ours="", fresh=False) == ()
        assert await users.csi(volume_id=handle, ours="", fresh=True) == (f"PersistentVolume {name}",)


class TestLeases:
    async def test_of_many_that_take_a_lease_at_once_one_gets_it(self, leases: KubeVolumeLeases) -> None:
        taken = await asyncio.gather(
            *(leases.take(volume_id=VOLUME, holder=f"team/data/{number}", replaces="") for number in range(8)),
            return_exceptions=True,
        )
        lost = [answer for answer in taken if answer is not None]
        assert len(lost) == 7
        assert {type(answer) for answer in lost} == {StaleObject}
        winner = next(number for number, answer in enumerate(taken) if answer is None)
        assert await leases.holder(volume_id=VOLUME) == f"team/data/{winner}"

    async def test_a_lease_is_taken_over_from_the_named_holder_and_nobody_else(self, leases: KubeVolumeLeases) -> None:
        await leases.take(volume_id=VOLUME, holder="team/old/1", replaces="")
        with pytest.raises(StaleObject):
            await leases.take(volume_id=VOLUME, holder="team/new/2", replaces="team/older/0")
        await leases.take(volume_id=VOLUME, holder="team/new/2", replaces="team/old/1")
        assert await leases.holder(volume_id=VOLUME) == "team/new/2"

    async def test_of_two_that_take_over_at_once_one_gets_it(self, leases: KubeVolumeLeases) -> None:
        await leases.take(volume_id=VOLUME, holder="team/old/1", replaces="")
        taken = await asyncio.gather(
            *(leases.take(volume_id=VOLUME, holder=f"team/new/{number}", replaces="team/old/1") for number in range(4)),
            return_exceptions=True,
        )
        assert sum(answer is None for answer in taken) == 1

    async def test_a_lease_is_given_back_by_its_holder_alone(self, leases: KubeVolumeLeases) -> None:
        await leases.take(volume_id=VOLUME, holder="team/data/1", replaces="")
        await leases.drop(volume_id=VOLUME, holder="team/other/2")
        assert await leases.holder(volume_id=VOLUME) == "team/data/1"
        await leases.drop(volume_id=VOLUME, holder="team/data/1")
        assert await leases.holder(volume_id=VOLUME) is None
        await leases.drop(volume_id=VOLUME, holder="team/data/1")


class Held:
    """Nothing is held of the Nodes that have HyperPod's label."""

    holds_all = True

    def labels(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        return iter(())


class TestLabels:
    async def test_nodes_without_the_label_of_hyperpod_are_listed_beside_those_that_are_held(
        self, api: ApiServer, kubectl: Kubectl, name: str
    ) -> None:
        key = f"{LABEL_VOLUME_PREFIX}1"
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {key: "attached"}}}
        kubectl("apply", "-f", "-", input=json.dumps(node))
        labels = KubeNodeLabels(api, held=Held())
        assert (await labels.labelled(prefixes=[LABEL_VOLUME_PREFIX])).get(name) == {key}
        await api.merge_patch(f"/api/v1/nodes/{name}", {"metadata": {"labels": {COMPUTE_TYPE: "hyperpod"}}})
        assert name not in await labels.labelled(prefixes=[LABEL_VOLUME_PREFIX])

    async def test_a_label_comes_and_goes_and_others_stay(self, api: ApiServer, kubectl: Kubectl, name: str) -> None:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"example.com/mine": name}}}
        kubectl("apply", "-f", "-", input=json.dumps(node))
        labels = KubeNodeLabels(api, held=Held())
        key = f"{LABEL_VOLUME_PREFIX}1"
        await labels.label(node_name=name, key=key, value="attached")
        assert await labels.selected(selector={key: "attached", "example.com/mine": name}) == {name}
        await labels.unlabel(node_name=name, key=key)
        await labels.unlabel(node_name=name, key=key)
        assert await labels.selected(selector={key: "attached"}) == frozenset()
        assert await labels.selected(selector={"example.com/mine": name}) == {name}

    async def test_a_node_that_is_gone_needs_no_label_off_and_takes_none(self, api: ApiServer, name: str) -> None:
        labels = KubeNodeLabels(api, held=Held())
        await labels.unlabel(node_name=name, key=f"{LABEL_VOLUME_PREFIX}1")
        with pytest.raises(ObjectGone):
            await labels.label(node_name=name, key=f"{LABEL_VOLUME_PREFIX}1", value="attached")

    async def test_a_lease_that_nobody_holds_is_taken(
        self, api: ApiServer, leases: KubeVolumeLeases, namespace: str
    ) -> None:
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": VOLUME}, "spec": {}}
        await api.create(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases", body)
        assert await leases.holder(volume_id=VOLUME) == ""
        await leases.take(volume_id=VOLUME, holder="team/data/1", replaces="")
        assert await leases.holder(volume_id=VOLUME) == "team/data/1"
