"""Gangs by owners and labels, labels of namespaces, budgets: what the rules of a drain look at."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.kube.nodes.scripted import LoopClock
from tests.unit.kube.pods.fake import MINE, PodApi, owned_by, pod_body

from hyperpod_operator.api.common.drain import Drain
from hyperpod_operator.core.drain.gang import GANGS
from hyperpod_operator.core.drain.ports import PodsRead
from hyperpod_operator.core.drain.rules import DrainRules, drain_rules
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.pods.cache import PodCache

pytestmark = pytest.mark.looptime

JOBS, JOBSETS = "/apis/batch/v1/namespaces/research/jobs", "/apis/jobset.x-k8s.io/v1alpha2/namespaces/research/jobsets"
PDBS = "/apis/policy/v1/namespaces/research/poddisruptionbudgets"


@pytest.fixture
def api() -> PodApi:
    return PodApi()


@pytest.fixture
async def cache(api: PodApi) -> AsyncIterator[PodCache]:
    cache = PodCache(api, clock=LoopClock(), random=lambda: 1.0)
    yield cache
    await cache.stop()


async def read(cache: PodCache, rules: DrainRules | None = None) -> PodsRead:
    return await cache.read(
        owner=MINE, nodes=frozenset({"n1"}), on_change=lambda: None, rules=rules or drain_rules(None)
    )


async def gangs(cache: PodCache) -> list[str]:
    found = await read(cache)
    assert found.problem == ""
    return [pod.gang for pod in found.pods]


def partial(name: str, *owners: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"kind": "PartialObjectMetadata"} | {
        "metadata": {"name": name, "uid": f"uid-{name}", "ownerReferences": list(owners)} | metadata
    }


@pytest.mark.parametrize(("group", "kind"), sorted(GANGS))
async def test_the_pods_of_each_kind_of_workload_are_a_gang(
    api: PodApi, cache: PodCache, group: str, kind: str
) -> None:
    api.put(pod_body("a", owner=owned_by(kind, "train", version=f"{group}/v9")))
    assert await gangs(cache) == [f"{GANGS[group, kind]} research/train"]


def test_no_two_kinds_of_workloads_have_one_name() -> None:
    assert len(set(GANGS.values())) == len(GANGS)


async def test_replicas_are_no_gang(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a", owner=owned_by("ReplicaSet", "web", version="apps/v1")))
    api.put(pod_body("b"))
    assert await gangs(cache) == ["", ""]
    assert api.gets == []


async def test_a_kind_of_this_name_in_another_api_is_no_gang(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a", owner=owned_by("Job", "train", version="example.com/v1")))
    assert await gangs(cache) == [""]


async def test_owners_are_followed_up_to_the_highest_workload(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a", owner=owned_by("Job", "train-0")))
    api.objects[f"{JOBS}/train-0"] = partial("train-0", owned_by("JobSet", "train", version="jobset.x-k8s.io/v1alpha2"))
    api.objects[f"{JOBSETS}/train"] = partial(
        "train", owned_by("TrainJob", "llm", version="trainer.kubeflow.org/v1alpha1")
    )
    assert await gangs(cache) == ["TrainJob research/llm"]
    assert api.gets == [f"{JOBS}/train-0", f"{JOBSETS}/train"]


async def test_an_owner_is_read_once(api: PodApi, cache: PodCache) -> None:
    for name in "ab":
        api.put(pod_body(name, owner=owned_by("Job", "train")))
    api.objects[f"{JOBS}/train"] = partial("train")
    await gangs(cache)
    await gangs(cache)
    assert api.gets.count(f"{JOBS}/train") == 1


@pytest.mark.parametrize("status", [403, 404])
async def test_an_owner_that_may_not_be_read_or_is_not_served_is_the_highest_known(
    api: PodApi, cache: PodCache, status: int
) -> None:
    api.put(pod_body("a", owner=owned_by("Job", "train")))
    api.objects[f"{JOBS}/train"] = KubernetesError(status=status, message="no")
    assert await gangs(cache) == ["Job research/train"]


async def test_an_owner_that_cannot_be_read_for_the_moment_leaves_the_gang_unknown(
    api: PodApi, cache: PodCache
) -> None:
    api.put(pod_body("a", owner=owned_by("Job", "train")))
    api.objects[f"{JOBS}/train"] = KubernetesError(status=503, message="later")
    found = await read(cache)
    assert "Job research/train" in found.problem
    assert found.pods == ()


async def test_an_owner_of_the_same_name_is_another_one(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a", owner=owned_by("Job", "train")))
    api.objects[f"{JOBS}/train"] = partial("train", owned_by("JobSet", "other"), uid="later")
    assert await gangs(cache) == ["Job research/train"]


async def test_owners_in_a_circle_end(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a", owner=owned_by("Job", "train")))
    api.objects[f"{JOBS}/train"] = partial("train", owned_by("Job", "train"))
    assert await gangs(cache) == ["Job research/train"]


async def test_thousands_of_workloads_are_read_bit_by_bit(api: PodApi, cache: PodCache) -> None:
    for number in range(250):
        api.put(pod_body(f"p{number}", owner=owned_by("Job", f"j{number}")))
    assert "50 workloads" in (await read(cache)).problem
    assert len(await gangs(cache)) == 250


@pytest.mark.parametrize(
    ("metadata", "gang"),
    [
        ({"annotations": {"kueue.x-k8s.io/workload": "job-a-1"}}, "Kueue workload research/job-a-1"),
        ({"labels": {"kueue.x-k8s.io/pod-group-name": "g"}}, "Kueue pod group research/g"),
        (
            {
                "labels": {
                    "leaderworkerset.sigs.k8s.io/name": "lws",
                    "leaderworkerset.sigs.k8s.io/group-index": "2",
                }
            },
            "LeaderWorkerSet research/lws group 2",
        ),
    ],
)
async def test_a_pod_may_name_its_gang_itself(
    api: PodApi, cache: PodCache, metadata: dict[str, Any], gang: str
) -> None:
    api.put(pod_body("a", owner=owned_by("Job", "train"), **metadata))
    assert await gangs(cache) == [gang]
    assert api.gets == []


async def test_without_gangs_no_owner_is_read(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a", owner=owned_by("Job", "train")))
    found = await read(cache, drain_rules(Drain(gangAtomic=False)))
    assert (found.pods[0].gang, api.gets) == ("", [])


TEAMS = drain_rules(
    Drain.model_validate(
        {"rules": [{"namespaceSelector": {"matchLabels": {"team": "a"}}, "behavior": "Skip"}], "gangAtomic": False}
    )
)


async def test_labels_of_namespaces_are_read_where_a_rule_looks_at_them(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a"))
    api.objects["/api/v1/namespaces/research"] = partial("research", labels={"team": "a"})
    assert (await read(cache, TEAMS)).pods[0].namespace_labels == {"team": "a"}
    assert (await read(cache)).pods[0].namespace_labels is None


async def test_labels_that_may_not_be_read_are_unknown(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a"))
    api.objects["/api/v1/namespaces/research"] = KubernetesError(status=403, message="no")
    assert (await read(cache, TEAMS)).pods[0].namespace_labels is None


def budget(name: str, allowed: int, selector: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"selector": selector},
        "status": {"disruptionsAllowed": allowed},
    }


async def test_budgets_are_read_where_a_gang_has_several_pods(api: PodApi, cache: PodCache) -> None:
    api.objects[PDBS] = {"items": [budget("pdb", 1, {"matchLabels": {"app": "train"}}), budget("none", 0, None)]}
    api.put(pod_body("a", owner=owned_by("PyTorchJob", "t", version="kubeflow.org/v1")))
    assert (await read(cache)).budgets == ()
    api.put(pod_body("b", owner=owned_by("PyTorchJob", "t", version="kubeflow.org/v1")))
    await cache.stop()
    found = await read(cache)
    assert [(one.name, one.allowed, one.selector is None) for one in found.budgets] == [
        ("pdb", 1, False),
        ("none", 0, True),
    ]


@pytest.mark.parametrize(
    ("policy", "healthy", "spares"),
    [
        ("AlwaysAllow", (0, 2), True),
        ("IfHealthyBudget", (1, 2), False),
        (None, (1, 2), False),
        (None, (2, 2), True),
        (None, (0, 0), False),
    ],
)
async def test_a_budget_says_whether_it_keeps_pods_that_are_not_ready(
    api: PodApi, cache: PodCache, policy: str | None, healthy: tuple[int, int], *, spares: bool
) -> None:
    shown = budget("pdb", 0, {})
    shown["spec"] |= {"unhealthyPodEvictionPolicy": policy} if policy else {}
    shown["status"] |= dict(zip(("currentHealthy", "desiredHealthy"), healthy, strict=True))
    api.objects[PDBS] = {"items": [shown]}
    for name in "ab":
        api.put(pod_body(name, owner=owned_by("PyTorchJob", "t", version="kubeflow.org/v1")))
    assert [one.spares_unready for one in (await read(cache)).budgets] == [spares]


async def test_nothing_is_remembered_once_no_pods_are_needed(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a", owner=owned_by("Job", "train")))
    api.objects[f"{JOBS}/train"] = partial("train")
    await gangs(cache)
    assert len(cache._workloads) == 1
    cache.release(owner=MINE)
    assert len(cache._workloads) == 0
