"""Scheduling labels: written from SageMaker's word alone, and right ones are never touched."""

import pytest
from tests.unit.core.health import CPU, GPU, TYPE, applied, facts, instance, node

from hyperpod_operator.api.names import NODE_LABELS
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.instance_types import describe
from hyperpod_operator.core.health.labels import contradiction, missing_labels

BETA = "beta.kubernetes.io/instance-type"
OURS = "hyperpod-operator.dev"


@pytest.mark.parametrize("value", [None, "p5.48xlarge"])
def test_the_type_gets_its_prefix(value: str | None) -> None:
    given = node(labels={} if value is None else {TYPE: value, BETA: value})
    wanted = missing_labels(given, facts())
    assert (wanted[TYPE], wanted[BETA]) == ("ml.p5.48xlarge", "ml.p5.48xlarge")


def test_a_right_label_is_not_touched() -> None:
    assert TYPE not in missing_labels(node(labels={TYPE: "ml.p5.48xlarge"}), facts())


def test_a_type_that_sagemaker_contradicts_is_left_and_told() -> None:
    given = node(labels={TYPE: "m5.large"})
    assert TYPE not in missing_labels(given, facts())
    assert contradiction(given, facts()) is not None


def test_nothing_is_guessed_before_sagemaker_told() -> None:
    assert missing_labels(node(), facts(instance(CPU))) == {}


def test_companions_say_what_the_prefix_hides() -> None:
    wanted = missing_labels(node(), facts())
    assert {key.removeprefix(f"{OURS}/"): value for key, value in wanted.items() if key.startswith(OURS)} == {
        "instance-type": "p5.48xlarge",
        "instance-family": "p5",
        "instance-size": "48xlarge",
        "accelerator-name": "H100",
        "accelerator-count": "8",
        "capacity-type": "on-demand",
        "instance-group": "gpu",
    }


def test_a_cpu_node_has_no_accelerator_labels() -> None:
    wanted = missing_labels(node(instance_id=CPU), facts())
    assert wanted[f"{OURS}/capacity-type"] == "spot"
    assert f"{OURS}/accelerator-name" not in wanted


def test_labels_are_set_once() -> None:
    given = node()
    after = applied(given, NodeChange(labels=missing_labels(given, facts())))
    assert missing_labels(after, facts()) == {}


def test_observing_sets_none() -> None:
    assert missing_labels(node(), facts(enforce=False)) == {}


@pytest.mark.parametrize("kind", ["ml.x9-new.96xlarge", "ml.t9.nano"])
def test_an_unknown_type_degrades_to_what_its_name_says(kind: str) -> None:
    wanted = missing_labels(node(), facts(instance(GPU, instance_type=kind)))
    _, family, size = kind.split(".")
    assert (wanted[f"{OURS}/instance-family"], wanted[f"{OURS}/instance-size"]) == (family, size)
    assert f"{OURS}/accelerator-count" not in wanted


def test_only_keys_of_ours_and_the_types_are_ever_set() -> None:
    assert set(missing_labels(node(), facts())) <= {*NODE_LABELS, TYPE, BETA}


@pytest.mark.parametrize("name", ["p5.48xlarge", "", "ml.p5", "ml.P5.48xlarge"])
def test_a_name_of_another_form_is_not_described(name: str) -> None:
    assert describe(name) is None
