"""A very small AWS for the core's own tests: it does what it is told and shows it at the next look.

What the simulator of the test bed models with care (phases, capacity, refusals) is left out: here it matters
only that passes lead somewhere, and that losing an answer changes nothing about where.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.unit.core.builders import ARN, NOW, cluster, failure, group, snapshot_of

from hyperpod_operator.core.cluster.concerns import decide
from hyperpod_operator.core.cluster.decision import Act, Decision
from hyperpod_operator.core.cluster.diff import SOFTWARE_MEMBERS
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import (
    Action,
    AddTags,
    CreateCluster,
    DeleteCluster,
    DeleteTags,
    UpdateCluster,
    UpdateClusterSoftware,
    operation,
)
from hyperpod_operator.core.cluster.report import report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import InSync, RemoveFinalizer
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.observed import Observed, ObservedCluster
from hyperpod_operator.core.outcome import Blocked, Failed, Requeue

ANSWERS = ("accepted", "lost after", "lost before")
"""What may happen to a call: an answer comes, it was carried out and no answer comes, it never arrived."""
GROUP_LISTS = ("instanceGroups", "restrictedInstanceGroups")


@dataclass
class World:
    """The account and the clock."""

    found: ObservedCluster | None = None
    tags: dict[str, str] = field(default_factory=dict)
    now: datetime = NOW
    calls: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """How the next calls fare; once it is empty, all are answered."""

    def run(self, owner: Resource, *, most: int = 600) -> tuple[Resource, Decision]:
        """Passes until one has nothing left to do, or needs a person."""
        for _ in range(most):
            owner, decision, pause = self.step(owner)
            if isinstance(decision, InSync | RemoveFinalizer) or pause is None:
                return owner, decision
            self.now += timedelta(seconds=pause)
        raise AssertionError(f"no end after {most} passes; calls: {self.calls}")

    def step(self, owner: Resource) -> tuple[Resource, Decision, float | None]:
        """One pass; the pause before the next one, None where only the resync or a person brings one."""
        observed = Observed(cluster=self.found, tags=dict(self.tags) if self.found else None)
        snapshot = snapshot_of(owner, observed, now=self.now)
        decision = decide(snapshot)
        result = self._call(decision) if isinstance(decision, Act) else None
        made = report(PassRecord(snapshot=snapshot, decision=decision, result=result))
        owner = replace(owner, status=type(owner.status).model_validate(made.status.model_dump(exclude_none=True)))
        match made.outcome:
            case Requeue(after=after):
                return owner, decision, after
            case Failed(at_least=after):
                return owner, decision, after
            case Blocked() | _:
                return owner, decision, None

    def _call(self, act: Act) -> Accepted | Rejected:
        answer = self.answers.pop(0) if self.answers else "accepted"
        if answer != "lost before":
            self.calls.append(operation(act.action))
            self._carry_out(act.action)
        if answer == "accepted":
            return Accepted(action=act.action, fingerprint=act.fingerprint, arn=ARN)
        error = failure(ErrorKind.UNKNOWN_OUTCOME, operation=operation(act.action))
        return Rejected(action=act.action, fingerprint=act.fingerprint, error=error)

    def _carry_out(self, action: Action) -> None:
        match action:
            case CreateCluster(request=request):
                if self.found is not None:
                    raise AssertionError("a second cluster of the same name was asked for")
                self.tags = {tag["key"]: tag["value"] for tag in request["tags"]}
                self.found = updated(cluster(groups=(), members={}), request)
            case UpdateCluster(request=request) if self.found:
                self.found = updated(self.found, request)
            case UpdateClusterSoftware(request=request) if self.found:
                self.found = patched(self.found, request)
            case DeleteCluster():
                self.found, self.tags = None, {}
            case AddTags(tags=tags):
                self.tags |= tags
            case DeleteTags(keys=keys):
                self.tags = {key: value for key, value in self.tags.items() if key not in keys}
            case _:
                raise AssertionError(f"{operation(action)} for a cluster that is not there")


def updated(found: ObservedCluster, request: Mapping[str, Any]) -> ObservedCluster:
    """The cluster after CreateCluster or UpdateCluster: groups that are named are as they were sent, on their image."""
    leaving = set(request.get("instanceGroupsToDelete", []))
    groups = {item.name: item for item in found.groups if item.name not in leaving}
    for kind in GROUP_LISTS:
        for sent in request.get(kind, []):
            before = groups.get(sent["instanceGroupName"])
            image = {name: before.members[name] for name in SOFTWARE_MEMBERS & before.members.keys()} if before else {}
            groups[sent["instanceGroupName"]] = group({**image, **sent}, restricted=kind == "restrictedInstanceGroups")
    said = {"clusterName", "tags", "instanceGroupsToDelete", *GROUP_LISTS}
    members = {name: value for name, value in request.items() if name not in said}
    return replace(found, groups=tuple(groups.values()), members={**found.members, **members})


def patched(found: ObservedCluster, request: Mapping[str, Any]) -> ObservedCluster:
    """The cluster after UpdateClusterSoftware: the named groups run the named image or release."""
    wanted = {item["instanceGroupName"]: item for item in request["instanceGroups"]}
    image = {"imageId": request["imageId"]} if "imageId" in request else {}
    groups = tuple(
        replace(item, members={**item.members, **wanted[item.name], **image}) if item.name in wanted else item
        for item in found.groups
    )
    return replace(found, groups=groups)
