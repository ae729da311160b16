"""Why a pod does not run: the first of these questions that has an answer decides.

May you read it; has it ended; does a node operation or a scale-in wait for it; does its node keep it from running; do
its containers; and for a pod without a node: its gates, its volumes, and the HyperPod nodes that it may run on.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hyperpod_operator.api.names import LABEL_INSTANCE_TYPE
from hyperpod_operator.api.reasons import Actor
from hyperpod_operator.core.explain.around import (
    Around,
    Because,
    condition,
    in_order,
    key,
    of_claim,
    of_cluster,
    of_operation,
    said,
)
from hyperpod_operator.core.explain.chain import cause
from hyperpod_operator.core.explain.commands import (
    DESCRIBE_POD,
    MAY_GET_PODS,
    NODE_LABELS,
    POD_LOGS,
    POD_VOLUMES,
    PODS,
    WORKLOADS,
    filled,
)
from hyperpod_operator.core.explain.explanation import Explanation, Level, Link, Step
from hyperpod_operator.core.explain.node import ACTIVE, TAINTED, TAKES_PODS, because_of_node
from hyperpod_operator.core.explain.node_facts import GROUP_LABELS, NodeFacts, node_facts
from hyperpod_operator.core.explain.selects import (
    INSTANCE_TYPE,
    PREFIX,
    chooses,
    selects,
    tolerates,
    types_without_prefix,
    wanted_labels,
)
from hyperpod_operator.core.explain.values import lacks
from hyperpod_operator.core.explain.world import Found, Json, Subject, inside, items, text
from hyperpod_operator.core.text import counted, listed

NOT_FOUND, FORBIDDEN = "NotFound", "Forbidden"
ENDED, RUNS, DELETED = "PodEnded", "PodRuns", "PodDeleted"
NODE_GONE, CONTAINERS, GATED = "NodeGone", "ContainersNotReady", "SchedulingGated"
NOT_LOOKED_AT, NO_NODE_FITS, NO_ROOM = "NotScheduledYet", "NoNodeFits", "NoRoom"
VOLUME_MISSING, VOLUME_KEEPS_OFF = "VolumeMissing", "VolumeKeepsOff"
TYPE_LABELS = (INSTANCE_TYPE, LABEL_INSTANCE_TYPE)
_NO_CLAIM = re.compile(r'persistentvolumeclaim "([a-z0-9.-]{1,253})" (?:not found|is being deleted)', re.IGNORECASE)
_UNBOUND = re.compile(r"unbound immediate PersistentVolumeClaims", re.IGNORECASE)
_VOLUME = re.compile(r"volume", re.IGNORECASE)
"""How the scheduler says that a volume is not there, or keeps a pod off nodes (kube-scheduler, plugins VolumeBinding,
VolumeZone and NodeVolumeLimits)."""
NODES_MOST = 3
"""Nodes that the chain of a pod without a node shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """`node` is the Node that it is bound to; `nodes` are HyperPod's, where it is bound to none."""

    subject: Subject
    found: Found
    pod: Json | None = None
    node: Json | None = None
    nodes: Sequence[Json] = ()
    around: Around

    def made(self, *templates: str) -> tuple[str, ...]:
        """The commands whose names are known."""
        known = {"name": self.subject.name, "namespace": self.subject.namespace}
        return tuple(made for one in templates if (made := filled(one, known)))

    @property
    def bound_to(self) -> str:
        return text(inside(self.pod, "spec", "nodeName"))

    @property
    def path(self) -> str:
        return self.subject.path


def explain_pod(pod: Pod) -> Explanation:
    """Deterministic: equal objects give an equal answer."""
    if pod.found is not Found.FOUND:
        return said(pod.subject, ready="Unknown", because=_not_read(pod), around=pod.around)
    found = next(answer for question in _QUESTIONS if (answer := question(pod)) is not None)
    ready = text(condition(pod.pod, "Ready").get("status")) or "False"
    return said(pod.subject, ready=ready, because=replace(found, chain=(*_links(pod), *found.chain)), around=pod.around)


