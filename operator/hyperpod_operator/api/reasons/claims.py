"""Reasons that only an EBSVolumeClaim has, beside those that all kinds share."""

from collections.abc import Mapping

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons.record import Actor, ReasonRecord, Section, Severity, reason

CLAIMS: Mapping[Section, tuple[ReasonRecord, ...]] = {
    Section.CLAIM_STEADY: (
        reason(
            Reason.CLAIM_READY,
            "The volume matches the spec.",
            "Nothing.",
        ),
        reason(
            Reason.VOLUME_AVAILABLE,
            "The volume exists and can be used.",
            "Nothing.",
        ),
        reason(
            Reason.TARGET_CHOSEN,
            "The operator has chosen the node; the volume stays with it as long as it exists.",
            "Nothing.",
        ),
        reason(
            Reason.ATTACHED,
            "AWS reports the volume as attached to the target.",
            "Nothing.",
        ),
        reason(
            Reason.PUBLISHED,
            "Pods can use the volume.",
            "Nothing.",
        ),
        reason(
            Reason.NOT_PUBLISHED,
            "`spec.publish` asks for no PersistentVolume.",
            "Nothing; host tools find the disk at `status.attachment.devicePath`.",
        ),
        reason(
            Reason.UNUSED,
            "No pod uses the volume.",
            "Nothing.",
        ),
        reason(
            Reason.USED_BY_PODS,
            "Pods use the volume.",
            "Nothing.",
        ),
        reason(
            Reason.SUSPENDED,
            "`attachment.suspend` is true: the volume stays detached.",
            "Set `spec.attachment.suspend` to false to attach the volume again.",
            severity=Severity.AT_REST,
        ),
        reason(
            Reason.NO_CONFLICT,
            "Nothing else uses the volume.",
            "Nothing.",
        ),
        reason(
            Reason.PERMITTED,
            "AWS has denied no call for lack of permission.",
            "Nothing.",
        ),
        reason(
            Reason.FILESYSTEM_FITS,
            "The file system last filled the volume.",
            "Nothing.",
        ),
        reason(
            Reason.KEPT_ON_TERMINATION,
            "The volume outlives its node.",
            "Nothing.",
        ),
    ),
    Section.CLAIM_WAITING: (
        reason(
            Reason.CREATING_VOLUME,
            "AWS is creating the volume, or does not return it yet.",
            "Nothing. After ten minutes the message says what to check.",
            phase="Creating",
            actor=Actor.AWS,
        ),
        reason(
            Reason.CLAIMING,
            "The operator is writing the lease or the ownership tags, and reads them again before it continues.",
            "Nothing.",
        ),
        reason(
            Reason.ATTACHING,
            "AWS is attaching the volume.",
            "Nothing. After five minutes the operator cancels the attachment and retries once.",
            phase="Attaching",
            actor=Actor.AWS,
        ),
        reason(
            Reason.DETACHING,
            "AWS is detaching the volume.",
            "Nothing. After ten minutes the message says what to check.",
            phase="Detaching",
            actor=Actor.AWS,
        ),
        reason(
            Reason.MODIFYING,
            "The operator collects edits, has sent a modification, or waits for the previous one to complete.",
            "Nothing; AWS can take hours.",
            phase="Modifying",
            actor=Actor.AWS,
        ),
        reason(
            Reason.RATE_LIMITED,
            "AWS allows four modifications of a volume in 24 hours.",
            "Nothing; `status.modification.nextAllowedTime` says when the operator continues.",
            severity=Severity.WARNING,
        ),
        reason(
            Reason.PUBLISHING,
            "The operator is creating the node label, PersistentVolume or PersistentVolumeClaim, or is deleting a "
            "previous one first.",
            "Nothing.",
        ),
        reason(
            Reason.UNPUBLISHING,
            "The operator is removing them. A bound PersistentVolumeClaim or a pod can block that.",
            "Delete the pods that use the volume; delete a PersistentVolumeClaim that you created.",
            phase="Detaching",
            actor=Actor.YOU,
        ),
        reason(
            Reason.SNAPSHOTTING,
            "AWS is creating a snapshot: the deletion waits for it, or the node is about to be replaced.",
            "Nothing.",
            phase="Snapshotting",
            actor=Actor.AWS,
        ),
        reason(
            Reason.DELETING_VOLUME,
            "AWS is deleting the volume.",
            "Nothing. After ten minutes the message says what to check.",
            phase="Deleting",
            actor=Actor.AWS,
        ),
        reason(
            Reason.RELEASING,
            "The volume stays; the operator is removing its tags and the lease.",
            "Nothing.",
            phase="Released",
        ),
        reason(
            Reason.CLUSTER_NOT_IN_SERVICE,
            "AWS attaches and detaches volumes only while the cluster is InService; or the HyperPodCluster does not "
            "exist yet.",
            "Nothing; if it lasts, check the cluster.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.NODE_NOT_RUNNING,
            "The node, or every node of the group, is starting, being checked or not in Kubernetes yet; or the group "
            "has no node.",
            "Nothing, if it passes.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.NODE_DRAINING,
            "The node is drained for a node operation or a scale-in, so the operator attaches nothing to it. The "
            "message says for which object.",
            "Nothing. The operator attaches the volume when that is over: to the node, or to the one in its place.",
        ),
        reason(
            Reason.NODE_LOST,
            "AWS has terminated the node and has not released the volume yet. After five minutes the operator attempts "
            "a detach, if no pod uses the volume and the cluster is InService.",
            "Nothing; the operator moves the volume only after AWS reports it as available. If it is Stalled, delete "
            "the pods that the message names, or ask AWS Support where the cluster no longer exists.",
            severity=Severity.WARNING,
            phase="Detaching",
            actor=Actor.AWS,
        ),
        reason(
            Reason.WAITING_FOR_REPLACEMENT,
            "The node is gone, and no other node of the group in the volume's zone can take the volume.",
            "Nothing, if HyperPod replaces the node; otherwise scale the group out.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.ATTACHMENT_LIMIT,
            "The node has no free attachment slot.",
            "Detach another volume from the node, or choose another target.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.NO_CAPACITY,
            "No node of the group has a free attachment slot, or AWS rejected ten of them in a row.",
            "Detach another volume, add nodes, or choose another target.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.IN_USE,
            "The volume is about to be detached or deleted, and pods use it.",
            "Delete the pods. To not wait for them, set `detachPolicy: Immediate`, or for a deletion the annotation "
            "`hyperpod-operator.dev/force-delete`; unflushed data is then lost.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.DETACH_BLOCKED,
            "AWS cannot detach the volume: the device is mounted or open on the node. SageMaker has no forced detach.",
            "Unmount the device on the node.",
            severity=Severity.WARNING,
            phase="Detaching",
            actor=Actor.YOU,
        ),
    ),
    Section.CLAIM_ACTION: (
        reason(
            Reason.KUBERNETES_REFUSED,
            "The API server rejected a write (of a PersistentVolume, PersistentVolumeClaim, Lease or node label) or a"
            " read that it needs. The operator retries every five minutes.",
            "Follow the message: grant the permission, raise the quota, or change the admission policy. To retry "
            "immediately, set the annotation `hyperpod-operator.dev/reconcile-requested-at`.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.CLUSTER_NOT_FOUND,
            "AWS has no HyperPod cluster that matches `clusterRef`.",
            "Create the cluster, or create another claim with the right reference.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.NODE_NOT_FOUND,
            "The cluster has no such node or instance group, or the node is gone and `followNode` is `Never`.",
            "Set `attachment.target` to a node or group that exists, or `followNode: Replacement`.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.NODE_UNSCHEDULABLE,
            "HyperPod's health checks keep pods off the node.",
            "Repair or replace the node, or choose another target.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.RESTRICTED_INSTANCE_GROUP,
            "AWS attaches no volumes to restricted instance groups.",
            "Choose a node of another group.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.VOLUME_LOST,
            "AWS no longer has the volume. The operator does not create a new one, because it would be empty.",
            "Delete the claim; restore a snapshot with another one.",
            severity=Severity.STALLED,
            phase="Lost",
        ),
        reason(
            Reason.VOLUME_AMBIGUOUS,
            "Several volumes carry the claim's tag, which a restore copies, and neither the status nor a "
            "PersistentVolume says which one the claim made. The operator touches none of them, also when you delete "
            "the claim. The message names them.",
            "Remove the tag `hyperpod-operator.dev/claim-uid` from all but the claim's own volume.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.VOLUME_FAILED,
            "The volume is in error, or AWS failed to create three volumes in a row.",
            "Fix the KMS key, or restore a snapshot. Then set the annotation "
            "`hyperpod-operator.dev/reconcile-requested-at` to retry.",
            severity=Severity.STALLED,
            phase="Failed",
        ),
        reason(
            Reason.MODIFICATION_FAILED,
            "AWS accepted the modification, and it failed.",
            "Edit `spec.volume`, or set the annotation `hyperpod-operator.dev/reconcile-requested-at`.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.SIZE_BELOW_ACTUAL,
            "The spec asks for less than the actual size.",
            "Set `volume.size` to the actual size or more, or remove it.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.ATTACHED_ELSEWHERE,
            "The volume is attached by a call that is not this claim's, for example an earlier claim's or a user's. The"
            " operator never detaches it.",
            "Detach the volume where the message says that it is attached.",
            severity=Severity.STALLED,
            condition=ConditionType.CONFLICT,
        ),
        reason(
            Reason.CLAIMED_BY_OTHER,
            "Another claim, in this or another cluster, owns the volume.",
            "Delete one of the two. If the other belonged to this EKS cluster and no longer exists, set "
            "`adoptionPolicy: Force`.",
            severity=Severity.STALLED,
            condition=ConditionType.CONFLICT,
        ),
        reason(
            Reason.CSI_OWNED,
            "The EBS CSI driver manages the volume, and two attachers would conflict; or, in mode CSI, it was created"
            " for another PersistentVolumeClaim or has another PersistentVolume.",
            "Remove its PersistentVolume, VolumeAttachment and tags, or use mode CSI in another claim.",
            severity=Severity.STALLED,
            condition=ConditionType.CONFLICT,
        ),
        reason(
            Reason.AZ_MISMATCH,
            "The volume and the node are in different zones.",
            "Choose a target in the volume's zone, or create a volume from a snapshot in the node's zone.",
            severity=Severity.STALLED,
            condition=ConditionType.CONFLICT,
        ),
        reason(
            Reason.MULTI_ATTACH,
            "The volume has Multi-Attach enabled, which mode Direct does not support.",
            "Disable Multi-Attach on the volume, or use mode None in a new claim.",
            severity=Severity.STALLED,
            condition=ConditionType.CONFLICT,
        ),
        reason(
            Reason.BOUND_TO_OTHER,
            "The PersistentVolume is reserved for, or was bound by, a PersistentVolumeClaim of another name or "
            "namespace, and its data may be on the volume. The operator does not publish it again.",
            "Find out who changed its claimRef. Delete the PersistentVolume if that data may be read here.",
            severity=Severity.STALLED,
            condition=ConditionType.CONFLICT,
        ),
        reason(
            Reason.NAME_TAKEN,
            "A PersistentVolume or PersistentVolumeClaim of this name exists and was not created by the operator; or "
            "your own PersistentVolumeClaim is bound to another PersistentVolume, so its pods do not use this volume.",
            "Create another claim with the name of another PersistentVolumeClaim, or with "
            "`persistentVolumeClaim.create: false` for one that is bound to no volume. Delete the object that the "
            "message names only if its data is not needed.",
            severity=Severity.STALLED,
            condition=ConditionType.CONFLICT,
        ),
        reason(
            Reason.RECLAIM_POLICY_EDITED,
            "Another client set the reclaim policy of the PersistentVolume (mode CSI) to Delete: the EBS CSI driver "
            "deletes the volume when its PersistentVolumeClaim goes, whatever `management.reclaimPolicy` says. The "
            "operator deletes neither of the two.",
            "Set the reclaim policy to Retain with the command in the message.",
            severity=Severity.STALLED,
            condition=ConditionType.CONFLICT,
        ),
        reason(
            Reason.STUCK_ATTACHING,
            "AWS has been attaching the volume for more than five minutes, also after the operator cancelled that once "
            "and retried; or by a call that is not this claim's, which the operator does not cancel. Or AWS accepts "
            "the call, and EC2 shows no attachment, again and again.",
            "Check the state and the policy of the volume's KMS key. Reboot or replace the node, or choose another "
            "target. Detach the volume by hand if the message says that the call is not this claim's.",
            severity=Severity.STALLED,
            phase="Attaching",
        ),
        reason(
            Reason.ATTACHMENT_REFUSED,
            "AWS has refused to attach or detach the volume for more than five minutes because of the cluster's state, "
            "and DescribeCluster reports the cluster as InService. The operator repeats the call every five minutes.",
            "Check whether an instance group of the cluster changes or fails. If none does, ask AWS Support.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.SNAPSHOT_FAILED,
            "The snapshot before the deletion failed, or others removed its tags, and the operator keeps the volume; "
            "or the snapshot before a replacement failed, and the operator continues without it.",
            "Delete that snapshot to retry, or set `reclaimPolicy: Retain`.",
            severity=Severity.STALLED,
            phase="Failed",
        ),
        reason(
            Reason.DELETE_ON_TERMINATION,
            "AWS deletes the volume together with its node.",
            "Create a snapshot, and detach the volume before AWS terminates the node.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.GROW_FILESYSTEM,
            "The volume grew; AWS does not grow the file system.",
            "Run the command in the message on the node, then set the PersistentVolume's capacity.",
            severity=Severity.STALLED,
        ),
    ),
}
