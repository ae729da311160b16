"""Templates from manifests that exist outside of the chart: the definitions of the kinds, and the admission policies.

Both are carried over as text, so what `kubectl explain` says is the same however they were installed. Braces that
Helm would take for its own are written as Helm writes them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import yaml

from hyperpod_operator.api.admission import PolicySettings, all_policies
from hyperpod_operator.api.kinds import Kind

Json = dict[str, Any]

GENERATED = "{{- /* Generated from the operator's models by `make chart`. */ -}}\n"

_ACTION, _ACCOUNT, _NAMESPACE, _FULLNAME = "TEMPLATE-ACTION", "TEMPLATE-ACCOUNT", "TEMPLATE-NAMESPACE", "TEMPLATE-NAME"
_LABELS, _TYPES, _LEASE = "TEMPLATE-LABELS", "TEMPLATE-TYPES", "TEMPLATE-LEASE"
_EXPRESSIONS = {
    _ACTION: "{{ .Values.admission.pods.action }}",
    _ACCOUNT: '{{ include "hyperpod-operator.serviceAccount" . }}',
    _NAMESPACE: "{{ .Release.Namespace }}",
    _FULLNAME: '{{ include "hyperpod-operator.fullname" . }}',
    _LEASE: '{{ include "hyperpod-operator.fullname" . }}',
    _TYPES: '{{ join "," .Values.admission.pods.instanceTypes }}',
}
_SWITCHES = {
    "operator.yaml": ".Values.admission.operator.enabled",
    "approvals.yaml": ".Values.admission.approvals.enabled",
    "approved-by.yaml": ".Values.admission.approvals.recordUser",
    "pods.yaml": ".Values.admission.pods.enabled",
    "prefix.yaml": ".Values.admission.prefix.enabled",
}
_BETA = "admissionregistration.k8s.io/v1beta1"
_MUTATING = '{{ include "hyperpod-operator.mutatingPolicies" . }}'
_LABELLED = '  labels:\n    {{- include "hyperpod-operator.labels" . | nindent 4 }}\n'
_ANNOTATED = (
    '  {{- with include "hyperpod-operator.crdAnnotations" . | trim }}\n'
    "  annotations:\n    {{- . | nindent 4 }}\n  {{- end }}\n"
)


def definition(manifest: Json) -> str:
    """The template of one CustomResourceDefinition."""
    text = yaml.safe_dump(manifest, sort_keys=False, width=110, allow_unicode=True)
    changed, count = re.subn(r"(?m)^metadata:\n(  name: \S+\n)", r"metadata:\n\1@META@", escaped(text), count=1)
    if count != 1:
        raise ValueError("A CustomResourceDefinition is expected to begin with metadata.name alone.")
    body = changed.replace("@META@", _LABELLED + _ANNOTATED)
    return f"{GENERATED}{{{{- if .Values.crds.enabled }}}}\n{body}{{{{- end }}}}\n"


def escaped(text: str) -> str:
    """Text that Helm renders as it was."""
    return text.replace("{{", '{{ "{{" }}')


def policies(kinds: Sequence[Kind]) -> Mapping[str, str]:
    """Templates of the admission policies by file name."""
    settings = PolicySettings(
        name=_FULLNAME,
        namespace=_NAMESPACE,
        service_account=_ACCOUNT,
        lease_name=_LEASE,
        action=cast(Any, _ACTION),
        instance_types=(_TYPES,),
    )
    return {name: _template(found, _SWITCHES[name]) for name, found in all_policies(settings, kinds).items()}


def _template(manifests: list[Json], switch: str) -> str:
    labelled = [{**one, "metadata": {**one["metadata"], "labels": _LABELS}} for one in manifests]
    text = escaped(yaml.safe_dump_all(labelled, sort_keys=False, width=110))
    text = text.replace(f"apiVersion: {_BETA}\n", f"apiVersion: {_MUTATING}\n")
    for mark, expression in _EXPRESSIONS.items():
        text = text.replace(mark, expression)
    text = text.replace(f"  labels: {_LABELS}\n", _LABELLED)
    left = [mark for mark in (*_EXPRESSIONS, _LABELS) if mark in text]
    if left:
        raise ValueError(f"An admission policy has a shape that the chart does not know; left over: {left}.")
    return f"{GENERATED}{{{{- if {switch} }}}}\n---\n{text}{{{{- end }}}}\n"
