"""Questions about the Nodes in Kubernetes and about credentials."""

import re

from hyperpod_testbed.conformance.question import Question, nodes_in
from hyperpod_testbed.conformance.record import JSON, Record
from hyperpod_testbed.conformance.run import POLL
from hyperpod_testbed.conformance.steps.beginning import KUBERNETES

OF_HYPERPOD = ("sagemaker.amazonaws.com/", "topology.k8s.aws/")
NETWORK = "topology.k8s.aws/network-node-layer-"
ATTACHMENTS = ("sagemaker.amazonaws.com/num-eni-attachments", "sagemaker.amazonaws.com/num-block-device-mappings")
FORMS = {"aws:///ZONE/sagemaker/cluster/hyperpod-CLUSTER-INSTANCE": "hyperpod", "aws:///ZONE/INSTANCE": "instance"}
"""The forms of a providerID that the simulator can give, by what `_provider_id` makes of them."""
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"})


def _nodes(record: Record) -> list[JSON]:
    """The Nodes as they were seen last while the cluster came."""
    seen = [call.get("Nodes") for call in record.of(KUBERNETES) if call.ok]
    return list(seen[-1] or []) if seen else []


def _keys(record: Record) -> set[str]:
    return {key for node in _nodes(record) for key in node["Labels"] if key.startswith(OF_HYPERPOD)}


def _labels(record: Record) -> list[str] | None:
    """Those that have no question of their own."""
    return sorted(key for key in _keys(record) if not key.startswith((NETWORK, *ATTACHMENTS))) or None


def _network_labels(record: Record) -> bool | None:
    keys = _keys(record)
    return any(key.startswith(NETWORK) for key in keys) if keys else None


def _attachment_labels(record: Record) -> bool | None:
    keys = _keys(record)
    return keys >= set(ATTACHMENTS) if keys else None


def _provider_id(record: Record) -> str | None:
    """The switch's word; of an unknown form the form, without what differs from node to node and cluster to cluster."""
    created = record.judged("creation.create")
    cluster = str(created.get("ClusterArn") or "").rpartition("/")[2] if created else ""
    for node in _nodes(record):
        words = str(node["ProviderID"]).replace(cluster or "\0", "CLUSTER")
        words = re.sub(r"i-[0-9a-f]{8,17}", "INSTANCE", words)
        words = re.sub(r"///[a-z0-9-]+/", "///ZONE/", words)
        return FORMS.get(words, words)
    return None


def joining(record: Record) -> float | None:
    """Seconds from Running in ListClusterNodes to the Node, the longest of all nodes, in steps of the looks."""
    running: dict[str, float] = {}
    joined: dict[str, float] = {}
    for call in record.of("joining."):
        for node in nodes_in([call]):
            if (node.get("InstanceStatus") or {}).get("Status") == "Running":
                running.setdefault(f"hyperpod-{node['InstanceId']}", call.at)
        for node in call.get("Nodes") or []:
            joined.setdefault(str(node["Name"]), call.at)
    waits = [joined[name] - at for name, at in running.items() if name in joined]
    return round(max(waits) / POLL) * POLL if waits else None


def _expired(record: Record) -> str | None:
    call = record.first("token.expired")
    return call.code if call is not None and call.code in EXPIRED else None


OF_NODES: tuple[Question, ...] = (
    Question(option="provider_id", asks="Which form has a Node's providerID?", answer=_provider_id),
    Question(option="network_labels", asks="Does a Node say where in the network it is?", answer=_network_labels),
    Question(
        option="attachment_labels",
        asks="Does a Node say how many network interfaces and disks it has?",
        answer=_attachment_labels,
    ),
    Question(option="node_labels", asks="Which other labels of AWS has a Node?", answer=_labels, settable=False),
    Question(
        option="expired_token",
        asks="Which code has a call with an expired token?",
        answer=_expired,
        settable=False,
    ),
)
"""A run has these answers with --kubeconfig and --expired-profile."""
