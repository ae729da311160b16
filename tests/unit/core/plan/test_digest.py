"""The digest of a plan: the same for the same effects, another one for any other."""

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.core.engine.call import Effect, PlannedCall, PlannedChange
from hyperpod_operator.core.plan.digest import Target, canonical, digest, items

HERE = Target(cluster_arn="arn:aws:sagemaker:us-west-2:111122223333:cluster/a", creation_time="2026-01-01T00:00:00Z")

values = st.none() | st.booleans() | st.integers(0, 9) | st.text("ab", min_size=1, max_size=3)
changes = st.builds(
    PlannedChange,
    path=st.sampled_from(["instanceGroups[a].instanceCount", "instanceGroups[b]", "tags[x]", "nodeRecovery"]),
    effect=st.sampled_from(Effect),
    observed=values,
    wanted=values,
    context=values,
)


def _call(made: tuple[PlannedChange, ...], operation: str, nodes: tuple[str, ...]) -> PlannedCall:
    return PlannedCall(operation=operation, effect=Effect.CHANGES, fingerprint="f", changes=made, nodes=nodes)


calls = st.builds(
    _call,
    st.lists(changes, min_size=1, max_size=3).map(tuple),
    st.sampled_from(["UpdateCluster", "UpdateClusterSoftware"]),
    st.lists(st.sampled_from(["i-1", "i-2"]), max_size=2, unique=True).map(tuple),
)
plans = st.lists(calls, max_size=3).map(tuple)


def effects_of(plan: tuple[PlannedCall, ...]) -> list[str]:
    """What a plan does, in words of the test's own."""
    return sorted(
        repr((call.operation, sorted(call.nodes), one.path, str(one.effect), one.observed, one.wanted, one.context))
        for call in plan
        for one in call.changes
    )


@given(plans, plans)
def test_two_plans_have_one_digest_exactly_when_they_do_the_same(
    one: tuple[PlannedCall, ...], other: tuple[PlannedCall, ...]
) -> None:
    same = digest(calls=one, target=HERE) == digest(calls=other, target=HERE)
    assert same == (effects_of(one) == effects_of(other))


@given(plans, st.randoms(use_true_random=False))
def test_the_order_of_calls_changes_and_nodes_is_no_part_of_it(
    plan: tuple[PlannedCall, ...], chance: random.Random
) -> None:
    mixed = [
        replace(
            call,
            changes=tuple(chance.sample(call.changes, len(call.changes))),
            nodes=tuple(chance.sample(call.nodes, len(call.nodes))),
        )
        for call in chance.sample(plan, len(plan))
    ]
    assert digest(calls=mixed, target=HERE) == digest(calls=plan, target=HERE)


@given(plans)
def test_how_changes_share_calls_is_no_part_of_it(plan: tuple[PlannedCall, ...]) -> None:
    apart = tuple(replace(call, changes=(change,)) for call in plan for change in call.changes)
    assert digest(calls=apart, target=HERE) == digest(calls=plan, target=HERE)


@given(plans)
def test_texts_and_counts_of_nodes_are_no_part_of_it(plan: tuple[PlannedCall, ...]) -> None:
    reworded = tuple(
        replace(call, changes=tuple(replace(change, said="other words", node_count=99) for change in call.changes))
        for call in plan
    )
    assert digest(calls=reworded, target=HERE) == digest(calls=plan, target=HERE)


@pytest.mark.parametrize(
    "other",
    [
        replace(HERE, cluster_arn=f"{HERE.cluster_arn}b"),
        replace(HERE, creation_time="2026-01-01T00:00:01Z"),
        Target(name="a", region="us-west-2", account="111122223333"),
    ],
)
def test_another_target_is_another_plan(other: Target) -> None:
    plan = (_call((PlannedChange(path="tags[x]", effect=Effect.CHANGES, wanted="1"),), "AddTags", ()),)
    assert digest(calls=plan, target=HERE) != digest(calls=plan, target=other)
    assert not items(calls=plan, target=HERE) & items(calls=plan, target=other)


def test_a_plan_after_an_approved_one_is_another_plan() -> None:
    assert digest(calls=(), target=HERE) != digest(calls=(), target=HERE, after="sha256:0")


def test_calls_without_changes_are_told_apart_by_their_nodes() -> None:
    def reboot(*nodes: str) -> PlannedCall:
        return PlannedCall(operation="BatchRebootClusterNodes", effect=Effect.DISRUPTS, fingerprint="f", nodes=nodes)

    assert digest(calls=(reboot("i-1"),), target=HERE) != digest(calls=(reboot("i-2"),), target=HERE)
    assert digest(calls=(reboot("i-1", "i-2"),), target=HERE) == digest(calls=(reboot("i-2", "i-1"),), target=HERE)


KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.parametrize(
    ("member", "one", "other"),
    [
        ("subnets", ["a", "b"], ["b", "a"]),
        ("labels", {"a": "1", "b": "2"}, {"b": "2", "a": "1"}),
        ("x", {"volumeKmsKeyId": KEY}, {"volumeKmsKeyId": f"arn:aws:kms:us-west-2:111122223333:key/{KEY}"}),
        ("x", {"a": 1, "b": None, "c": [], "d": ""}, {"a": 1}),
        ("nextPatchDate", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00Z"),
    ],
)
def test_spellings_of_one_wish_are_one(member: str, one: Any, other: Any) -> None:
    assert canonical(one, member=member) == canonical(other, member=member)


@pytest.mark.parametrize(
    ("member", "one", "other"),
    [
        ("instanceTypes", ["a", "b"], ["b", "a"]),
        ("capacityRequirements", {"spot": {}}, {"onDemand": {}}),
        ("x", {"volumeKmsKeyId": KEY}, {"volumeKmsKeyId": f"{KEY[:-1]}c"}),
        ("x", {"volumeKmsKeyId": "alias/a"}, {"volumeKmsKeyId": "arn:aws:kms:us-west-2:444455556666:alias/a"}),
        ("instanceCount", 0, None),
        ("labels", {"x": "1", "role/a": ""}, {"x": "1", "role/b": ""}),
        ("labels", {"ourKmsKeyId": KEY}, {"ourKmsKeyId": f"arn:aws:kms:us-west-2:111122223333:key/{KEY}"}),
        ("cluster", {"tags": {"a": ""}}, {"tags": {"b": ""}}),
        (
            "cluster",
            {"tags": {"nextPatchDate": "2026-01-01T01:00:00+01:00"}},
            {"tags": {"nextPatchDate": "2026-01-01T00:00:00Z"}},
        ),
    ],
)
def test_what_differs_stays_apart(member: str, one: Any, other: Any) -> None:
    assert canonical(one, member=member) != canonical(other, member=member)
