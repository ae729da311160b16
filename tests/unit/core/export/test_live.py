"""A cluster as AWS shows it becomes a source."""

from dataclasses import replace

import pytest
from tests.unit.core.builders import cluster, group, group_spec

from hyperpod_operator.api.names import TAG_OWNER
from hyperpod_operator.core.export.cluster import manifest
from hyperpod_operator.core.export.live import source, unless_owned
from hyperpod_operator.core.export.model import LeftOut, Manifest, Source
from hyperpod_operator.core.observed import ObservedCluster


def exported(found: ObservedCluster, tags: dict[str, str] | None = None) -> Manifest:
    made = source(found, tags=tags if tags is not None else {})
    assert isinstance(made, Source)
    done = manifest(made)
    assert isinstance(done, Manifest)
    return done


def notes(found: ObservedCluster) -> list[str]:
    return [str(note) for note in exported(found).notes]


def test_a_cluster_at_rest_has_no_differences() -> None:
    made = exported(cluster(), {"team": "a"})
    assert made.complete
    assert not made.notes
    assert [one["instanceGroupName"] for one in made.spec["instanceGroups"]] == ["gpu", "cpu"]
    assert made.spec["tags"] == [{"key": "team", "value": "a"}]


def test_a_cluster_that_aws_deletes_is_left_out() -> None:
    made = source(cluster(status="Deleting"), tags={})
    assert isinstance(made, LeftOut)
    assert made.reason == "AWS is deleting it"


@pytest.mark.parametrize("status", ["Creating", "Updating", "Failed", "RollingBack", "SomethingNew"])
def test_a_cluster_that_is_not_at_rest_is_told(status: str) -> None:
    assert notes(cluster(status=status))[0].startswith(f"The cluster is {status}: ")


def test_a_group_that_aws_deletes_is_left_out_and_told() -> None:
    found = cluster()
    going = replace(group(group_spec(name="old")), status="Deleting")
    made = exported(replace(found, groups=(*found.groups, going)))
    assert "left out, AWS is deleting them: old" in str(made.notes[0])
    assert "old" not in [one["instanceGroupName"] for one in made.spec["instanceGroups"]]


def test_the_target_count_is_exported_while_nodes_come() -> None:
    found = cluster()
    made = exported(replace(found, groups=(group(group_spec(count=8), current=1),)))
    assert made.spec["instanceGroups"][0]["instanceCount"] == 8


def test_tags_that_were_not_read_are_told() -> None:
    made = source(cluster(), tags=None)
    assert isinstance(made, Source)
    assert "could not be read" in str(made.notes[0])


def test_counts_of_an_autoscaler_are_told_to_be_those_of_now() -> None:
    found = cluster()
    members = {**found.members, "autoScaling": {"mode": "Enable", "autoScalerType": "Karpenter"}}
    assert any(
        "leaves the counts of groups to the autoscaler" in text for text in notes(replace(found, members=members))
    )


def test_restricted_groups_stay_apart() -> None:
    found = cluster()
    members = {key: value for key, value in group_spec().items() if key not in {"lifeCycleConfig", "kubernetesConfig"}}
    made = exported(replace(found, groups=(replace(group(members), restricted=True),)))
    assert [one["instanceGroupName"] for one in made.spec["restrictedInstanceGroups"]] == ["gpu"]
    assert "instanceGroups" not in made.spec


@pytest.mark.parametrize("tags", [{}, {"team": "a"}, {TAG_OWNER: ""}])
def test_a_cluster_that_no_tag_gives_an_owner_is_a_source(tags: dict[str, str]) -> None:
    made = source(cluster(), tags=tags)
    assert isinstance(made, Source)
    assert unless_owned(made) is made


def test_a_cluster_that_an_object_owns_is_left_out_with_its_name() -> None:
    made = source(cluster(), tags={TAG_OWNER: "team/research"})
    assert isinstance(made, Source)
    assert unless_owned(made) == LeftOut(
        label=made.label,
        reason="HyperPodCluster team/research owns it. Name the cluster to export it all the same, for example when "
        "that object does not exist any more",
        owned=True,
    )
