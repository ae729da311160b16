"""Reading stored objects: unknown fields pass, unset stays unset, and what was read goes out as it came in."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from hyperpod_operator.api.cluster.resource import HyperPodCluster, HyperPodClusterSpec
from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.api.common.conditions import Condition

EXAMPLES = Path(__file__).parents[3] / "examples"

MINIMAL: dict[str, Any] = {
    "orchestrator": {"eks": {"clusterArn": "arn:aws:eks:us-west-2:111122223333:cluster/ml"}},
    "vpcConfig": {"securityGroupIds": ["sg-1"], "subnets": ["subnet-1"]},
    "instanceGroups": [
        {
            "instanceGroupName": "workers",
            "instanceType": "ml.m5.large",
            "instanceCount": 2,
            "executionRole": "arn:aws:iam::111122223333:role/hyperpod",
        }
    ],
}


def test_a_spec_goes_out_as_it_came_in() -> None:
    spec = HyperPodClusterSpec.model_validate(MINIMAL)
    assert spec.model_dump(mode="json", exclude_none=True) == MINIMAL


def test_fields_of_a_newer_crd_are_ignored_at_every_level() -> None:
    newer = {
        **MINIMAL,
        "inventedLater": {"a": 1},
        "instanceGroups": [{**MINIMAL["instanceGroups"][0], "inventedLater": True}],
        "management": {"inventedLater": "x"},
    }
    spec = HyperPodClusterSpec.model_validate(newer)
    assert spec.model_dump(mode="json", exclude_none=True) == {**MINIMAL, "management": {}}


def test_an_empty_marker_survives() -> None:
    group = {**MINIMAL["instanceGroups"][0], "capacityRequirements": {"spot": {}}}
    spec = HyperPodClusterSpec.model_validate({**MINIMAL, "instanceGroups": [group]})
    dumped = spec.model_dump(mode="json", exclude_none=True)
    assert dumped["instanceGroups"][0]["capacityRequirements"] == {"spot": {}}


def test_what_is_unset_is_none() -> None:
    spec = HyperPodClusterSpec.model_validate(MINIMAL)
    assert spec.nodeRecovery is None
    assert spec.management is None
    assert spec.instanceGroups is not None
    assert spec.instanceGroups[0].minInstanceCount is None


def test_a_value_outside_its_bounds_names_the_member() -> None:
    group = {**MINIMAL["instanceGroups"][0], "instanceCount": 6759}
    with pytest.raises(ValidationError) as caught:
        HyperPodClusterSpec.model_validate({**MINIMAL, "instanceGroups": [group]})
    assert caught.value.errors()[0]["loc"] == ("instanceGroups", 0, "instanceCount")


def test_objects_are_frozen() -> None:
    spec = HyperPodClusterSpec.model_validate(MINIMAL)
    with pytest.raises(ValidationError, match="frozen"):
        spec.nodeRecovery = "None"  # type: ignore[misc]  # the point of the test


def test_a_status_word_of_tomorrow_is_read_and_kept() -> None:
    known = {"clusterStatus": "Hibernating", "operations": [{"concern": "Tags", "state": "Deferred"}]}
    stored = known | {"inventedLater": 1}
    status = HyperPodClusterStatus.model_validate(stored)
    dumped = status.model_dump(exclude_none=True)
    assert dumped == known


def test_an_absent_status_is_an_empty_one() -> None:
    assert HyperPodClusterStatus().model_dump(exclude_none=True) == {}


def test_a_condition_holds_kubernetes_own_bounds() -> None:
    with pytest.raises(ValidationError, match="reason"):
        Condition(
            type="Ready", status="True", reason="not one word", message="", lastTransitionTime="2026-11-01T00:00:00Z"
        )


def test_the_examples_parse() -> None:
    documents = [each for path in EXAMPLES.glob("*.yaml") for each in yaml.safe_load_all(path.read_text())]
    clusters = [HyperPodCluster.model_validate(each) for each in documents if each["kind"] == "HyperPodCluster"]
    assert {cluster.metadata["name"] for cluster in clusters} >= {"minimal", "gpu-training"}
