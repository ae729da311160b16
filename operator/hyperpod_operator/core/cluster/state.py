"""The parts of Ready that describe a cluster: is it there, does AWS hold the spec, are its groups complete?

Each is a concern of its own that finds one condition and holds up nothing. Where the snapshot says that a part is not
as it should be and not why, the reason is the one of Ready.
"""

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.core.cluster.decision import Action, ClusterSnapshot
from hyperpod_operator.core.cluster.diagnose import said, shortfalls
from hyperpod_operator.core.cluster.existing import changed_at
from hyperpod_operator.core.cluster.node_calls import MOVE
from hyperpod_operator.core.engine.conditions import AsReady
from hyperpod_operator.core.engine.finding import Concern, Finding, describes
from hyperpod_operator.core.unknown import ignored_members

ClusterFinding = Finding[Action]


def provisioned(snapshot: ClusterSnapshot) -> ClusterFinding:
    kind, cluster = ConditionType.PROVISIONED, snapshot.observed.cluster
    if in_service(snapshot) and cluster is not None:
        return describes((kind, "True", Reason.PROVISIONED, f"{cluster.arn} is {cluster.status}."))
    return describes(AsReady(kind))


def spec_synced(snapshot: ClusterSnapshot) -> ClusterFinding:
    """Whatever it says, members of the spec that nobody looks at are not passed over without a word."""
    kind, changes, resource = ConditionType.SPEC_SYNCED, snapshot.changes, snapshot.resource
    ignored = ignored_members(resource.unknown)
    differs = not changes.none or changes.scaled_outside or changes.protected_groups
    # Tags were not read, and something was open when they were last: the next look in service tells.
    unsure = snapshot.observed.tags is None and not resource.was_synced
    if not in_service(snapshot) or differs or unsure:
        return describes(AsReady(kind, also=ignored))
    if changes.unknown_groups:
        message = (
            f"AWS has groups that the spec does not name: {', '.join(changes.unknown_groups)}. The operator leaves "
            "them alone, because it deletes only groups that it created, in clusters that it created. Add them to the "
            "spec to manage them, or delete them in AWS."
        )
        return describes((kind, "True", Reason.UNKNOWN_GROUPS, message + ignored))
    if changes.offsets:
        return describes((kind, "True", Reason.COUNT_OFFSET, _offsets(snapshot) + ignored))
    if changes.minimum_above_count:
        words = " ".join(changes.minimum_above_count[name] for name in sorted(changes.minimum_above_count))
        return describes((kind, "True", Reason.MINIMUM_ABOVE_COUNT, words + ignored))
    return describes((kind, "True", Reason.IN_SYNC, "AWS holds what the spec asks for." + ignored))


def groups_at_target(snapshot: ClusterSnapshot) -> ClusterFinding:
    kind, cluster = ConditionType.GROUPS_AT_TARGET, snapshot.observed.cluster
    if cluster is None or not snapshot.owned:
        return describes(AsReady(kind))
    short = shortfalls(snapshot.observed, since=changed_at(snapshot))
    if short:
        first = next((item for item in short if item.stalled), short[0])
        return describes((kind, "False", first.reason, said(short)))
    if snapshot.changes.scaled_outside or snapshot.changes.groups_added:
        return describes(AsReady(kind))
    return describes((kind, "True", Reason.AT_TARGET, f"{cluster.current_count}/{cluster.target_count} nodes."))


STATE: tuple[Concern[ClusterSnapshot, Action], ...] = (
    Concern(name="Provisioned", owns=frozenset({ConditionType.PROVISIONED}), judge=provisioned),
    Concern(name="SpecSynced", owns=frozenset({ConditionType.SPEC_SYNCED}), judge=spec_synced),
    Concern(name="GroupsAtTarget", owns=frozenset({ConditionType.GROUPS_AT_TARGET}), judge=groups_at_target),
)
"""They are judged once, when the pass is reported."""


def in_service(snapshot: ClusterSnapshot) -> bool:
    """AWS serves the cluster: it may be changing, but it was made and is neither failed nor going."""
    cluster = snapshot.observed.cluster
    if cluster is None or not snapshot.owned:
        return False
    made = cluster.status == "InService" or bool(snapshot.resource.status.remembered.provisionedAt)
    return made and cluster.status not in {"Deleting", "Failed", "Creating"}


def usable(snapshot: ClusterSnapshot) -> bool:
    """Whether the cluster is all that the object asks for, whoever changes it."""
    asked = not snapshot.resource.deleting and snapshot.changes.none
    return asked and in_service(snapshot) and not shortfalls(snapshot.observed, since=None)


def _offsets(snapshot: ClusterSnapshot) -> str:
    """Which nodes went or came by name, and the edit that says the same in the spec."""
    told = []
    for name, offset in sorted(snapshot.changes.offsets.items()):
        count = snapshot.resource.groups[name].instanceCount
        what = "moved" if offset.operation == MOVE else "deleted"
        where = "out of" if offset.value < 0 else "into"
        told.append(
            f"Nodes were {what} {where} group {name} ({abs(offset.value)}, {offset.operation}); the operator neither "
            f"replaces nor removes them. Change instanceCount of {name} from {count} to "
            f"{max(0, count + offset.value)} to match, or to any other count."
        )
    return " ".join(told)
