"""Reasons of things that go as they should, or that time or AWS will solve."""

from collections.abc import Mapping

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons.record import Actor, ReasonRecord, Section, Severity, reason

PROGRESS: Mapping[Section, tuple[ReasonRecord, ...]] = {
    Section.STEADY: (
        reason(
            Reason.CLUSTER_READY,
            "AWS holds what the spec asks for and every node is there.",
            "Nothing.",
        ),
        reason(
            Reason.PROVISIONED,
            "The cluster exists, and the operator owns it.",
            "Nothing.",
        ),
        reason(
            Reason.IN_SYNC,
            "AWS holds what the spec asks for.",
            "Nothing.",
        ),
        reason(
            Reason.AT_TARGET,
            "Every group has its nodes.",
            "Nothing.",
        ),
        reason(
            Reason.CHECKS_PASSED,
            "No check failed before the last call that creates the cluster or adds groups.",
            "Read the warnings in the message.",
        ),
        reason(
            Reason.APPROVED,
            "The plan in `status.plan` is approved; the operator carries it out.",
            "Nothing.",
            condition=ConditionType.PLAN_APPROVED,
        ),
        reason(
            Reason.PLAN_ONLY,
            "`spec.management.changePolicy` is `PlanOnly`: the operator shows its plan in `status.plan` and changes "
            "nothing in AWS, even if you delete the resource. Only ownership tags are set.",
            "To allow changes, set it to `ApproveAll`, `ApproveDisruptive` or `Auto`.",
            severity=Severity.PAUSED,
        ),
        reason(
            Reason.PAUSED,
            "`spec.management.paused` is true; the operator changes nothing in AWS, even if you delete the resource.",
            "Set `spec.management.paused` to false to continue. The message lists the pending changes.",
            severity=Severity.PAUSED,
        ),
    ),
    Section.WAITING: (
        reason(
            Reason.CREATING,
            "AWS accepted CreateCluster. Creation takes 10 to 25 minutes.",
            "Nothing.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.UPDATING,
            "AWS accepted a change. The operator collects further edits until it is done.",
            "Nothing.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.ROLLING_BACK,
            "AWS is rolling back the last change.",
            "Nothing; the next reason says why.",
            severity=Severity.WARNING,
            actor=Actor.AWS,
        ),
        reason(
            Reason.SYSTEM_UPDATING,
            "AWS is updating the cluster's software.",
            "Nothing.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.DELETING,
            "AWS is deleting the cluster, or the operator is waiting until AWS accepts the deletion. If something "
            "else deletes the cluster, or it is another cluster that still has the name, the message says so.",
            "Nothing.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.SCALING,
            "The cluster is in service, and a group does not have all its nodes yet.",
            "Nothing. If it lasts, see the message and the cluster's events in AWS.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.UPDATING_SOFTWARE,
            "AWS is replacing the image of a group.",
            "Nothing.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.DEEP_HEALTH_CHECKS,
            "Deep health checks run on nodes, usually new ones. These take no pods until the checks pass, which takes"
            " 1 to 2 hours.",
            "Nothing.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.AWAITING_VISIBILITY,
            "AWS no longer returns something that it returned before, and the operator reads again before it acts on "
            "that; or the operator sent CreateCluster, and AWS does not return the cluster yet. The operator does not"
            " send the call again for 5 minutes.",
            "Nothing.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.SETTLING,
            "The operator sent a change a moment ago, waits for its effect and collects further edits.",
            "Nothing. If the resource is Stalled, the message says what to check.",
        ),
        reason(
            Reason.CLUSTER_BUSY,
            "AWS rejected a change because another one is in progress.",
            "Nothing; the operator retries. If the resource is Stalled, AWS has said so for three hours: check the "
            "cluster's events.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.ROLE_PROPAGATION,
            "AWS cannot assume the execution role yet. New roles take up to a minute.",
            "Nothing at first. After a minute check that the role exists and trusts `sagemaker.amazonaws.com`.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.EKS_CLUSTER_IN_USE,
            "The EKS cluster has another HyperPod cluster, which the message names and which counts until its "
            "deletion is complete. The resource is Reconciling while AWS is deleting that cluster and Stalled while "
            "that cluster stays; the operator retries every minute. If AWS lists no such cluster, the resource is "
            "Reconciling for an hour; then it is Stalled, and the operator retries every 10 minutes.",
            "Nothing while AWS is deleting that cluster. Otherwise delete the HyperPod cluster that the message names, "
            "or name another EKS cluster.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.ADOPTION_ANNOUNCED,
            "A cluster of this name, or a volume, exists, and the operator adopts it in a minute. The message and "
            "`status.adoption` list what changes.",
            "Read the list. Set `spec.management.paused` to prevent it.",
            severity=Severity.WARNING,
            actor=Actor.YOU,
        ),
        reason(
            Reason.CONFIRMING_DELETION,
            "AWS does not return a cluster that should exist. The operator reads once more before it acts on that.",
            "Nothing. If the cluster is gone, `spec.management.onExternalDelete` decides whether the operator creates "
            "it again.",
            severity=Severity.WARNING,
        ),
        reason(
            Reason.WAITING_FOR_WORKLOADS,
            "Nodes are to end, because you lowered `instanceCount`, removed a group or deleted the resource, and pods "
            "run on them. The nodes get no new pods; the operator continues when the pods are gone.",
            "Nothing, if the pods end by themselves. To cancel a scale-in, set `instanceCount` to its former value. To "
            "evict the pods set `spec.management.disruption.runningWorkloads: Drain`; to wait for nothing, `Ignore`.",
            severity=Severity.WARNING,
        ),
        reason(
            Reason.EVICTING_WORKLOADS,
            "Nodes are to end, and the operator evicts their pods.",
            "Nothing. To cancel a scale-in, set `instanceCount` to its former value.",
            severity=Severity.WARNING,
        ),
        reason(
            Reason.EVICTION_BLOCKED,
            "Nodes are drained, for a node operation or because they are to end, and the API server does not allow "
            "the eviction of a pod now: a PodDisruptionBudget protects it, an admission policy refuses, or the "
            "operator has no right to evict it. The operator asks again until the drain's timeout.",
            "If no pod is about to become ready, do what the message asks for: add a replica, change the budget, or "
            "delete the pod yourself.",
            severity=Severity.WARNING,
            actor=Actor.YOU,
        ),
        reason(
            Reason.NODES_STILL_TAINTED,
            "A scale-in is over or cancelled, or you deleted the resource and its cluster stays in AWS, and Nodes of "
            "the cluster still have the draining taint. The operator retries, after longer pauses, and releases no "
            "deleted resource before. The message names the Nodes, and how the API server refused the write.",
            "Nothing, unless the API server refuses for good: grant the right, or change the policy that the message "
            "quotes. Or remove the taint yourself; to release a deleted resource before, set the annotation "
            "`hyperpod-operator.dev/abandon`.",
            severity=Severity.WARNING,
        ),
        reason(
            Reason.DETACHING_VOLUMES,
            "The pods have left nodes that are to end or to move, because of a node operation, a scale-in, the removal "
            "of a group or a deletion. The operator asks the EBSVolumeClaims with volumes on these nodes to detach "
            "them. The message names the claims; each says in its status what it waits for.",
            "Nothing. A claim detaches only when no pod uses its volume: delete pods that stay, and resume a claim "
            "that is paused.",
        ),
        reason(
            Reason.UNKNOWN_OUTCOME,
            "A call got no response. AWS may have carried it out; the operator reads the state before it does "
            "anything else.",
            "Nothing.",
            severity=Severity.WARNING,
        ),
        reason(
            Reason.RECREATING,
            "Creation failed, the operator deleted the failed cluster (`onCreateFailure: Recreate`), and it retries "
            "after a pause.",
            "Read the failure message and fix the cause.",
            actor=Actor.YOU,
        ),
    ),
}
