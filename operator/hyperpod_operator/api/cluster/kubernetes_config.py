"""Labels and taints that HyperPod itself keeps on the nodes of a group (ClusterKubernetesConfig)."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from hyperpod_operator.api.common.bounds import (
    CEL_LABEL_KEY,
    CEL_LABEL_KEY_LENGTHS,
    LABEL_KEY_WORDS,
    LabelKey,
    LabelValue,
    TaintKey,
    TaintValue,
    keyed,
)
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.rules import rule, rules
from hyperpod_operator.api.names import RESERVED_NODE_KEYS, SAGEMAKER_PREFIX

_OTHERS = (SAGEMAKER_PREFIX, *RESERVED_NODE_KEYS)
_UNDER = f"under {', '.join(_OTHERS[:-1])} and {_OTHERS[-1]}"
_OWNERS = f"{_UNDER} belong to HyperPod and to the operator: choose a key of your own"


def _free(key: str) -> str:
    return " && ".join(f"!{key}.startsWith('{prefix}')" for prefix in _OTHERS)


class Taint(Model):
    """API member ClusterKubernetesTaint."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                _free("self.key"),
                message=f"taints {_OWNERS}",
                path=".key",
            ),
            rule(
                f"[self.key].all(k, {CEL_LABEL_KEY_LENGTHS})",
                message=f"a taint key is {LABEL_KEY_WORDS}: correct it",
                path=".key",
            ),
        )
    )

    key: TaintKey = Field(description="Taint key: an optional DNS prefix and a slash, then a name.")
    value: TaintValue | None = Field(default=None, description="Taint value, 1 to 63 characters. Unset: no value.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        description="NoSchedule, PreferNoSchedule or NoExecute, as in Kubernetes. NoExecute evicts pods that run on "
        "the group and do not tolerate the taint."
    )


class KubernetesConfig(Model):
    """API member ClusterKubernetesConfig."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"!has(self.labels) || self.labels.all(k, {_free('k')})",
                message=f"labels {_OWNERS}",
                path=".labels",
            ),
            rule(
                f"!has(self.labels) || self.labels.all(k, {CEL_LABEL_KEY_LENGTHS} && k.matches('{CEL_LABEL_KEY}'))",
                message=f"a label key is {LABEL_KEY_WORDS}: correct it",
                path=".labels",
            ),
        )
    )

    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=50)] | None = Field(
        default=None,
        description="Up to 50 labels for every node of the group; values have 1 to 63 characters. Changed on running "
        "nodes; a label that is removed here is removed there. Unset: labels are not managed.",
    )
    taints: Annotated[list[Taint], Field(max_length=50, json_schema_extra=keyed("key", "effect"))] | None = Field(
        default=None,
        description="Up to 50 taints for every node of the group, changed on running nodes. Cannot be combined with "
        "onStartDeepHealthChecks. Unset: taints are not managed.",
    )
