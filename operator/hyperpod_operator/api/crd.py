"""The CustomResourceDefinitions, generated from the models: one source for parsing, schema and manual."""

from collections.abc import Mapping
from typing import Any

from hyperpod_operator.api.cluster import HyperPodCluster, HyperPodClusterSpec
from hyperpod_operator.api.cluster_rules import ROOT_RULES
from hyperpod_operator.api.names import (
    CATEGORY,
    CLUSTER_KIND,
    CLUSTER_PLURAL,
    CLUSTER_SHORT,
    CLUSTER_SINGULAR,
    GROUP,
    VERSION,
    VOLUME_CLAIM_KIND,
    VOLUME_CLAIM_PLURAL,
    VOLUME_CLAIM_SHORT,
    VOLUME_CLAIM_SINGULAR,
)
from hyperpod_operator.api.schema import Schema, structural
from hyperpod_operator.api.status import HyperPodClusterStatus
from hyperpod_operator.api.volume import EBSVolumeClaim, EBSVolumeClaimSpec
from hyperpod_operator.api.volume_status import EBSVolumeClaimStatus

READY = '.status.conditions[?(@.type=="Ready")]'

CLUSTER_COLUMNS = (
    {
        "name": "Ready",
        "type": "string",
        "jsonPath": f"{READY}.status",
        "description": "Whether AWS holds what the spec asks for.",
    },
    {
        "name": "Status",
        "type": "string",
        "jsonPath": ".status.clusterStatus",
        "description": "AWS's status of the cluster.",
    },
    {
        "name": "Nodes",
        "type": "string",
        "jsonPath": ".status.nodes.summary",
        "description": "Current and target count of nodes.",
    },
    {
        "name": "Message",
        "type": "string",
        "jsonPath": f"{READY}.message",
        "description": "What is going on and what to do next.",
    },
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": "Age of the object."},
    {
        "name": "Groups",
        "type": "string",
        "jsonPath": ".status.groupsSummary",
        "priority": 1,
        "description": "Current and target count of each group.",
    },
    {
        "name": "ARN",
        "type": "string",
        "jsonPath": ".status.clusterArn",
        "priority": 1,
        "description": "ARN of the HyperPod cluster.",
    },
)

SELECTABLE_FIELDS = (".spec.orchestrator.eks.clusterArn", ".status.clusterStatus")
"""For `kubectl get hpc -A --field-selector status.clusterStatus=Failed`."""

VOLUME_CLAIM_COLUMNS = (
    {
        "name": "Ready",
        "type": "string",
        "jsonPath": f"{READY}.status",
        "description": "Whether the volume is what and where the spec asks for.",
    },
    {"name": "Phase", "type": "string", "jsonPath": ".status.phase", "description": "What is going on, in a word."},
    {"name": "Volume", "type": "string", "jsonPath": ".status.volumeId", "description": "Id of the EBS volume."},
    {"name": "Size", "type": "integer", "jsonPath": ".status.observed.size", "description": "Size in GiB."},
    {
        "name": "Node",
        "type": "string",
        "jsonPath": ".status.attachment.nodeName",
        "description": "Node that the volume is for.",
    },
    {
        "name": "Device",
        "type": "string",
        "jsonPath": ".status.attachment.devicePath",
        "description": "Path of the device on the node.",
    },
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": "Age of the object."},
    {
        "name": "Message",
        "type": "string",
        "jsonPath": f"{READY}.message",
        "priority": 1,
        "description": "What is going on and what to do next.",
    },
    {
        "name": "Zone",
        "type": "string",
        "jsonPath": ".status.availabilityZone",
        "priority": 1,
        "description": "Availability zone of the volume.",
    },
)

VOLUME_CLAIM_SELECTABLE_FIELDS = (".status.volumeId", ".status.attachment.nodeName", ".status.phase")
"""For `kubectl get evc -A --field-selector status.attachment.nodeName=NODE`."""