def _links(pod: Pod) -> list[Link]:
    """What Kubernetes says of the pod itself."""
    phase = text(inside(pod.pod, "status", "phase")) or "Unknown"
    where = f"on {pod.bound_to}" if pod.bound_to else "on no node"
    words = text(inside(pod.pod, "status", "message"))
    made = [cause(Level.POD, f"{phase}, {where}", words, reason=inside(pod.pod, "status", "reason"))]
    for kind, bad in (("DisruptionTarget", "True"), ("PodScheduled", "False")):
        one = condition(pod.pod, kind)
        if text(one.get("status")) == bad:
            since = one.get("lastTransitionTime")
            made.append(
                cause(Level.CONDITION, f"{kind}={bad}", one.get("message"), reason=one.get("reason"), since=since)
            )
    return made


def _not_read(pod: Pod) -> Because:
    subject = pod.subject
    if pod.found is Found.FORBIDDEN:
        what = f"You may not read {subject}. Ask an administrator for the verb get on pods."
        return Because(reason=FORBIDDEN, step=_you(what, *pod.made(MAY_GET_PODS)))
    what = (
        f"The API server has no {subject}: it was deleted, or the name, namespace or context is another one. A pod "
        "that was evicted comes back under another name; Events that are left are listed below."
    )
    return Because(reason=NOT_FOUND, step=_you(what, *pod.made(PODS)))


def _ended(pod: Pod) -> Because | None:
    phase = text(inside(pod.pod, "status", "phase"))
    if phase == "Succeeded":
        return Because(reason=ENDED, step=Step(actor=Actor.NOBODY, what="The pod has completed."))
    if phase != "Failed":
        return None
    what = "The pod has failed and does not start again; its controller, if it has one, makes another one."
    return Because(reason=ENDED, step=_you(what, *pod.made(DESCRIBE_POD, POD_LOGS)))


def _waited_for(pod: Pod) -> Because | None:
    """An operation whose drain waits for the pod."""
    for operation in in_order(pod.around.operations):
        for entry in items(operation, "status", "nodes"):
            waits = inside(entry, "waitingFor")
            if text(entry.get("state")) in ACTIVE and isinstance(waits, list) and pod.path in waits:
                return of_operation(operation, pod.around)
    return None


def _deleted(pod: Pod) -> Because | None:
    at = text(inside(pod.pod, "metadata", "deletionTimestamp"))
    if not at:
        return None
    what = f"The pod is being deleted; its grace period ends at {at}."
    before = _node(pod)
    chain = before.chain if before is not None else ()
    return Because(
        reason=DELETED, step=Step(actor=Actor.NOBODY, what=what, commands=pod.made(DESCRIBE_POD)), chain=chain
    )


def _node(pod: Pod) -> Because | None:
    """The node that it is bound to, where that keeps pods from running; a taint stops none that is there."""
    if not pod.bound_to:
        return None
    if pod.node is None:
        what = (
            f"The API server has no Node {pod.bound_to}, or you may not read it. Kubernetes deletes pods of a Node "
            "that is gone."
        )
        return Because(reason=NODE_GONE, step=Step(actor=Actor.NOBODY, what=what, commands=pod.made(DESCRIBE_POD)))
    return because_of_node(node_facts(pod.node), pod.around)


def _runs(pod: Pod) -> Because | None:
    if text(condition(pod.pod, "Ready").get("status")) != "True":
        return None
    node = _node(pod)
    return Because(
        reason=RUNS,
        step=Step(actor=Actor.NOBODY, what="The pod runs and is ready."),
        chain=node.chain if node is not None else (),
    )


def _bound(pod: Pod) -> Because | None:
    """A volume that is not there, then the node, then the containers."""
    node = _node(pod)
    if node is None:
        return None
    claim = _claim(pod)
    if claim is not None:
        return replace(claim, chain=(*claim.chain, *node.chain[:1]))
    if node.reason not in (TAKES_PODS, TAINTED):
        return node
    links = [*_containers(pod)]
    what = "The node takes pods, and the pod's containers are not ready. Read why they wait."
    commands = pod.made(DESCRIBE_POD, POD_LOGS)
    return Because(reason=CONTAINERS, step=_you(what, *commands), chain=(*links, *node.chain))


