"""Reasons about nodes, about failed calls, and of Events."""

from collections.abc import Mapping

from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.reasons.record import Actor, ReasonRecord, Section, Severity, reason

NODES: Mapping[Section, tuple[ReasonRecord, ...]] = {
    Section.SHORT: (
        reason(
            Reason.CAPACITY_SHORTAGE,
            "AWS has no free capacity of this type in that zone. With continuous provisioning HyperPod keeps trying.",
            "Nothing: HyperPod keeps trying. To get nodes sooner, use a training plan, several instance types "
            "(`instanceRequirements`) or another zone.",
            severity=Severity.WARNING,
            actor=Actor.AWS,
        ),
        reason(
            Reason.LIFECYCLE_SCRIPT_FAILED,
            "The lifecycle script failed or timed out.",
            "Read the log stream `LifecycleConfig/GROUP/INSTANCE` in `/aws/sagemaker/Clusters/NAME/ID`. Usual causes:"
            " CRLF line ends, no S3 access, no S3 endpoint.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.NETWORK_MISCONFIGURED,
            "Instances cannot reach what they need.",
            "Check route tables, VPC endpoints and DNS of the subnets.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.EFA_CHECK_FAILED,
            "The EFA health check failed.",
            "Allow all traffic from and to the security group itself.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.GROUP_FAILED,
            "AWS reports the group as Failed, or its software update failed.",
            "Check the cluster's events in AWS, fix the cause, and edit the group.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.GROUP_DEGRADED,
            "Some instances failed or are unhealthy; the message names those that AWS lists.",
            "Nothing with `nodeRecovery: Automatic`. With `None`, replace them as the message says.",
            severity=Severity.WARNING,
            actor=Actor.AWS,
        ),
    ),
    Section.HEALTH: (
        reason(
            Reason.ALL_SCHEDULABLE,
            "No Node is unhealthy.",
            "Nothing.",
        ),
        reason(
            Reason.NODES_UNHEALTHY,
            "HyperPod found Nodes unhealthy; they get no new pods. `status.nodeHealth.worst` names them.",
            "Nothing with `nodeRecovery: Automatic`. With `None`, run the command in the message.",
            severity=Severity.WARNING,
            actor=Actor.AWS,
        ),
        reason(
            Reason.MANY_NODES_UNHEALTHY,
            "A fifth of the Nodes, and at least five, turned unhealthy within ten minutes: a false alarm or a common "
            "cause is likely. They get no new pods in either case.",
            "Check the health monitoring agent (namespace aws-hyperpod), a driver or AMI update, the network. "
            "`nodeRecovery: None` stops HyperPod from replacing them.",
            severity=Severity.WARNING,
            actor=Actor.YOU,
        ),
        reason(
            Reason.NODES_NEVER_JOINED,
            "SageMaker has reported instances as Running for ten minutes or more, and they have no matching "
            "Kubernetes Node.",
            "Read their lifecycle script's log in CloudWatch; check the security groups between them and the EKS "
            "cluster.",
            severity=Severity.WARNING,
            actor=Actor.YOU,
        ),
        reason(
            Reason.INSTANCES_GONE,
            "Nodes have no matching SageMaker instance.",
            "Nothing, if Kubernetes removes them within minutes. If they stay, `kubectl delete node NAME`.",
            severity=Severity.WARNING,
        ),
        reason(
            Reason.HEALTH_NOT_REPORTED,
            "Nodes with accelerators have no health status ten minutes after they joined.",
            "Check that HyperPod's health monitoring agent runs on them.",
            severity=Severity.WARNING,
            actor=Actor.YOU,
        ),
    ),
    Section.FAILED: (
        reason(
            Reason.THROTTLED,
            "AWS throttles the account's calls. The operator halves its rate.",
            "Nothing; if it lasts, find out what else makes the call that the message names in this account.",
            severity=Severity.WARNING,
            actor=Actor.AWS,
        ),
        reason(
            Reason.CREDENTIALS_INVALID,
            "The operator's AWS credentials are missing, expired or invalid, or its clock differs from AWS's; the "
            "message says which.",
            "Follow the message: give the operator valid AWS credentials ([install-eks.md](install-eks.md)), or set "
            "the clock of its node.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.AWS_UNREACHABLE,
            "The operator cannot reach AWS's endpoint for the call that the message names.",
            "Nothing at first. If it lasts, check the VPC endpoint of that service, the proxy and DNS.",
            severity=Severity.WARNING,
            actor=Actor.AWS,
        ),
        reason(
            Reason.AWS_ERROR,
            "AWS returned a server error, or its response lacks a field that the operator needs; the message names "
            "the call and the field. The operator changes nothing meanwhile.",
            "Nothing at first. If it lasts, check what is between the operator and AWS (proxy, VPC endpoint, "
            "`AWS_ENDPOINT_URL`).",
            severity=Severity.WARNING,
            actor=Actor.AWS,
        ),
        reason(
            Reason.KUBERNETES_ERROR,
            "A request to the API server for an EBSVolumeClaim failed three times in a row: a server error, an "
            "admission webhook that does not respond, or an object that is gone.",
            "Nothing if it passes; the message names the request.",
        ),
        reason(
            Reason.INTERNAL_ERROR,
            "An error in the operator, or of the API server during a pass.",
            "Read the operator's log; report the problem with the log record.",
            actor=Actor.YOU,
        ),
    ),
    Section.EVENTS: (
        reason(
            Reason.CLUSTER_DISAPPEARED,
            "A cluster was deleted outside of the operator (confirmed by two reads), and the operator creates it "
            "again, because `spec.management.onExternalDelete` is `Recreate`.",
            "To prevent that, set `onExternalDelete: Hold`, or delete the resource.",
        ),
        reason(
            Reason.ADOPTED,
            "The operator set its ownership tags on the cluster or the volume.",
            "Nothing.",
        ),
        reason(
            Reason.ABANDONED,
            "The operator released a deleted resource because of the annotation `hyperpod-operator.dev/abandon`, "
            "without calling AWS.",
            "Delete in AWS what the message names, if you do not need it.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.STATUS_REFUSED,
            "The API server does not store the status of the object: it is too large for etcd, or a policy, a missing "
            "right or an older CustomResourceDefinition refuses it. What status shows may be old, and the operator "
            "sends no call that it has to note first.",
            "The message has the API server's words. Make the object smaller, or correct the policy, the right or the "
            "definition; the operator tries again by itself.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.HYPERPOD_EVENT,
            "HyperPod's own event of level Warn or Error (ListClusterEvents), published once, with its cause if "
            "known. Those with the same words are one Event with their count, and the id at its end is that of the "
            'first. Not published: "lost orchestration-ready status", which occurs during each scaling.',
            "Follow the message; `aws sagemaker describe-cluster-event` shows more.",
        ),
        reason(
            Reason.NODE_TAINTED,
            "The operator added the node-health taint to a Node, because HyperPod's own was missing. Published on the"
            " Node and on the cluster.",
            "Nothing; see `NodesUnhealthy`.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.NODE_UNTAINTED,
            "The operator removed its own taint: HyperPod labels the Node Schedulable.",
            "Nothing.",
        ),
        reason(
            Reason.NODE_REPLACED,
            "An unhealthy Node left Kubernetes.",
            "Nothing, if HyperPod replaces it; `status.nodes` shows when all nodes are present.",
            actor=Actor.AWS,
        ),
        reason(
            Reason.DEFINITION_DIFFERS,
            "Published on a CustomResourceDefinition when the operator starts: it lacks fields that this version "
            "knows, or has fields that it does not know.",
            "Install this version's definitions, or upgrade the operator; the message says which.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.SERVED_TWICE,
            "Published on the CustomResourceDefinition of HyperPodClusters: another installation of the operator "
            "reconciles objects of the same namespaces, and leads by a Lease of its own. The message names both.",
            "Stop one of the two, or set `watchNamespaces` in both so that no namespace is in two lists.",
            severity=Severity.WARNING,
            actor=Actor.YOU,
        ),
        reason(
            Reason.NODE_NOT_CHANGED,
            "The API server refuses what the operator writes to a Node, so an unhealthy one may still get new pods. "
            "Published on the Node and on the cluster; the operator retries.",
            "Grant the right, or change the admission policy that the message quotes. Until then keep pods off the node"
            " with `kubectl cordon`.",
            severity=Severity.WARNING,
            actor=Actor.YOU,
        ),
        reason(
            Reason.NODE_CONTRADICTS,
            "A Node's instance-type label differs from SageMaker's type, with or without `ml.`. The operator does not"
            " change it.",
            "Remove the label; the operator then sets SageMaker's type.",
            actor=Actor.YOU,
        ),
        reason(
            Reason.RELEASED,
            "The operator removed the finalizer; what is in AWS stays, because of the policy or because the resource "
            "does not own it.",
            "Nothing.",
            phase="Released",
        ),
        reason(
            Reason.DELETED,
            "AWS no longer has the cluster; the operator removed the finalizer.",
            "Nothing.",
            phase="Deleting",
        ),
    ),
}
