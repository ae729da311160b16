"""HyperPodNodeOperations: what one node costs beyond AWS, what 500 cost, and what pods weigh while they are needed.

AWS does at once what it is asked for. A kubelet's part is played here: a rebooted node has another boot id, and the
Node of an instance that ended goes. No pods run, so nothing is waited for but the operator.
"""

import asyncio
import datetime
import json
import time
import tracemalloc
from typing import Any

import msgspec

from benchmarks.claims.terms import Terms
from benchmarks.environment import LIFTED, BenchmarkError, Environment
from benchmarks.environment.objects import NAMESPACE
from benchmarks.figure import Figure
from benchmarks.nodes.api import STRATEGIC, Nodes
from benchmarks.nodes.manifest import node_manifest
from benchmarks.nodes.ours import instances, labels
from hyperpod_operator.api.names import API_VERSION, NODE_OPERATION_KIND, NODE_OPERATION_PLURAL
from hyperpod_operator.core.location import cluster_id
from hyperpod_operator.core.nodeoperation.timings import OperationTimings
from hyperpod_operator.kube.pods.decoding import PodObject
from hyperpod_operator.kube.pods.index import PodFactory, PodIndex
from hyperpod_testbed.simulator.client import SimulatorClient

PATH = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{NODE_OPERATION_PLURAL}"
CLUSTER = "cluster-0000"
SINGLE, MANY = 5, 500
PODS, PODS_OF_A_JOB = 20_000, 20
PATIENCE = 240.0
LOOK = 0.02
AT_ONCE = ("reboot", "node_delete")
NODE_WRITES = frozenset({"nodes", "nodes/status", "events"})
"""Each node has its marks and its Events."""
MEGABYTE = 1e6


def measure(terms: Terms) -> list[Figure]:
    return [*_pods(), *_operations(terms)]


def _operations(terms: Terms) -> list[Figure]:
    with terms.environment() as env:
        controls = SimulatorClient(env.aws.environment()["AWS_ENDPOINT_URL_SAGEMAKER"])
        controls.settings.set_timings(**dict.fromkeys(AT_ONCE, 0.0))
        env.objects.resize(instances=SINGLE + MANY)
        with env.operator(*LIFTED) as operator, env.progress() as progress:
            operator.wait_ready()
            env.objects.create([CLUSTER])
            progress.wait(1, seconds=PATIENCE)
            ids = asyncio.run(_join(env))
            return [*_one_by_one(env, ids[:SINGLE]), *_at_once(env, ids[SINGLE:])]


def _one_by_one(env: Environment, ids: list[str]) -> list[Figure]:
    """Reboots, each of one node: until AWS is asked, and from the new boot id to the operation's end."""
    asked, noticed = list[float](), list[float]()
    for number, instance in enumerate(ids):
        since = env.aws.position()
        sent = _create(env, f"one-{number}", "Reboot", [instance])
        (call,) = env.aws.wait("BatchRebootClusterNodes", count=1, since=since, seconds=PATIENCE)
        asked.append(call.wall_time - sent)
        # The node is back when SageMaker calls it Running: its kubelet has nothing to say before that.
        time.sleep(1.0)
        back = time.time()
        asyncio.run(_boot(env, instance, f"{instance}-again"))
        noticed.append(_complete(env, f"one-{number}") - back)
    return [
        Figure(name="one node: operation created to AWS asked, the worst", value=max(asked), unit="s"),
        Figure(name="one node: Node back to operation complete, the worst", value=max(noticed), unit="s"),
        Figure(
            name="one node: overhead beyond AWS, drain and the time for pods on their way, the worst",
            value=max(sum(pair) for pair in zip(asked, noticed, strict=True)) - OperationTimings().binding,
            unit="s",
            most=1,
        ),
    ]


