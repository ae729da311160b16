"""The open questions about AWS that a run answers: what of the record is the answer, and which switch says the same.

Each question is named for the option of the simulator (`simulator/options.py`, `simulator/ebs/options.py`) that it
settles. An answer is a value of that option; None means that the run saw nothing to judge by.
"""

from collections.abc import Callable
from typing import Any

from hyperpod_testbed.conformance.durations import DURATIONS
from hyperpod_testbed.conformance.echoes import ECHOES, TROUBLE
from hyperpod_testbed.conformance.nodes import OF_NODES
from hyperpod_testbed.conformance.question import REFUSALS, Question, group_of, lag, nodes_in
from hyperpod_testbed.conformance.record import Record
from hyperpod_testbed.conformance.run import GROUP, SMALL_GROUP
from hyperpod_testbed.conformance.steps.groups import EMPTY_GROUP


def _refused(step: str) -> Callable[[Record], bool | None]:
    """True where the first call of the step was refused as invalid, False where it was accepted."""

    def answer(record: Record) -> bool | None:
        call = record.judged(step)
        return None if call is None or not (call.ok or call.code in REFUSALS) else not call.ok

    return answer


def _code(*steps: str, among: set[str]) -> Callable[[Record], str | None]:
    """The first error code of these steps that is one of the switch's values."""

    def answer(record: Record) -> str | None:
        codes = (call.code for step in steps for call in record.of(step))
        return next((code for code in codes if code in among), None)

    return answer


def _inverse(answer: Callable[[Record], bool | None]) -> Callable[[Record], bool | None]:
    def inverse(record: Record) -> bool | None:
        found = answer(record)
        return None if found is None else not found

    return inverse


def _clusters_per_eks(record: Record) -> str | None:
    call = record.first("joining.second-cluster")
    if call is None:
        return None
    if call.ok:
        return "many"
    return "one" if call.code in REFUSALS | {"ResourceInUse"} else None


def _node_recovery(record: Record) -> str | None:
    found = _described(record, "joining.settled", "NodeRecovery")
    return None if found is None else str(found)


def _described(record: Record, step: str, member: str) -> Any:
    call = next((one for one in reversed(record.of(step)) if one.ok), None)
    return call.get(member) if call else None


def _pending_instance_id(record: Record) -> str | None:
    for node in nodes_in(record.of("joining.pending")):
        status = (node.get("InstanceStatus") or {}).get("Status")
        if status == "Pending" and not node.get("InstanceId"):
            return "empty" if node.get("InstanceId") == "" else "omit"
    return None


def _omitted_groups(record: Record) -> str | None:
    """An empty group was added, and the update after that did not name it."""
    calls = (record.first(step) for step in ("groups.add-empty", "groups.omitted", "groups.omitted.describe"))
    added, omitted, seen = calls
    if not (added and added.ok and omitted and omitted.ok and seen and seen.ok):
        return None
    return "keep" if group_of(seen, EMPTY_GROUP) else "delete"


def _omitted_members(record: Record) -> str | None:
    changed, seen = record.first("groups.labels-omitted"), record.first("groups.labels.describe")
    group = group_of(seen, GROUP)
    if changed is None or not changed.ok or group is None:
        return None
    return "keep" if (group.get("KubernetesConfig") or {}).get("DesiredLabels") else "unset"


def _immutables(record: Record) -> str | None:
    storage, kind = record.first("groups.storage-changed"), record.first("groups.type-changed")
    if storage is None or kind is None:
        return None
    if storage.code == "ValidationException":
        return "inferred"
    if kind.code == "ValidationException":
        return "documented"
    return "none" if storage.ok and kind.ok else None


def _failed_node_status(record: Record) -> str | None:
    """In the list of nodes or, where that leaves failed nodes out, in the description of one."""
    words = {
        (node.get("InstanceStatus") or {}).get("Status")
        for step in TROUBLE
        for node in nodes_in(record.of(f"{step}.nodes"))
    } | {call.get("NodeDetails", "InstanceStatus", "Status") for step in TROUBLE for call in record.of(f"{step}.node")}
    return next((str(word) for word in ("Failure", "Failed") if word in words), None)


