"""Whether a Node is one on which a pod may run, by labels and taints: what the scheduler filters by first.

Sources: kubernetes.io, "Assigning Pods to Nodes" (nodeSelector and required node affinity: terms are alternatives, the
expressions of a term all hold; a term without expressions matches nothing) and "Taints and Tolerations".
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from hyperpod_operator.core.explain.node_facts import NodeFacts, Taint
from hyperpod_operator.core.explain.world import Json, inside, items, text

REQUIRED = ("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
PREFIX = "ml."
NODE_NAME = "metadata.name"
"""The one field that `matchFields` knows."""


def wanted_labels(pod: Json) -> Mapping[str, str]:
    """`spec.nodeSelector`."""
    found = inside(pod, "spec", "nodeSelector")
    return {name: one for name, one in found.items() if isinstance(one, str)} if isinstance(found, Mapping) else {}


def chooses(pod: Json) -> bool:
    """Whether the pod asks for nodes with certain labels at all."""
    return bool(wanted_labels(pod)) or bool(items(pod, *REQUIRED))


def types_without_prefix(pod: Json) -> list[str]:
    """EC2's names of instance types that the pod asks for where Nodes of HyperPod have `ml.` in front, sorted. A list
    that has both names of a type fits nodes of either kind."""
    asked = [{wanted_labels(pod).get(INSTANCE_TYPE, "")}]
    for term in items(pod, *REQUIRED):
        for one in items(term, "matchExpressions"):
            named = inside(one, "values")
            if (one.get("key"), one.get("operator")) == (INSTANCE_TYPE, "In") and isinstance(named, list):
                asked.append(set(map(text, named)))
    return sorted(
        {one for names in asked for one in names if one and not one.startswith(PREFIX) and PREFIX + one not in names}
    )


def selects(pod: Json, node: NodeFacts) -> bool:
    """Whether the pod's labels of nodes fit the Node. An expression that is not understood fits nothing."""
    if any(node.labels.get(name) != value for name, value in wanted_labels(pod).items()):
        return False
    terms = items(pod, *REQUIRED)
    return not terms or any(_term(term, node) for term in terms)


def tolerates(pod: Json, taint: Taint) -> bool:
    """Whether a toleration of the pod matches the taint."""
    return any(_matches(one, taint) for one in items(pod, "spec", "tolerations"))


def _matches(toleration: Json, taint: Taint) -> bool:
    if text(toleration.get("effect")) not in ("", taint.effect):
        return False
    if text(toleration.get("operator")) == "Exists":
        return text(toleration.get("key")) in ("", taint.key)
    return (text(toleration.get("key")), text(toleration.get("value"))) == (taint.key, taint.value)


def _term(term: Json, node: NodeFacts) -> bool:
    labels, fields = items(term, "matchExpressions"), items(term, "matchFields")
    holds = all(_holds(one, node.labels.get(text(one.get("key")))) for one in labels)
    named = all(_holds(one, node.name if one.get("key") == NODE_NAME else None) for one in fields)
    return bool(labels or fields) and holds and named


def _holds(expression: Json, value: str | None) -> bool:
    asked = inside(expression, "values")
    test = OPERATORS.get(text(inside(expression, "operator")))
    return test is not None and test(value, asked if isinstance(asked, list) else [])


def _above(value: str | None, values: list[object]) -> bool:
    found = _numbers(value, values)
    return found is not None and found[0] > found[1]


def _below(value: str | None, values: list[object]) -> bool:
    found = _numbers(value, values)
    return found is not None and found[0] < found[1]


OPERATORS: Mapping[str, Callable[[str | None, list[object]], bool]] = MappingProxyType(
    {
        "In": lambda value, values: value is not None and value in values,
        "NotIn": lambda value, values: value is None or value not in values,
        "Exists": lambda value, _: value is not None,
        "DoesNotExist": lambda value, _: value is None,
        "Gt": _above,
        "Lt": _below,
    }
)
"""Those of a NodeSelectorRequirement, of the label and the values."""


def _numbers(value: str | None, values: list[object]) -> tuple[int, int] | None:
    bound = text(values[0]) if len(values) == 1 else ""
    return (int(value), int(bound)) if value is not None and _integer(value) and _integer(bound) else None


def _integer(word: str) -> bool:
    return word.removeprefix("-").isdecimal() and len(word) <= 19
