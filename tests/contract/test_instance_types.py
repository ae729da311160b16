"""The table of instance types against botocore's ClusterInstanceType: nothing invented, nothing unreadable."""

import re

import botocore.session
import pytest

from hyperpod_operator.core.health.instance_types import (
    NVIDIA_OR_NEURON,
    PREFIX,
    describe,
    known_families,
    known_types,
)

ENUM = frozenset(botocore.session.get_session().get_service_model("sagemaker").shape_for("ClusterInstanceType").enum)
FAMILIES = {name.split(".")[1] for name in ENUM}


@pytest.mark.parametrize("name", sorted(ENUM))
def test_every_type_of_the_api_has_a_family_and_a_size(name: str) -> None:
    described = describe(name)
    assert described is not None
    assert f"{PREFIX}{described.family}.{described.size}" == name


def test_the_table_invents_no_type() -> None:
    assert known_types() <= ENUM
    assert known_families() <= FAMILIES


def test_every_family_with_accelerators_is_in_the_table() -> None:
    """A new one is looked at: its accelerator is added, or left empty on purpose."""
    assert {family for family in FAMILIES if NVIDIA_OR_NEURON.match(family)} == known_families()


def test_every_size_of_a_known_accelerator_has_its_count_or_is_listed_here() -> None:
    counted = {name for name in ENUM if (found := describe(name)) and found.accelerator_name}
    uncounted = {name for name in counted if not describe(name).accelerator_count}  # type: ignore[union-attr]
    assert uncounted == set()


def test_cpu_families_have_none() -> None:
    cpu = [name for name in ENUM if re.match(r"ml\.(c|m|r|t|i)\d", name)]
    assert cpu
    assert not any(describe(name).accelerated for name in cpu)  # type: ignore[union-attr]
