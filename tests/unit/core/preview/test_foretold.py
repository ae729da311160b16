"""A preview with all knowledge names the calls that the operator then makes, and says which of them wait."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.core.builders import OTHERS, group, group_spec, resource, spec, with_group
from tests.unit.core.world import World

from hyperpod_operator.core.cluster.changes import Changes
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import InSync, RemoveFinalizer
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.preview.model import Preview, Sight
from hyperpod_operator.core.preview.preview import preview

TYPES = {"gpu": "ml.p5.48xlarge", "cpu": "ml.m5.4xlarge", "big": "ml.p5en.48xlarge"}
PASSES = 30
"""Passes within which everything is sent: an adoption with its notice, and a call of each kind."""
RESYNC = 600.0
Y = {"key": "y", "value": "1"}
ADOPTS = {"adoptionPolicy": "IfUnowned"}

groups = st.builds(
    lambda name, count, extra: group_spec(name, count, instanceType=TYPES[name], **extra),
    st.sampled_from(sorted(TYPES)),
    st.integers(0, 5),
    st.fixed_dictionaries(
        {},
        optional={
            "kubernetesConfig": st.sampled_from([{"labels": {"a": "1"}}, {"labels": {"a": "2"}}]),
            "imageReleaseVersion": st.sampled_from(["1.0.0", "1.0.1"]),
            "autoPatchConfig": st.just({"patchingStrategy": "WhenIdle"}),
            "threadsPerCore": st.just(2),
            "management": st.sampled_from([{"countOwner": "External"}, {"deletionProtection": True}]),
        },
    ),
)
management = st.fixed_dictionaries(
    {},
    optional={
        "adoptionPolicy": st.just("IfUnowned"),
        "changePolicy": st.sampled_from(["Auto", "ApproveDisruptive", "ApproveAll", "PlanOnly"]),
        "paused": st.booleans(),
        "deletionPolicy": st.sampled_from(["Delete", "Retain"]),
        "onExternalDelete": st.just("Recreate"),
    },
)
tags = st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12"))
specs = st.builds(
    lambda members, recovery, tags, management: spec(
        instanceGroups=members,
        nodeRecovery=recovery,
        tags=[{"key": key, "value": value} for key, value in tags.items()],
        management=management,
    ),
    st.lists(groups, min_size=1, max_size=3, unique_by=lambda item: item["instanceGroupName"]),
    st.sampled_from(["Automatic", "None"]),
    tags,
    management,
)
HAPPENINGS = (
    "scaled",
    "group added",
    "group deleted",
    "tag set",
    "tag removed",
    "owner removed",
    "owner changed",
    "cluster deleted",
    "another cluster",
    "object restored",
    "status lost",
)


def happened(world: World, owner: Resource, what: str) -> Resource:
    """What others did in AWS, or to the object."""
    found = world.found
    if found is None:
        return owner
    first = found.groups[0]
    match what:
        case "scaled":
            members = {**first.members, "instanceCount": 7}
            world.found = with_group(found, replace(first, target_count=7, current_count=7, members=members))
        case "group added":
            world.found = with_group(found, group(group_spec("foreign", 2)))
        case "group deleted":
            world.found = replace(found, groups=found.groups[1:] or found.groups)
        case "tag set":
            world.tags |= {"x": "9"}
        case "tag removed":
            world.tags.pop("y", None)
        case "owner removed":
            world.tags = {key: value for key, value in world.tags.items() if key in "xyz"}
        case "owner changed":
            world.tags |= OTHERS
        case "cluster deleted":
            world.found, world.tags = None, {}
        case "another cluster":
            world.found = replace(found, arn=found.arn[:-1] + "z")
            world.tags = {key: value for key, value in world.tags.items() if key in "xyz"}
        case "object restored":
            return replace(owner, uid="uid-2")
        case "status lost":
            return replace(owner, status=type(owner.status)())
    return owner


def foreseen(world: World, owner: Resource) -> Preview:
    blank = ClusterSnapshot(
        resource=owner, observed=Observed(cluster=None), changes=Changes(), ownership=Ownership.UNREAD, now=world.now
    )
    observed = Observed(cluster=world.found, tags=dict(world.tags) if world.found else None)
    return preview(blank, observed, sight=Sight(memory=True))


def carried_out(world: World, owner: Resource) -> list[str]:
    """The operations that the operator calls from now on."""
    world.calls.clear()
    for _ in range(PASSES):
        owner, decision, pause = world.step(owner)
        if isinstance(decision, RemoveFinalizer | InSync):
            break
        world.now += timedelta(seconds=RESYNC if pause is None else pause)
    return world.calls


@given(specs, st.lists(st.sampled_from(HAPPENINGS), max_size=2), specs, st.booleans())
@settings(max_examples=80)
@example(spec(tags=[Y]), ["another cluster"], spec(management=ADOPTS), False)
@example(spec(), ["object restored"], spec(instanceGroups=[group_spec()], management=ADOPTS), False)
def test_what_is_foreseen_is_what_is_called(
    old: dict[str, Any], happenings: list[str], new: dict[str, Any], deleting: bool
) -> None:
    world = World()
    owner = resource(spec={**old, "management": {}})
    owner, _ = world.run(owner)
    for what in happenings:
        owner = happened(world, owner, what)
    edited = resource(spec=new, generation=owner.generation + 1, deleting=deleting, uid=owner.uid)
    owner = replace(edited, status=owner.status)
    made = foreseen(world, owner)
    sent = {call.operation for call in made.calls if call not in made.waiting}
    if owner.paused:
        sent = set()  # a note says so
    called = set(carried_out(world, owner))
    if owner.protected_groups and "DeleteCluster" not in called:
        sent -= {"DeleteCluster"}  # and of protection; a group that is gone protects nothing any more
    assert called == sent, made
