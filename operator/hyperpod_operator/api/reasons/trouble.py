"""Reasons with which somebody has to act, or that say why something is left as it is."""

from collections.abc import Mapping

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons.record import Actor, ReasonRecord, Section, Severity, reason

TROUBLE: Mapping[Section, tuple[ReasonRecord, ...]] = {
    Section.BLOCKED: (
        reason(
            Reason.INVALID_SPEC,
            "The operator cannot parse the spec. Usually the CustomResourceDefinition is older than the operator.",
            "Apply the current `crds/`, and correct the fields that the message names.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.SPEC_REJECTED,
            "AWS rejected the request as invalid. The cause is the spec, or something outside of it: a role, the EKS "
            "cluster, subnets, a quota. For a cluster the operator sends the same request again after 30 minutes, "
            "later every 6 hours, and immediately when the spec or the state in AWS changes; for the deletion of a "
            "cluster and for a volume every 5 minutes; for a node operation after 30 seconds, later every 10 minutes.",
            "Correct the spec or the cause. To retry immediately, set the annotation "
            "`hyperpod-operator.dev/reconcile-requested-at` to any new value.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.NOT_OWNED,
            "A cluster of this name exists without this resource's tags; or the volume of a claim does not have its "
            "tag, existed before it (`adoptionPolicy: Never`), or was left by an earlier claim of the same name. The "
            "operator neither changes nor deletes it.",
            "For an EBSVolumeClaim: the message names the volume and what to do. For a HyperPodCluster: if the message "
            "says that its tags are lost, restore them with the command that it has. Otherwise delete this resource "
            "and create one with another name, or adopt the cluster with `spec.management.adoptionPolicy: IfUnowned` "
            "(unless it has the tags of another owner).",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.TOO_MANY_TAGS,
            "AWS takes 50 tags for a cluster, and the cluster has no room for the tags that the operator would set; an "
            "adoption needs room for 4. The operator sends nothing.",
            "Remove as many tags from the cluster as the message says: `aws sagemaker delete-tags`.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.IMMUTABLE_DIFFERS,
            "AWS cannot change these fields of an existing cluster or group.",
            "Make the spec match AWS, or add a group under a new name and remove the old one.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.CREATE_FAILED,
            "The cluster is Failed, the operator never saw it in service, and it has no instances: its creation "
            "failed, and `onCreateFailure` is `Hold` or its retries are used up.",
            "Read AWS's error in the message and fix the cause. Then delete and re-apply the resource, or set "
            "`onCreateFailure: Recreate`. A cluster that `deletionPolicy: Retain` keeps stays when you delete the "
            "resource, and so does its name.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.CLUSTER_FAILED,
            "A cluster that was in service, was adopted or has instances is Failed.",
            "Check its events: `aws sagemaker list-cluster-events --cluster-name NAME`. The operator sends an edit of"
            " the spec to AWS.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.UPDATE_ROLLED_BACK,
            "AWS accepted a change and returned to the previous state.",
            "Correct the spec or the cause. The operator retries the same change after 5 minutes, then 10, up to an "
            "hour, or immediately when you set the annotation.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.ACCOUNT_BLOCKED,
            "AWS is verifying the account, or has blocked it.",
            "Check the account's email, or contact AWS Support. The operator retries every 30 minutes.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.QUOTA_EXCEEDED,
            "The account has reached a quota.",
            "Request an increase in AWS Service Quotas; the operator retries every 5 minutes. For a HyperPodCluster: "
            "To do without, lower the counts. For an EBSVolumeClaim: To do without, request less in `spec.volume`.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.PERMISSION_DENIED,
            "A role lacks the action that the message names: the operator's, unless AWS names another one.",
            "Grant the role that action ([iam.md](iam.md) has the policy of the operator's role). The operator retries "
            "every 5 minutes.",
            severity=Severity.STALLED,
            condition=ConditionType.PERMISSIONS_OK,
        ),
        reason(
            Reason.QUARANTINED,
            "Reconciling this object blocked the operator's event loop for seconds, or the process crashed twice "
            "during its reconcile. The operator reconciles it rarely and after all others, so that every other object"
            " is served.",
            "Make the object smaller and report the problem. To retry sooner, delete the operator's pod "
            "([reliability.md](reliability.md#quarantine)).",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.REGION_NOT_ALLOWED,
            "This installation does not serve `spec.region`.",
            "Omit `spec.region`, or start the operator with `--allowed-region`.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.WRONG_ACCOUNT_OR_REGION,
            "What status records (a cluster's ARN, a volume's ARN or zone), what a cluster's spec names (the EKS "
            "cluster, a role, a key, a training plan), or what a claim's spec names (a cluster, a key, a zone) is in "
            "another AWS account, Region or partition than the one that the operator works in; or a node operation is "
            "about such a cluster, or moves nodes to one. The operator sends and releases nothing, even if you delete "
            "the resource. A key may belong to another account.",
            "Start the operator with the account and the Region that the message names, or correct the field that it "
            "names, or delete the resource with the annotation `hyperpod-operator.dev/abandon`.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.VOLUMES_ATTACHED,
            "You deleted the cluster, removed a group or lowered `instanceCount`, and EBSVolumeClaims have volumes on "
            "nodes that are to end. The operator cannot ask these claims to detach: their instance has no Node in "
            "Kubernetes, `runningWorkloads` is `Ignore`, or the operator does not watch Nodes. Or the cluster failed, "
            "and AWS detaches nothing from it. Nothing can be detached once the deletion of the cluster has begun.",
            "Delete the claims, or set their `spec.attachment.suspend` to true; the operator continues once they have "
            "detached their volumes. With `spec.management.attachedVolumes: Orphan` a deletion does not wait; AWS "
            "releases the volumes when it terminates their nodes.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.NOT_ALLOWED,
            "The installation has a tenants list, and no single entry allows the namespace everything that the "
            "resource names: roles, keys, scripts, Regions, networks, clusters, volumes. Also: the spec sets a "
            "reserved tag key. The operator changes nothing in AWS.",
            "Name only what is allowed, or ask an administrator to extend the list ([iam.md](iam.md#tenants)).",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.PREFLIGHT_FAILED,
            "A check failed before CreateCluster, before groups were added, or before the volume of a claim was "
            "created, so the operator did not send the call. Nothing was created and nothing is billed. The checks run "
            "again after 1 minute, then 2, up to 30. `PreflightPassed` of a cluster also has this reason for a "
            "scale-out that is expected to fail and that the operator sends regardless; it goes when the group has its "
            "nodes, or when the spec asks for no more.",
            "Do what the message says for each check ([preflight.md](preflight.md)). To send the call regardless, set"
            " `spec.management.preflight: Warn`.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.WAITING_FOR_APPROVAL,
            "`spec.management.changePolicy` asks for an approval of changes that `status.plan` lists; the operator "
            "sends none of them before.",
            "Read `status.plan`, then run the command in the message, or put the digest into "
            "`spec.management.approvedPlan` ([plans.md](plans.md)).",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.PLAN_STALE,
            "The approval names another plan than the one that the spec and AWS ask for now. The spec was edited, or "
            "something changed in AWS, after the plan was approved.",
            "Read `status.plan` again, then run the command in the message. To withdraw the approval, remove the "
            "annotation `hyperpod-operator.dev/approve-plan` or `spec.management.approvedPlan`.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.DELETION_PROTECTED,
            "`deletionProtection` keeps the operator from deleting the cluster or the group that the message names.",
            "To delete it, set `deletionProtection` to false; for a group that you removed from the spec, add it "
            "again with `management.deletionProtection: false`, and remove it afterwards. To keep it, set "
            "`deletionPolicy: Retain`, or put the group back.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.DELETED_OUTSIDE,
            "The cluster was deleted in AWS, and not by the operator (two reads found it gone). The operator does not "
            "create it again.",
            "Find out who deleted it. To create it again once, approve the plan (the message has the command); to have "
            "the operator always do so, set `spec.management.onExternalDelete: Recreate`. Otherwise delete this "
            "resource.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.WORKLOADS_UNREADABLE,
            "Nodes are to end, and the operator cannot find out whether pods run on them, for example because it has "
            "no permission to list pods. It ends no node.",
            "Grant the permission (the chart's value `drain.enabled`), or set "
            "`spec.management.disruption.runningWorkloads: Ignore`.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.DRAIN_TIMED_OUT,
            "Pods are left on nodes that are to end, and `spec.management.disruption.drainTimeoutSeconds` is over. The "
            "operator evicts no more pods and ends no node that has some.",
            "End the pods that the message names, raise the timeout, or set `runningWorkloads: Ignore`. To cancel a "
            "scale-in, set `instanceCount` to its former value.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.COUNT_NOT_LOWERED,
            "AWS deleted nodes by name and did not lower the count of their group within 10 minutes, so it may create "
            "others in their place. The operator deletes no further node of the group by name.",
            "Set `spec.management.disruption.runningWorkloads: Ignore`: the operator then sends the count, and AWS "
            "chooses the nodes. Or set `instanceCount` to AWS's number.",
            severity=Severity.STALLED,
        ),
        reason(
            Reason.TEARDOWN_BLOCKED,
            "AWS cannot delete the nodes' network interfaces, because the group's execution role (or its permission) "
            "is missing.",
            "Restore the role with `ec2:DeleteNetworkInterface` and `ec2:DeleteNetworkInterfacePermission`. AWS then "
            "continues the deletion; do not delete again.",
            severity=Severity.STALLED,
            condition=ConditionType.TEARDOWN_BLOCKED,
        ),
    ),
    Section.HELD: (
        reason(
            Reason.UNKNOWN_GROUPS,
            "AWS has groups that the spec does not name, and the operator did not create them or the cluster. This "
            "does not affect `Ready`.",
            "Add the groups to the spec to manage them, or delete them in AWS.",
            severity=Severity.WARNING,
            actor=Actor.YOU,
        ),
        reason(
            Reason.SCALED_OUTSIDE,
            "A group was scaled out beyond the spec, not by the operator. The operator does not terminate nodes that "
            "it did not add.",
            "Set `instanceCount` to AWS's number to keep the nodes (lower it afterwards to scale in), or set "
            "`management.countOwner: External` on the group.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.COUNT_ABOVE_SPEC,
            "A group has more nodes in AWS than the spec asks for, and no earlier spec of this resource was applied to "
            "it: the cluster was adopted with these nodes. The operator does not terminate nodes that it did not add.",
            "Set `instanceCount` to AWS's number to keep the nodes (lower it afterwards to scale in), or set "
            "`management.countOwner: External` on the group.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.COUNT_OFFSET,
            "Nodes were moved between groups (MoveClusterNodes) or deleted by name (BatchDeleteClusterNodes). The "
            "operator neither replaces nor removes such nodes: `status.instanceGroups[].memory.countOffset` has the "
            "difference. This does not affect `Ready`.",
            "Edit `instanceCount` as the message says; any edit of it removes the offset.",
            severity=Severity.WARNING,
            actor=Actor.YOU,
        ),
        reason(
            Reason.MINIMUM_ABOVE_COUNT,
            "The owner of an `External` count requests fewer instances than `minInstanceCount`. AWS accepts no "
            "minimum above the count, so the operator sends the count instead. This does not affect `Ready`.",
            "Lower `minInstanceCount` if the group may stay this small.",
            severity=Severity.WARNING,
            actor=Actor.YOU,
        ),
    ),
}
