"""What passes over clusters learned: what it says has changed, and what a later pass does not forget."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.health import CLUSTER, CPU, GPU, NOW

from hyperpod_operator.controllers.cluster_cache import ClusterCache, Entry
from hyperpod_operator.core.audit import Requester
from hyperpod_operator.core.observed import ObservedCluster, ObservedGroup, ObservedNode
from hyperpod_operator.core.ports import Key, StoredObject

KEY = Key("team", "research")
ARN = f"arn:aws:sagemaker:us-west-2:111122223333:cluster/{CLUSTER}"
GROUP = ObservedGroup(
    name="gpu",
    restricted=False,
    status="InService",
    current_count=2,
    target_count=2,
    members={"instanceType": "ml.p5.48xlarge"},
)
RUNNING = ObservedNode(instance_id=GPU, group="gpu", instance_type="ml.p5.48xlarge", status="Running")
OTHER = replace(RUNNING, instance_id=CPU)


class Passes:
    """A cache that passes fill, and what it said of each change."""

    def __init__(self) -> None:
        self.cache = ClusterCache()
        self.now = NOW
        self.body: dict[str, Any] = {}
        self.told: list[tuple[str, frozenset[str] | None]] = []

    def see(
        self,
        *nodes: ObservedNode,
        listed: bool = True,
        arn: str = ARN,
        group: ObservedGroup = GROUP,
        enforce: bool = True,
    ) -> Entry:
        stored = StoredObject(
            key=KEY,
            uid="uid",
            resource_version="1",
            generation=1,
            deleting=False,
            finalizers=(),
            annotations={},
            body={"kind": "HyperPodCluster", **self.body},
        )
        cluster = ObservedCluster(arn=arn, name="research", status="InService", groups=(group,))
        entry = self.cache.merged(
            stored=stored, cluster=cluster, nodes=nodes if listed else None, enforce=enforce, now=self.now
        )
        change = self.cache.update(entry)
        if change is not None:
            self.told.append((change.cluster_id, change.instances))
        return entry


@pytest.fixture
def passes() -> Passes:
    made = Passes()
    made.see(RUNNING, OTHER)
    return made


def test_of_the_object_only_what_an_event_names_is_kept(passes: Passes) -> None:
    passes.body = {"metadata": {}, "spec": {}, "status": {}}
    assert passes.see(RUNNING).stored.body == {"kind": "HyperPodCluster"}


def test_who_wrote_the_spec_is_kept_for_the_audit_trail(passes: Passes) -> None:
    passes.body = {"metadata": {"managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}]}}
    assert passes.see(RUNNING).by == Requester(generation=1, requested_by="kubectl")


def test_the_first_pass_is_about_every_instance(passes: Passes) -> None:
    assert passes.told == [(CLUSTER, None)]


def test_a_pass_that_sees_the_same_tells_nobody(passes: Passes) -> None:
    passes.see(RUNNING, OTHER)
    assert len(passes.told) == 1


def test_a_pass_tells_which_instances_are_different(passes: Passes) -> None:
    passes.see(replace(RUNNING, status="Failure"), OTHER)
    assert passes.told[1:] == [(CLUSTER, frozenset({GPU}))]


def test_an_instance_that_came_or_went_is_different(passes: Passes) -> None:
    passes.see(OTHER)
    passes.see(RUNNING, OTHER)
    assert passes.told[1:] == [(CLUSTER, frozenset({GPU}))] * 2


def test_another_group_or_another_wish_is_about_every_instance(passes: Passes) -> None:
    passes.see(RUNNING, OTHER, group=replace(GROUP, members={"instanceType": "ml.m5.xlarge"}))
    passes.see(RUNNING, OTHER, enforce=False)
    assert passes.told[1:] == [(CLUSTER, None)] * 2


def test_a_pass_that_listed_no_instances_keeps_what_was_known_of_them(passes: Passes) -> None:
    entry = passes.see(listed=False)
    assert entry.listed
    assert entry.facts.instances.keys() == {GPU, CPU}
    assert len(passes.told) == 1


def test_another_cluster_under_the_same_name_knows_nothing_of_the_old_ones_instances(passes: Passes) -> None:
    entry = passes.see(listed=False, arn=ARN.replace(CLUSTER, "zzzzzzzzzzzz"))
    assert not entry.facts.instances
    assert passes.cache.of(CLUSTER) is None
    assert passes.cache.of("zzzzzzzzzzzz") is entry


def test_a_cluster_that_is_gone_is_forgotten_under_both_names(passes: Passes) -> None:
    passes.cache.forget(KEY)
    assert passes.cache.of(CLUSTER) is None
    assert passes.cache.get(KEY) is None


def test_a_cluster_that_another_object_took_over_stays_that_ones(passes: Passes) -> None:
    """The former owner notices later, by the tags: it forgets the cluster, and not whose it is."""
    former = passes.cache.get(KEY)
    assert former is not None
    taken = replace(former, stored=replace(former.stored, key=Key("other", "research")))
    passes.cache.update(taken)
    passes.cache.forget(KEY)
    assert passes.cache.of(CLUSTER) is taken


def test_a_former_owner_that_turns_to_another_cluster_leaves_the_first_one_to_its_owner(passes: Passes) -> None:
    former = passes.cache.get(KEY)
    assert former is not None
    taken = replace(former, stored=replace(former.stored, key=Key("other", "research")))
    passes.cache.update(taken)
    passes.see(arn=ARN.replace(CLUSTER, "zzzzzzzzzzzz"))
    assert passes.cache.of(CLUSTER) is taken


def test_an_instance_counts_as_running_from_the_pass_that_first_saw_it_so(passes: Passes) -> None:
    """Launched hours ago and checked since: it is not late when it joins a few minutes after it runs."""
    checked = replace(RUNNING, status="DeepHealthCheckInProgress", launched_at=NOW - timedelta(hours=3))
    passes.see(checked, OTHER)
    passes.now = NOW + timedelta(minutes=30)
    passes.see(RUNNING, OTHER)
    passes.now = NOW + timedelta(minutes=40)
    entry = passes.see(RUNNING, OTHER)
    assert entry.running_since == {GPU: NOW + timedelta(minutes=30), CPU: NOW}


def test_a_pass_that_does_not_list_keeps_since_when_instances_run(passes: Passes) -> None:
    passes.now = NOW + timedelta(minutes=30)
    assert passes.see(listed=False).running_since == {GPU: NOW, CPU: NOW}


def test_what_a_pass_saw_is_not_stored_before_it_is_believed(passes: Passes) -> None:
    before = passes.cache.get(KEY)
    assert before is not None
    cluster = ObservedCluster(arn=ARN, name="research", status="InService", groups=(GROUP,))
    merged = passes.cache.merged(stored=before.stored, cluster=cluster, nodes=(OTHER,), enforce=True, now=NOW)
    assert merged.facts.instances.keys() == {CPU}
    assert passes.cache.get(KEY) is before
