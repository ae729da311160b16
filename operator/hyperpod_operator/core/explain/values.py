"""The names that commands are filled with, read from one object and its neighbours."""

import re

from hyperpod_operator.core.explain.world import Json, World, inside, items, text

CLUSTER = "HyperPodCluster"
OPERATION = "HyperPodNodeOperation"
VERBS = {"Reboot": "reboot", "Replace": "replace", "Delete": "delete-node", "HealthCheck": "check"}
"""The plugin's verb of each operation that needs no more than its nodes."""
ENDED_WELL = frozenset({"Succeeded", ""})
_TYPE = re.compile(r"\bml\.[a-z0-9-]+\.[a-z0-9]+\b")
_ROLE = re.compile(r"\barn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]*[\w+=,@/-]")
_OTHER = re.compile(r"Waits for HyperPodNodeOperation ([a-z0-9-]+)/([a-z0-9.-]+)")
_POD = re.compile(r"(?:[Ww]aits? for|[Pp]ods?) ([a-z0-9-]+)/([a-z0-9.-]*[a-z0-9])")
_WANTED = re.compile(r"\b(hyperpod-i-[0-9a-f]+)(?= has no free attachment slot| as unschedulable)")
"""The node that a claim is to be on, in the message that says why its volume is not attached there."""
ARN_PARTS = 6
"""arn:partition:service:region:account:resource."""


def values(world: World) -> dict[str, str]:
    """By placeholder; what the object does not give is absent."""
    subject, resource = world.subject, world.resource
    if subject.kind == CLUSTER:
        own = _of_cluster(world, resource)
    elif subject.kind == OPERATION:
        own = _of_operation(world, resource)
    else:
        own = _of_claim(resource)
    # As the plugin's verbs take it: a name alone is that of a HyperPodCluster.
    named = subject.name if subject.kind == CLUSTER else f"{subject.short}/{subject.name}"
    common = {
        **_waited_for(resource),
        "namespace": subject.namespace,
        "name": subject.name,
        "object": named,
        "paused": named,
        "short": subject.short,
        "operator_namespace": world.operator.namespace,
        # The identity of a leader begins with the name of its pod.
        "leader": world.operator.holder.partition("_")[0],
    }
    return {name: value for name, value in (common | own).items() if value}


def _of_cluster(world: World, resource: Json | None) -> dict[str, str]:
    arn = text(inside(resource, "status", "clusterArn"))
    short = next(iter(_short_groups(resource)), {})
    group = text(short.get("instanceGroupName"))
    specs = [*items(resource, "spec", "instanceGroups"), *items(resource, "spec", "restrictedInstanceGroups")]
    about = [one for one in specs if text(one.get("instanceGroupName")) == group] if group else specs
    said = _ready_message(resource)
    instance_type = _only(about, "instanceType")
    worst = next(iter(items(resource, "status", "nodeHealth", "worst")), {})
    gone = [one for one in items(resource, "status", "nodeHealth", "worst") if not one.get("instanceId")]
    security = inside(resource, "spec", "vpcConfig", "securityGroupIds")
    target, current = short.get("targetCount"), short.get("currentCount")
    missing = target - current if isinstance(target, int) and isinstance(current, int) else 0
    holder = next(iter(attached(world)), {})
    return {
        "cluster_object": world.subject.name,
        "cluster": text(inside(resource, "spec", "clusterName")) or world.subject.name,
        "cluster_id": arn.rpartition("/")[2],
        "arn": arn,
        "region": text(inside(resource, "status", "region")) or _region(resource, arn),
        "group": group or _only(about, "instanceGroupName"),
        "role": (_first(_ROLE, said) or _only(about, "executionRole")).rpartition("/")[2],
        "instance_type": instance_type,
        "quota_type": _first(_TYPE, said) or instance_type,
        "missing": str(missing) if missing > 0 else "",
        "security_group": text(security[0]) if isinstance(security, list) and security else "",
        "node": text(worst.get("name")),
        "instance": text(worst.get("instanceId")),
        "gone_node": text(gone[0].get("name")) if gone else "",
        "claim": text(inside(holder, "metadata", "name")),
    }


