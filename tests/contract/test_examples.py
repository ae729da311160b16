"""The examples fit together: `kubectl apply -f examples/` is no contradiction."""

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from hyperpod_operator.api.names import CLUSTER_KIND, VOLUME_CLAIM_KIND

EXAMPLES = Path(__file__).parents[2] / "examples"
OBJECTS: list[dict[str, Any]] = [
    found for path in sorted(EXAMPLES.glob("*.yaml")) for found in yaml.safe_load_all(path.read_text()) if found
]
CLUSTERS = {one["metadata"]["name"]: one["spec"] for one in OBJECTS if one["kind"] == CLUSTER_KIND}


def test_no_two_have_a_name() -> None:
    names = Counter((one["kind"], one["metadata"]["name"]) for one in OBJECTS)
    assert [name for name, often in names.items() if often > 1] == []


def test_no_two_clusters_are_in_one_eks_cluster() -> None:
    """SageMaker developer guide: an EKS cluster has one HyperPod cluster; the second would be `EKSClusterInUse`."""
    assert len({spec["orchestrator"]["eks"]["clusterArn"] for spec in CLUSTERS.values()}) == len(CLUSTERS)


def test_no_two_clusters_have_a_name_in_aws() -> None:
    assert len({spec.get("clusterName", name) for name, spec in CLUSTERS.items()}) == len(CLUSTERS)


def test_no_two_claims_are_about_one_volume() -> None:
    claims = [one["spec"] for one in OBJECTS if one["kind"] == VOLUME_CLAIM_KIND]
    volumes = [name for spec in claims if (name := spec.get("source", {}).get("volumeId"))]
    assert len(volumes) == len(set(volumes))


def test_what_refers_to_a_cluster_object_refers_to_one_of_them() -> None:
    named = {ref["name"] for one in OBJECTS if (ref := one["spec"].get("clusterRef", {})) and "name" in ref}
    assert named <= CLUSTERS.keys()