def ebs_volume_claim_crd() -> dict[str, Any]:
    """The CRD of EBSVolumeClaim, as plain data ready for YAML."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{VOLUME_CLAIM_PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": VOLUME_CLAIM_KIND,
                "listKind": f"{VOLUME_CLAIM_KIND}List",
                "plural": VOLUME_CLAIM_PLURAL,
                "singular": VOLUME_CLAIM_SINGULAR,
                "shortNames": [VOLUME_CLAIM_SHORT],
                "categories": [CATEGORY],
            },
            "scope": "Namespaced",
            "conversion": {"strategy": "None"},  # what the API server makes of none: the applied form is the stored one
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _volume_claim_schema()},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [dict(column) for column in VOLUME_CLAIM_COLUMNS],
                    "selectableFields": [{"jsonPath": path} for path in VOLUME_CLAIM_SELECTABLE_FIELDS],
                }
            ],
        },
    }


def hyperpod_cluster_crd() -> dict[str, Any]:
    """The CRD of HyperPodCluster, as plain data ready for YAML."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{CLUSTER_PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": CLUSTER_KIND,
                "listKind": f"{CLUSTER_KIND}List",
                "plural": CLUSTER_PLURAL,
                "singular": CLUSTER_SINGULAR,
                "shortNames": [CLUSTER_SHORT],
                "categories": [CATEGORY],
            },
            "scope": "Namespaced",
            "conversion": {"strategy": "None"},  # what the API server makes of none: the applied form is the stored one
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _cluster_schema()},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [dict(column) for column in CLUSTER_COLUMNS],
                    "selectableFields": [{"jsonPath": path} for path in SELECTABLE_FIELDS],
                }
            ],
        },
    }


def all_crds() -> Mapping[str, dict[str, Any]]:
    """Every CRD by the file name that it has in `crds/`."""
    return {
        f"{GROUP}_{CLUSTER_PLURAL}.yaml": hyperpod_cluster_crd(),
        f"{GROUP}_{VOLUME_CLAIM_PLURAL}.yaml": ebs_volume_claim_crd(),
    }


def _cluster_schema() -> Schema:
    """The root: what Kubernetes prescribes for every object, and our spec and status.

    The schema of `metadata` may say nothing but bounds of the name; this one bounds the cost of the rules that
    read it (253 is Kubernetes' own limit).
    """
    fields = HyperPodCluster.model_fields
    return {
        "description": "A SageMaker HyperPod cluster whose nodes join an EKS cluster. Members that mirror the "
        "SageMaker API have its names with the first letter lowered; members of the operator itself are under "
        "management.",
        "type": "object",
        "required": ["spec"],
        "x-kubernetes-validations": [dict(rule) for rule in ROOT_RULES],
        "properties": {
            "apiVersion": {"type": "string", "description": fields["apiVersion"].description},
            "kind": {"type": "string", "description": fields["kind"].description},
            "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 253}}},
            "spec": {"description": fields["spec"].description, **structural(HyperPodClusterSpec)},
            "status": {"description": fields["status"].description, **structural(HyperPodClusterStatus)},
        },
    }


def _volume_claim_schema() -> Schema:
    """The root; no rule reads `metadata`, so it says nothing about it."""
    fields = EBSVolumeClaim.model_fields
    return {
        "description": "One EBS volume for the nodes of a SageMaker HyperPod cluster: its life, where it is attached, "
        "and how pods see it. Members that mirror the EC2 API have its names with the first letter lowered; members of "
        "the operator itself are under attachment, publish and management.",
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": fields["apiVersion"].description},
            "kind": {"type": "string", "description": fields["kind"].description},
            "metadata": {"type": "object"},
            "spec": {"description": fields["spec"].description, **structural(EBSVolumeClaimSpec)},
            "status": {"description": fields["status"].description, **structural(EBSVolumeClaimStatus)},
        },
    }