def _at_once(env: Environment, ids: list[str]) -> list[Figure]:
    """One Delete of all of them: until the last call, and every write until the operation is complete."""
    since, audited = env.aws.position(), env.audit.position()
    sent = _create(env, "many", "Delete", ids, maxInFlight="100%")
    calls = env.aws.wait("BatchDeleteClusterNodes", count=len(ids) // 50, since=since, seconds=PATIENCE)
    asyncio.run(_leave(env, ids))
    _complete(env, "many")
    written = env.audit.writes(since=audited)
    on_nodes = sum(write.resource in NODE_WRITES for write in written)
    name = f"{len(ids)} nodes in one operation"
    return [
        Figure(
            name=f"{name}: API server writes on Nodes and Events, per node", value=on_nodes / len(ids), unit="writes"
        ),
        Figure(name=f"{name}: other API server writes", value=len(written) - on_nodes, unit="writes", most=100),
        Figure(name=f"{name}: calls to AWS that change", value=len(calls), unit="calls"),
        Figure(name=f"{name}: created to the last call", value=calls[-1].wall_time - sent, unit="s", most=60),
    ]


def _create(env: Environment, name: str, operation: str, ids: list[str], **spec: Any) -> float:
    """Create it; the wall-clock time right before that."""
    body = {
        "apiVersion": API_VERSION,
        "kind": NODE_OPERATION_KIND,
        "metadata": {"name": name},
        "spec": {"clusterRef": {"name": CLUSTER}, "operation": operation, "nodes": {"instanceIds": ids}, **spec},
    }
    sent = time.time()
    _asked(env, "POST", PATH, body)
    return sent


def _complete(env: Environment, name: str) -> float:
    """Wait until it is Complete; the wall-clock time at which it was seen."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = _asked(env, "GET", f"{PATH}/{name}")
        if found.get("status", {}).get("completionTime"):
            if found["status"]["counts"]["succeeded"] != len(found["status"]["nodes"]):
                raise BenchmarkError(f"the operation {name} ended with {found['status']['counts']}")
            return time.time()
        time.sleep(LOOK)
    raise BenchmarkError(f"the operation {name} was not over within {PATIENCE:.0f} s: {found.get('status')}")


def _asked(env: Environment, verb: str, path: str, body: Any = None) -> dict[str, Any]:
    connection = env.connection()
    try:
        connection.request(verb, path, body=json.dumps(body), headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        made: dict[str, Any] = json.loads(answer.read())
    finally:
        connection.close()
    if "code" in made and made.get("kind") == "Status" and made.get("status") == "Failure":
        raise BenchmarkError(f"{verb} {path}: {made['code']} {made.get('message', '')}")
    return made


async def _join(env: Environment) -> list[str]:
    """A Node for every instance of the cluster; their ids."""
    (listed,) = json.loads(env.plane.kubectl("get", "hyperpodclusters", "-A", "-o", "json").stdout)["items"]
    arn, now = listed["status"]["clusterArn"], datetime.datetime.now(datetime.UTC)
    found = [instance for _, instance in instances(env.aws.environment(), arns=[arn])]
    async with Nodes(env.plane) as nodes:
        await nodes.create(
            node_manifest(number, instance_id=instance, cluster_id=cluster_id(arn), labels=labels(), now=now)
            for number, instance in enumerate(found)
        )
    return found[: SINGLE + MANY]


async def _boot(env: Environment, instance: str, boot_id: str) -> None:
    """What the kubelet writes after a reboot."""
    body = {"status": {"nodeInfo": {"bootID": boot_id}}}
    async with Nodes(env.plane) as nodes:
        await nodes.patch(f"hyperpod-{instance}", body, kind=STRATEGIC, part="/status")


async def _leave(env: Environment, ids: list[str]) -> None:
    """What the cloud controller manager does with Nodes whose instances ended."""
    async with Nodes(env.plane) as nodes:
        await nodes.delete_all(f"hyperpod-{instance}" for instance in ids)


def _pods() -> list[Figure]:
    """What is held of so many pods, each of another Node's job, and what is left when nothing needs them."""
    bodies = [_pod(number) for number in range(PODS)]
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    decoder, factory, index = msgspec.json.Decoder(PodObject), PodFactory(), PodIndex()
    for body in bodies:
        index.put(factory.pod(decoder.decode(body)))
    held = tracemalloc.get_traced_memory()[0] - before
    if len(index) != PODS:
        raise BenchmarkError(f"{len(index)} of {PODS} pods are held")
    del factory, index
    left = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    name = f"{PODS:,} pods"
    return [
        Figure(name=f"{name}: memory while they are needed", value=held / MEGABYTE, unit="MB", most=40),
        Figure(name=f"{name}: memory when they are needed no more", value=left / MEGABYTE, unit="MB", most=0.5),
    ]


def _pod(number: int) -> bytes:
    """A pod of a training Job, of about 6 KB."""
    job = number // PODS_OF_A_JOB
    environment = [{"name": f"VARIABLE_{index}", "value": f"value-{number}-{index}" * 2} for index in range(60)]
    body = {
        "metadata": {
            "name": f"train-{job}-{number}",
            "namespace": f"team-{job % 50}",
            "uid": f"0f0f0f0f-1111-2222-3333-{number:012d}",
            "resourceVersion": str(number),
            "labels": {
                "app": "train",
                "batch.kubernetes.io/job-name": f"train-{job}",
                "batch.kubernetes.io/job-completion-index": str(number % PODS_OF_A_JOB),
                "batch.kubernetes.io/controller-uid": f"1f0f0f0f-1111-2222-3333-{job:012d}",
            },
            "ownerReferences": [
                {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "name": f"train-{job}",
                    "uid": f"1f0f0f0f-1111-2222-3333-{job:012d}",
                    "controller": True,
                }
            ],
        },
        "spec": {"nodeName": f"hyperpod-i-{number % 500:017x}", "containers": [{"name": "main", "env": environment}]},
        "status": {"phase": "Running"},
    }
    return json.dumps(body).encode()
