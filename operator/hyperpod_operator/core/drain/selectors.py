"""Label selectors as Kubernetes evaluates them (k8s.io/apimachinery, labels.Requirement.Matches).

The answer has three values: True, False, and None where it cannot be known, because labels could not be read or an
expression is one that the API server would have refused. A pod about which a rule cannot be evaluated is waited for,
never evicted.
"""

from collections.abc import Iterable, Mapping
from typing import assert_never

from hyperpod_operator.api.common.drain import LabelSelector, LabelSelectorRequirement

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label that the API server keeps on every Namespace (API reference, well-known labels)."""


def matches(selector: LabelSelector | None, labels: Mapping[str, str] | None) -> bool | None:
    """Whether `labels` fit. An absent or empty selector fits everything, unread labels included."""
    if selector is None:
        return True
    wanted = (selector.matchLabels or {}).items()
    if labels is None:
        return None if wanted or selector.matchExpressions else True
    return all_of(
        [
            *(labels.get(key) == value for key, value in wanted),
            *(_holds(expression, labels) for expression in selector.matchExpressions or ()),
        ]
    )


def matches_namespace(selector: LabelSelector | None, *, name: str, labels: Mapping[str, str] | None) -> bool | None:
    """The same for the namespace of this name; what a selector asks of its name needs no labels."""
    if labels is None and not needs_labels(selector):
        labels = {}
    # Whatever was read, this label has the namespace's name: the API server keeps it so.
    return matches(selector, None if labels is None else {**labels, NAMESPACE_NAME: name})


def needs_labels(selector: LabelSelector | None) -> bool:
    """Whether the selector looks at labels of a namespace besides that of its name."""
    if selector is None:
        return False
    keys = [*(selector.matchLabels or {}), *(one.key for one in selector.matchExpressions or ())]
    return any(key != NAMESPACE_NAME for key in keys)


def all_of(answers: Iterable[bool | None]) -> bool | None:
    """False if one is False; otherwise None if one is not known."""
    given = list(answers)
    if False in given:
        return False
    return None if None in given else True


def _holds(expression: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool | None:
    key, values = expression.key, expression.values or []
    match expression.operator:
        case "In":
            return labels.get(key) in values if values else None
        case "NotIn":
            return (key not in labels or labels[key] not in values) if values else None
        case "Exists":
            return key in labels if not values else None
        case "DoesNotExist":
            return key not in labels if not values else None
        case _:
            assert_never(expression.operator)