def _containers(pod: Pod) -> list[Link]:
    made = []
    for member in ("initContainerStatuses", "containerStatuses"):
        for one in items(pod.pod, "status", member):
            waits = inside(one, "state", "waiting") or inside(one, "state", "terminated")
            if waits:
                about = f"container {text(one.get('name'))}"
                made.append(cause(Level.POD, about, inside(waits, "message"), reason=inside(waits, "reason")))
    return made[:NODES_MOST]


def _gated(pod: Pod) -> Because | None:
    gates = [text(one.get("name")) for one in items(pod.pod, "spec", "schedulingGates")]
    if not gates:
        return None
    what = (
        f"The scheduler does not look at the pod before its scheduling gates are removed: {listed(gates, most=3)}. "
        "Whoever set a gate removes it; Kueue does when its queue has quota."
    )
    kueue = (WORKLOADS,) if any("kueue" in one for one in gates) else ()
    return Because(reason=GATED, step=Step(actor=Actor.NOBODY, what=what, commands=pod.made(*kueue, DESCRIBE_POD)))


def _claim(pod: Pod) -> Because | None:
    """The first EBSVolumeClaim of the pod's volumes that keeps it from running."""
    used = {text(inside(one, "persistentVolumeClaim", "claimName")) for one in items(pod.pod, "spec", "volumes")} - {""}
    mine = [
        one
        for one in pod.around.claims
        if key(one)[0] == pod.subject.namespace
        and _published(one) & used
        and text(condition(one, "Ready").get("status")) != "True"
        and not _is_there(one)
    ]
    return of_claim(min(mine, key=key), pod.around) if mine else None


def _published(claim: Json) -> set[str]:
    """The PersistentVolumeClaims of a claim, also before they are there: a pod may be waiting for them."""
    asked = inside(claim, "spec", "publish", "persistentVolumeClaim", "name")
    return {text(asked), text(inside(claim, "status", "persistentVolumeClaimName"))}


def _is_there(claim: Json) -> bool:
    """Whether pods can use the volume all the same: what a claim that is not ready waits for may be another size."""
    published, attached = (text(condition(claim, one).get("status")) for one in ("Published", "Attached"))
    return published == "True" and attached in ("True", "")  # in mode CSI the driver attaches it


def _volume(pod: Pod) -> Because | None:
    """A volume without which the scheduler looks at no node."""
    words = text(condition(pod.pod, "PodScheduled").get("message"))
    if missing := _NO_CLAIM.search(words):
        what = (
            f"The pod names the PersistentVolumeClaim {missing[1]}, which does not exist or is being deleted. Create "
            "it, or the EBSVolumeClaim that makes it, or correct the pod's volumes."
        )
    elif _UNBOUND.search(words):
        what = (
            "A PersistentVolumeClaim of the pod has no volume yet. Find out what was to bring one: an EBSVolumeClaim, "
            "or the provisioner of its StorageClass."
        )
    else:
        return None
    return Because(reason=VOLUME_MISSING, step=_you(what, *pod.made(POD_VOLUMES, DESCRIBE_POD)))


def _pending(pod: Pod) -> Because:
    """The nodes that the pod may run on, why each takes it not, and the cluster that could have more of them."""
    scheduled = condition(pod.pod, "PodScheduled")
    if not scheduled:
        what = "The scheduler has not looked at the pod yet."
        return Because(reason=NOT_LOOKED_AT, step=Step(actor=Actor.NOBODY, what=what, commands=pod.made(DESCRIBE_POD)))
    facts = sorted((node_facts(one) for one in pod.nodes), key=lambda one: one.name)
    fit = [one for one in facts if one.cluster_id and selects(pod.pod or {}, one)]
    open_for = [one for one in fit if _takes(pod, one)]
    if fit and not open_for:
        return _none_takes(pod, fit)
    short = _short_cluster(pod, {one.group for one in fit})
    if short is not None:
        return short
    if not fit:
        return _none_fits(pod)
    groups = Counter(one.group or "(none)" for one in open_for)
    where = listed(
        [f"{counted(many, 'node')} of group {name}" for name, many in sorted(groups.items())], most=NODES_MOST
    )
    if _VOLUME.search(text(scheduled.get("message"))):
        what = (
            f"{where} may take the pod by labels and taints, and the scheduler names volumes among what keeps it off: "
            "read its words below. A volume of one node or zone lets pods run there alone."
        )
        return Because(reason=VOLUME_KEEPS_OFF, step=_you(what, *pod.made(POD_VOLUMES, DESCRIBE_POD)))
    what = (
        f"{where} may take the pod by labels and taints, and the scheduler finds no room there: read its words below. "
        "Free resources, ask for less, or raise `instanceCount` of the group."
    )
    return Because(reason=NO_ROOM, step=_you(what, *pod.made(DESCRIBE_POD)))


