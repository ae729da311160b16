"""`spec.attachment` of an EBSVolumeClaim: who attaches the volume, and where."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from hyperpod_operator.api.common.bounds import KEY_PATTERN, LABEL_KEY_WORDS, VALUE_PATTERN, InstanceGroupName
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.rules import rules
from hyperpod_operator.api.volume.bounds import Duration, InstanceId, NodeLogicalId, NodeName
from hyperpod_operator.api.volume.rules import ATTACHMENT_RULES, TARGET_RULES


def _label_key(key: str) -> str:
    prefix, _, name = key.rpartition("/")
    if re.fullmatch(KEY_PATTERN, key) is None or len(prefix) > 253 or len(name) > 63:
        raise ValueError(f"a label key is {LABEL_KEY_WORDS}")
    return key


SelectorKey = Annotated[str, Field(min_length=1, max_length=317), AfterValidator(_label_key)]
"""A label's key. In the CRD a CEL rule says the same: a map's keys have no pattern in a structural schema."""
SelectorValue = Annotated[str, Field(max_length=63, pattern=VALUE_PATTERN)]


class Target(Model):
    """Which node; exactly one of the first four."""

    model_config = ConfigDict(json_schema_extra=rules(*TARGET_RULES))

    nodeName: NodeName | None = Field(
        default=None, description="Name of the Kubernetes Node, for example hyperpod-i-0123456789abcdef0."
    )
    instanceId: InstanceId | None = Field(
        default=None, description="EC2 instance id of the node; NodeId in the SageMaker API."
    )
    nodeLogicalId: NodeLogicalId | None = Field(
        default=None,
        description="NodeLogicalId of the node (clusters with continuous provisioning). It selects a node and is never "
        "sufficient to follow one.",
    )
    instanceGroupName: InstanceGroupName | None = Field(
        default=None, description="An instance group: the operator chooses one of its nodes and keeps it."
    )
    nodeSelector: Annotated[dict[SelectorKey, SelectorValue], Field(max_length=16)] | None = Field(
        default=None, description="Labels that a node of the group must have."
    )


class VolumeAttachmentSpec(Model):
    """Who attaches."""

    model_config = ConfigDict(json_schema_extra=rules(*ATTACHMENT_RULES))

    mode: Literal["Direct", "CSI", "None"] | None = Field(
        default=None,
        description="The one attacher of the volume. Direct: the operator, through the SageMaker API, to the target. "
        "CSI: only the EBS CSI driver, where pods run. None: the volume is never attached. Cannot change. Unset means "
        "Direct.",
    )
    target: Target | None = Field(
        default=None, description="Where to attach the volume; only for mode Direct, which requires it."
    )
    followNode: Literal["Replacement", "Never"] | None = Field(
        default=None,
        description="What happens after AWS has terminated the node. Replacement: attach to a node of the same group "
        "and zone, the newest first. Never: report it and wait for an edit. Unset means Replacement for an "
        "instanceGroupName and Never for a node.",
    )
    detachPolicy: Literal["WhenUnused", "Immediate"] | None = Field(
        default=None,
        description="WhenUnused: detach only when no pod uses the volume. Immediate: detach even if pods use it; AWS "
        "still rejects that while the device is busy. Unset means WhenUnused.",
    )
    detachTimeout: Duration | None = Field(
        default=None,
        description="How long a detach may take, for example 10m, before the claim is Stalled. The operator never "
        "forces a detach. Unset means 10m.",
    )
    suspend: bool | None = Field(
        default=None, description="true: detach and stay detached, for maintenance. Unset means false."
    )
