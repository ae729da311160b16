"""What claims read beside themselves: quantities, pages, and answers that the real API server gives too seldom."""

import asyncio
from typing import Any

import pytest

from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.ports import KubernetesError, StaleObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.storage.leases import KubeVolumeLeases
from hyperpod_operator.kube.storage.publications import KubePublications, gibibytes
from hyperpod_operator.kube.storage.users import KubeUsers

CONFLICT = (409, {"kind": "Status", "reason": "Conflict", "message": "the object has been modified"})
GONE = (404, {"kind": "Status", "reason": "NotFound", "message": "not found", "details": {"name": "x"}})


def page(*items: dict[str, Any], token: str = "") -> tuple[int, dict[str, Any]]:
    return 200, {"metadata": {"continue": token}, "items": list(items)}


def csi_volume(name: str, handle: str, driver: str = "ebs.csi.aws.com") -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"csi": {"driver": driver, "volumeHandle": handle}}}


@pytest.mark.parametrize(
    ("quantity", "gib"),
    [
        ("100Gi", 100),
        ("1.5Ti", 1536),
        ("1e3Gi", 0),
        ("107374182400", 100),
        ("107374182399", 99),
        ("1Mi", 0),
        ("", 0),
        ("much", 0),
        ("1Xi", 0),
        ("1.2.3Gi", 0),
    ],
)
def test_a_quantity_is_read_as_whole_gibibytes_and_nonsense_as_none(quantity: str, gib: int) -> None:
    assert gibibytes(quantity) == gib


async def test_the_lists_of_the_csi_driver_are_read_in_pages(api: ApiServer, server: Any, clock: Any) -> None:
    server.answers = [page(csi_volume("a", "vol-1"), token="more"), page(csi_volume("b", "vol-1")), page()]
    found = await KubeUsers(api, clock=clock).csi(volume_id="vol-1", ours="a", fresh=True)
    assert found == ("PersistentVolume b",)
    assert [request.query.get("continue") for request in server.requests] == [None, "more", None]


@pytest.mark.parametrize("named", ["vol-1", "aws://us-west-2b/vol-1", "aws:///vol-1"])
async def test_volumes_of_the_former_in_tree_plugin_are_the_drivers(
    api: ApiServer, server: Any, clock: Any, named: str
) -> None:
    """kube-controller-manager and kubelet hand them to the driver, which attaches them."""
    in_tree = {"awsElasticBlockStore": {"volumeID": named}}
    attached = {"attacher": "ebs.csi.aws.com", "source": {"persistentVolumeName": "old"}}
    inline = {"attacher": "ebs.csi.aws.com", "source": {"inlineVolumeSpec": csi_volume("", "vol-1")["spec"]}}
    server.answers = [
        page({"metadata": {"name": "old"}, "spec": in_tree}),
        page({"metadata": {"name": "a"}, "spec": attached}, {"metadata": {"name": "b"}, "spec": inline}),
    ]
    found = await KubeUsers(api, clock=clock).csi(volume_id="vol-1", ours="", fresh=True)
    assert found == ("PersistentVolume old", "VolumeAttachment a", "VolumeAttachment b")


async def test_volumes_of_other_drivers_are_nobodys_business(api: ApiServer, server: Any, clock: Any) -> None:
    server.answers = [page(csi_volume("a", "vol-1", driver="other"), {"metadata": {"name": "b"}, "spec": {}}), page()]
    assert await KubeUsers(api, clock=clock).csi(volume_id="vol-1", ours="", fresh=True) == ()


async def test_one_look_serves_all_settled_claims_until_it_is_old(api: ApiServer, server: Any, clock: Any) -> None:
    users = KubeUsers(api, clock=clock)
    server.default = page()
    for volume in ("vol-1", "vol-2", "vol-3"):
        await users.csi(volume_id=volume, ours="", fresh=False)
    assert len(server.requests) == 2
    clock.seconds += 31.0
    await users.csi(volume_id="vol-1", ours="", fresh=False)
    assert len(server.requests) == 4


