"""For namespaces that ask for it: the prefix `ml.` is added to the instance types that its pods ask for.

MutatingAdmissionPolicy is beta in Kubernetes 1.34 and off by default there; where the API server does not serve it,
leave this one out.
"""

from typing import Any

from hyperpod_operator.api.admission.manifests import (
    binding,
    cel,
    one_line,
    policy,
    rule,
    variable,
)
from hyperpod_operator.api.admission.pods import TYPE_KEYS, types
from hyperpod_operator.api.names import LABEL_ADD_PREFIX

NAME = "hyperpod-operator-prefix"
VERSION = "v1beta1"

_PATH = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms"
_REQUIRED = "object.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
_HAS_REQUIRED = (
    "has(object.spec.affinity) && has(object.spec.affinity.nodeAffinity) "
    "&& has(object.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution)"
)
_SELECTOR = f"""
    {cel(TYPE_KEYS)}.filter(key,
      has(object.spec.nodeSelector) && key in object.spec.nodeSelector
      && object.spec.nodeSelector[key] in variables.types)
    .map(key, JSONPatch{{
      op: 'replace',
      path: '/spec/nodeSelector/' + jsonpatch.escapeKey(key),
      value: 'ml.' + object.spec.nodeSelector[key]
    }})
"""
_VALUES = f"""
    e.key in {cel(TYPE_KEYS)} && e.operator in ['In', 'NotIn'] && has(e.values)
    ? e.values.map(value, value in variables.types ? 'ml.' + value : value)
    : (has(e.values) ? e.values : [])
"""
_TERMS = f"""
    variables.terms.exists(t, has(t.matchExpressions) && t.matchExpressions.exists(e,
      e.key in {cel(TYPE_KEYS)} && has(e.values) && e.values.exists(value, value in variables.types)))
    ? [JSONPatch{{
        op: 'replace',
        path: {cel(_PATH)},
        value: variables.terms.map(t, {{
          'matchFields': has(t.matchFields) ? dyn(t.matchFields) : dyn([]),
          'matchExpressions': has(t.matchExpressions)
            ? dyn(t.matchExpressions.map(e, {{
                'key': dyn(e.key), 'operator': dyn(e.operator), 'values': dyn({_VALUES})
              }}))
            : dyn([])
        }})
      }}]
    : []
"""


def prefix(*, instance_types: tuple[str, ...]) -> list[dict[str, Any]]:
    """The policy and its binding, for namespaces with the label LABEL_ADD_PREFIX=true."""
    spec = {
        "failurePolicy": "Ignore",
        "reinvocationPolicy": "Never",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {LABEL_ADD_PREFIX: "true"}},
            "resourceRules": [rule("", "pods", operations=("CREATE",))],
        },
        "variables": [
            types(instance_types),
            variable("terms", f"{_HAS_REQUIRED} ? {_REQUIRED}.nodeSelectorTerms : []"),
        ],
        "mutations": [
            {"patchType": "JSONPatch", "jsonPatch": {"expression": one_line(_SELECTOR)}},
            {"patchType": "JSONPatch", "jsonPatch": {"expression": one_line(_TERMS)}},
        ],
    }
    return [
        policy(kind="Mutating", name=NAME, spec=spec, version=VERSION),
        binding(kind="Mutating", name=NAME, spec={}, version=VERSION),
    ]
