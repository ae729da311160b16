"""The commands that belong to a reason: templates whose names are filled from the object.

A template with a name that the object does not give is left out, so that nobody types a placeholder. The last line of
each list is one that always works.
"""

import re
from collections.abc import Mapping
from string import Formatter
from types import MappingProxyType

from hyperpod_operator.api.names import GROUP, Reason

_RETRY = "kubectl hyperpod reconcile {object} -n {namespace}"
_EDIT = "kubectl edit {short} {name} -n {namespace}"
_SEE = "kubectl describe {short} {name} -n {namespace}"
_RESUME = "kubectl hyperpod resume {paused} -n {namespace}"
_PAUSE = "kubectl hyperpod pause {object} -n {namespace}"
_NODES = "kubectl hyperpod nodes {cluster_object} -n {namespace}"
_LOGS = "kubectl logs -n {operator_namespace} {leader}"
_AWS_EVENTS = "aws sagemaker list-cluster-events --cluster-name {cluster} --region {region}"
_AWS_CLUSTER = "aws sagemaker describe-cluster --cluster-name {cluster} --region {region}"
_WHO_DELETED = (
    "aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=DeleteCluster "
    "--region {region}"
)
_AWS_VOLUME = "aws ec2 describe-volumes --volume-ids {volume} --region {region}"
_SCRIPT_LOG = "aws logs tail /aws/sagemaker/Clusters/{cluster}/{cluster_id} --region {region}"
_SCRIPT_LOG_OF_GROUP = f"{_SCRIPT_LOG} --log-stream-name-prefix LifecycleConfig/{{group}}/"
_ABANDON = f"kubectl annotate {{short}} {{name}} -n {{namespace}} {GROUP}/abandon={{name}}"
_SUSPEND = 'kubectl patch evc {claim} -n {namespace} --type=merge -p \'{{"spec":{{"attachment":{{"suspend":true}}}}}}\''
_ATTACH = (
    'kubectl patch {short} {name} -n {namespace} --type=merge -p \'{{"spec":{{"attachment":{{"suspend":false}}}}}}\''
)
_UNSUSPEND = 'kubectl patch {short} {name} -n {namespace} --type=merge -p \'{{"spec":{{"suspend":false}}}}\''
_SEE_NODES = "kubectl hyperpod status {object} -n {namespace}"
_AGAIN = "kubectl hyperpod {verb} {node} --cluster {cluster_object} -n {namespace}"
_QUOTAS = (
    "aws service-quotas list-service-quotas --service-code sagemaker --region {region} --output table "
    "--query \"Quotas[?contains(QuotaName,'{quota_type}')].[QuotaName,QuotaCode,Value]\""
)
_OTHER_OPERATION = "kubectl hyperpod explain hpno/{other} -n {other_namespace}"
_PODS_ON_NODE = "kubectl get pods -A --field-selector spec.nodeName={node}"