async def test_a_list_that_failed_is_not_taken_for_an_empty_one(api: ApiServer, server: Any, clock: Any) -> None:
    users = KubeUsers(api, clock=clock)
    server.answers = [(500, {"message": "broken"})]
    with pytest.raises(KubernetesError):
        await users.csi(volume_id="vol-1", ours="", fresh=False)
    server.answers = [page(csi_volume("a", "vol-1")), page()]
    assert await users.csi(volume_id="vol-1", ours="", fresh=False) == ("PersistentVolume a",)


def pod(name: str, *claims: str) -> dict[str, Any]:
    volumes = [{"name": one, "persistentVolumeClaim": {"claimName": one}} for one in claims]
    return {"metadata": {"name": name}, "spec": {"volumes": volumes}}


async def test_one_list_of_a_namespace_tells_who_uses_each_claim(api: ApiServer, server: Any, clock: Any) -> None:
    users = KubeUsers(api, clock=clock)
    server.answers = [page(pod("b", "data", "data", "logs"), token="more"), page(pod("a", "data"), pod("c"))]
    found = [await users.pods(namespace="team", claim_name=name, fresh=False) for name in ("data", "logs", "none")]
    assert found == [("team/a", "team/b"), ("team/b",), ()]
    assert [request.query.get("continue") for request in server.requests] == [None, "more"]


@pytest.mark.parametrize(
    ("fresh", "selected"),
    [(True, "spec.nodeName!="), (False, "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed")],
)
async def test_pods_that_hold_no_volume_are_left_out_by_the_server(
    api: ApiServer, server: Any, clock: Any, fresh: bool, selected: str
) -> None:
    server.answers = [page(token="more"), page()]
    await KubeUsers(api, clock=clock).pods(namespace="team", claim_name="data", fresh=fresh)
    assert [request.query["fieldSelector"] for request in server.requests] == [selected, selected]


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
@pytest.mark.parametrize("kind", ["initContainerStatuses", "containerStatuses"])
async def test_a_pod_that_finished_just_now_may_have_its_volumes_mounted(
    api: ApiServer, server: Any, clock: Any, phase: str, kind: str
) -> None:
    ended = pod("a", "data")
    state = {"terminated": {"finishedAt": stamp(clock.now())}}
    ended["status"] = {"phase": phase, kind: [{"state": {"terminated": {}}}, {"state": state}, {}]}
    server.default = page(ended)
    users = KubeUsers(api, clock=clock)
    for seconds, expected in ((0.0, ("team/a",)), (119.0, ("team/a",)), (2.0, ())):
        clock.seconds += seconds
        assert await users.pods(namespace="team", claim_name="data", fresh=True) == expected


