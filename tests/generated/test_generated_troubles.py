"""Lives by chance in a worse world: instances that do not come or fail, others who scale groups and end nodes and
groups, approvals, statuses that are lost or come back from a backup, and each kind of edit of a group.

The promises are those of `test_generated_sequences`. When the world is kind again, every resource arrives, or waits for
a person.
"""

import copy
from collections.abc import Callable, Mapping
from contextlib import suppress

import boto3
from botocore.exceptions import ClientError
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test
from tests.generated.bases import examples
from tests.generated.effort import effort
from tests.generated.test_generated_sequences import KEY, THEN, Lives, Spec
from tests.generated.trial import NO_ANSWER, REGION, Trial, held
from tests.unit.controllers.answers import NO_NODES, other_answers
from tests.unit.controllers.rig import pause

from hyperpod_operator.api.names import APPROVE_PLAN, Reason
from hyperpod_operator.core.outcome import Blocked, Done, Gone, Outcome
from hyperpod_testbed.simulator.errors import AwsError

GROUP = st.integers(0, 2)
PASSES = 300
TYPES = ("ml.m5.xlarge", "ml.m5.2xlarge", "ml.g5.xlarge", "ml.m5.4xlarge")
EDITS = ("minimum", "script", "labels", "storage", "owner", "type", "protection")
ANSWERS = [NO_ANSWER, *(one for one in other_answers() if one != NO_NODES)]
TO_APPROVE = frozenset({Reason.WAITING_FOR_APPROVAL, Reason.PLAN_STALE})


