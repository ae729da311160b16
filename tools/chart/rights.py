"""The rights of the kinds as a template that the RBAC of the chart includes: from their records, nothing by hand."""

from collections.abc import Iterable, Iterator

from hyperpod_operator.api.admission.approvals import VERB
from hyperpod_operator.api.kinds import Kind, Right, Scope
from hyperpod_operator.api.names import GROUP

HEAD = "{{- /* Generated from the records of the kinds by `make chart`. */ -}}\n"
NODES = "nodes"
"""The controller of Nodes needs these, too: `rbac.yaml` grants them once."""


def template(kinds: Iterable[Kind]) -> str:
    """`templates/_kinds.tpl`."""
    kinds = tuple(kinds)
    approvable = [kind for kind in kinds if kind.has_plans]
    following = [kind for kind in kinds if any(right.resource == NODES for right in kind.rights)]
    return HEAD + "".join(
        (
            _define("kinds", [_names(kinds)]),
            _define("kinds.approvable", [_names(approvable)]),
            _define("kinds.followNodes", [f"{{{{- if {_any(following)} }}}}true{{{{- end }}}}"]),
            _define("rules.kinds.namespaced", _rules(kinds, Scope.NAMESPACED)),
            _define("rules.kinds.cluster", _rules(kinds, Scope.CLUSTER)),
            _define("rules.kinds.ownNamespace", _rules(kinds, Scope.OWN_NAMESPACE)),
        )
    )


def _define(name: str, lines: Iterable[str]) -> str:
    return "\n".join([f'{{{{- define "hyperpod-operator.{name}" -}}}}', *lines, "{{- end -}}"]) + "\n"


def _names(kinds: Iterable[Kind]) -> str:
    return ", ".join(kind.plural for kind in kinds)


def _any(kinds: Iterable[Kind]) -> str:
    return " ".join(["or", *(f".Values.{kind.switch}.enabled" for kind in kinds if kind.switch), "false"])


def _rules(kinds: Iterable[Kind], scope: Scope) -> Iterator[str]:
    for kind in kinds:
        rights = [right for right in _granted(kind) if right.scope is scope and right.resource != NODES]
        if not rights:
            continue
        if kind.switch:
            yield f"{{{{- if .Values.{kind.switch}.enabled }}}}"
        for right in rights:
            yield from _rule(right)
        if kind.switch:
            yield "{{- end }}"


def _granted(kind: Kind) -> Iterator[Right]:
    """What the operator uses; and, where a kind has plans, what the policies of another installation ask of it."""
    yield from kind.all_rights
    if kind.has_plans:
        why = "what approvers read, of which the policy of another installation asks"
        yield Right(group=GROUP, resource=f"{kind.plural}/status", verbs=(VERB,), why=why)


def _rule(right: Right) -> Iterator[str]:
    why = f" # {right.why}" if right.why else ""
    group = right.group or '""'
    yield f"- apiGroups: [{group}]"
    yield f"  resources: [{right.resource}]{why}"
    yield f"  verbs: [{', '.join(right.verbs)}]"
