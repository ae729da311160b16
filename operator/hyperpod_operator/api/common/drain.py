"""How pods leave nodes before these reboot or end: one block, the same wherever a spec has it.

Selectors have the shape and the meaning of Kubernetes' own (metav1.LabelSelector). There are no defaults in the
schema, as everywhere: `core.drain.rules` says what an unset member means.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from hyperpod_operator.api.common.bounds import (
    ATOMIC,
    CEL_LABEL_KEY,
    CEL_LABEL_KEY_LENGTHS,
    KEY_PATTERN,
    LABEL_KEY_WORDS,
    SET,
    VALUE_PATTERN,
    LabelKey,
)
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.rules import rule, rules

SelectorKey = Annotated[str, Field(min_length=1, max_length=317, pattern=KEY_PATTERN)]
"""Key of a label in an expression (Kubernetes: qualified name)."""
SelectorValue = Annotated[str, Field(max_length=63, pattern=VALUE_PATTERN)]
"""Value of a label. Unlike those that HyperPod sets, it may be empty."""
DrainSeconds = Annotated[int, Field(ge=0, le=604800)]
"""A timeout of a drain: at most one week."""

Behavior = Literal["Drain", "Skip", "WaitCompleted"]


class LabelSelectorRequirement(Model):
    """metav1.LabelSelectorRequirement."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.operator in ['In', 'NotIn'] ? has(self.values) && self.values.size() > 0 : "
                "!has(self.values) || self.values.size() == 0",
                message="In and NotIn need values; Exists and DoesNotExist take none: correct the expression",
                path=".values",
            )
        )
    )

    key: SelectorKey = Field(description="Key of the label.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(
        description="In: the label has one of the values. NotIn: it has none of them, or there is no such label. "
        "Exists: there is such a label. DoesNotExist: there is none."
    )
    values: Annotated[list[SelectorValue], Field(max_length=32, json_schema_extra=SET)] | None = Field(
        default=None, description="The values of In and NotIn, up to 32."
    )


class LabelSelector(Model):
    """metav1.LabelSelector."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"!has(self.matchLabels) || self.matchLabels.all(k, {CEL_LABEL_KEY_LENGTHS} && "
                f"k.matches('{CEL_LABEL_KEY}'))",
                message=f"a label key is {LABEL_KEY_WORDS}: correct it",
                path=".matchLabels",
            )
        )
    )

    matchLabels: Annotated[dict[LabelKey, SelectorValue], Field(max_length=16)] | None = Field(
        default=None, description="Labels, each with its value: all of them must be there. Up to 16."
    )
    matchExpressions: (
        Annotated[list[LabelSelectorRequirement], Field(max_length=16, json_schema_extra=ATOMIC)] | None
    ) = Field(default=None, description="Expressions, all of which must hold. Up to 16.")


class DrainRule(Model):
    """What happens to the pods that two selectors choose."""

    podSelector: LabelSelector | None = Field(
        default=None, description="Labels of the pods that the rule is about. Unset or empty: every pod."
    )
    namespaceSelector: LabelSelector | None = Field(
        default=None,
        description="Labels of the namespaces of these pods; kubernetes.io/metadata.name is the namespace's name. "
        "Unset or empty: every namespace.",
    )
    behavior: Behavior = Field(
        description="Drain: the pod is evicted through the Eviction API, which honors PodDisruptionBudgets. Skip: the "
        "pod is neither evicted nor waited for; it ends with its node. WaitCompleted: the operator waits until the "
        "pod completes."
    )


class Drain(Model):
    """How pods leave the nodes."""

    rules: Annotated[list[DrainRule], Field(max_length=16, json_schema_extra=ATOMIC)] | None = Field(
        default=None,
        description="Rules by pod, up to 16; the first one that matches a pod applies. DaemonSet pods, static pods and "
        "finished pods are neither evicted nor waited for, whatever the rules say.",
    )
    defaultBehavior: Behavior | None = Field(
        default=None, description="What happens to pods that no rule matches. Unset means Drain."
    )
    gangAtomic: bool | None = Field(
        default=None,
        description="true: the pods of one workload (a Job, JobSet, TrainJob, HyperPodPyTorchJob, RayCluster or "
        "LeaderWorkerSet, a PyTorchJob, MPIJob or another job of Kubeflow, a Job of Volcano, or an admitted Kueue "
        "workload) are evicted together, once none of them is waited for. false: each pod is evicted by itself. Unset "
        "means true.",
    )
    waitCompletedTimeoutSeconds: DrainSeconds | None = Field(
        default=None,
        description="How long WaitCompleted waits, in seconds from the beginning of the drain; afterwards these pods "
        "are evicted. 0 means no limit but drainTimeoutSeconds. Unset means 0.",
    )
    drainTimeoutSeconds: DrainSeconds | None = Field(
        default=None,
        description="How long the whole drain may take, in seconds. 0 means no limit. Unset means 3600.",
    )
    onTimeout: Literal["Abort", "Force"] | None = Field(
        default=None,
        description="What happens when drainTimeoutSeconds is over. Abort: the operator undoes its taint and "
        "conditions and leaves the nodes as they are. Force: the pods that are left are asked a last time to leave; "
        "30 seconds later the operation goes on, and those that are still there end with their nodes. Unset means "
        "Abort.",
    )
