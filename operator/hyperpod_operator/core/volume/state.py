"""The parts of Ready that describe a claim, each judged from the snapshot itself, not from what the pass happened to
do: a claim that is stuck in one part still tells the truth about the others.

Each is a concern of its own that finds one condition and holds up nothing. Where the snapshot says that a part is not
as it should be and not why, the reason is the one of Ready.
"""

from collections.abc import Callable

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons import REASONS, record
from hyperpod_operator.core.engine.conditions import AsReady, Said
from hyperpod_operator.core.engine.finding import Concern, Finding, describes
from hyperpod_operator.core.engine.journal import rejected
from hyperpod_operator.core.text import counted
from hyperpod_operator.core.unknown import ignored_members
from hyperpod_operator.core.volume import modification
from hyperpod_operator.core.volume.decision import Action, ClaimSnapshot
from hyperpod_operator.core.volume.device import device_path
from hyperpod_operator.core.volume.holding import Foreign, Held, holding
from hyperpod_operator.core.volume.target import Resolved, resolve


def _volume_ready(snapshot: ClaimSnapshot) -> Said:
    volume, kind = snapshot.volume, ConditionType.VOLUME_READY
    if volume is None or volume.state not in {"available", "in-use"}:
        return AsReady(kind)
    return (kind, "True", Reason.VOLUME_AVAILABLE, f"{volume.volume_id} is {volume.state}.")


def _target_resolved(snapshot: ClaimSnapshot) -> Said | None:
    if not snapshot.claim.direct:
        return None
    resolution = resolve(snapshot)
    if isinstance(resolution, Resolved):
        where = holding(snapshot)
        there = isinstance(where, Held) and where.instance_id == resolution.node.instance_id
        if resolution.hold is None or there:
            name = resolution.node.node_name or resolution.node.instance_id
            return (ConditionType.TARGET_RESOLVED, "True", Reason.TARGET_CHOSEN, f"The volume belongs on {name}.")
    hold = resolution.hold
    if hold is None:
        raise AssertionError("a target without an obstacle was answered above")
    return (ConditionType.TARGET_RESOLVED, "False", hold.reason, hold.message)


def _attached(snapshot: ClaimSnapshot) -> Said | None:
    if not snapshot.claim.direct:
        return None
    where, kind = holding(snapshot), ConditionType.ATTACHED
    if isinstance(where, Held) and where.state in {"attached", "busy"}:
        resolution = resolve(snapshot)
        there = isinstance(resolution, Resolved) and resolution.node.instance_id == where.instance_id
        if there and not snapshot.claim.suspended and snapshot.observed.alive(where.instance_id):
            return (kind, "True", Reason.ATTACHED, f"AWS reports the volume as {where.state} to {where.instance_id}.")
    if isinstance(where, Foreign):
        return (kind, "False", Reason.ATTACHED_ELSEWHERE, f"The volume is attached to {where.who}.")
    return AsReady(kind)


def _published(snapshot: ClaimSnapshot) -> Said:
    claim, observed, kind = snapshot.claim, snapshot.observed, ConditionType.PUBLISHED
    if claim.publish is None:
        return (kind, "False", Reason.NOT_PUBLISHED, "spec.publish asks for no PersistentVolume.")
    volume = observed.persistent_volume
    made = volume is not None and volume.claim_uid == claim.uid and not volume.deleting
    if volume is not None and volume.volume_id and snapshot.volume is not None:
        made = made and volume.volume_id == snapshot.volume.volume_id
    bound = observed.persistent_volume_claim
    asked = not claim.makes_persistent_volume_claim or (bound is not None and bound.claim_uid == claim.uid)
    open_door = claim.publish.type != "LocalPV" or bool(observed.labelled)
    if made and asked and open_door:
        return (kind, "True", Reason.PUBLISHED, f"PersistentVolume {claim.persistent_volume_name} is in place.")
    return AsReady(kind)


def _modification(snapshot: ClaimSnapshot) -> Said:
    kind = ConditionType.MODIFICATION_COMPLETE
    if snapshot.volume is None:
        return (kind, "Unknown", Reason.CREATING_VOLUME, "There is no volume to compare with the spec.")
    held = modification.unfinished(snapshot)
    if held is not None:
        return (kind, "False", held.reason, held.message)
    latest = snapshot.observed.modification
    if latest is not None and latest.modification_state in modification.UNDER_WAY:
        progress = f" ({latest.progress} %)" if latest.progress is not None else ""
        text = f"The volume is usable; AWS is still optimizing it{progress}. Nothing to do."
        return (kind, "False", Reason.MODIFYING, text)
    ignored = ignored_members(snapshot.claim.unknown)
    return (kind, "True", Reason.IN_SYNC, f"The volume matches the spec.{ignored}")


