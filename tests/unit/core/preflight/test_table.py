"""Each row of the table passes, fails, and says Unknown where rights are missing. A row without its tests fails."""

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.unit.core.preflight.cases import CASES, GROWING, ONLY_ADMINS, SHORT, TWO_ZONES, flexible, key
from tests.unit.core.preflight.mutations import MUTATIONS, applies, noticed
from tests.unit.core.preflight.world import FACTS, KEY, M5, P5, PLAN, ROLE, group, having, spec, subject

from hyperpod_operator.core.preflight.facts import KmsKey, Rule, SecurityGroup, Statement
from hyperpod_operator.core.preflight.model import Area, Check, Checked, Fact, Result, Unread, unknown
from hyperpod_operator.core.preflight.run import MESSAGE_MOST, preflight
from hyperpod_operator.core.preflight.subject import ClusterSubject, Held
from hyperpod_operator.core.preflight.table import CLUSTER
from hyperpod_operator.core.preflight.tables import quotas

BAD = [
    pytest.param(name, *bad, id=f"{name}-{number}")
    for name, case in CASES.items()
    for number, bad in enumerate(case.bad)
]
NEW = "ml.p9.48xlarge"
ROWS = {check.name: check for check in CLUSTER}


def of(name: str, about: ClusterSubject) -> Checked:
    found = {check.name: check for check in preflight(CLUSTER, about).checks}
    assert name in found, f"{name} does not apply"
    return found[name]


def test_every_check_has_cases_and_no_case_is_left_over() -> None:
    assert set(ROWS) == set(CASES)


def test_names_are_given_once() -> None:
    assert len(ROWS) == len(CLUSTER)


@pytest.mark.parametrize("name", CASES)
def test_a_check_passes(name: str) -> None:
    assert of(name, CASES[name].good).result is Result.PASS


@pytest.mark.parametrize(("name", "about", "result", "word"), BAD)
def test_a_check_finds_what_is_wrong(name: str, about: ClusterSubject, result: Result, word: str) -> None:
    found = of(name, about)
    assert (found.result, word in found.message) == (result, True), found


@pytest.mark.parametrize("name", [name for name, check in ROWS.items() if check.fail])
def test_a_check_that_can_fail_has_a_case_that_fails(name: str) -> None:
    assert Result.FAIL in {result for _, result, _ in CASES[name].bad}


@pytest.mark.parametrize("name", [name for name, check in ROWS.items() if check.warn])
def test_a_check_that_can_warn_has_a_case_that_warns(name: str) -> None:
    assert Result.WARN in {result for _, result, _ in CASES[name].bad}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.denied])
def test_a_check_without_rights_is_unknown(name: str) -> None:
    about = CASES[name].denied
    assert about is not None
    assert of(name, about).result is Result.UNKNOWN


def test_a_check_that_reads_has_a_case_without_rights() -> None:
    unread = {name for name, case in CASES.items() if case.denied is None}
    assert not unread & {name for name, check in ROWS.items() if check.reads}


@pytest.mark.parametrize("check", CLUSTER, ids=lambda check: check.name)
def test_a_row_says_all_that_the_documentation_shows(check: Check) -> None:
    assert all((check.what, check.why, check.source, check.remedy, check.fail or check.warn))
    assert check.remedy.endswith(".")
    assert not check.what.endswith(".")


QUOTA_CHECKS = [check.name for check in CLUSTER if "servicequotas:ListServiceQuotas" in check.reads]


@pytest.mark.parametrize("name", QUOTA_CHECKS)
def test_a_quota_that_is_not_listed_is_unknown(name: str) -> None:
    about = replace(CASES[name].good, facts=replace(CASES[name].good.facts, quotas={}))
    assert of(name, about).result is Result.UNKNOWN


@pytest.mark.parametrize(("count", "result"), [(26, Result.PASS), (27, Result.WARN), (29, Result.FAIL)])
def test_a_group_of_several_types_is_bounded_by_all_their_quotas_together(count: int, result: Result) -> None:
    assert of("InstanceQuota", subject(spec(flexible(count)))).result is result


