"""EBSVolumeClaims: from a node to its volume, hundreds at once, and what a thousand cost when nobody wants anything.

EC2's own times are set to nothing but where they are what is waited for, so that the time that is left is the
operator's. Claims wait for a node ten at a time, because each Node that joins wakes all that wait for one of its
cluster.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from benchmarks.claims.terms import Terms
from benchmarks.claims.volume_scene import ATTACH, CLAIMS_PATH, PATIENCE, Cluster, Scene, claim
from benchmarks.environment import LIFTED
from benchmarks.environment.operator import Operator
from benchmarks.figure import Figure, percentile
from hyperpod_operator.api.names import LABEL_VOLUME_PREFIX

JOINS, BATCH = 50, 10
BURST, CLAIMS, NODES = 500, 1000, 60
REPLACED = 5
STEADY_MINUTES = 1.0
DENSE = ("--resync-seconds=60",)
"""A settled claim is looked at every ten minutes by default; here as often as 10,000 claims would be."""
CALM = 35.0
"""Seconds without a write after which the creation is over: an Event that happened again is counted anew after 30."""
AWS_ATTACHES = 5.0
"""Seconds that AWS takes from AttachClusterNodeVolume to `attached`, where they matter."""
EC2_READS = frozenset({"DescribeVolumes", "DescribeVolumesModifications", "DescribeSnapshots", "DescribeInstanceTypes"})


def measure(terms: Terms) -> list[Figure]:
    with terms.environment() as env:
        scene = Scene(env)
        return [*_joins_and_replacements(scene), *_many(scene, terms)]


def _joins_and_replacements(scene: Scene) -> list[Figure]:
    cluster = scene.cluster("joins", {f"group-{number:03d}": 1 for number in range(JOINS)})
    by_group = {group: instance for instance, group in cluster.instances().items()}
    zone = cluster.zone
    waited: list[float] = []
    with scene.env.operator(*LIFTED) as operator:
        operator.wait_ready()
        groups = sorted(by_group)
        for start in range(0, JOINS, BATCH):
            part = groups[start : start + BATCH]
            since = scene.env.aws.position()
            scene.claims([claim(f"join-{group}", cluster.name, group, zone=zone) for group in part])
            scene.until(partial(_waiting, scene, part), what="claims that wait for their node")
            joined: dict[str, float] = {}
            for group in part:
                joined[by_group[group]] = cluster.join([by_group[group]])
                time.sleep(0.2)
            calls = scene.env.aws.wait(ATTACH, count=len(part), since=since, seconds=PATIENCE)
            waited += [call.wall_time - joined[call.parameters["NodeId"]] for call in calls]
        scene.until(lambda: scene.ready() == JOINS, what="claims that are ready")
        return [
            Figure(name="node joins, AttachClusterNodeVolume, median", value=percentile(waited, 50) * 1000, unit="ms"),
            Figure(
                name="node joins, AttachClusterNodeVolume, p99",
                value=percentile(waited, 99) * 1000,
                unit="ms",
                most=500,
            ),
            *_replacements(scene, cluster, groups[:REPLACED], by_group),
        ]


def _replacements(
    scene: Scene, cluster: Cluster, groups: Sequence[str], by_group: Mapping[str, str]
) -> Sequence[Figure]:
    """The replacements run before their Nodes join, and EC2 has let go of the volumes long before that."""
    scene.set_timings(volume_attach=AWS_ATTACHES)
    old, since = {group: by_group[group] for group in groups}, scene.env.aws.position()
    for instance in old.values():
        scene.sagemaker.batch_replace_cluster_nodes(ClusterName=cluster.name, NodeIds=[instance])
    for group, instance in old.items():
        scene.until(partial(_other, cluster, group, instance), what="a replacement")
        scene.env.plane.kubectl("delete", "node", f"hyperpod-{instance}")
    new = {group: _other(cluster, group, instance) for group, instance in old.items()}
    for group in groups:
        scene.until(partial(_waits_for, scene, group, "WaitingForReplacement"), what="a claim that waits")
    joined = {instance: cluster.join([instance]) for instance in new.values()}
    calls = scene.env.aws.wait(ATTACH, count=len(groups), since=since, seconds=PATIENCE)
    asked = {str(call.parameters["NodeId"]): call.wall_time for call in calls}
    waited = [asked[instance] - joined[instance] for instance in asked]
    seen = _labels_seen(scene, asked)
    labelled = [seen[instance] - asked[instance] - AWS_ATTACHES for instance in asked]
    scene.set_timings(volume_attach=0.0)
    return (
        Figure(
            name="replacement runs, volume attached, beyond AWS's own time, the worst",
            value=max(waited),
            unit="s",
            most=2,
        ),
        Figure(name="replacement, from attached in AWS to its Node labelled, the worst", value=max(labelled), unit="s"),
    )


def _many(scene: Scene, terms: Terms) -> list[Figure]:
    cluster = scene.cluster("many", {"workers": NODES})
    cluster.join(cluster.instances())
    with scene.env.operator(*LIFTED, *DENSE) as operator:
        operator.wait_ready()
        audited = scene.env.audit.position()
        took, spent = _burst(scene, operator, cluster, range(BURST))
        _burst(scene, operator, cluster, range(BURST, CLAIMS))
        scene.until(lambda: scene.ready() == CLAIMS + JOINS, what="claims that are ready")
        # Events come in the background, after the work.
        written = scene.env.audit.last_writes(since=audited, calm=CALM)
        events = sum(write.resource == "events" for write in written)
        return [
            Figure(name="a claim, created to ready: API server writes", value=len(written) / CLAIMS, unit="writes"),
            Figure(name="of these, Events", value=events / CLAIMS, unit="writes"),
            Figure(name="500 claims at once: operator, per claim attached", value=spent / BURST, unit="CPU-s"),
            Figure(name="500 claims at once: all attached", value=took, unit="s", most=12),
            *_steady(scene, operator, terms),
        ]


def _burst(scene: Scene, operator: Operator, cluster: Cluster, numbers: range) -> tuple[float, float]:
    """Seconds until the last was attached, and the operator's CPU-seconds for it."""
    since, before = scene.env.aws.position(), operator.cpu()
    first = scene.claims([claim(f"many-{number:04d}", cluster.name, "workers") for number in numbers])
    scene.env.aws.wait(ATTACH, count=len(numbers), since=since, seconds=PATIENCE)
    scene.until(lambda: len(scene.attached(since=since)) >= len(numbers), what="attachments")
    last = max(call.wall_time for call in scene.attached(since=since))
    return last - first, operator.cpu() - before