def _filesystem(snapshot: ClaimSnapshot) -> Said | None:
    volume, published = snapshot.volume, snapshot.observed.persistent_volume
    publish = snapshot.claim.publish
    if volume is None or published is None or publish is None or (publish.volumeMode or "Filesystem") == "Block":
        return None
    kind = ConditionType.FILESYSTEM_RESIZE_PENDING
    device = device_path(volume.volume_id)
    grow = f"xfs_growfs $(findmnt -nfo TARGET {device})" if publish.fsType == "xfs" else f"resize2fs {device}"
    if not published.capacity or published.capacity >= volume.size:
        came = f" It came with {volume.snapshot_id}: if that is smaller, run `{grow}` on its node."
        text = f"The file system last filled {volume.size} GiB." + (came if volume.snapshot_id else "")
        return (kind, "False", Reason.FILESYSTEM_FITS, text)
    capacity = f'{{"spec":{{"capacity":{{"storage":"{volume.size}Gi"}}}}}}'
    text = (
        f"The volume grew to {volume.size} GiB and its file system may still have {published.capacity}. Run `{grow}` "
        f"on {_node_of(snapshot)}, then `kubectl patch pv {published.name} -p '{capacity}'`."
    )
    return (kind, "True", Reason.GROW_FILESYSTEM, text)


def _node_of(snapshot: ClaimSnapshot) -> str:
    """Where the device of the volume is, in words; status names a node also after the volume left it."""
    where = holding(snapshot)
    node = snapshot.observed.node(where.instance_id) if isinstance(where, Held) else None
    if node is not None and snapshot.observed.alive(node.instance_id):
        return f"node {node.node_name or node.instance_id}"
    return "the node that the volume is attached to next"


def _in_use(snapshot: ClaimSnapshot) -> Said:
    pods = snapshot.observed.pods
    if not pods:
        return (ConditionType.IN_USE, "False", Reason.UNUSED, "No pod uses the volume.")
    return (
        ConditionType.IN_USE,
        "True",
        Reason.USED_BY_PODS,
        f"{counted(len(pods), 'pod uses', 'pods use')} the volume; see inUseBy.",
    )


def _conflict(_: ClaimSnapshot) -> Said:
    """A reason that speaks of a conflict overrides it (`conditions.OF_REASONS`)."""
    return (ConditionType.CONFLICT, "False", Reason.NO_CONFLICT, "Nothing else uses the volume.")


def _permitted(snapshot: ClaimSnapshot) -> Said:
    kind = ConditionType.PERMISSIONS_OK
    for entry in snapshot.claim.status.operations or ():
        said = record(entry.reason or "") if rejected(entry) else None
        if said is not None and REASONS[said.word].condition is kind:
            return (kind, "False", said.word, entry.message or "")
    return (kind, "True", Reason.PERMITTED, "AWS has denied no call for lack of permission.")


def _at_risk(snapshot: ClaimSnapshot) -> Said | None:
    where = holding(snapshot)
    if not snapshot.claim.direct or not isinstance(where, Held):
        return None
    # [assumption: delete-on-termination-may-be-set]
    if where.attachment.delete_on_termination:
        text = (
            f"AWS deletes the volume together with {where.instance_id} (DeleteOnTermination). Create a snapshot, and "
            "detach the volume before AWS terminates the node."
        )
        return (ConditionType.DATA_AT_RISK, "True", Reason.DELETE_ON_TERMINATION, text)
    return (ConditionType.DATA_AT_RISK, "False", Reason.KEPT_ON_TERMINATION, "The volume outlives its node.")


_DESCRIBED: tuple[tuple[ConditionType, Callable[[ClaimSnapshot], Said | None]], ...] = (
    (ConditionType.VOLUME_READY, _volume_ready),
    (ConditionType.TARGET_RESOLVED, _target_resolved),
    (ConditionType.ATTACHED, _attached),
    (ConditionType.PUBLISHED, _published),
    (ConditionType.MODIFICATION_COMPLETE, _modification),
    (ConditionType.FILESYSTEM_RESIZE_PENDING, _filesystem),
    (ConditionType.IN_USE, _in_use),
    (ConditionType.CONFLICT, _conflict),
    (ConditionType.PERMISSIONS_OK, _permitted),
    (ConditionType.DATA_AT_RISK, _at_risk),
)


def _finds(says: Callable[[ClaimSnapshot], Said | None]) -> Callable[[ClaimSnapshot], Finding[Action]]:
    return lambda snapshot: describes(says(snapshot))


STATE: tuple[Concern[ClaimSnapshot, Action], ...] = tuple(
    Concern(name=str(owned), owns=frozenset({owned}), judge=_finds(says)) for owned, says in _DESCRIBED
)
"""They are judged once, when the pass is reported."""
