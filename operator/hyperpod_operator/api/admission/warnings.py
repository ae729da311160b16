"""Warnings about an edit: what the API server says to the person who makes it. Nothing is refused."""

from collections.abc import Iterable
from typing import Any

from hyperpod_operator.api.admission.manifests import binding, policy, rule
from hyperpod_operator.api.admission.service_account import Manifest, validation
from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.api.names import GROUP, VERSION


def warnings(kinds: Iterable[Kind]) -> list[Manifest]:
    """The policy with the warnings of each kind that has some, and its binding."""
    return [manifest for kind in kinds if kind.warnings for manifest in _warnings(kind)]


def _warnings(kind: Kind) -> list[Manifest]:
    name = f"hyperpod-operator-{kind.word}-warnings"
    spec: dict[str, Any] = {
        "failurePolicy": "Ignore",
        "matchConstraints": {"resourceRules": [rule(GROUP, kind.plural, operations=("UPDATE",), version=VERSION)]},
        "validations": [validation(one.expression, one.message) for one in kind.warnings],
    }
    return [
        policy(kind="Validating", name=name, spec=spec),
        binding(kind="Validating", name=name, spec={"validationActions": ["Warn"]}),
    ]
