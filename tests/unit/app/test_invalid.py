"""What is said of a spec without an API server: the answer of the API server, and one for each mistake."""

from typing import Any

import pytest

from hyperpod_operator.api.kinds import NODE_OPERATION, VOLUME_CLAIM
from hyperpod_operator.app.invalid import spec_problems

NO_MOMENTS = (
    *("2026-11-30t04:00:00z", "2026-11-30T04:00:00,5Z", "2026-11-30T04:00:00+24:00", "2026-11-30T04:00:00+01:60"),
    *("2026-11-30T04:00:00+0100", "0000-01-01T00:00:00Z", "20261130T040000Z"),
)
"""What only some readers of times take, or none does."""


def operation(**members: Any) -> str:
    nodes = {"names": ["hyperpod-i-0123456789abcdef0"]}
    spec = {"clusterRef": {"name": "research"}, "operation": "Reboot", "nodes": nodes, **members}
    return spec_problems(NODE_OPERATION.spec, spec)


def claim(**create: Any) -> str:
    target = {"instanceGroupName": "w", **create.pop("target", {})}
    spec = {
        "clusterRef": {"name": "research"},
        "source": {"create": create},
        "volume": {"size": 50},
        "attachment": {"target": target},
    }
    return spec_problems(VOLUME_CLAIM.spec, spec)


@pytest.mark.parametrize("value", [1, 1000, "1%", "100%"])
def test_a_number_or_a_share_is_either(value: Any) -> None:
    assert operation(maxInFlight=value) == ""


@pytest.mark.parametrize("value", [0, 1001, "2", "0%", "101%", "5 %", True, 1.5])
def test_what_is_neither_a_number_nor_a_share_is_answered_once(value: Any) -> None:
    said = "spec.maxInFlight: maxInFlight is a number from 1 to 1000, or a percentage from 1% to 100%"
    assert operation(maxInFlight=value) == said


@pytest.mark.parametrize(
    "value",
    ["2026-11-30T04:00:00Z", "2026-11-30T04:00:00.5+01:00", "2026-11-30T04:00:00-23:59", "2028-02-29T00:00:00Z"],
)
def test_a_moment_has_a_date_a_time_and_an_offset(value: str) -> None:
    assert operation(notBefore=value) == ""


@pytest.mark.parametrize(
    "value", [*NO_MOMENTS, "2026-11-30", "2026-11-30T04:00:00", "2026-02-30T04:00:00Z", "tomorrow"]
)
def test_a_text_that_is_no_moment_is_answered_with_one(value: str) -> None:
    assert operation(notBefore=value) == "spec.notBefore: give date, time and offset from UTC, as 2026-11-30T04:00:00Z"


def test_a_value_of_another_field_is_answered_with_that_field() -> None:
    instance = "i-0123456789abcdef0"
    assert "set instanceIds" in operation(nodes={"names": [instance]})
    assert "set names" in operation(nodes={"instanceIds": [f"hyperpod-{instance}"]})
    assert "set instanceId" in claim(target={"nodeName": instance})
    assert "set availabilityZone" in claim(availabilityZoneId="us-west-2b")
    assert "set availabilityZoneId" in claim(availabilityZone="USW2-AZ2")
    assert "add the letter" in claim(availabilityZone="us-west-2")


@pytest.mark.parametrize("name", ["..", "team-b/research", "Research", "a b"])
def test_a_name_of_an_object_is_a_name_alone(name: str) -> None:
    assert operation(clusterRef={"name": name}).startswith("spec.clusterRef.name: names in Kubernetes have")


def test_a_rule_about_several_members_is_answered_where_they_stand() -> None:
    said = operation(healthCheck={"deepHealthChecks": ["InstanceStress"]})
    assert said.startswith("spec: healthCheck belongs to the operation HealthCheck")


def test_rules_are_asked_about_what_fits_the_schema_alone() -> None:
    said = operation(maxInFlight=0, healthCheck={"deepHealthChecks": ["InstanceStress"]})
    assert said.startswith("spec.maxInFlight: ")
    assert "healthCheck" not in said
