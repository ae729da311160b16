"""A group that AWS refuses is left as it is, and every other edit goes through."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from tests.unit.core.builders import (
    NOW,
    ROLE,
    ago,
    cluster,
    conditions_of,
    failure,
    group,
    group_spec,
    recorded,
    resource,
    seen,
    snapshot_of,
    spec,
    with_group,
)

from hyperpod_operator.core.cluster.concerns import decide
from hyperpod_operator.core.cluster.decision import Act
from hyperpod_operator.core.cluster.parts import sendable
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import AddTags, UpdateCluster, operation
from hyperpod_operator.core.cluster.report import report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import Report
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.observed import ObservedCluster

LABELS = {"kubernetesConfig": {"labels": {"a": "b"}}}


def edited(*names: str, generation: int = 1, role: str = ROLE, **members: Any) -> Resource:
    """Each of these groups gets a label that AWS does not have yet."""
    groups = [
        group_spec(**(LABELS if "gpu" in names else {})),
        group_spec("cpu", 2, instanceType="ml.m5.4xlarge", **(LABELS if "cpu" in names else {})),
    ]
    if "new" in names:
        groups.append(group_spec("new", 1, executionRole=role))
    return resource(spec=spec(instanceGroups=groups, **members), status=recorded(), generation=generation)


class World:
    """AWS that refuses some groups; passes over one object, and what each of them sent."""

    def __init__(
        self, owner: Resource, *refused: str, message: str = "No.", kind: ErrorKind = ErrorKind.INVALID
    ) -> None:
        self.owner = owner
        self.refused = set(refused)
        self.message = message
        self.kind = kind
        self.found = cluster()
        self.now = NOW
        self.sent: list[set[str]] = []
        """Names of the groups that each update changed."""

    def run(self, passes: int = 8) -> Report:
        for _ in range(passes):
            made = self.once()
        return made

    def once(self) -> Report:
        snapshot = snapshot_of(self.owner, seen(self.owner, self.found), now=self.now)
        decided = decide(snapshot)
        result: Accepted | Rejected | None = None
        if isinstance(decided, Act):
            result = self.answer(decided)
        made = report(PassRecord(snapshot=snapshot, decision=decided, result=result))
        self.owner = replace(self.owner, status=made.status)
        self.now += timedelta(seconds=90)
        return made

    def answer(self, act: Act) -> Accepted | Rejected:
        if not isinstance(act.action, UpdateCluster):
            return Accepted(action=act.action, fingerprint=act.fingerprint)
        groups = act.action.request["instanceGroups"]
        changed = {item["instanceGroupName"] for item in groups if item.get("kubernetesConfig")}
        held = {item.name for item in self.found.groups if item.members.get("kubernetesConfig")}
        new = {item["instanceGroupName"] for item in groups if self.found.group(item["instanceGroupName"]) is None}
        self.sent.append((changed - held) | new)
        if (self.sent[-1] & self.refused) or self.refused == {"*"}:
            error = failure(self.kind, operation=operation(act.action), message=self.message)
            return Rejected(action=act.action, fingerprint=act.fingerprint, error=error)
        for item in groups:
            self.found = with_group(self.found, group(item))
        return Accepted(action=act.action, fingerprint=act.fingerprint)


def holds(found: ObservedCluster, name: str) -> bool:
    shown = found.group(name)
    return shown is not None and bool(shown.members.get("kubernetesConfig"))


def ready(made: Report) -> tuple[str, str]:
    return conditions_of(made.status)["Ready"]


@pytest.mark.parametrize(
    "words", ["Instance group 'gpu' no.", "Value at 'instanceGroups.1.member.x' no.", "groups: [gpu]", "something else"]
)
@pytest.mark.parametrize("kind", [ErrorKind.INVALID, ErrorKind.QUOTA])
def test_what_is_not_refused_arrives_whatever_words_aws_has(words: str, kind: ErrorKind) -> None:
    world = World(edited("gpu", "cpu"), "gpu", message=words, kind=kind)
    made = world.run(3)
    assert holds(world.found, "cpu")
    assert not holds(world.found, "gpu")
    assert conditions_of(made.status)["Stalled"][0] == "True"


def test_a_group_that_aws_names_is_left_out_at_once() -> None:
    world = World(edited("gpu", "cpu"), "gpu", message="Instance group 'gpu' cannot be updated.")
    world.run()
    assert world.sent == [{"gpu", "cpu"}, {"cpu"}]


def test_without_a_name_each_changed_group_is_tried_by_itself_once() -> None:
    world = World(edited("gpu", "cpu", "new"), "gpu", message="One or more parameters are wrong.")
    world.run()
    assert world.sent == [{"gpu", "cpu", "new"}, {"cpu"}, {"gpu"}, {"new"}]


NO_PASS = (
    "User: arn:aws:sts::111122223333:assumed-role/op/x is not authorized to perform: {action} on resource: {on}{end}"
)


@pytest.mark.parametrize("end", [" because no identity-based policy allows the iam:PassRole action", ".", ""])
def test_a_role_that_the_operator_may_not_pass_keeps_back_its_groups_alone(end: str) -> None:
    """`role/hyperpod-execution` is the role of the others, and the beginning of this one's name."""
    owner = edited("gpu", "cpu", "new", role=f"{ROLE}.v-2")
    words = NO_PASS.format(action="iam:PassRole", on=f"{ROLE}.v-2", end=end)
    world = World(owner, "new", message=words, kind=ErrorKind.DENIED)
    made = world.run()
    assert world.sent[:2] == [{"gpu", "cpu", "new"}, {"gpu", "cpu"}]
    assert ready(made)[1] == "PermissionDenied"
    assert [entry.instanceGroupName for entry in made.status.rejectedGroups or []] == ["new"]
    assert max(world.sent.count(one) for one in ({"new"}, {"gpu", "cpu"})) <= 2


