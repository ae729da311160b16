"""Reasons of HyperPodNodeOperations."""

from collections.abc import Mapping

from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.reasons.record import ReasonRecord, Section, Severity, reason

NODE_OPERATIONS: Mapping[Section, tuple[ReasonRecord, ...]] = {
    Section.OPERATION: (
        reason(Reason.OPERATION_COMPLETE, "Every node of the operation succeeded.", "Nothing."),
        reason(
            Reason.OPERATION_LISTED,
            "`spec.dryRun` is true: `status.nodes` lists what the operation would do. Nothing was changed.",
            "Create the operation without `dryRun` to carry it out.",
        ),
        reason(
            Reason.OPERATION_ACCEPTED,
            "The operator owns the cluster, and the nodes are chosen.",
            "Nothing.",
        ),
        reason(
            Reason.OPERATION_SUSPENDED,
            "`spec.suspend` is true, or the object was restored from a backup (label `velero.io/restore-name`) or "
            "created from a copy (it has the operator's finalizer and no nodes in `status`) and may have been carried "
            "out before: no further node is started. What AWS was asked for goes on.",
            "Set `spec.suspend` to false to continue. Delete a restored or copied operation, or remove its label or "
            "finalizer.",
            severity=Severity.PAUSED,
        ),
        reason(
            Reason.NOT_BEFORE,
            "The operation starts at `spec.notBefore`; until then `status.nodes` lists the nodes that it would choose.",
            "Nothing.",
        ),
        reason(
            Reason.DRAINING,
            "Nodes are tainted, and their pods leave. The message names pods that are still there, and why.",
            "Nothing.",
        ),
        reason(
            Reason.OPERATING,
            "AWS was asked about nodes, and the operator watches for the effect.",
            "Nothing. A reboot takes minutes, a replacement 20 to 30 minutes, a health check up to 90.",
        ),
        reason(
            Reason.WAITING_FOR_NODES,
            "No node can be started now: another operation has it, HyperPod repairs it, the selector chooses none, or "
            "the group that moved nodes would join is not there. The message says which.",
            "Nothing, or correct `spec.nodes` or `spec.move` in a new operation.",
        ),
        reason(
            Reason.WITHDRAWING,
            "The operation is being deleted, and the operator removes its taints and conditions from the nodes. A node "
            "about which AWS was asked keeps its taint until AWS is done with it; the message names it.",
            "Nothing.",
        ),
        reason(
            Reason.NODE_OPERATION_ENDED,
            "The operation has ended on one node; the Event on the Node and on the cluster says how.",
            "Nothing, or what the message says.",
        ),
    ),
    Section.OPERATION_ACTION: (
        reason(
            Reason.VOLUMES_ON_NODES,
            "EBSVolumeClaims have volumes on an instance that has no Node in Kubernetes, so the operator cannot ask "
            "them to detach. A Replace, Delete or Move waits for them until `activeDeadlineSeconds`.",
            "Set `spec.attachment.suspend` of the claims that the message names to true, and to false when the "
            "operation is over.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.OPERATION_FAILED,
            "The operation has ended, and not every node succeeded. `status.nodes` has the state, AWS's code and a "
            "message for each node.",
            "Fix what the messages say, and create another operation for the nodes that are left.",
            severity=Severity.STALLED,
        ),
    ),
}
