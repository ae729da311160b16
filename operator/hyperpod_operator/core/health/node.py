"""A HyperPod node as the decisions see it: only what they use, frozen, small enough to hold thousands of.

What is kept of labels and annotations is decided here (`kept`), so that the reader of nodes and the decisions
cannot disagree about what there is to see.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hyperpod_operator.api.names import (
    GROUP,
    LABEL_VOLUME_PREFIX,
    NODE_NAME_PREFIX,
    PROVIDER_ID_PATTERN,
    SAGEMAKER_PREFIX,
)

PROVIDER_ID = re.compile(PROVIDER_ID_PATTERN)

INSTANCE_TYPE = "node.kubernetes.io/instance-type"
INSTANCE_TYPE_BETA = "beta.kubernetes.io/instance-type"

ZONE = "topology.kubernetes.io/zone"
ZONE_ID = "topology.k8s.aws/zone-id"

HOSTNAME = "kubernetes.io/hostname"

_PREFIXES = (SAGEMAKER_PREFIX, f"{GROUP}/", LABEL_VOLUME_PREFIX)
_KEYS = frozenset({INSTANCE_TYPE, INSTANCE_TYPE_BETA, ZONE, ZONE_ID})


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """One entry of `spec.taints`. `time_added` is as the API server has it, and goes back unchanged."""

    key: str
    value: str
    effect: str
    time_added: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A node condition that HyperPod's health monitoring agent set to True: type, reason and since when."""

    type: str
    reason: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A Kubernetes Node that HyperPod brought; `cluster_id` and `instance_id` are read from its providerID, and its
    name agrees with them. `hostname` is its label kubernetes.io/hostname, empty where it has none."""

    name: str
    uid: str
    resource_version: str
    cluster_id: str
    instance_id: str
    created_at: datetime
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    taints: tuple[Taint, ...] = ()
    faults: tuple[Fault, ...] = ()
    ready: bool | None = None
    """The Ready condition; None while it is Unknown or absent."""
    deleting: bool = False
    hostname: str = ""
    boot_id: str = ""
    """`status.nodeInfo.bootID`: another one after each boot of the instance; empty where the kubelet reports none."""


def kept(key: str) -> bool:
    """Whether a label or annotation of a Node is one that decisions look at."""
    return key.startswith(_PREFIXES) or key in _KEYS


# [assumption: node-is-named-after-instance]
def node_name(instance_id: str) -> str:
    """What the Node of an instance is called, whether it is held or not: its pods name it so."""
    return f"{NODE_NAME_PREFIX}{instance_id}"


# [assumption: node-is-named-after-instance, provider-id-names-cluster-and-instance]
def identity(*, name: str, provider_id: str) -> tuple[str, str] | None:
    """Cluster id and instance id of a HyperPod node; None for a providerID of another form, or another name's.

    A kubelet chooses the providerID of its Node, but its credentials hold it to its own name. So a Node counts as an
    instance only if both name that instance, and no second Node can take the place of the first. The name is
    `hyperpod-<instanceId>` (awslabs/ai-on-sagemaker-hyperpod).
    """
    found = PROVIDER_ID.fullmatch(provider_id)
    if found is None or name != node_name(found["instance_id"]):
        return None
    return found["cluster_id"], found["instance_id"]
