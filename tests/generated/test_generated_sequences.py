"""Lives by chance: edits, strangers in AWS, time, restarts and faults in any order, against the simulator.

While they last no promise is broken; when the faults stop and the strangers rest, every resource arrives: gone if it
was deleted, Ready, or waiting for a person with a reason that this person can act on.
"""

import copy
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from pydantic import ValidationError
from tests.generated.bases import examples, seen
from tests.generated.edits import edits
from tests.generated.effort import effort
from tests.generated.trial import LATER, Trial
from tests.unit.controllers.rig import pause
from tests.unit.controllers.test_life import THEIRS
from tests.unit.core.builders import group_spec

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.api.names import TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID, Reason
from hyperpod_operator.core.outcome import Done, Gone, Outcome
from hyperpod_operator.core.ports import Key
from hyperpod_testbed.simulator import Fault
from hyperpod_testbed.simulator.state import DEFAULT_REGION

Spec = dict[str, Any]
KEY = Key("generated", "research")
THEN = st.sampled_from([10, 3, 1, 0])
"""How many passes follow before the next thing happens."""
PROVES = {TAG_OWNER_UID, TAG_OWNER, TAG_EKS_CLUSTER}

REFUSALS = ("AccessDeniedException", "ConflictException", "ResourceLimitExceeded")
FAULTS = st.one_of(
    st.builds(
        Fault,
        # Reads that get no answer are repeated by botocore after real seconds: their faults have tests of their own.
        operation=st.sampled_from(["CreateCluster", "UpdateCluster", "DeleteCluster", "AddTags", "DeleteTags"]),
        kind=st.sampled_from(["drop", "commit_then_drop", "throttle", "error"]),
        times=st.integers(1, 3),
    ),
    st.builds(
        Fault,
        operation=st.sampled_from(["*", "DescribeCluster", "ListTags", "ListClusterNodes", "CreateCluster"]),
        kind=st.just("error"),
        code=st.sampled_from(REFUSALS),
        status=st.just(400),
        times=st.integers(1, 3),
    ),
)

HELD = frozenset({Reason.PAUSED, Reason.INVALID_SPEC, Reason.SCALED_OUTSIDE, Reason.COUNT_ABOVE_SPEC})
"""Where a person has the next word, in a world of edits and strangers like these."""


def recreating(management: Spec) -> Spec:
    """With the policy that has a cluster created again that others deleted: what these sequences are about."""
    return {**management, "onExternalDelete": "Recreate"}