def _steady(scene: Scene, operator: Operator, terms: Terms) -> list[Figure]:
    minutes = STEADY_MINUTES
    env = scene.env
    audited, since, before, started = env.audit.position(), env.aws.position(), operator.cpu(), time.monotonic()
    time.sleep(minutes * 60)
    took, spent = (time.monotonic() - started) / 60, operator.cpu() - before
    writes = env.audit.writes(since=audited)
    calls = env.aws.calls(since=since)
    reads = [call for call in calls if call.operation in EC2_READS]
    changes = [call for call in calls if call.mutating]
    span = terms.said(f"in {minutes:g} min")
    return [
        Figure(
            name="1,000 settled claims: API server writes, Lease aside",
            value=len(writes),
            unit=f"writes {span}",
            most=0,
        ),
        Figure(name="1,000 settled claims: AWS mutations", value=len(changes), unit=f"calls {span}", most=0),
        Figure(name="1,000 settled claims: EC2 reads a minute", value=len(reads) / took, unit="calls a minute", most=4),
        Figure(
            name="1,000 settled claims: SageMaker reads a minute",
            value=(len(calls) - len(reads)) / took,
            unit="calls a minute",
        ),
        Figure(name="operator, per minute with as many looks as 10,000 claims", value=spent / took, unit="CPU-s"),
    ]


def _waiting(scene: Scene, groups: Sequence[str]) -> bool:
    return all(_waits_for(scene, group, "NodeNotRunning") for group in groups)


def _waits_for(scene: Scene, group: str, reason: str) -> bool:
    conditions = scene.get(f"{CLAIMS_PATH}/join-{group}").get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["reason"] == reason for one in conditions)


def _other(cluster: Cluster, group: str, old: str) -> str:
    """The instance of a group that runs and is not the old one; empty while there is none."""
    found = [instance for instance, own in cluster.instances().items() if own == group and instance != old]
    return found[0] if found else ""


def _labels_seen(scene: Scene, instances: Collection[str]) -> dict[str, float]:
    """When the label of its volume was first seen on each Node."""
    seen = dict[str, float]()

    def all_seen() -> bool:
        left = [instance for instance in instances if instance not in seen]
        seen.update({instance: time.time() for instance in left if _holds(scene, instance)})
        return len(seen) == len(instances)

    scene.until(all_seen, what="labels")
    return seen


def _holds(scene: Scene, instance: str) -> bool:
    labels = scene.get(f"/api/v1/nodes/hyperpod-{instance}")["metadata"]["labels"]
    return any(label.startswith(LABEL_VOLUME_PREFIX) for label in labels)