def _attach_again(record: Record) -> str | None:
    call = record.first("volumes.attach-again")
    if call is None:
        return None
    if call.ok:
        return "accept"
    return next((code for code in ("VolumeInUse", "IncorrectState") if code in (call.message or "")), None)


def _ec2_errors(record: Record) -> str | None:
    call = record.first("volumes.attach-elsewhere")
    if call is None or call.ok:
        return None
    return "wrapped" if "Ec2ErrCode" in (call.message or "") else "plain"


def _early_detach(record: Record) -> str | None:
    call = record.first("volumes.early-detach")
    return None if call is None else "accept" if call.ok else "IncorrectState"


def _attachment(record: Record) -> dict[str, Any] | None:
    for call in record.of("volumes.attach.attached"):
        for found in call.get("Volumes", 0, "Attachments") or []:
            return dict(found)
    return None


def _delete_on_termination(record: Record) -> bool | None:
    found = _attachment(record)
    return None if found is None else bool(found.get("DeleteOnTermination"))


def _device_names(record: Record) -> str | None:
    call = record.first("volumes.attach")
    device = str(call.get("DeviceName") if call else "").removeprefix("/dev/")
    if device.startswith("xvd"):
        return "xvd" if len(device) == 4 else "beyond_model"
    return "sd" if device.startswith("sd") else None


def _never_modified(record: Record) -> str | None:
    call = record.first("disks.never-modified")
    if call is None:
        return None
    return "empty" if call.ok else "error" if call.code == "InvalidVolumeModification.NotFound" else None


def _batch_all_failed(record: Record) -> str | None:
    call = record.first("nodes.unknown")
    return None if call is None else "items" if call.ok else "error"


def _batch_delete_limit(record: Record) -> int | None:
    """The smaller of the limits that the documentation gives, where one id more is refused; else the next one."""
    call = record.first("nodes.many")
    if call is None:
        return None
    text = (call.message or "").lower()
    return 50 if not call.ok and ("most" in text or "length" in text or "limit" in text) else 99


def _replaced_logical_id(record: Record) -> bool | None:
    asked = record.first("nodes.replace")
    if asked is None or not asked.ok:
        return None
    ids = asked.request.get("NodeIds") or []
    nodes = nodes_in(record.of("nodes.replace.before"))
    before = {node.get("NodeLogicalId") for node in nodes if node.get("InstanceId") in ids} - {None}
    after = {node.get("NodeLogicalId") for node in nodes_in(record.of("nodes.replace.after"))} - {None}
    return bool(before & after) if before and after else None


def _move_changes_targets(record: Record) -> bool | None:
    before, after = record.first("nodes.move.before"), record.first("nodes.move.after")
    moved = record.first("nodes.move")
    if moved is None or not moved.ok:
        return None
    old, new = group_of(before, SMALL_GROUP), group_of(after, SMALL_GROUP)
    return None if old is None or new is None else new.get("TargetCount") != old.get("TargetCount")


def _delete_lowers_target(record: Record) -> bool | None:
    deleted, after = record.first("nodes.delete"), group_of(record.first("nodes.delete.after"), GROUP)
    if deleted is None or not deleted.ok or after is None:
        return None
    return bool(after.get("TargetCount") == 1)


def _software_status(record: Record) -> str | None:
    statuses = [call.get("ClusterStatus") for call in record.of("software.status")]
    return next((status for status in statuses if status in {"SystemUpdating", "Updating"}), None)


def _blocked_batch(record: Record) -> str | None:
    call = record.first("software.reboot")
    if call is None:
        return None
    if call.code in REFUSALS:
        return call.code
    return "items" if call.ok and call.get("Failed") else None


def _node_end(record: Record) -> str | None:
    call = record.first("ending.volume-after")
    if call is None or _delete_on_termination(record):
        return None
    if not call.ok or not call.get("Volumes"):
        return "delete"
    return "keep" if call.get("Volumes", 0, "Attachments") else "release"