def test_a_denial_of_the_call_is_not_tried_group_by_group() -> None:
    on = "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl"
    words = NO_PASS.format(action="sagemaker:UpdateCluster", on=on, end=".")
    world = World(edited("gpu", "cpu", "new"), "*", message=words, kind=ErrorKind.DENIED)
    made = world.run(3)
    assert world.sent == [{"gpu", "cpu", "new"}] * 3
    assert ready(made)[1] == "PermissionDenied"


def test_a_name_that_is_an_ordinary_word_of_the_message_is_no_name() -> None:
    """`cpu` stands in the words, and the group at fault is another."""
    world = World(edited("gpu", "cpu"), "gpu", message="The cpu architecture does not fit.")
    world.run()
    assert holds(world.found, "cpu")
    assert [entry.instanceGroupName for entry in world.owner.status.rejectedGroups or []] == ["gpu"]


def test_a_refused_group_does_not_hold_up_a_later_edit_of_another() -> None:
    world = World(edited("gpu"), "gpu")
    world.run()
    world.owner = replace(edited("gpu", "cpu", generation=2), status=world.owner.status)
    world.run(2)
    assert world.sent == [{"gpu"}, {"cpu"}]
    assert holds(world.found, "cpu")


def test_a_refused_group_does_not_hold_up_tags() -> None:
    world = World(edited("gpu"), "gpu")
    world.run()
    tagged = edited("gpu", generation=2, tags=[{"key": "team", "value": "a"}])
    owner = replace(tagged, status=world.owner.status)
    answer = decide(snapshot_of(owner, seen(owner, world.found), now=world.now))
    assert isinstance(answer, Act)
    assert isinstance(answer.action, AddTags)


def test_a_new_group_that_is_refused_is_not_recorded_as_ours() -> None:
    """What was never sent is not ours to delete, should somebody else make it."""
    world = World(edited("cpu", "new"), "new", message="Instance group 'new': no capacity reservation.")
    world.run()
    recorded_names = {entry.instanceGroupName for entry in world.owner.status.instanceGroups or []}
    assert recorded_names == {"gpu", "cpu"}


