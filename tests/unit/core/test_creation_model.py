"""A name in AWS about which anything happens between two passes: whoever makes, takes and deletes clusters there.

Whatever comes, the operator makes no second cluster where others ended one that it had, unless a person says so; it
deletes none that its tags do not prove, or that others made, and releases none that its tags prove.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.core.builders import (
    ARN,
    FORMER,
    NOW,
    OTHERS,
    cluster,
    failure,
    managed,
    our_tags,
    resource,
    snapshot_of,
)

from hyperpod_operator.core.cluster.concerns import decide
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import AddTags, CreateCluster, DeleteCluster, DeleteTags
from hyperpod_operator.core.cluster.report import intent, report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import RemoveFinalizer
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.observed import Observed, ObservedCluster

EVENTS = (
    *("pass",) * 12,
    "long",
    *(
        "taken",
        "taken",
        "deleted outside",
        "former",
        "untagged",
        "ours",
        "others made",
        "fails",
        "serves",
        "deleted outside",
    ),
    *("delete", "unread", "pause", "resume", "adopts", "edit", "restored"),
    *("lost after", "lost before", "refused", "died before", "died after", "withdrawn"),
)


@dataclass
class Name:
    """What AWS has under the name, and the object about it."""

    owner: Resource
    found: ObservedCluster | None = None
    tags: dict[str, str] = field(default_factory=dict)
    now: datetime = NOW
    made: int = 0
    had: bool = False
    """Whether a pass saw a cluster of this object there that the operator has not deleted since."""
    next_call: str = ""
    adopted: bool = False
    """Whether what is there was made by others."""
    gone: bool = False
    """Whether the object was released."""

    def event(self, kind: str) -> None:
        management = self.owner.spec.management
        match kind:
            case "pass":
                self.step()
            case "long":
                self.now += timedelta(hours=2)
            case "taken" if self.found is not None:
                self.tags = dict(OTHERS)
            case "former" if self.found is not None:
                self.tags = dict(FORMER)
            case "untagged" if self.found is not None:
                self.tags = {}
            case "ours" if self.found is not None:  # a person says so, of whatever is there
                self.tags, self.adopted = dict(our_tags(self.owner)), False
            case "others made" if self.found is None:
                self.made += 1
                self.found, self.tags = replace(cluster(), arn=f"{ARN}{self.made}"), dict(OTHERS)
                self.adopted = True
            case "fails" | "serves" if self.found is not None:
                self.found = replace(self.found, status="Failed" if kind == "fails" else "InService")
            case "deleted outside":
                self.found, self.tags = None, {}
            case "delete":
                self.owner = replace(self.owner, deleting=True)
            case "unread":
                self._report(PassRecord(snapshot=self._snapshot(), unread=failure(ErrorKind.TRANSIENT), failures=5))
            case "pause" | "resume" if management is not None:
                self._manage(paused=kind == "pause")
            case "adopts":
                self._manage(adoptionPolicy="IfUnowned")
            case "edit":
                self.owner = replace(self.owner, generation=self.owner.generation + 1)
            case "restored":
                self.owner = replace(self.owner, status=type(self.owner.status)(), uid=f"{self.owner.uid}+")
                self.had = False
            case "lost after" | "lost before" | "refused" | "died before" | "died after" | "withdrawn":
                self.next_call = kind

    def _manage(self, **changed: object) -> None:
        before = self.owner.spec.management
        after = before.model_copy(update=changed) if before is not None else None
        spec = self.owner.spec.model_copy(update={"management": after})
        self.owner = replace(self.owner, spec=spec, generation=self.owner.generation + 1)

    def _snapshot(self) -> ClusterSnapshot:
        tags = dict(self.tags) if self.found is not None else None
        return snapshot_of(self.owner, Observed(cluster=self.found, tags=tags), now=self.now)

    def _report(self, record: PassRecord) -> None:
        status = report(record).status
        self.owner = replace(self.owner, status=type(status).model_validate(status.model_dump(exclude_none=True)))

    def step(self) -> None:
        snapshot = self._snapshot()
        decision = decide(snapshot)
        record = PassRecord(snapshot=snapshot, decision=decision)
        if isinstance(decision, RemoveFinalizer):
            self.gone = True
            assert self.tags.items() & our_tags(self.owner).items() != our_tags(self.owner).items()
        elif isinstance(decision, Act):
            self._call(record, decision)
        else:
            self._report(record)
        if snapshot.owned and snapshot.observed.cluster is not None and self.found is not None:
            self.had = True
        self.now += timedelta(seconds=60)

    def _call(self, record: PassRecord, act: Act) -> None:
        self._check(act)
        fate, self.next_call = self.next_call, ""
        planned = intent(record, act)
        if planned is not None and fate != "withdrawn":
            self.owner = replace(self.owner, status=type(planned).model_validate(planned.model_dump(exclude_none=True)))
        if fate in {"died before", "withdrawn"}:
            return
        error = CloudError(kind=ErrorKind.INVALID, operation="X", code="ValidationException", message="no")
        if fate in {"lost after", "lost before"}:
            error = failure(ErrorKind.UNKNOWN_OUTCOME, operation="X")
        if fate not in {"lost before", "refused"}:
            self._carry_out(act)
        if fate == "died after":
            return
        arn = self.found.arn if self.found is not None else ""
        answered = Accepted(action=act.action, fingerprint=act.fingerprint, arn=arn)
        refused = Rejected(action=act.action, fingerprint=act.fingerprint, error=error)
        self._report(replace(record, result=refused if fate in {"refused", "lost after", "lost before"} else answered))

    def _check(self, act: Act) -> None:
        if isinstance(act.action, CreateCluster):
            management = self.owner.spec.management
            recreates = management is not None and management.onExternalDelete == "Recreate"
            assert self.found is None
            assert recreates or not self.had, "others ended it, and nobody asked for another one"
        if isinstance(act.action, DeleteCluster):
            assert self.tags.items() >= our_tags(self.owner).items()
            assert self.found is not None
            assert not self.adopted
            assert self.owner.deleting or self.found.status == "Failed"

    def _carry_out(self, act: Act) -> None:
        match act.action:
            case CreateCluster(request=request):
                self.made += 1
                self.found, self.adopted = replace(cluster(), arn=f"{ARN}{self.made}"), False
                self.tags = {tag["key"]: tag["value"] for tag in request["tags"]}
            case DeleteCluster():
                self.found, self.tags, self.had = None, {}, False
            case AddTags(tags=tags):
                self.tags |= tags
            case DeleteTags(keys=keys):
                self.tags = {key: value for key, value in self.tags.items() if key not in keys}


@pytest.mark.parametrize("policy", ["Hold", "Recreate"])
@pytest.mark.parametrize("after_failure", ["Hold", "Recreate"])
@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.sampled_from(EVENTS), max_size=30))
def test_no_cluster_is_made_again_that_others_ended(policy: str, after_failure: str, steps: list[str]) -> None:
    owner = resource(spec=managed(onExternalDelete=policy, onCreateFailure=after_failure))
    name = Name(owner=owner)
    for kind in ("pass", "pass", *steps):
        if not name.gone:
            name.event(kind)
