"""Where AWS documents no answer the simulator gives either, and the operator ends in the same place."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import plain, two
from tests.unit.core.builders import group_spec

from hyperpod_operator.core.outcome import Done, Gone
from hyperpod_operator.core.timings import Timings

pytestmark = pytest.mark.slow

ANSWERS: list[dict[str, object]] = [
    {},
    {"omitted_groups": "delete"},
    {"omitted_members": "unset"},
    {"immutables": "documented"},
    {"immutables": "none"},
    {"update_when_failed": "conflict"},
    {"update_when_rolling_back": "accept"},
    {"delete_when_creating": "accept"},
    {"deep_check_update_error": "ConflictException"},
    {"software_update_status": "SystemUpdating"},
    {"clusters_per_eks": "many"},
    {"scale_in": "count_first"},
    {"event_cause": "description", "paired_events": False, "scaling_noise": False},
    {"empty_storage_echoed": False},
    {"read_lag": {"ListTags": 20.0, "ListClusterEvents": 60.0, "DescribeClusterEvent": 60.0}},
    {"pending_instance_id": "omit"},
    {"events_without_continuous": "empty"},
    {"not_found_code": "ResourceNotFoundException"},
    {"throttling_code": "TooManyRequestsException"},
    {"shuffle_lists": False},
    {"fill_defaults": False},
    {"create_lag": 30.0, "list_lag": 60.0, "describe_lag": 20.0},
    {"page_size": 2},
]


ALL_OR_NOTHING = {
    "events_without_continuous",
    "update_when_rolling_back",
    "fill_defaults",
    "not_found_code",
    "page_size",
}
"""Switches that `make test` turns for a cluster without continuous provisioning, some because only such clusters meet
them. All others are turned with it, and `make test-long` turns each in both."""


def case(answer: dict[str, object], *, continuous: bool) -> Any:
    often = not answer or continuous != bool(set(answer) & ALL_OR_NOTHING)
    mode = "continuous" if continuous else "all-or-nothing"
    marks = () if often else (pytest.mark.long,)
    return pytest.param(answer, continuous, id=f"{','.join(answer) or 'defaults'}-{mode}", marks=marks)


@pytest.mark.parametrize(
    ("answer", "continuous"), [case(answer, continuous=mode) for answer in ANSWERS for mode in (True, False)]
)
async def test_the_life_of_a_cluster_ends_the_same(
    make_rig: Callable[..., Rig], answer: dict[str, object], continuous: bool
) -> None:
    await life(make_rig(**answer), continuous=continuous)


async def life(rig: Rig, *, continuous: bool) -> None:
    """Create, scale out with a new group and another tag, scale in, delete."""
    rig.timings = Timings(poll=300.0)
    rig.restart()
    wanted = two if continuous else plain
    rig.apply(wanted(2, 1, tags=[{"key": "team", "value": "a"}]))
    assert isinstance(await rig.rest(), Done)
    more = wanted(3, 1, tags=[{"key": "team", "value": "b"}])
    checked = group_spec("new", 1, onStartDeepHealthChecks=["InstanceStress"])
    more["instanceGroups"].append(checked)  # type: ignore[attr-defined]
    rig.apply(more)
    assert isinstance(await rig.rest(), Done)
    assert rig.status["nodes"]["summary"] == "5/5"
    rig.apply(wanted(1, 1))
    assert isinstance(await rig.rest(), Done)
    assert rig.status["nodes"]["summary"] == "2/2"
    assert rig.condition("Ready")["status"] == "True"
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    accepted = [call.operation for call in rig.calls() if call.code == "OK"]
    assert accepted.count("CreateCluster") == accepted.count("DeleteCluster") == 1
    assert accepted.count("UpdateCluster") == 2
