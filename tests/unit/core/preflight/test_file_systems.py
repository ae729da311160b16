"""Security groups between instances and FSx file systems: rules add up, and what cannot be evaluated counts as open."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.preflight.cases import let_in, mounted
from tests.unit.core.preflight.world import FACTS, FSX, group, having, spec, subject

from hyperpod_operator.core.preflight.checks.file_systems import reachable
from hyperpod_operator.core.preflight.facts import Access, Facts, FileSystem, Rule
from hyperpod_operator.core.preflight.gate import preflight
from hyperpod_operator.core.preflight.model import Result


def result(facts: Facts, name: str = "FileSystemAccess") -> Result | None:
    found = {check.name: check.result for check in preflight(subject(facts=facts)).checks}
    return found.get(name)


def system(facts: Facts = FACTS, **members: Any) -> Facts:
    found = facts.file_systems[FSX]
    assert isinstance(found, FileSystem)
    return replace(facts, file_systems={FSX: replace(found, **members)})


ANYTHING = Rule(egress=False, protocol="-1")


@pytest.mark.parametrize(
    "rule",
    [
        replace(ANYTHING, lists=frozenset({"pl-1"})),
        replace(ANYTHING, cidrs=frozenset({"no network"})),
        replace(ANYTHING, cidrs=frozenset({"10.0.4.0/24"})),
    ],
    ids=["a prefix list", "a network of another form", "a part of the subnet"],
)
def test_a_rule_that_cannot_be_evaluated_lets_traffic_through(rule: Rule) -> None:
    assert result(mounted(rule)) is Result.PASS


def test_a_network_that_the_instances_are_not_in_lets_nothing_through() -> None:
    assert result(mounted(replace(ANYTHING, cidrs=frozenset({"10.9.0.0/16"})))) is Result.FAIL
    assert result(mounted(replace(ANYTHING, cidrs=frozenset({"::/0"})))) is Result.FAIL


def test_rules_add_up() -> None:
    assert result(mounted(let_in(988, 988), let_in(1018, 1020), let_in(1021, 1023))) is Result.PASS
    assert result(mounted(let_in(988, 988), let_in(1018, 1020), let_in(1022, 1023))) is Result.WARN


def test_openzfs_needs_no_way_back() -> None:
    rules = (let_in(2049, 2049), let_in(111, 111), let_in(20001, 20003))
    assert result(mounted(*rules, kind="OPENZFS")) is Result.PASS
    assert result(mounted(*rules[:2], kind="OPENZFS")) is Result.WARN


def test_a_file_system_of_a_kind_that_is_not_known_is_not_judged() -> None:
    assert result(system(mounted(), kind="ONTAP")) is None


def test_a_subnet_whose_network_is_not_known_fails_nothing() -> None:
    assert isinstance(FACTS.subnets, dict)
    odd = {"subnet-1": replace(FACTS.subnets["subnet-1"], cidr="")}
    rule = replace(ANYTHING, cidrs=frozenset({"10.9.0.0/16"}))
    assert result(replace(mounted(rule), subnets=odd)) is Result.PASS


def test_a_file_system_of_another_region_is_not_said_to_be_missing() -> None:
    there = {"dnsName": f"{FSX}.fsx.eu-west-1.amazonaws.com", "mountName": "abcd"}
    about = subject(
        spec(group(instanceStorageConfigs=[{"fsxLustreConfig": there}])), facts=having(file_systems={FSX: None})
    )
    (found,) = reachable(about)
    assert (found.result, "eu-west-1" in found.values["why"]) == (Result.UNKNOWN, True)


def test_the_zone_of_a_file_system_in_a_subnet_of_its_own_is_that_of_its_interfaces() -> None:
    elsewhere = Access(zones=frozenset({"us-west-2a"}), addresses=frozenset(), groups={})
    found = system(subnets=frozenset({"subnet-9"}), access=elsewhere)
    assert result(found, "FileSystemZone") is Result.WARN
    assert result(having(file_systems=FACTS.file_systems), "FileSystemZone") is Result.PASS