class Lives(RuleBasedStateMachine):
    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self.trial, self.rig = trial, trial.rig

    @initialize(base=st.sampled_from(examples()), then=st.sampled_from([15, 3, 0]))
    def somebody_creates_it(self, base: Spec, then: int) -> None:
        self.trial.begin(KEY)
        self.creates(base, then)

    def creates(self, base: Spec, then: int) -> None:
        base = {**copy.deepcopy(base), "management": recreating(base.get("management") or {})}
        self.spec = self.sound = base
        self.name = base.get("clusterName", KEY.name)
        self.deletes_allowed = False
        self.trial.apply(self.spec)
        self.passes(then)

    def edit(self, spec: Spec, then: int) -> None:
        if self.alive:
            self.spec = spec
            self.trial.apply(spec)
        self.passes(then)

    @property
    def alive(self) -> bool:
        return self.rig.objects.exists(KEY)

    @property
    def cluster(self) -> dict[str, Any]:
        """What AWS has, seen from above; empty when there is none."""
        found: dict[str, dict[str, Any]] = self.rig.simulator.settings.dump().get(DEFAULT_REGION, {})
        return found.get(self.name, {})

    def passes(self, count: int) -> None:
        for _ in range(count):
            self.rig.simulator.clock.advance(pause(self.once()))

    def once(self) -> Outcome:
        before = self.cluster
        outcome = self.trial.once()
        deleted = self.rig.operations().count("DeleteCluster")
        assert self.deletes_allowed or not deleted, f"DeleteCluster of a resource that lives: {self.trial.pass_record}"
        after = self.cluster
        if before and after and not self.deletes_allowed:
            assert before["Tags"].keys() & PROVES <= after["Tags"].keys(), f"lost its owner: {after['Tags']}"
        return outcome

    # The user.

    @rule(group=st.integers(0, 1), count=st.integers(0, 5), then=THEN)
    def edit_a_count(self, group: int, count: int, then: int) -> None:
        spec = copy.deepcopy(self.sound)
        wanted = spec["instanceGroups"][group % len(spec["instanceGroups"])]
        wanted["instanceCount"] = count
        wanted.pop("minInstanceCount", None)
        self.sound = spec
        self.edit(spec, then)

    @rule(
        members=st.fixed_dictionaries(
            {},
            optional={
                "nodeRecovery": st.sampled_from(["Automatic", "None"]),
                "tieredStorageConfig": st.sampled_from([{"mode": "Enable"}, {"mode": "Disable"}]),
                "management": st.sampled_from([{"paused": True}, {"deletionPolicy": "Retain"}, {}]).map(recreating),
            },
        ),
        then=THEN,
    )
    def edit_the_cluster(self, members: Spec, then: int) -> None:
        self.sound = {**self.sound, **members}
        self.edit(self.sound, then)

    @rule(tags=st.lists(st.sampled_from(["team", "x"]), unique=True), value=st.sampled_from(["", "b"]), then=THEN)
    def edit_the_tags(self, tags: list[str], value: str, then: int) -> None:
        self.sound = {**self.sound, "tags": [{"key": key, "value": value} for key in tags]}
        self.edit(self.sound, then)

    @rule(there=st.booleans(), then=THEN)
    def add_or_remove_a_group(self, there: bool, then: int) -> None:
        groups = [group for group in self.sound["instanceGroups"] if group["instanceGroupName"] != "extra"]
        extra = [group_spec("extra", 1, instanceType="ml.m5.4xlarge")] if there else []
        self.sound = {**self.sound, "instanceGroups": [*groups, *extra]}
        self.edit(self.sound, then)

    @rule(data=st.data(), then=THEN)
    def an_older_crd_lets_nonsense_pass(self, data: st.DataObject, then: int) -> None:
        spec = data.draw(edits(self.sound, seen())).on(self.sound)
        if _unreadable(spec):
            self.edit(spec, then)

    @rule(then=THEN)
    def edit_back(self, then: int) -> None:
        self.edit(self.sound, then)

    @rule(then=THEN)
    def delete(self, then: int) -> None:
        if self.alive and not self.deletes_allowed:
            self.deletes_allowed = True
            self.trial.pass_record.append("is deleted")
            self.rig.objects.delete(KEY)
        self.passes(then)

    # The operator.

    @rule(then=THEN)
    def restart(self, then: int) -> None:
        self.trial.restart()
        self.passes(then)

    @rule(minutes=st.sampled_from([1, 30, 300]), then=THEN)
    def time_passes(self, minutes: int, then: int) -> None:
        self.rig.simulator.clock.advance(60 * minutes)
        self.passes(then)

    # AWS, and others in it.

    @rule(fault=FAULTS, then=THEN)
    def misfortune(self, fault: Fault, then: int) -> None:
        self.trial.pass_record.append(str(fault))
        self.rig.simulator.faults.add(fault)
        self.passes(then)

    @rule(at_once=st.booleans(), then=THEN)
    def somebody_else_deletes_the_cluster(self, at_once: bool, then: int) -> None:
        if self.cluster:
            self.trial.pass_record.append("the cluster is deleted in AWS")
            self.trial.creations_allowed += 1
            self.rig.simulator.world.delete_out_of_band(self.name, at_once=at_once)
        self.passes(then)

    @rule(then=THEN)
    def somebody_else_adds_a_group(self, then: int) -> None:
        serves = self.cluster.get("ClusterStatus") == "InService"
        if serves and all(group["InstanceGroupName"] != "theirs" for group in self.cluster["InstanceGroups"]):
            self.trial.pass_record.append("a group is added in AWS")
            self.rig.simulator.world.add_group_out_of_band(self.name, THEIRS)
        self.passes(then)

    @rule(then=THEN)
    def somebody_else_changes_plain_tags(self, then: int) -> None:
        if self.cluster:
            ours = {key: value for key, value in self.cluster["Tags"].items() if key in PROVES}
            self.trial.pass_record.append("tags are changed in AWS")
            self.rig.simulator.world.set_tags(self.name, {**ours, "theirs": "1"})
        self.passes(then)

    # The end.

    def teardown(self) -> None:
        self.trial.pass_record.append("faults stop")
        self.rig.simulator.faults.clear()
        self.arrives()
        self.rig.simulator.clock.advance(LATER)
        self.stands(self.arrives())

    def arrives(self) -> Outcome:
        for _ in range(200):
            outcome = self.once()
            if isinstance(outcome, Done | Gone) or getattr(outcome, "reason", None) in HELD:
                return outcome
            self.rig.simulator.clock.advance(pause(outcome))
        raise AssertionError(self.trial.about("does not arrive"))

    def stands(self, outcome: Outcome) -> None:
        """What the object says is what is so, and a further pass changes nothing."""
        if isinstance(outcome, Gone):
            assert not self.alive, self.trial.about("is called gone and is there")
            return
        ready = next(item for item in self.rig.objects.status(KEY)["conditions"] if item["type"] == "Ready")
        assert (ready["status"] == "True") is isinstance(outcome, Done) or ready["reason"] == Reason.PAUSED, (
            self.trial.about(f"ends as {outcome}")
        )
        before, writes, calls = self.rig.objects.status(KEY), len(self.rig.objects.writes), len(self.rig.calls())
        self.rig.simulator.clock.advance(pause(outcome))
        self.once()
        assert len(self.rig.calls()) == calls, self.trial.about("called at rest")
        assert len(self.rig.objects.writes) == writes, self.trial.about(f"wrote at rest, over {before}")


def _unreadable(spec: Spec) -> bool:
    try:
        HyperPodClusterSpec.model_validate(spec)
    except ValidationError:
        return True
    return False


def test_whatever_happens_every_resource_arrives_and_no_promise_is_broken(trial: Trial) -> None:
    class OnThisTrial(Lives):
        def __init__(self) -> None:
            super().__init__(trial)

    run_state_machine_as_test(OnThisTrial, settings=effort(20, steps=12))
