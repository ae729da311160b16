"""Why a Node takes no pods: the first of these questions that has an answer decides.

May you read it, did HyperPod bring it; does the operator drain it or operate on it; what does HyperPod say of its
health; is it cordoned; what does its kubelet say; what else keeps pods off.
"""

from collections.abc import Callable

from hyperpod_operator.api.reasons import Actor
from hyperpod_operator.core.explain.around import (
    Around,
    Because,
    condition,
    explaining,
    handed_on,
    in_order,
    key,
    of_cluster,
    of_operation,
    said,
)
from hyperpod_operator.core.explain.chain import EACH, cause
from hyperpod_operator.core.explain.commands import (
    ALL_CLUSTERS,
    DESCRIBE_NODE,
    HYPERPOD_NODES,
    MAY_GET_NODES,
    REBOOT_NODE,
    REPLACE_NODE,
    SSM,
    UNCORDON,
    WATCH_NODE,
    filled,
)
from hyperpod_operator.core.explain.explanation import Explanation, Level, Link, Step
from hyperpod_operator.core.explain.node_facts import NodeFacts, node_facts
from hyperpod_operator.core.explain.values import lacks
from hyperpod_operator.core.explain.world import Found, Json, Subject, inside, items, text
from hyperpod_operator.core.text import listed

NOT_FOUND, FORBIDDEN = "NotFound", "Forbidden"
NOT_OF_HYPERPOD = "NotOfHyperPod"
NO_CLUSTER = "NoClusterObject"
CHECKING = "DeepHealthChecks"
CORDONED = "Cordoned"
NOT_READY = "NodeNotReady"
TAINTED = "Tainted"
TAKES_PODS = "NodeTakesPods"
DRAINED = "NodeDraining"
ACTIVE = frozenset({"Draining", "Sent", "Waiting"})
"""States of a node in a HyperPodNodeOperation that is under way."""
UNSCHEDULABLE = "Unschedulable"
"""How every value of HyperPod's label begins that keeps pods off."""
REPAIRS = {"PendingReplacement": "replaces the instance, which takes 20 to 30 minutes", "PendingReboot": "reboots it"}
TAINTS_MOST = 5


def explain_node(subject: Subject, *, found: Found, node: Json | None, around: Around) -> Explanation:
    """Deterministic: equal objects give an equal answer."""
    if found is not Found.FOUND or node is None:
        return said(subject, ready="Unknown", because=_not_read(subject, found, around), around=around)
    facts = node_facts(node)
    return said(subject, ready=facts.ready, because=because_of_node(facts, around), around=around)


def because_of_node(facts: NodeFacts, around: Around) -> Because:
    """The answer of a Node, which is also that of a pod on it."""
    cluster = around.cluster(facts.cluster_id)
    for question in _QUESTIONS:
        found = question(facts, around, cluster)
        if found is not None:
            return Because(
                reason=found.reason,
                step=found.step,
                chain=(_link(facts), *(found.chain or _of_cluster(facts, cluster)), *_volumes(facts, around)),
                left_out=found.left_out,
            )
    step = Step(actor=Actor.NOBODY, what="The Node takes pods.")
    chain = (_link(facts), *_of_cluster(facts, cluster), *_volumes(facts, around))
    return Because(reason=TAKES_PODS, step=step, chain=chain)


def _link(facts: NodeFacts) -> Link:
    parts = [f"HyperPod says: {facts.faults}."] if facts.faults else []
    if facts.ready != "True":
        parts.append(f"The kubelet: {facts.ready_says or 'no word'}".rstrip(".") + ".")
    if facts.taints:
        parts.append(f"Pods are kept off by {listed(facts.taints, most=TAINTS_MOST, separator=', ', rest=' ')}.")
    about = f"{facts.name} ({facts.group})" if facts.group else facts.name
    reason = facts.health if facts.health.startswith(UNSCHEDULABLE) else f"Ready={facts.ready}"
    since = "" if facts.ready == "True" else facts.ready_since
    return cause(Level.NODE, about, " ".join(parts), reason=reason, since=since)


