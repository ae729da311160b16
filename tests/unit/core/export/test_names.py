"""Names of objects: fit, unique, and the same in whatever order clusters come."""

import re
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.core.export.model import Manifest
from hyperpod_operator.core.export.names import kubernetes_name, with_names


def made(cluster_name: str, *, region: str = "us-west-2", account: str = "111122223333") -> Manifest:
    label = f"{region}/{cluster_name}"
    return Manifest(label=label, name="", cluster_name=cluster_name, region=region, account=account)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("research", "research"),
        ("Research-GPU", "research-gpu"),
        ("module.hyperpod.awscc_sagemaker_cluster.this", "module-hyperpod-awscc-sagemaker-cluster-this"),
        ("--", "cluster"),
        ("", "cluster"),
        ("Ünïcode", "n-code"),
    ],
)
def test_a_name_is_made_fit(text: str, name: str) -> None:
    assert kubernetes_name(text) == name


@given(st.lists(st.tuples(st.text(max_size=80), st.sampled_from(["us-west-2", "us-east-1", ""])), unique=True))
def test_names_are_fit_and_unique(clusters: list[tuple[str, str]]) -> None:
    names = [one.name for one in with_names([made(name, region=region) for name, region in clusters])]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name) for name in names)


def test_clusters_of_one_name_in_two_regions_are_named_by_region() -> None:
    names = [one.name for one in with_names([made("a"), made("a", region="us-east-1"), made("b")])]
    assert names == ["a-us-west-2", "a-us-east-1", "b"]


def test_the_order_does_not_matter() -> None:
    clusters = [made("Research"), made("research"), made("research", region="us-east-1"), made("re.search")]
    orders = [{one.label: one.name for one in with_names(order)} for order in permutations(clusters)]
    assert all(order == orders[0] for order in orders)


def test_a_name_that_differs_is_told() -> None:
    (note,) = with_names([made("Research")])[0].notes
    assert str(note) == "metadata.name: research, because Research is no name of a Kubernetes object"
    (note,) = with_names([made("a"), made("a", region="us-east-1")])[0].notes
    assert "another cluster here would be named a, too" in note.text