@pytest.mark.parametrize(("held", "result"), [(3, Result.PASS), (4, Result.UNKNOWN), (9, Result.UNKNOWN)])
def test_what_groups_of_several_types_may_have_of_a_type_is_certain_in_neither_way(held: int, result: Result) -> None:
    holds = (Held(types=(P5, M5), count=held),)
    found = of("InstanceQuota", subject(**GROWING, holds=holds))
    assert found.result is result
    assert (f"up to {held + 3} {P5}" in found.message) == (result is Result.UNKNOWN)


def test_a_group_of_several_types_of_which_one_has_no_quota_is_unknown() -> None:
    about = subject(spec(flexible(1)), facts=having(quotas={quotas.of_type(M5): 20.0}))
    assert of("InstanceQuota", about).result is Result.UNKNOWN


@pytest.mark.parametrize("quota", [quotas.of_type(NEW, spot=True), quotas.reserved(NEW)])
def test_a_type_that_any_quota_names_is_known(quota: str) -> None:
    assert isinstance(FACTS.quotas, Mapping)
    about = subject(spec(group(instanceType=NEW)), facts=having(quotas={**FACTS.quotas, quota: 0.0}))
    assert of("InstanceTypeKnown", about).result is Result.PASS


@pytest.mark.parametrize("ingress", ["sg-1", "sg-2"])
def test_rules_of_security_groups_that_instances_have_together_add_up(ingress: str) -> None:
    one = SecurityGroup(
        name="in", vpc_id="vpc-1", rules=(Rule(egress=False, protocol="-1", groups=frozenset({ingress})),)
    )
    other = SecurityGroup(
        name="out", vpc_id="vpc-1", rules=(Rule(egress=True, protocol="-1", groups=frozenset({"sg-2"})),)
    )
    asked = spec(vpcConfig={"securityGroupIds": ["sg-1", "sg-2"], "subnets": ["subnet-1"]})
    about = subject(asked, facts=having(security_groups={"sg-1": one, "sg-2": other}))
    assert of("EFASelfReference", about).result is Result.PASS


def test_a_type_without_efa_needs_no_rule_for_it() -> None:
    about = subject(spec(group(instanceType=M5, networkInterface=None)), facts=having(security_groups={}))
    assert "EFASelfReference" not in {check.name for check in preflight(CLUSTER, about).checks}


def test_an_action_that_is_denied_is_named() -> None:
    found = of("SubnetsExist", subject(facts=having(subnets=Unread(why="denied", action="ec2:DescribeSubnets"))))
    assert "ec2:DescribeSubnets" in found.message


def test_nothing_gathered_is_unknown_and_blocks_nothing() -> None:
    result = preflight(CLUSTER, subject(facts=type(FACTS)()))
    assert not result.failed
    assert result.of(Result.UNKNOWN)


def test_all_is_well_in_the_world_of_the_tests() -> None:
    wrong = [check for check in preflight(CLUSTER, subject()).checks if check.result is not Result.PASS]
    assert wrong == []


def test_a_failure_of_one_group_names_that_group() -> None:
    about = subject(
        spec(group("cpu", instanceType="ml.m5.4xlarge", onStartDeepHealthChecks=["InstanceStress"]), group())
    )
    found = of("DeepHealthChecksSupported", about)
    assert found.groups == {"cpu"}
    assert found.message.startswith("Group cpu: ")


def test_a_failure_of_the_cluster_is_of_no_group() -> None:
    assert of("EKSClusterActive", subject(facts=having(eks=None))).groups == frozenset()


def test_a_message_is_bounded_whatever_is_wrong() -> None:
    about = subject(spec(*(group(f"g{number}") for number in range(50))), facts=having(subnets={}))
    found = of("SubnetsExist", about)
    assert len(found.message) <= MESSAGE_MOST
    assert "And 47 more." in found.message


def test_only_added_groups_are_judged_on_a_living_cluster() -> None:
    wrong = group("cpu", instanceType="ml.m5.4xlarge", onStartDeepHealthChecks=["InstanceStress"])
    about = subject(spec(wrong, group()), new=False, adds=frozenset({"gpu"}))
    assert "DeepHealthChecksSupported" not in {check.name for check in preflight(CLUSTER, about).checks}