def _of_cluster(facts: NodeFacts, cluster: Json | None) -> tuple[Link, ...]:
    """The group where it lacks nodes, and how the cluster is."""
    if cluster is None:
        return ()
    made = []
    for group in items(cluster, "status", "instanceGroups"):
        if text(group.get("instanceGroupName")) == facts.group and (lacks(group) or group.get("message")):
            counts = f"{text(group.get('currentCount')) or '?'}/{text(group.get('targetCount')) or '?'} nodes"
            made.append(cause(Level.GROUP, f"{facts.group} {counts}", group.get("message"), reason=group.get("status")))
    ready = condition(cluster, "Ready")
    about = f"{'/'.join(key(cluster))} Ready={text(ready.get('status')) or 'Unknown'}"
    return (*made, cause(Level.CLUSTER, about, ready.get("message"), reason=ready.get("reason")))


def _volumes(facts: NodeFacts, around: Around) -> tuple[Link, ...]:
    """Claims with a volume on the node, which go with it or keep it from ending."""
    made = []
    for claim in in_order(around.claims):
        attachment = inside(claim, "status", "attachment")
        if facts.instance_id and text(inside(attachment, "instanceId")) == facts.instance_id:
            ready = condition(claim, "Ready")
            about = f"{'/'.join(key(claim))} Ready={text(ready.get('status')) or 'Unknown'}"
            says = f"Volume {text(inside(claim, 'status', 'volumeId'))} is {text(inside(attachment, 'state'))} here."
            made.append(cause(Level.CLAIM, about, says, reason=ready.get("reason")))
    return tuple(made[:EACH])


def _not_read(subject: Subject, found: Found, around: Around) -> Because:
    if found is Found.FORBIDDEN:
        what = f"You may not read {subject}. Ask an administrator for the verb get on nodes."
        return Because(reason=FORBIDDEN, step=_you(what, MAY_GET_NODES))
    for operation in in_order(around.operations):
        for entry in items(operation, "status", "nodes"):
            instance = text(entry.get("instanceId"))
            if subject.name not in (text(entry.get("name")), instance, text(entry.get("nodeLogicalId"))):
                continue
            found_by = of_operation(operation, around)
            if text(entry.get("replacedBy")):
                what = f"{subject} is gone: another instance, {text(entry['replacedBy'])}, has its place."
                step = Step(actor=Actor.NOBODY, what=what, commands=found_by.step.commands[-1:])
                return Because(reason=NOT_FOUND, step=step, chain=found_by.chain)
            return found_by
    for cluster in in_order(around.clusters):
        problems = items(cluster, "status", "nodeProblems")
        if any(subject.name.endswith(text(one.get("instanceId")) or "?") for one in problems):
            return of_cluster(cluster, around)
    what = (
        f"The API server has no {subject}. An instance that never joined Kubernetes has no Node: see "
        "`status.nodeProblems` of the cluster. Check the name and the context."
    )
    return Because(reason=NOT_FOUND, step=_you(what, HYPERPOD_NODES))


def _foreign(facts: NodeFacts, around: Around, cluster: Json | None) -> Because | None:
    del around, cluster
    if facts.cluster_id:
        return None
    what = f"HyperPod did not bring the Node {facts.name}, and the operator does not look at it. Read what it says."
    return Because(reason=NOT_OF_HYPERPOD, step=_you(what, *_made(facts, DESCRIBE_NODE)))


def _held(facts: NodeFacts, around: Around, cluster: Json | None) -> Because | None:
    """The object for which the operator drains the Node, else an operation that has the Node in hand."""
    del cluster
    kind, namespace, name = facts.holder
    if name:
        holder = around.named(kind, namespace, name)
        if holder is not None:
            return handed_on(kind, holder, around)
        more = explaining(kind, namespace, name)
        what = f"The operator drains the Node for {kind} {namespace}/{name}, which you may not read, or which is gone."
        return Because(reason=DRAINED, step=Step(actor=Actor.NOBODY, what=what, commands=more))
    for operation in in_order(around.operations):
        for entry in items(operation, "status", "nodes"):
            if text(entry.get("name")) == facts.name and text(entry.get("state")) in ACTIVE:
                return of_operation(operation, around)
    return None