def _of_claim(resource: Json | None) -> dict[str, str]:
    users = inside(resource, "status", "inUseBy")
    there = text(inside(resource, "status", "attachment", "state")) not in ("", "detached")
    arn = text(inside(resource, "status", "attachment", "clusterArn"))
    ref = inside(resource, "spec", "clusterRef")
    return {
        "cluster_object": text(inside(ref, "name")),
        # As of an operation: the object that clusterRef names may have another name than its cluster in AWS.
        "cluster": arn or text(inside(ref, "clusterArn")) or text(inside(ref, "clusterName")),
        "cluster_id": arn.rpartition("/")[2],
        "region": text(inside(resource, "status", "region")) or _region(resource, arn),
        "volume": text(inside(resource, "status", "volumeId")) or text(inside(resource, "spec", "source", "volumeId")),
        "size": text(inside(resource, "status", "observed", "size")),
        "key": text(inside(resource, "status", "observed", "kmsKeyId")),
        # Status names the last node also of a volume that has left it.
        "node": text(inside(resource, "status", "attachment", "nodeName")) if there else "",
        "instance": text(inside(resource, "status", "attachment", "instanceId")) if there else "",
        "wanted_node": _first(_WANTED, _ready_message(resource)),
        "device": text(inside(resource, "status", "attachment", "devicePath")),
        "pv": text(inside(resource, "status", "persistentVolumeName")),
        "pvc": text(inside(resource, "status", "persistentVolumeClaimName")),
        # A user is namespace/pod or a pod of the claim's namespace.
        "pod": text(users[0]).rpartition("/")[2] if isinstance(users, list) and users else "",
    }


def _of_operation(world: World, resource: Json | None) -> dict[str, str]:
    """The node is the first that has not succeeded; the claim is one that keeps a volume on a node of the operation."""
    arn = text(inside(resource, "status", "clusterArn"))
    nodes = items(resource, "status", "nodes")
    worst = next((one for one in nodes if text(one.get("state")) not in ENDED_WELL), {})
    holder = next(iter(attached(world)), {})
    source = text(inside(resource, "spec", "clusterRef", "name"))
    return {
        "cluster_object": source,
        # An operation has no pause of its own, only that of its cluster; of two, the message says which.
        "paused": source if text(inside(resource, "spec", "move", "clusterRef", "name")) in {"", source} else "",
        # The calls that name a cluster take its ARN, too (API reference, DescribeCluster).
        "cluster": arn,
        "cluster_id": arn.rpartition("/")[2],
        "arn": arn,
        "region": _region(resource, arn),
        "node": text(worst.get("name")) or text(worst.get("instanceId")) or text(worst.get("id")),
        "instance": text(worst.get("instanceId")),
        "verb": VERBS.get(text(inside(resource, "spec", "operation")), ""),
        "claim": text(inside(holder, "metadata", "name")),
    }


def _waited_for(resource: Json | None) -> dict[str, str]:
    """The pod that a drain waits for, and the operation that has the node."""
    nodes = items(resource, "status", "nodes")
    listed = [one for node in nodes for one in node.get("waitingFor") or () if isinstance(one, str) and "/" in one]
    said = " ".join([_ready_message(resource), *(text(node.get("message")) for node in nodes)])
    named = _POD.search(said)
    pod = listed[0] if listed else "/".join(named.groups()) if named else ""
    namespace, _, name = pod.partition("/")
    other = _OTHER.search(said)
    return {
        "waiting_pod": pod,
        "waiting_namespace": namespace,
        "waiting_name": name,
        "other_namespace": other[1] if other else "",
        "other": other[2] if other else "",
    }


def _ready_message(resource: Json | None) -> str:
    listed = items(resource, "status", "conditions")
    return next((text(one.get("message")) for one in listed if text(one.get("type")) == "Ready"), "")


def _first(pattern: re.Pattern[str], said: str) -> str:
    found = pattern.search(said)
    return found[0] if found else ""


def _only(groups: list[Json], member: str) -> str:
    """What all groups have; empty where they differ: a command about the wrong one is worse than none."""
    found = {text(one.get(member)) for one in groups}
    return found.pop() if len(found) == 1 else ""


def _region(resource: Json | None, arn: str) -> str:
    """The spec's, else that of the cluster's ARN, else that of the EKS cluster's."""
    eks = text(inside(resource, "spec", "orchestrator", "eks", "clusterArn"))
    parts = (arn or eks).split(":")
    return text(inside(resource, "spec", "region")) or (parts[3] if len(parts) >= ARN_PARTS else "")


def _short_groups(resource: Json | None) -> list[Json]:
    """The groups that are not at their target, those with a message first."""
    groups = [one for one in items(resource, "status", "instanceGroups") if one.get("message") or lacks(one)]
    return sorted(groups, key=lambda one: not one.get("message"))


def lacks(group: Json) -> bool:
    """Whether a group of a status has fewer nodes than its target."""
    target, current = group.get("targetCount"), group.get("currentCount")
    return isinstance(target, int) and isinstance(current, int) and current < target


def attached(world: World) -> list[Json]:
    """Claims that keep a volume on a node of the cluster, or on a node that an operation is about."""
    about = {text(one.get("instanceId")) for one in items(world.resource, "status", "nodes")} - {""}
    arn = text(inside(world.resource, "status", "clusterArn"))
    return [
        one
        for one in world.claims
        if arn
        and text(inside(one, "status", "attachment", "clusterArn")) == arn
        and text(inside(one, "status", "attachment", "state")) not in ("", "detached")
        and (world.subject.kind != OPERATION or text(inside(one, "status", "attachment", "instanceId")) in about)
    ]