async def test_a_finished_pod_that_is_being_deleted_has_its_volumes_until_it_is_gone(
    api: ApiServer, server: Any, clock: Any
) -> None:
    ended = pod("a", "data")
    ended["status"] = {"phase": "Succeeded"}
    ended["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z"
    server.default = page(ended)
    assert await KubeUsers(api, clock=clock).pods(namespace="team", claim_name="data", fresh=True) == ("team/a",)


async def test_a_pod_that_finished_without_a_container_holds_nothing(api: ApiServer, server: Any, clock: Any) -> None:
    ended = pod("a", "data")
    ended["status"] = {"phase": "Failed", "reason": "Preempting"}
    server.default = page(ended)
    assert await KubeUsers(api, clock=clock).pods(namespace="team", claim_name="data", fresh=True) == ()


async def test_a_claim_that_kubernetes_makes_for_a_pod_is_used_by_it(api: ApiServer, server: Any, clock: Any) -> None:
    """A generic ephemeral volume: its PersistentVolumeClaim is named by the pod and the volume."""
    web = pod("web")
    web["spec"]["volumes"] = [{"name": "data", "ephemeral": {"volumeClaimTemplate": {}}}, {"name": "x", "emptyDir": {}}]
    server.default = page(web)
    users = KubeUsers(api, clock=clock)
    assert await users.pods(namespace="team", claim_name="web-data", fresh=True) == ("team/web",)
    assert await users.pods(namespace="team", claim_name="web-x", fresh=False) == ()


async def test_a_list_of_pods_serves_settled_claims_until_it_is_old(api: ApiServer, server: Any, clock: Any) -> None:
    users = KubeUsers(api, clock=clock)
    server.default = page()
    for seconds, lists in ((0.0, 1), (29.0, 1), (2.0, 2)):
        clock.seconds += seconds
        await users.pods(namespace="team", claim_name="data", fresh=False)
        assert len(server.requests) == lists
    await users.pods(namespace="other", claim_name="data", fresh=False)
    assert len(server.requests) == 3


async def test_a_fresh_answer_is_of_a_list_that_began_after_the_question(
    api: ApiServer, server: Any, clock: Any
) -> None:
    users = KubeUsers(api, clock=clock)
    server.answers = [page(), page(pod("a", "data"))]
    assert await users.pods(namespace="team", claim_name="data", fresh=True) == ()
    clock.seconds += 0.01
    assert await users.pods(namespace="team", claim_name="data", fresh=True) == ("team/a",)


async def test_who_asks_at_the_same_time_shares_a_list_of_pods(api: ApiServer, server: Any, clock: Any) -> None:
    users = KubeUsers(api, clock=clock)
    server.default = page(pod("a", "data"))
    asked = (users.pods(namespace="team", claim_name="data", fresh=True) for _ in range(20))
    assert await asyncio.gather(*asked) == [("team/a",)] * 20
    assert len(server.requests) == 1


async def test_a_list_that_fails_has_failed_for_all_who_wait_for_it(api: ApiServer, server: Any, clock: Any) -> None:
    """Each of them with a list of its own would make the last one wait for all the others."""
    users = KubeUsers(api, clock=clock)
    server.default = (500, {"message": "broken"})
    asked = (users.pods(namespace="team", claim_name="data", fresh=True) for _ in range(12))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [getattr(error, "status", None) for error in found] == [500] * 12
    assert len({id(error) for error in found}) == 12
    assert len(server.requests) == 1


async def test_who_stops_waiting_ends_no_list_of_others(api: ApiServer, server: Any, clock: Any) -> None:
    users = KubeUsers(api, clock=clock)
    server.default = page(pod("a", "data"))
    first = asyncio.create_task(users.pods(namespace="team", claim_name="data", fresh=True))
    second = asyncio.create_task(users.pods(namespace="team", claim_name="data", fresh=True))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == ("team/a",)
    assert len(server.requests) == 1


async def test_who_asks_while_a_list_goes_on_gets_the_next_one(api: ApiServer, server: Any, clock: Any) -> None:
    users = KubeUsers(api, clock=clock)
    server.answers = [page(), page(pod("a", "data"))]
    before = asyncio.create_task(users.pods(namespace="team", claim_name="data", fresh=True))
    await asyncio.sleep(0)
    clock.seconds += 0.01
    later = [users.pods(namespace="team", claim_name="data", fresh=True) for _ in range(5)]
    assert await asyncio.gather(before, *later) == [(), *[("team/a",)] * 5]
    assert len(server.requests) == 2


@pytest.mark.parametrize("answer", [{}, {"kind": "Status"}])
async def test_an_answer_without_items_is_no_empty_list(
    api: ApiServer, server: Any, clock: Any, answer: dict[str, Any]
) -> None:
    server.answers = [(200, answer)]
    with pytest.raises(KubernetesError, match="no list"):
        await KubeUsers(api, clock=clock).pods(namespace="team", claim_name="data", fresh=True)


async def test_lists_of_namespaces_that_nobody_asks_about_are_not_kept(api: ApiServer, server: Any, clock: Any) -> None:
    users = KubeUsers(api, clock=clock)
    server.default = page()
    for number in range(5):
        await users.pods(namespace=f"team-{number}", claim_name="data", fresh=False)
        clock.seconds += 31.0
    assert list(users._pods) == [("team-4", False)]


async def test_a_deletion_carries_the_uid_and_bears_that_another_one_is_there(api: ApiServer, server: Any) -> None:
    server.answers = [CONFLICT]
    await KubePublications(api).delete_persistent_volume(name="evc-1", uid="u1")
    assert server.requests[0].body == {"preconditions": {"uid": "u1"}}


async def test_a_refused_creation_is_an_error(api: ApiServer, server: Any) -> None:
    server.answers = [(422, {"message": "no"})]
    with pytest.raises(KubernetesError):
        await KubePublications(api).create_persistent_volume(manifest={"metadata": {"name": "evc-1"}})


async def test_a_lease_that_changed_between_look_and_write_is_not_taken_over(api: ApiServer, server: Any) -> None:
    lease = {"metadata": {"resourceVersion": "7"}, "spec": {"holderIdentity": "team/old/1"}}
    server.answers = [(200, lease), CONFLICT]
    with pytest.raises(StaleObject):
        await KubeVolumeLeases(api, namespace="own").take(volume_id="vol-1", holder="b", replaces="team/old/1")
    assert server.requests[1].body["metadata"]["resourceVersion"] == "7"


async def test_a_lease_that_is_gone_is_given_back_already(api: ApiServer, server: Any) -> None:
    server.answers = [GONE]
    await KubeVolumeLeases(api, namespace="own").drop(volume_id="vol-1", holder="a")
    assert [request.method for request in server.requests] == ["GET"]


@pytest.mark.parametrize(("spec", "volume_name"), [({"volumeName": "evc-1"}, "evc-1"), ({}, "")])
async def test_a_persistent_volume_claim_names_the_volume_that_it_is_bound_to(
    api: ApiServer, server: Any, spec: dict[str, Any], volume_name: str
) -> None:
    server.answers = [(200, {"metadata": {"name": "data", "uid": "pvc"}, "spec": spec})]
    found = await KubePublications(api).persistent_volume_claim(namespace="team", name="data")
    assert found is not None
    assert found.volume_name == volume_name


@pytest.mark.parametrize(
    ("spec", "volume_id"),
    [
        ({"csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-0a"}}, "vol-0a"),
        ({"csi": {"driver": "other", "volumeHandle": "vol-0a"}}, ""),
        ({"local": {"path": "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a"}}, "vol-0a"),
        ({"local": {"path": "/mnt/disks/a"}}, ""),
        ({}, ""),
    ],
)
async def test_a_persistent_volume_tells_the_ebs_volume_behind_it(
    api: ApiServer, server: Any, spec: dict[str, Any], volume_id: str
) -> None:
    server.answers = [(200, {"metadata": {"name": "evc-1", "uid": "pv"}, "spec": spec})]
    found = await KubePublications(api).persistent_volume(name="evc-1")
    assert found is not None
    assert found.volume_id == volume_id


@pytest.mark.parametrize(
    ("spec", "deletes"),
    [
        ({"csi": {"driver": "ebs.csi.aws.com"}, "persistentVolumeReclaimPolicy": "Delete"}, True),
        ({"csi": {"driver": "ebs.csi.aws.com"}, "persistentVolumeReclaimPolicy": "Retain"}, False),
        ({"local": {"path": "/mnt/disks/a"}, "persistentVolumeReclaimPolicy": "Delete"}, False),
        ({"csi": {"driver": "ebs.csi.aws.com"}}, False),
    ],
)
async def test_a_persistent_volume_tells_whether_a_driver_deletes_the_volume_behind_it(
    api: ApiServer, server: Any, spec: dict[str, Any], deletes: bool
) -> None:
    server.answers = [(200, {"metadata": {"name": "evc-1", "uid": "pv"}, "spec": spec})]
    found = await KubePublications(api).persistent_volume(name="evc-1")
    assert found is not None
    assert found.deletes is deletes
