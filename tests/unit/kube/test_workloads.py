"""DaemonSets for preflight: what is listed, and what a refusal or an odd answer becomes."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from hyperpod_operator.core.ports import KubernetesError, ObjectGone
from hyperpod_operator.core.preflight.authorities import BEGIN, END
from hyperpod_operator.core.preflight.facts import INSTALLED_IN, Workload
from hyperpod_operator.core.preflight.model import Unread
from hyperpod_operator.kube.configuration import Credentials
from hyperpod_operator.kube.workloads import KEEP, KubeWorkloads


class Api:
    """Answers by namespace: a body, or an error."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    async def get(self, path: str, *, query: dict[str, str]) -> Any:
        assert query["limit"]
        namespace = path.split("/")[5]
        answer = self._answers.get(namespace.replace("-", "_"), {"items": []})
        if isinstance(answer, Exception):
            raise answer
        return answer


def daemon_set(name: str, *images: str) -> dict[str, Any]:
    containers = [{"image": image} for image in images]
    return {"metadata": {"name": name}, "spec": {"template": {"spec": {"containers": containers}}}}


async def listed(**answers: Any) -> Any:
    return await KubeWorkloads(Api(**answers)).workloads()  # type: ignore[arg-type]


async def test_daemon_sets_of_each_namespace_are_listed() -> None:
    found = await listed(
        kube_system={"items": [daemon_set("aws-node", "cni:v1.20.1", "agent:1")]},
        aws_hyperpod={"items": [daemon_set("health-monitoring-agent", "hma:1")]},
        gpu_operator={"items": [daemon_set("nvidia-device-plugin-daemonset", "k8s-device-plugin:1")]},
    )
    assert found == (
        Workload(namespace="kube-system", name="aws-node", image="cni:v1.20.1"),
        Workload(namespace="aws-hyperpod", name="health-monitoring-agent", image="hma:1"),
        Workload(namespace="gpu-operator", name="nvidia-device-plugin-daemonset", image="k8s-device-plugin:1"),
    )


@pytest.mark.parametrize("status", [401, 403])
async def test_a_denial_names_the_right(status: int) -> None:
    found = await listed(kube_system=KubernetesError(status=status, message="forbidden"))
    assert isinstance(found, Unread)
    assert found.action == "kubernetes:list daemonsets in kube-system"


async def test_a_failure_is_unread_without_a_right() -> None:
    found = await listed(aws_hyperpod=KubernetesError(status=0, message="no answer"))
    assert isinstance(found, Unread)
    assert (found.action, "no answer" in found.why) == ("", True)


async def test_a_namespace_that_is_not_there_has_none() -> None:
    assert await listed(aws_hyperpod=ObjectGone("aws-hyperpod")) == ()


@pytest.mark.parametrize("answer", [{}, {"items": None}, {"items": [], "metadata": {"continue": "more"}}])
async def test_a_list_that_is_not_whole_is_not_an_empty_one(answer: Any) -> None:
    assert isinstance(await listed(aws_hyperpod=answer), Unread)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, True),
        ({"nodeSelector": {"pool": "gpu"}}, False),
        ({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}},
         False),
        ({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}}, True),
    ],
    ids=["anywhere", "a selector", "a required affinity", "a preferred affinity"],
)  # fmt: skip
async def test_a_daemon_set_that_is_kept_from_some_nodes_is_known(members: dict[str, Any], expected: bool) -> None:
    body = daemon_set("a", "x")
    body["spec"]["template"]["spec"].update(members)
    (found,) = await listed(kube_system={"items": [body]})
    assert found.everywhere is expected


@pytest.mark.parametrize("answer", [{"items": ["x"]}, {"items": [{}]}, {"items": [daemon_set("a")]}])
async def test_an_odd_answer_is_no_exception(answer: Any) -> None:
    found = await listed(kube_system=answer)
    assert all(one.namespace in INSTALLED_IN for one in found)


class Counting(Api):
    """Counts what is asked; answers one turn of the event loop later."""

    def __init__(self, **answers: Any) -> None:
        super().__init__(**answers)
        self.asked = 0

    async def get(self, path: str, *, query: dict[str, str]) -> Any:
        self.asked += 1
        await asyncio.sleep(0)
        return await super().get(path, query=query)


async def test_clusters_that_ask_at_once_share_a_read() -> None:
    api = Counting()
    workloads = KubeWorkloads(api)  # type: ignore[arg-type]
    await asyncio.gather(*(workloads.workloads() for _ in range(5)))
    assert api.asked == len(INSTALLED_IN)


@pytest.mark.parametrize("answer", [{"items": []}, KubernetesError(status=503, message="away")])
async def test_an_answer_counts_for_a_while_and_is_read_again_afterwards(answer: Any) -> None:
    now, api = [100.0], Counting(kube_system=answer)
    workloads = KubeWorkloads(api, monotonic=lambda: now[0])  # type: ignore[arg-type]
    for moment in (100.0, 100.0 + KEEP, 100.0 + KEEP + 1):
        now[0] = moment
        await workloads.workloads()
    assert api.asked == 2 * len(INSTALLED_IN)


async def test_a_pass_that_is_cut_off_leaves_the_read_to_the_next() -> None:
    api = Counting()
    workloads = KubeWorkloads(api)  # type: ignore[arg-type]
    first = asyncio.create_task(workloads.workloads())
    await asyncio.sleep(0)
    first.cancel()
    assert await asyncio.wait_for(workloads.workloads(), timeout=60) == ()


class Reached:
    """An API server that is reached with these credentials."""

    def __init__(self, found: Credentials | KubernetesError) -> None:
        self._found = found
        self.times = 0

    async def credentials(self) -> Credentials:
        self.times += 1
        if isinstance(self._found, KubernetesError):
            raise self._found
        return self._found


async def authorities_of(found: Credentials | KubernetesError) -> frozenset[str]:
    return await KubeWorkloads(Reached(found)).authorities()  # type: ignore[arg-type]


async def test_clusters_that_ask_at_once_share_one_read_of_the_credentials() -> None:
    api = Reached(Credentials(server="https://here"))
    workloads = KubeWorkloads(api)  # type: ignore[arg-type]
    await asyncio.gather(*(workloads.authorities() for _ in range(500)))
    assert api.times == 1


async def test_the_authority_is_that_of_the_file_which_verifies_the_server(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text(f"{BEGIN}\nYWJj\n{END}\n{BEGIN}\nZGVm\n{END}\n")
    found = await authorities_of(Credentials(server="https://here", ca_file=str(file)))
    assert found == {hashlib.sha256(one).hexdigest() for one in (b"abc", b"def")}


@pytest.mark.parametrize(
    "found",
    [
        Credentials(server="https://here"),
        Credentials(server="https://here", ca_file="/nowhere/ca.crt"),
        Credentials(server="https://here", ca_file=__file__),
        Credentials(server="https://here", ca_file=__file__, verify=False),
        KubernetesError(status=0, message="no token"),
    ],
)
async def test_without_a_certificate_the_authority_is_not_known(found: Credentials | KubernetesError) -> None:
    assert await authorities_of(found) == frozenset()