_COMMANDS: dict[Reason, tuple[str, ...]] = {
    Reason.PAUSED: (_RESUME,),
    Reason.PLAN_ONLY: (
        "kubectl get {short} {name} -n {namespace} -o jsonpath='{{.status.plan}}'",
        "kubectl patch {short} {name} -n {namespace} --type=merge -p "
        '\'{{"spec":{{"management":{{"changePolicy":"ApproveAll"}}}}}}\'',
    ),
    Reason.WAITING_FOR_APPROVAL: ("kubectl hyperpod approve {object} -n {namespace}",),
    Reason.PLAN_STALE: ("kubectl hyperpod approve {object} -n {namespace}",),
    Reason.EKS_CLUSTER_IN_USE: ("aws sagemaker list-clusters --region {region}", _EDIT),
    Reason.ADOPTION_ANNOUNCED: ("kubectl get {short} {name} -n {namespace} -o jsonpath='{{.status.adoption}}'", _PAUSE),
    Reason.RECREATING: (_AWS_EVENTS, _SEE),
    Reason.INVALID_SPEC: ("hyperpod-operator crds | kubectl apply --server-side -f -", _EDIT),
    Reason.SPEC_REJECTED: (_EDIT, _RETRY),
    Reason.NOT_OWNED: ("aws sagemaker list-tags --resource-arn {arn} --region {region}", _AWS_VOLUME, _EDIT),
    Reason.TOO_MANY_TAGS: (_EDIT,),
    Reason.IMMUTABLE_DIFFERS: (_AWS_CLUSTER, _EDIT),
    Reason.CREATE_FAILED: (_AWS_EVENTS, _EDIT),
    Reason.CLUSTER_FAILED: (_AWS_EVENTS, _EDIT),
    Reason.UPDATE_ROLLED_BACK: (_AWS_EVENTS, _EDIT, _RETRY),
    Reason.ACCOUNT_BLOCKED: (_RETRY,),
    Reason.QUOTA_EXCEEDED: (_QUOTAS, _EDIT),
    Reason.PERMISSION_DENIED: (
        "kubectl get {short} {name} -n {namespace} -o yaml | hyperpod-operator preflight -f -",
        _RETRY,
    ),
    Reason.QUARANTINED: ("kubectl delete pod {leader} -n {operator_namespace}", _SEE),
    Reason.REGION_NOT_ALLOWED: (_EDIT,),
    Reason.WRONG_ACCOUNT_OR_REGION: ("aws sts get-caller-identity", _EDIT, _ABANDON),
    Reason.EVICTION_BLOCKED: (
        "kubectl get pdb -n {waiting_namespace}",
        "kubectl delete pod {waiting_name} -n {waiting_namespace}",
        _SEE,
    ),
    Reason.VOLUMES_ATTACHED: (_SUSPEND, "kubectl get evc -n {namespace}"),
    Reason.NOT_ALLOWED: (_EDIT,),
    Reason.PREFLIGHT_FAILED: (
        "kubectl get {short} {name} -n {namespace} -o jsonpath='{{.status.preflight.checks[?(@.result==\"Fail\")]}}'",
        _RETRY,
    ),
    Reason.DELETED_OUTSIDE: (_WHO_DELETED, "kubectl hyperpod approve {object} -n {namespace}"),
    Reason.TEARDOWN_BLOCKED: ("aws iam get-role --role-name {role}", _AWS_CLUSTER, _SEE),
    Reason.UNKNOWN_GROUPS: (_AWS_CLUSTER, _EDIT),
    Reason.SCALED_OUTSIDE: (_EDIT,),
    Reason.MINIMUM_ABOVE_COUNT: (_EDIT,),
    Reason.COUNT_OFFSET: (_EDIT,),
    Reason.CAPACITY_SHORTAGE: (
        "aws sagemaker search-training-plan-offerings --instance-type {instance_type} --instance-count {missing} "
        "--target-resources hyperpod-cluster --duration-hours 24 --region {region}",
        _EDIT,
    ),
    Reason.LIFECYCLE_SCRIPT_FAILED: (_SCRIPT_LOG_OF_GROUP, _AWS_EVENTS, _SEE),
    Reason.NETWORK_MISCONFIGURED: (_AWS_EVENTS, _EDIT),
    Reason.EFA_CHECK_FAILED: ("aws ec2 describe-security-groups --group-ids {security_group} --region {region}", _SEE),
    Reason.GROUP_FAILED: (_AWS_EVENTS, _EDIT),
    Reason.GROUP_DEGRADED: (_NODES,),
    Reason.NODES_UNHEALTHY: (_NODES,),
    Reason.MANY_NODES_UNHEALTHY: ("kubectl get pods -n aws-hyperpod -o wide", _NODES, _SEE),
    Reason.NODES_NEVER_JOINED: (_SCRIPT_LOG, _NODES, _SEE),
    Reason.INSTANCES_GONE: ("kubectl delete node {gone_node}", _NODES, _SEE),
    Reason.HEALTH_NOT_REPORTED: ("kubectl get pods -n aws-hyperpod -o wide",),
    Reason.CREDENTIALS_INVALID: (_LOGS, "kubectl get pods -A -l app.kubernetes.io/name=hyperpod-operator"),
    Reason.INTERNAL_ERROR: (_LOGS, "kubectl hyperpod report {object} -n {namespace}"),
    Reason.ABANDONED: (_AWS_CLUSTER, _SEE),
    Reason.SERVED_TWICE: ("kubectl get leases -A -l hyperpod-operator.dev/leader-election",),
    Reason.DEFINITION_DIFFERS: ("hyperpod-operator crds | kubectl apply --server-side -f -",),
    Reason.NODE_CONTRADICTS: ("kubectl get nodes -L node.kubernetes.io/instance-type",),
    Reason.SUSPENDED: (_ATTACH,),
    Reason.UNPUBLISHING: ("kubectl get pvc {pvc} -n {namespace}", "kubectl get pods -n {namespace} -o wide"),
    Reason.ATTACHMENT_LIMIT: ("kubectl get evc -A --field-selector status.attachment.nodeName={wanted_node}", _EDIT),
    Reason.NO_CAPACITY: ("kubectl get evc -A", _EDIT),
    Reason.IN_USE: ("kubectl delete pod {pod} -n {namespace}", _SEE),
    Reason.DETACH_BLOCKED: (_PODS_ON_NODE, "kubectl hyperpod ssm {node}", _SEE),
    Reason.KUBERNETES_REFUSED: (_SEE, _RETRY),
    Reason.CLUSTER_NOT_FOUND: ("kubectl get hpc -n {namespace}", "aws sagemaker list-clusters --region {region}"),
    Reason.NODE_NOT_FOUND: (_NODES, _EDIT),
    Reason.NODE_UNSCHEDULABLE: ("kubectl describe node {wanted_node}", _EDIT),
    Reason.RESTRICTED_INSTANCE_GROUP: (_NODES, _EDIT),
    Reason.VOLUME_LOST: (
        "aws ec2 describe-snapshots --filters Name=volume-id,Values={volume} --region {region}",
        "kubectl delete evc {name} -n {namespace}",
    ),
    Reason.VOLUME_FAILED: (_AWS_VOLUME, _RETRY),
    Reason.MODIFICATION_FAILED: (
        "aws ec2 describe-volumes-modifications --volume-ids {volume} --region {region}",
        _RETRY,
    ),
    Reason.SIZE_BELOW_ACTUAL: (
        'kubectl patch evc {name} -n {namespace} --type=merge -p \'{{"spec":{{"volume":{{"size":{size}}}}}}}\'',
        _EDIT,
    ),
    Reason.ATTACHED_ELSEWHERE: (_AWS_VOLUME, _SEE),
    Reason.CLAIMED_BY_OTHER: (
        "aws ec2 describe-tags --filters Name=resource-id,Values={volume} --region {region}",
        "kubectl get evc -A",
    ),
    Reason.CSI_OWNED: ("kubectl get volumeattachments", "kubectl get pv", _SEE),
    Reason.AZ_MISMATCH: (_AWS_VOLUME, "kubectl get nodes -L topology.kubernetes.io/zone"),
    Reason.MULTI_ATTACH: (_AWS_VOLUME, _SEE),
    Reason.NAME_TAKEN: ("kubectl get pv,pvc -n {namespace}",),
    Reason.BOUND_TO_OTHER: ("kubectl get pv {pv} -o yaml", "kubectl get pv"),
    Reason.STUCK_ATTACHING: (
        "aws kms describe-key --key-id {key} --region {region}",
        "kubectl hyperpod reboot {node} --cluster {cluster_object} -n {namespace}",
        "aws sagemaker batch-reboot-cluster-nodes --cluster-name {cluster} --node-ids {instance} --region {region}",
        _SEE,
    ),
    Reason.SNAPSHOT_FAILED: (
        "aws ec2 describe-snapshots --filters Name=volume-id,Values={volume} --region {region}",
        _SEE,
    ),
    Reason.DELETE_ON_TERMINATION: ("aws ec2 create-snapshot --volume-id {volume} --region {region}", _SEE),
    Reason.WAITING_FOR_NODES: (_OTHER_OPERATION,),
    Reason.OPERATION_SUSPENDED: (_UNSUSPEND,),
    Reason.OPERATION_FAILED: (_SEE_NODES, _AGAIN),
    Reason.VOLUMES_ON_NODES: (_SUSPEND, "kubectl get evc -n {namespace}"),
    Reason.GROW_FILESYSTEM: ("kubectl hyperpod ssm {node}", _SEE),
}
COMMANDS: Mapping[Reason, tuple[str, ...]] = MappingProxyType(_COMMANDS)
"""By reason. A reason of yours without an entry has `SEE`."""