def test_a_refused_group_says_so_itself() -> None:
    world = World(edited("gpu"), "gpu", message="Bad label.")
    made = world.run()
    gpu = next(entry for entry in made.status.instanceGroups or [] if entry.instanceGroupName == "gpu")
    assert "Bad label" in (gpu.message or "")
    assert ready(made) == ("False", "SpecRejected")


def test_an_edit_of_the_refused_group_is_sent() -> None:
    world = World(edited("gpu"), "gpu")
    world.run()
    other = group_spec(kubernetesConfig={"labels": {"a": "c"}})
    fixed = spec(instanceGroups=[other, group_spec("cpu", 2, instanceType="ml.m5.4xlarge")])
    world.owner = replace(resource(spec=fixed, status=recorded(), generation=2), status=world.owner.status)
    world.refused.clear()
    assert ready(world.run()) == ("True", "ClusterReady")


def test_a_spec_that_asks_for_it_no_more_forgets_the_refusal() -> None:
    world = World(edited("gpu"), "gpu")
    world.run()
    world.owner = replace(edited(generation=2), status=world.owner.status)
    made = world.run(1)
    assert made.status.rejectedGroups is None
    assert ready(made) == ("True", "ClusterReady")


def test_a_reconcile_that_is_requested_sends_it_again() -> None:
    world = World(edited("gpu"), "gpu")
    world.run()
    world.owner = replace(world.owner, reconcile_requested_at="now")
    world.run(1)
    assert world.sent == [{"gpu"}, {"gpu"}]


def waits(world: World, hours: float) -> list[datetime]:
    """When the refused group was sent, over so many hours."""
    times, end = [], world.now + timedelta(hours=hours)
    while world.now < end:
        before = len(world.sent)
        at = world.now
        world.once()
        if len(world.sent) > before:
            times.append(at)
    return times


def test_a_quota_is_tried_every_five_minutes() -> None:
    world = World(edited("gpu"), "gpu", kind=ErrorKind.QUOTA)
    times = waits(world, 1)
    assert all(timedelta(minutes=5) <= b - a < timedelta(minutes=8) for a, b in pairwise(times))


def test_the_answers_of_a_group_that_aws_shows_otherwise_are_asked_anew() -> None:
    world = World(edited("gpu"), "gpu")
    world.run()
    world.found = with_group(world.found, group(group_spec(count=4, threadsPerCore=2)))
    world.run(1)
    assert world.sent == [{"gpu"}, {"gpu"}]


def test_when_every_group_is_refused_nothing_is_sent_again() -> None:
    world = World(edited("gpu", "cpu"), "gpu", "cpu", message="no")
    world.run(12)
    assert world.sent == [{"gpu", "cpu"}, {"cpu"}, {"gpu"}]


@pytest.mark.parametrize("suspected", [True, False])
def test_a_part_that_is_held_is_not_sent_whatever_is_known_of_it(suspected: bool) -> None:
    """Its checks fail, or its nodes are not ready to end."""
    owner = edited("gpu", "cpu")
    marks = snapshot_of(owner, seen(owner, cluster())).changed_parts
    entries = [
        {
            "instanceGroupName": name,
            "fingerprint": mark,
            "reason": "SpecRejected",
            "suspected": True,
            "time": ago(60),
        }
        for name, mark in marks.items()
    ]
    owner = replace(owner, status=resource(status=recorded(rejectedGroups=entries if suspected else None)).status)
    snapshot = snapshot_of(owner, seen(owner, cluster()))
    assert sendable(snapshot) == ({"cpu"} if suspected else {"cpu", "gpu"})
    assert sendable(replace(snapshot, held_groups=frozenset({"cpu"}))) == {"gpu"}
    assert sendable(replace(snapshot, held_groups=frozenset(marks))) == frozenset()
