"""From AWS's answer, or its absence, to the entries of the nodes that were asked for."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import assert_never

from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.engine.pauses import growing
from hyperpod_operator.core.errors import TREATMENTS, CloudError, ErrorKind
from hyperpod_operator.core.grants import grant
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.machine import moved
from hyperpod_operator.core.nodeoperation.plan import Call
from hyperpod_operator.core.nodeoperation.service import advice, out_of_service, said_of
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot
from hyperpod_operator.core.nodeoperation.states import State
from hyperpod_operator.core.nodes.batch import UNCERTAIN, BatchAnswer, NodeCall, Treatment, treatment
from hyperpod_operator.core.text import sentence

MAY_HAVE_ACTED = frozenset({ErrorKind.UNKNOWN_OUTCOME, ErrorKind.MALFORMED, ErrorKind.TRANSIENT})
"""Failures of a whole call after which AWS may have carried it out."""

REMEDIES: Mapping[ErrorKind, str] = MappingProxyType(
    {
        ErrorKind.NOT_FOUND: "Check what the operation names, and delete it if that is wrong.",
        ErrorKind.INVALID: "Remove the cause, or delete this operation: its spec cannot change.",
        ErrorKind.QUOTA: "Request a higher quota in AWS Service Quotas, or delete this operation.",
        ErrorKind.EKS_IN_USE: "Delete the other HyperPod cluster of the EKS cluster, or this operation.",
        ErrorKind.ACCOUNT: "AWS is verifying the account or has blocked it: check the account's email or contact AWS "
        "Support.",
    }
)
"""Where the remedy for a cluster does not fit: the spec of an operation cannot change, and it has pauses of its own."""


def intended(snapshot: Snapshot, action: Call) -> Snapshot:
    """The nodes as they are stored before the call leaves: from here on AWS may act on them."""

    def sent(entry: Entry) -> Entry:
        node, reboots = snapshot.node(entry), snapshot.operation.call is NodeCall.REBOOT
        if entry.state == State.SENT:
            return entry
        return moved(
            snapshot,
            entry,
            State.SENT,
            "AWS is asked.",
            sentTime=stamp(snapshot.now),
            batch=action.batch,
            bootId=(node.boot_id or None) if node is not None and reboots else None,
            newestLaunch=_newest_launch(snapshot, entry),
            begun=None,
            waitingFor=None,
            retryTime=None,
        )

    return _each(snapshot, action, sent)


def answered(snapshot: Snapshot, action: Call, answer: BatchAnswer) -> Snapshot:
    """Each node by its own answer. One without an answer stays SENT: it is watched, and never sent again."""

    def of(entry: Entry) -> Entry:
        name = entry.instanceId or ""
        if name in answer.successful:
            return moved(snapshot, entry, State.WAITING, "AWS accepted the call.", awsCode=None)
        failure = answer.failure(name)
        if failure is None:
            return updated(entry, {"message": "AWS's answer does not name this node; it is watched."})
        said = f"{failure.code}: {failure.message}"
        if failure.code in UNCERTAIN:
            return updated(entry, {"awsCode": failure.code, "message": f"{sentence(said)} The node is watched."})
        means = treatment(failure.code)
        if means is Treatment.ABSENT and snapshot.operation.call is NodeCall.DELETE:
            return moved(snapshot, entry, State.WAITING, said, awsCode=failure.code)
        match means:
            case Treatment.RETRY | Treatment.ABSENT:
                # AWS lists the node that this answer does not know: whether it is there, later lists decide.
                return _again(snapshot, entry, code=failure.code, said=said)
            case Treatment.FINAL:
                return moved(
                    snapshot, entry, State.FAILED, f"AWS refuses this node. {sentence(said)}", awsCode=failure.code
                )
            case _:
                assert_never(means)

    return _each(snapshot, action, of)


# [assumption: blocked-node-calls-pass-later]
def failed(snapshot: Snapshot, action: Call, error: CloudError) -> Snapshot:
    """The whole call failed. Unless AWS may have acted, its nodes are asked about again after a pause."""

    def of(entry: Entry) -> Entry:
        # The refusal of a repeated call is about this try: the first one may have been carried out.
        if error.kind in MAY_HAVE_ACTED or entry.remembered.retryTime:
            later = stamp(snapshot.now + timedelta(seconds=snapshot.timings.retry))
            said = f"No answer ({error.code})" if error.kind in MAY_HAVE_ACTED else f"{error.code}: {error.message}"
            text = f"{said}: AWS may have carried out the first call. The node is watched."
            return updated(entry, {"awsCode": error.code[:128], "message": text, "retryTime": later})
        remedy = (
            grant(error) if error.kind is ErrorKind.DENIED else REMEDIES.get(error.kind, TREATMENTS[error.kind].remedy)
        )
        return _again(
            snapshot, entry, code=error.code, said=f"{error.code}: {sentence(error.message)} {remedy}".strip()
        )

    return _each(snapshot, action, of)


def _newest_launch(snapshot: Snapshot, entry: Entry) -> str | None:
    """By AWS's clock: what is launched later may be a replacement, what is there already cannot be one."""
    if snapshot.cluster is None or snapshot.operation.call is not NodeCall.REPLACE:
        return None
    launched = [
        one.launched_at
        for one in snapshot.cluster.instances.values()
        if one.launched_at is not None and one.group == entry.instanceGroupName
    ]
    return stamp(max(launched)) if launched else None


def _again(snapshot: Snapshot, entry: Entry, *, code: str, said: str) -> Entry:
    attempts = (entry.remembered.attempts or 0) + 1
    pause = growing(first=snapshot.timings.retry, most=snapshot.timings.retry_most, attempts=attempts)
    if (cluster := out_of_service(snapshot)) is not None:
        said = f"{sentence(said)} {said_of(snapshot, cluster)}. {advice(snapshot, cluster)}"
    return moved(
        snapshot,
        entry,
        State.DRAINING,
        f"AWS did nothing about this node: {sentence(said)} The operator asks again in {pause:.0f} s.",
        awsCode=code[:128],
        attempts=attempts,
        retryTime=stamp(snapshot.now + timedelta(seconds=pause)),
        sentTime=None,
    )


def _each(snapshot: Snapshot, action: Call, change: Callable[[Entry], Entry]) -> Snapshot:
    named = set(action.entries)
    return replace(snapshot, entries=tuple(change(entry) if entry.id in named else entry for entry in snapshot.entries))