QUESTIONS: tuple[Question, ...] = (
    Question(
        option="lifecycle_config_required",
        asks="Is a group without LifeCycleConfig refused on EKS?",
        answer=_refused("refusals.no-lifecycle-config"),
    ),
    Question(
        option="spot_needs_continuous",
        asks="Is Spot outside of Continuous provisioning refused?",
        answer=_refused("refusals.spot-not-continuous"),
    ),
    Question(
        option="spot_excludes_training_plan",
        asks="Is Spot with a training plan refused?",
        answer=_refused("refusals.spot-with-plan"),
    ),
    Question(
        option="not_found_code",
        asks="Which code has a cluster that does not exist?",
        answer=_code("refusals.unknown-cluster", among={"ResourceNotFound", "ResourceNotFoundException"}),
    ),
    Question(
        option="clusters_per_eks",
        asks="May a second HyperPod cluster use the EKS cluster?",
        answer=_clusters_per_eks,
    ),
    Question(
        option="create_lag",
        asks="For how many seconds is a new cluster unknown to DescribeCluster?",
        answer=lag("creation.create", "creation.first-describe"),
    ),
    Question(
        option="node_recovery_default",
        asks="What is NodeRecovery of a cluster that was created without it?",
        answer=_node_recovery,
    ),
    Question(
        option="pending_instance_id",
        asks="How does ListClusterNodes show a node without an instance?",
        answer=_pending_instance_id,
    ),
    Question(
        option="new_group_may_be_empty",
        asks="May UpdateCluster add a group with InstanceCount 0?",
        answer=_inverse(_refused("groups.add-empty")),
    ),
    Question(option="omitted_groups", asks="What becomes of groups that UpdateCluster omits?", answer=_omitted_groups),
    Question(
        option="omitted_members",
        asks="What becomes of members that UpdateCluster omits?",
        answer=_omitted_members,
    ),
    Question(option="immutables", asks="Which members of a group cannot be changed?", answer=_immutables),
    Question(option="failed_node_status", asks="Which status has a failed node?", answer=_failed_node_status),
    Question(
        option="volume_lag",
        asks="For how many seconds does DescribeVolumes not show an attachment?",
        answer=lag("volumes.attach", "volumes.attach.visible"),
    ),
    Question(
        option="attach_again",
        asks="What does AttachClusterNodeVolume answer for a volume that this node has?",
        answer=_attach_again,
    ),
    Question(option="ec2_errors", asks="Does SageMaker pass on EC2's code?", answer=_ec2_errors),
    Question(
        option="detach_while_attaching",
        asks="May a volume be detached while it is attaching?",
        answer=_early_detach,
    ),
    Question(
        option="delete_on_termination",
        asks="What is DeleteOnTermination of an attachment?",
        answer=_delete_on_termination,
    ),
    Question(option="device_names", asks="Which device names does HyperPod give?", answer=_device_names),
    Question(
        option="never_modified",
        asks="What does DescribeVolumesModifications answer for a volume without any?",
        answer=_never_modified,
    ),
    Question(
        option="batch_all_failed",
        asks="What does a Batch call answer when every item fails?",
        answer=_batch_all_failed,
    ),
    Question(
        option="batch_delete_limit",
        asks="How many ids may BatchDeleteClusterNodes name?",
        answer=_batch_delete_limit,
    ),
    Question(
        option="batch_delete_lowers_target",
        asks="Does BatchDeleteClusterNodes lower TargetCount?",
        answer=_delete_lowers_target,
    ),
    Question(
        option="replace_keeps_logical_id",
        asks="Does a replaced node keep its NodeLogicalId?",
        answer=_replaced_logical_id,
    ),
    Question(
        option="move_changes_targets",
        asks="Does MoveClusterNodes change the target counts?",
        answer=_move_changes_targets,
    ),
    Question(
        option="software_update_status",
        asks="Which ClusterStatus has a software update?",
        answer=_software_status,
    ),
    Question(
        option="blocked_batch_error",
        asks="What does a Batch call answer during a software update?",
        answer=_blocked_batch,
    ),
    Question(
        option="attach_gate_error",
        asks="Which code has an attachment during a software update?",
        answer=_code("software.attach", among={*REFUSALS}),
    ),
    Question(
        option="throttling_code",
        asks="Which code has a throttled call?",
        answer=_code("burst.describe", among={"ThrottlingException", "TooManyRequestsException"}),
    ),
    Question(option="node_end", asks="What becomes of a volume when its node ends?", answer=_node_end),
    *ECHOES,
    *OF_NODES,
    *DURATIONS,
)
"""In the order of the script; then those that several calls answer together; then durations."""