def _takes(pod: Pod, node: NodeFacts) -> bool:
    return node.ready == "True" and all(tolerates(pod.pod or {}, one) for one in node.taints)


def _none_takes(pod: Pod, fit: Sequence[NodeFacts]) -> Because:
    """Every node that fits keeps pods off. The first one that needs you decides, else the first one."""
    answers = [because_of_node(one, pod.around) for one in fit[:NODES_MOST]]
    chosen = next((one for one in answers if one.step.actor is Actor.YOU), answers[0])
    if chosen.reason == TAINTED:
        what = f"{chosen.step.what} No other HyperPod node fits the pod. Add a toleration to the pod, or choose others."
        chosen = replace(chosen, step=_you(what, *pod.made(DESCRIBE_POD)))
    others = [one.chain[0] for one in answers if one is not chosen]
    return replace(chosen, chain=(*chosen.chain, *others), left_out=chosen.left_out + max(0, len(fit) - NODES_MOST))


def _short_cluster(pod: Pod, groups: set[str]) -> Because | None:
    """The cluster with a group that lacks nodes on which the pod might run: one that has such nodes, is named by the
    pod's labels, or is of the type that they name."""
    labels = wanted_labels(pod.pod or {})
    asked = groups | {value for name, value in labels.items() if name in GROUP_LABELS}
    types = {value.removeprefix(PREFIX) for name, value in labels.items() if name in TYPE_LABELS}
    anything = not chooses(pod.pod or {})
    for cluster in in_order(pod.around.clusters):
        for group in items(cluster, "status", "instanceGroups"):
            name = text(group.get("instanceGroupName"))
            brings = text(group.get("instanceType")).removeprefix(PREFIX) in types
            if lacks(group) and (anything or name in asked or (brings and not asked)):
                return of_cluster(cluster, pod.around)
    return None


def _none_fits(pod: Pod) -> Because:
    labels = [f"{name}={value}" for name, value in sorted(wanted_labels(pod.pod or {}).items())]
    if types := types_without_prefix(pod.pod or {}):
        what = (
            f"No HyperPod Node has the label {INSTANCE_TYPE}={types[0]}: on HyperPod's Nodes the types begin with "
            f"{PREFIX}, so ask for {PREFIX}{types[0]}; or use the label {LABEL_INSTANCE_TYPE}={types[0]}, which the "
            "operator sets. No group that lacks nodes is known to bring others."
        )
    elif not chooses(pod.pod or {}):
        what = "You can read no HyperPod Nodes in this Kubernetes cluster. Read the scheduler's words below."
    elif labels:
        what = (
            f"No HyperPod Node has the labels that the pod asks for ({listed(labels, most=5, separator=', ')}), and no "
            "group that lacks nodes is known to bring them. Correct `nodeSelector`, or add a group with these labels."
        )
    else:
        what = "No HyperPod Node fits the pod's node affinity. Correct it, or add a group whose nodes fit."
    return Because(reason=NO_NODE_FITS, step=_you(what, *pod.made(DESCRIBE_POD, NODE_LABELS)))


_QUESTIONS: tuple[Callable[[Pod], Because | None], ...] = (
    _ended,
    _waited_for,
    _deleted,
    _runs,
    _bound,
    _gated,
    _claim,
    _volume,
    _pending,
)


def _you(what: str, *commands: str) -> Step:
    return Step(actor=Actor.YOU, what=what, commands=commands)