@pytest.mark.parametrize("area", Area)
def test_every_area_has_checks(area: Area) -> None:
    from hyperpod_operator.core.preflight.volume_table import CLAIM

    assert any(check.area is area for check in (*CLUSTER, *CLAIM))


@pytest.mark.parametrize("check", CLUSTER, ids=lambda check: check.name)
def test_what_a_check_reads_is_named_as_a_right(check: Check) -> None:
    assert all(re.fullmatch(r"[a-z0-9]+:[A-Za-z ]+", action) for action in check.reads)


@pytest.mark.parametrize("change", MUTATIONS)
@pytest.mark.parametrize("check", CLUSTER, ids=lambda check: check.name)
def test_a_changed_row_is_noticed_by_its_cases(check: Check, change: str) -> None:
    case = CASES[check.name]
    about = [case.good, *(bad for bad, _, _ in case.bad), *([case.denied] if case.denied is not None else [])]
    assert noticed(check, about, change) is applies(check, change, denied=case.denied is not None)


def test_an_unread_fact_says_why() -> None:
    assert unknown(Unread(why="no answer in 10 s")).values["why"] == "no answer in 10 s"


@pytest.mark.parametrize(
    ("grantees", "result"),
    [(frozenset({"ec2.amazonaws.com", ROLE}), Result.PASS), (Unread(why="more than are read"), Result.UNKNOWN)],
)
def test_a_grant_needs_no_key_policy(grantees: Fact[frozenset[str]], result: Result) -> None:
    facts = key(policy=ONLY_ADMINS, grantees=grantees)
    assert of("KMSKeyPolicy", subject(facts=facts)).result is result


def test_a_shortage_in_another_zone_is_of_another_place() -> None:
    elsewhere = Held(types=(P5,), count=1, name="other", subnets=("subnet-2",))
    facts = replace(TWO_ZONES, shortages=(replace(SHORT, group="other"),))
    about = subject(new=False, adds=frozenset({"gpu"}), holds=(elsewhere,), facts=facts)
    assert of("CapacityHistory", about).result is Result.PASS
    near = replace(about, holds=(replace(elsewhere, subnets=("subnet-1",)),))
    assert of("CapacityHistory", near).result is Result.WARN


def test_a_shortage_of_another_type_says_nothing() -> None:
    about = subject(new=False, adds=frozenset({"gpu"}), facts=having(shortages=(replace(SHORT, types=(M5,)),)))
    assert of("CapacityHistory", about).result is Result.PASS


def test_a_shortage_of_a_group_that_is_gone_may_have_been_anywhere() -> None:
    about = subject(new=False, adds=frozenset({"gpu"}), facts=having(shortages=(replace(SHORT, group="gone"),)))
    assert of("CapacityHistory", about).result is Result.WARN


def test_a_daemonset_that_is_kept_from_some_nodes_takes_no_place_of_a_pod() -> None:
    assert isinstance(FACTS.workloads, tuple)
    many = tuple(replace(FACTS.workloads[0], name=f"d{number}", everywhere=False) for number in range(9))
    about = subject(spec(group(instanceType="ml.c6g.medium")), facts=having(workloads=many))
    assert of("PodsFit", about).result is Result.PASS


def test_a_key_and_a_training_plan_may_be_of_another_account() -> None:
    shared = [{"ebsVolumeConfig": {"volumeSizeInGB": 500, "volumeKmsKeyId": KEY.replace("1111", "4444", 1)}}]
    about = subject(spec(group(instanceStorageConfigs=shared, trainingPlanArn=PLAN.replace("1111", "4444", 1))))
    assert of("SameAccount", about).result is Result.PASS


def test_the_account_of_a_key_that_is_named_without_it_is_known() -> None:
    named = group(instanceStorageConfigs=[{"ebsVolumeConfig": {"volumeSizeInGB": 500, "volumeKmsKeyId": "alias/ml"}}])
    policy = (Statement(allow=True, actions=("kms:*",), principals=("111122223333",)),)
    facts = having(keys={"alias/ml": KmsKey(arn=KEY, state="Enabled", policy=policy)})
    assert of("KMSKeyPolicy", subject(spec(named), facts=facts)).result is Result.PASS