class Troubles(Lives):
    kept: Spec | None = None
    """The status as a backup has it."""

    @initialize(base=st.sampled_from(examples()), then=st.sampled_from([15, 3, 0]), answer=st.sampled_from(ANSWERS))
    def somebody_creates_it(self, base: Spec, then: int, answer: Mapping[str, object] = NO_ANSWER) -> None:
        self.trial.begin(KEY, answer=answer)
        self.creates(base, then)

    def something(self, what: str, then: int, happen: Callable[[], object]) -> None:
        """An event that the world may refuse."""
        self.trial.pass_record.append(what)
        try:
            happen()
        except (ClientError, AwsError, ValueError) as error:
            self.trial.pass_record.append(f"refused: {error}")
        self.passes(then)

    @property
    def there(self) -> list[str]:
        """Names of the groups that AWS has."""
        return [one["InstanceGroupName"] for one in self.cluster.get("InstanceGroups", [])]

    @property
    def wanted(self) -> list[str]:
        return [one["instanceGroupName"] for one in self.sound["instanceGroups"]]

    def group(self, number: int) -> str:
        """A group that AWS has, or that the spec asks for."""
        names = self.there or self.wanted
        return names[number % len(names)]

    @property
    def serves(self) -> bool:
        return self.cluster.get("ClusterStatus") == "InService" and bool(self.there)

    def instances(self, *statuses: str) -> list[str]:
        with self.rig.simulator.core.present() as sim:
            found = [one for one in sim.account.clusters() if one.name == self.name]
            nodes = [node for one in found for node in one.instances.values()]
            return sorted(node.instance_id for node in nodes if node.instance_id and node.status in statuses)

    # AWS, and others in it.

    @rule(group=GROUP, nodes=st.integers(0, 2), then=THEN)
    def capacity_is_short(self, group: int, nodes: int, then: int) -> None:
        name, world = self.group(group), self.rig.simulator.world
        self.something(f"{name} gets {nodes}", then, lambda: world.limit_capacity(self.name, name, nodes))

    @rule(group=GROUP, then=THEN)
    def the_lifecycle_script_fails(self, group: int, then: int) -> None:
        name, world = self.group(group), self.rig.simulator.world
        self.something(f"the script of {name} fails", then, lambda: world.fail_lifecycle(self.name, name))

    @rule(group=GROUP, count=st.integers(0, 4), then=THEN)
    def somebody_else_scales(self, group: int, count: int, then: int) -> None:
        if self.serves:
            name, world = self.group(group), self.rig.simulator.world
            scale = f"{name} is scaled to {count} in AWS"
            self.something(scale, then, lambda: world.scale_out_of_band(self.name, name, count))

    @rule(group=GROUP, then=THEN)
    def somebody_else_deletes_a_group(self, group: int, then: int) -> None:
        if self.serves:
            name, world = self.group(group), self.rig.simulator.world
            self.something(f"{name} is deleted in AWS", then, lambda: world.delete_group_out_of_band(self.name, name))

    @rule(node=st.integers(0, 5), then=THEN)
    def a_node_fails(self, node: int, then: int) -> None:
        if running := self.instances("Running"):
            one, world = running[node % len(running)], self.rig.simulator.world
            self.something(f"{one} fails", then, lambda: world.fail_node(self.name, one))

    @rule(node=st.integers(0, 5), call=st.sampled_from(["delete", "reboot", "replace"]), then=THEN)
    def somebody_else_ends_a_node(self, node: int, call: str, then: int) -> None:
        if running := self.instances("Running"):
            self.something(f"{call} of a node in AWS", then, lambda: self.batch(call, running[node % len(running)]))

    def batch(self, call: str, instance: str) -> None:
        client = boto3.client("sagemaker", region_name=REGION)
        getattr(client, f"batch_{call}_cluster_nodes")(ClusterName=self.name, NodeIds=[instance])

    @rule(then=THEN)
    def the_world_is_kind_again(self, then: int) -> None:
        self.something("all is well", then, self.heal)

    def heal(self) -> None:
        for name in {*self.there, *self.wanted, "extra"}:
            self.rig.simulator.world.restore_capacity(self.name, name)
            self.rig.simulator.world.restore_lifecycle(self.name, name)
        for instance in self.instances("Failure"):
            with suppress(ClientError):  # its cluster changes, or is gone
                self.batch("replace", instance)

    # The user.

    @rule(policy=st.sampled_from(["Auto", "ApproveDisruptive", "ApproveAll"]), protected=st.booleans(), then=THEN)
    def edit_the_policy(self, policy: str, protected: bool, then: int) -> None:
        management = {**self.sound["management"], "changePolicy": policy, "deletionProtection": protected}
        self.sound = {**self.sound, "management": management}
        self.edit(self.sound, then)

    @rule(then=THEN)
    def approve(self, then: int) -> None:
        self.something("approved", then, self.approve_what_is_planned)

    def approve_what_is_planned(self) -> None:
        digest = (self.rig.objects.status(KEY).get("plan") or {}).get("digest") if self.alive else None
        if digest:
            self.rig.objects.apply(KEY, self.spec, annotations={APPROVE_PLAN: digest})

    @rule(group=st.integers(0, 1), member=st.sampled_from(EDITS), number=st.integers(0, 3), then=THEN)
    def edit_a_group(self, group: int, member: str, number: int, then: int) -> None:
        spec = copy.deepcopy(self.sound)
        wanted = spec["instanceGroups"][group % len(spec["instanceGroups"])]
        match member:
            case "minimum" if spec.get("nodeProvisioningMode") == "Continuous":
                wanted["minInstanceCount"] = min(number, wanted["instanceCount"])
            case "script":
                wanted["lifeCycleConfig"] = {"sourceS3Uri": f"s3://sagemaker-{number}/x", "onCreate": "on_create.sh"}
            case "labels":
                wanted["kubernetesConfig"] = {"labels": {"example.com/tier": f"v{number}"}}
            case "storage":
                wanted["instanceStorageConfigs"] = [{"ebsVolumeConfig": {"volumeSizeInGB": 100 + number}}]
            case "owner":
                wanted["management"] = {"countOwner": "External" if number % 2 else "Operator"}
            case "protection":
                wanted["management"] = {"deletionProtection": bool(number % 2)}
            case "type" if "instanceType" in wanted:
                wanted["instanceType"] = TYPES[number]
        self.sound = spec
        self.edit(spec, then)

    @rule(then=THEN)
    def a_backup_is_made(self, then: int) -> None:
        self.kept = self.rig.objects.status(KEY) if self.alive else None
        self.passes(then)

    @rule(then=THEN)
    def the_status_comes_back_from_the_backup(self, then: int) -> None:
        if self.alive and self.kept is not None:
            kept = self.kept
            self.something("status restored", then, lambda: self.rig.objects.set_status(KEY, kept))

    @rule(then=THEN)
    def the_status_is_lost(self, then: int) -> None:
        if self.alive:
            self.something("status lost", then, lambda: self.rig.objects.set_status(KEY, {}))

    # The end.

    def arrives(self) -> Outcome:
        for _ in range(PASSES):
            self.heal()
            outcome = self.once()
            if isinstance(outcome, Blocked) and outcome.reason in TO_APPROVE:
                self.approve_what_is_planned()
            elif isinstance(outcome, Done | Gone | Blocked) or held(outcome):
                return outcome
            self.rig.simulator.clock.advance(pause(outcome))
        raise AssertionError(self.trial.about("does not arrive"))

    def stands(self, outcome: Outcome) -> None:
        """What waits for a person, or tries again by itself, may go on as soon as AWS has other words for it."""
        if isinstance(outcome, Done | Gone):
            super().stands(outcome)


def test_in_a_worse_world_every_resource_arrives_and_no_promise_is_broken(trial: Trial) -> None:
    class OnThisTrial(Troubles):
        def __init__(self) -> None:
            super().__init__(trial)

    run_state_machine_as_test(OnThisTrial, settings=effort(20, steps=14, by_default=6))
