"""Members of a status and of its memory are written by one function, and their names do not collide."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.core.engine.memory import updated


def models(kind: Any) -> Iterator[type[Model]]:
    """Every model that an annotation leads to."""
    if isinstance(kind, type) and issubclass(kind, Model):
        yield kind
        for field in kind.model_fields.values():
            yield from models(field.annotation)
    else:
        for part in get_args(kind):
            yield from models(part)


REMEMBERING = {model for kind in KINDS for model in models(kind.status) if "memory" in model.model_fields}
BY_NAME = sorted(REMEMBERING, key=lambda one: one.__name__)
every = pytest.mark.parametrize("model", BY_NAME, ids=lambda one: str(one.__name__))


def test_clusters_and_claims_have_memories() -> None:
    assert {model.__name__ for model in REMEMBERING} >= {"HyperPodClusterStatus", "EBSVolumeClaimStatus"}


@every
def test_no_member_of_a_memory_has_the_name_of_a_view(model: type[Model]) -> None:
    memory = next(models(model.model_fields["memory"].annotation))
    assert not set(memory.model_fields) & set(model.model_fields)


@every
def test_without_a_memory_there_is_an_empty_one_to_read(model: type[Any]) -> None:
    blank = model.model_construct()
    assert blank.remembered.or_none() is None


def test_a_member_of_the_memory_goes_there_and_a_view_stays_outside() -> None:
    made = updated(HyperPodClusterStatus(), {"createFailures": 2, "clusterStatus": "Failed"})
    assert made.model_dump(exclude_none=True) == {"clusterStatus": "Failed", "memory": {"createFailures": 2}}


def test_other_notes_stay() -> None:
    made = updated(updated(HyperPodClusterStatus(), {"createFailures": 2}), {"appliedTagKeys": ["team"]})
    assert (made.remembered.createFailures, made.remembered.appliedTagKeys) == (2, ["team"])


def test_a_memory_without_notes_is_left_out_of_status() -> None:
    made = updated(updated(HyperPodClusterStatus(), {"createFailures": 2}), {"createFailures": None})
    assert made.model_dump(exclude_none=True) == {}
