"""The question to the API server: the object as it would be stored, and nothing that stores it."""

from collections.abc import Mapping
from typing import Any, cast

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.core.ports import Key, StoredObject
from hyperpod_operator.kube.client import ApiServer, Reply
from hyperpod_operator.kube.dry_run import dry_run

KEY = Key("team", "blue")
MANIFEST = {
    "metadata": {"name": "blue", "labels": {"team": "a"}, "resourceVersion": "1"},
    "spec": {"clusterName": "new"},
    "status": {"x": 1},
}
STORED = StoredObject(
    key=KEY, uid="u", resource_version="7", generation=1, deleting=False, finalizers=(), annotations={},
    body={
        "apiVersion": "hyperpod-operator.dev/v1alpha1",
        "kind": "HyperPodCluster",
        "metadata": {"name": "blue", "namespace": "team", "uid": "u", "resourceVersion": "7", "labels": {"by": "argo"}},
        "spec": {"clusterName": "old", "tags": []},
        "status": {"phase": "InService"},
    },
)  # fmt: skip


class Server:
    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.asked: list[tuple[str, str, Mapping[str, Any], Mapping[str, str]]] = []

    async def ask(self, method: str, path: str, body: Mapping[str, Any], *, query: Mapping[str, str]) -> Reply:
        self.asked.append((method, path, body, query))
        return self._reply


async def asked(stored: StoredObject | None) -> tuple[str, str, Mapping[str, Any], Mapping[str, str]]:
    server = Server(Reply(status=200))
    await dry_run(cast(ApiServer, server), CLUSTER, key=KEY, manifest=MANIFEST, stored=stored)
    (question,) = server.asked
    return question


async def test_an_object_that_is_not_there_is_created_without_what_only_the_server_sets() -> None:
    method, path, body, _ = await asked(None)
    assert (method, path) == ("POST", "/apis/hyperpod-operator.dev/v1alpha1/namespaces/team/hyperpodclusters")
    assert body["metadata"] == {"name": "blue", "namespace": "team", "labels": {"team": "a"}}
    assert body["spec"] == {"clusterName": "new"}
    assert "status" not in body


async def test_an_object_that_is_there_gets_the_spec_of_the_manifest_and_no_member_of_the_old_one() -> None:
    method, path, body, _ = await asked(STORED)
    assert (method, path) == ("PUT", "/apis/hyperpod-operator.dev/v1alpha1/namespaces/team/hyperpodclusters/blue")
    assert body["spec"] == {"clusterName": "new"}
    assert body["metadata"] == {
        "name": "blue",
        "namespace": "team",
        "uid": "u",
        "resourceVersion": "7",
        "labels": {"by": "argo", "team": "a"},
    }
    assert body["status"] == {"phase": "InService"}


async def test_warnings_are_read_from_the_headers() -> None:
    lines = ('299 - "Removing group \\"gpu\\" ends its nodes"', '199 - "not of the API server"')
    server = Server(Reply(status=200, warnings=lines))
    found = await dry_run(cast(ApiServer, server), CLUSTER, key=KEY, manifest=MANIFEST, stored=None)
    assert found.warnings == ('Removing group "gpu" ends its nodes',)


async def test_a_rejection_has_the_words_of_the_server() -> None:
    server = Server(Reply(status=422, message="spec: Invalid value"))
    found = await dry_run(cast(ApiServer, server), CLUSTER, key=KEY, manifest=MANIFEST, stored=STORED)
    assert found.rejected == "spec: Invalid value"