MAY_GET_NODES = "kubectl auth can-i get nodes"
HYPERPOD_NODES = "kubectl get nodes -l sagemaker.amazonaws.com/compute-type"
DESCRIBE_NODE = "kubectl describe node {node}"
REPLACE_NODE = "kubectl hyperpod replace {node} -n {namespace}"
UNCORDON = "kubectl uncordon {node}"
SSM = "kubectl hyperpod ssm {node}"
REBOOT_NODE = "kubectl hyperpod reboot {node} -n {namespace}"
ALL_CLUSTERS = "kubectl get hpc -A"
WATCH_NODE = "kubectl get node {node} --watch"
MAY_GET_PODS = "kubectl auth can-i get pods -n {namespace}"
PODS = "kubectl get pods -n {namespace} -o wide"
DESCRIBE_POD = "kubectl describe pod {name} -n {namespace}"
POD_LOGS = "kubectl logs {name} -n {namespace} --all-containers"
WORKLOADS = "kubectl get workloads.kueue.x-k8s.io -n {namespace}"
POD_VOLUMES = "kubectl get pvc,evc -n {namespace}"
NODE_LABELS = "kubectl get nodes --show-labels"
EXPLAIN = "kubectl hyperpod explain {short}/{name} -n {namespace}"
AROUND = (
    MAY_GET_NODES,
    HYPERPOD_NODES,
    DESCRIBE_NODE,
    REPLACE_NODE,
    UNCORDON,
    SSM,
    REBOOT_NODE,
    ALL_CLUSTERS,
    WATCH_NODE,
    MAY_GET_PODS,
    PODS,
    DESCRIBE_POD,
    POD_LOGS,
    WORKLOADS,
    POD_VOLUMES,
    NODE_LABELS,
    EXPLAIN,
)
"""What to type about a pod, a Node and what is around them."""

WAIT = "kubectl hyperpod wait {object} -n {namespace}"
"""What to type where time or AWS solves it."""
SEE = _SEE

_SAFE = re.compile(r"[A-Za-z0-9@%+:,./_][A-Za-z0-9@%+=:,./_-]*")
"""A value that a shell takes as it stands, and no program as an option: `kubectl delete node --all` names no node."""


def filled(template: str, values: Mapping[str, str]) -> str | None:
    """The command, or None where a value is missing, would need quoting or would be an option: what a tenant writes is
    never a command."""
    if any(not _SAFE.fullmatch(values.get(name, "")) for name in placeholders(template)):
        return None
    return template.format_map(dict(values))


def placeholders(template: str) -> set[str]:
    """The names that a template needs."""
    return {name for _, name, _, _ in Formatter().parse(template) if name}