def _checked(facts: NodeFacts, around: Around, cluster: Json | None) -> Because | None:
    del around, cluster
    if not facts.checked:
        return None
    what = "Nothing: deep health checks run on the node, which takes no pods meanwhile. They take 1 to 2 hours."
    return Because(reason=CHECKING, step=Step(actor=Actor.AWS, what=what, commands=_made(facts, WATCH_NODE)))


def _unhealthy(facts: NodeFacts, around: Around, cluster: Json | None) -> Because | None:
    """HyperPod repairs by itself unless `nodeRecovery` is None; then you do."""
    del around
    if not facts.health.startswith(UNSCHEDULABLE):
        return None
    repair = REPAIRS.get(facts.health.removeprefix(UNSCHEDULABLE))
    namespace = key(cluster)[0] if cluster is not None else ""
    replace = _made(facts, REPLACE_NODE, namespace=namespace)
    if inside(cluster, "spec", "nodeRecovery") == "None":
        # HyperPod labels the node all the same, and does what the label says only if a person asks for it.
        asked = f", unless you have asked for it already: then HyperPod {repair}" if repair is not None else ""
        what = (
            "HyperPod found the node unhealthy, and repairs nothing: `nodeRecovery` is None. Replace or reboot it"
            f"{asked}."
        )
        return Because(reason=facts.health, step=_you(what, *replace))
    if repair is not None:
        what = f"Nothing: HyperPod found the node unhealthy and {repair}."
        return Because(reason=facts.health, step=Step(actor=Actor.AWS, what=what, commands=_made(facts, WATCH_NODE)))
    what = (
        "Nothing: HyperPod found the node unhealthy and repairs it, unless the cluster's `nodeRecovery` is None. If it "
        "stays like this for hours, replace it."
    )
    commands = (*_made(facts, WATCH_NODE), *replace)
    return Because(reason=facts.health, step=Step(actor=Actor.AWS, what=what, commands=commands))


def _cordoned(facts: NodeFacts, around: Around, cluster: Json | None) -> Because | None:
    del around, cluster
    if not facts.cordoned:
        return None
    what = (
        "The Node is cordoned (`spec.unschedulable`), and the operator cordons none. Uncordon it if it may take pods."
    )
    return Because(reason=CORDONED, step=_you(what, *_made(facts, UNCORDON)))


def _not_ready(facts: NodeFacts, around: Around, cluster: Json | None) -> Because | None:
    del around
    if facts.ready == "True":
        return None
    what = (
        "The kubelet does not report the node as ready, and HyperPod has not found a fault. Look at the node; a reboot "
        "often helps."
    )
    namespace = key(cluster)[0] if cluster is not None else ""
    commands = (
        DESCRIBE_NODE,
        SSM,
        REBOOT_NODE,
    )
    return Because(reason=NOT_READY, step=_you(what, *_made(facts, *commands, namespace=namespace)))


def _tainted(facts: NodeFacts, around: Around, cluster: Json | None) -> Because | None:
    del around, cluster
    if not facts.taints:
        return None
    taints = listed(facts.taints, most=TAINTS_MOST, separator=", ", rest=" ")
    what = f"The Node takes only pods that tolerate {taints}."
    return Because(reason=TAINTED, step=Step(actor=Actor.NOBODY, what=what))


def _without_cluster(facts: NodeFacts, around: Around, cluster: Json | None) -> Because | None:
    del around
    if cluster is not None:
        return None
    what = (
        f"You can read no HyperPodCluster object of the cluster {facts.cluster_id}, to which the Node belongs: there "
        "is none, or it is in a namespace that you may not read. The Node takes pods."
    )
    return Because(reason=NO_CLUSTER, step=Step(actor=Actor.NOBODY, what=what, commands=(ALL_CLUSTERS,)))


_QUESTIONS: tuple[Callable[[NodeFacts, Around, Json | None], Because | None], ...] = (
    _foreign,
    _held,
    _checked,
    _unhealthy,
    _cordoned,
    _not_ready,
    _tainted,
    _without_cluster,
)


def _you(what: str, *commands: str) -> Step:
    return Step(actor=Actor.YOU, what=what, commands=commands)


def _made(facts: NodeFacts, *templates: str, namespace: str = "") -> tuple[str, ...]:
    known = {"node": facts.name, "namespace": namespace}
    return tuple(made for one in templates if (made := filled(one, known)))
