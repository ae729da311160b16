"""Concerns about a cluster do not silence each other: one that waits, or was rejected, holds up no other call."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.builders import (
    NOW,
    ago,
    cluster,
    failure,
    group,
    group_spec,
    our_tags,
    recorded,
    resource,
    scaled,
    seen,
    snapshot_of,
    spec,
)

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.concerns import decide, judge
from hyperpod_operator.core.cluster.decision import Act
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import AddTags, operation
from hyperpod_operator.core.cluster.report import report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.journal import CallState, entry_of, rejected
from hyperpod_operator.core.errors import SLOW, ErrorKind
from hyperpod_operator.core.observed import ObservedCluster
from hyperpod_operator.core.outcome import Blocked
from hyperpod_operator.core.timings import Timings

TAGS = [{"key": "team", "value": "a"}]
IMAGES = [group_spec(imageReleaseVersion="1.2.4"), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]
OLD_IMAGES = [group_spec(imageReleaseVersion="1.2.3"), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]


def both() -> tuple[Resource, ObservedCluster]:
    """A spec that asks for another image and a tag."""
    owner = resource(spec=spec(instanceGroups=IMAGES, tags=TAGS), status=recorded())
    return owner, cluster(groups=tuple(group(item) for item in OLD_IMAGES))


def passes(
    owner: Resource, found: ObservedCluster, *, rejects: Sequence[str], kind: ErrorKind, count: int
) -> tuple[Resource, list[str], list[Any]]:
    """The object after some passes, each when the one before asked for it, with the calls and outcomes."""
    now, calls, outcomes = NOW, [], []
    tags = our_tags(owner)
    for _ in range(count):
        snapshot = snapshot_of(owner, seen(owner, found, tags=tags), now=now)
        decided = decide(snapshot)
        result: Accepted | Rejected | None = None
        if isinstance(decided, Act):
            name = operation(decided.action)
            calls.append(name)
            error = failure(kind, operation=name)
            if isinstance(decided.action, AddTags) and name not in rejects:
                tags = {**tags, **decided.action.tags}
            result = (
                Rejected(action=decided.action, fingerprint=decided.fingerprint, error=error)
                if name in rejects
                else Accepted(action=decided.action, fingerprint=decided.fingerprint)
            )
        made = report(PassRecord(snapshot=snapshot, decision=decided, result=result))
        owner = replace(owner, status=made.status)
        outcomes.append(made.outcome)
        now += timedelta(seconds=getattr(made.outcome, "after", 1.0))
    return owner, calls, outcomes


def test_an_update_that_aws_rolled_back_does_not_hold_up_the_tags() -> None:
    owner = resource(spec=scaled(tags=TAGS), status=recorded())
    snapshot = snapshot_of(owner, seen(owner, cluster()))
    update = decide(snapshot)
    assert isinstance(update, Act)
    entry = {"operation": "UpdateCluster", "state": "RolledBack", "time": ago(60), "fingerprint": update.fingerprint}
    owner = resource(spec=scaled(tags=TAGS), status=recorded(last=entry | {"attempts": 1}))
    found = judge(snapshot_of(owner, seen(owner, cluster())))
    assert found.acting == "Tags"
    assert dict(found.waits)["Cluster"].reason is Reason.UPDATE_ROLLED_BACK


def test_an_update_that_aws_rolled_back_keeps_its_pause_whatever_is_called_meanwhile() -> None:
    owner = resource(spec=scaled(tags=TAGS), status=recorded())
    update = decide(snapshot_of(owner, seen(owner, cluster())))
    assert isinstance(update, Act)
    entry = {"operation": "UpdateCluster", "state": "RolledBack", "time": ago(60), "fingerprint": update.fingerprint}
    owner = resource(spec=scaled(tags=TAGS), status=recorded(last=entry | {"attempts": 1}))
    owner, calls, _ = passes(owner, cluster(), rejects=(), kind=ErrorKind.INVALID, count=2)
    assert calls == ["AddTags"]
    kept = entry_of(owner.status.operations, "Cluster")
    assert kept is not None
    assert kept.state == CallState.ROLLED_BACK


@pytest.mark.parametrize("kind", [ErrorKind.INVALID, ErrorKind.DENIED, ErrorKind.QUOTA])
def test_a_software_update_that_aws_rejects_does_not_hold_up_the_tags(kind: ErrorKind) -> None:
    _, calls, outcomes = passes(*both(), rejects=["UpdateClusterSoftware"], kind=kind, count=2)
    assert calls == ["UpdateClusterSoftware", "AddTags"]
    assert outcomes[0] == Blocked(outcomes[0].reason, Timings().debounce)


def test_a_rejection_stays_on_record_when_another_concern_has_its_call_accepted() -> None:
    owner, calls, _ = passes(*both(), rejects=["UpdateClusterSoftware"], kind=ErrorKind.INVALID, count=6)
    assert calls == ["UpdateClusterSoftware", "AddTags"]
    assert rejected(entry_of(owner.status.operations, "Software"))


def test_two_calls_that_aws_denies_do_not_chase_each_other() -> None:
    both_denied = ["UpdateClusterSoftware", "AddTags"]
    _, calls, outcomes = passes(*both(), rejects=both_denied, kind=ErrorKind.DENIED, count=4)
    assert calls[:2] == both_denied
    assert sum(outcome.after for outcome in outcomes) >= SLOW + 10


def test_a_call_that_settles_holds_up_every_other() -> None:
    owner, found = both()
    first = decide(snapshot_of(owner, seen(owner, found)))
    assert isinstance(first, Act)
    sent = {"operation": "UpdateClusterSoftware", "state": "Accepted", "time": ago(2)}
    owner = replace(owner, status=resource(status=recorded(last=sent | {"fingerprint": first.fingerprint})).status)
    answer = decide(snapshot_of(owner, seen(owner, found)))
    assert isinstance(answer, Wait)
    assert answer.reason is Reason.SETTLING


def test_an_effect_that_aws_shows_is_on_record_although_another_gap_is_open() -> None:
    update = {"operation": "UpdateCluster", "state": "Accepted", "time": ago(600), "fingerprint": "x"}
    owner = resource(spec=spec(tags=TAGS), status=recorded(last=update))
    owner, calls, _ = passes(owner, cluster(), rejects=(), kind=ErrorKind.INVALID, count=1)
    assert calls == ["AddTags"]
    kept = entry_of(owner.status.operations, "Cluster")
    assert kept is not None
    assert kept.state == CallState.APPLIED


def test_everything_that_holds_back_a_deletion_is_said_at_once() -> None:
    owner = resource(deleting=True, spec=spec(management={"deletionProtection": True}), status=recorded())
    snapshot = replace(snapshot_of(owner, seen(owner, cluster())), attached_claims=("team/data",))
    answer = decide(snapshot)
    assert isinstance(answer, Wait)
    assert answer.reason is Reason.DELETION_PROTECTED
    assert f"Also ({Reason.VOLUMES_ATTACHED}): EBSVolumeClaims have volumes" in answer.message
