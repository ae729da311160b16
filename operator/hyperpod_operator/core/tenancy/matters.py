"""Every text that a spec can carry, and which list of a tenant it is held to, or why it is open.

Paths are those of the CustomResourceDefinition: `[]` is an item of a list, `*` a value of a map and `<key>` its key.
A test walks the generated schemas and fails on a text that no row names and on a row that names no text; members with
an enumeration need none, because their author chose every value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from hyperpod_operator.api.names import RESERVED_NODE_KEYS, RESERVED_TAGS, RESERVED_VOLUME_TAGS
from hyperpod_operator.api.volume.bounds import PUBLISHED_CLASS


class Matter(StrEnum):
    """The lists of a tenant, as the file and the chart name them."""

    CLUSTERS = "clusters"
    """HyperPod clusters that existed before the resource: adopted, or named by a claim by ARN or by name."""
    EKS_CLUSTERS = "eksClusters"
    EXECUTION_ROLES = "executionRoles"
    FILE_SYSTEMS = "fileSystems"
    IMAGES = "images"
    KMS_KEYS = "kmsKeys"
    NODE_LABELS = "nodeLabels"
    """Labels of nodes in the domains of Kubernetes and of AWS, as `key=value`: pods of everybody are sent to nodes by
    them, and by `k8s.amazonaws.com/eniConfig` the VPC CNI chooses subnet and security groups of their pods."""
    REGIONS = "regions"
    SECURITY_GROUPS = "securityGroups"
    SOURCE_S3_URIS = "sourceS3Uris"
    STORAGE_CLASSES = "storageClasses"
    """StorageClasses of what a claim publishes, beside the reserved one."""
    SUBNETS = "subnets"
    TRAINING_PLANS = "trainingPlans"
    VOLUMES = "volumes"
    """Volumes and snapshots that existed before the claim."""


@dataclass(frozen=True, slots=True)
class Held:
    """The value must match a pattern of the tenant's list `matter`. Values in `free` belong to nobody."""

    matter: Matter
    free: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Open:
    """Any value is allowed; `why` says what else holds it."""

    why: str


@dataclass(frozen=True, slots=True)
class Below:
    """A path below a member that is held: it may not lead out of it."""

    why: str


@dataclass(frozen=True, slots=True)
class TagKey:
    """Any key but those under the reserved prefixes, in whatever case; the tag goes onto the tenant's own resource."""

    reserved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodeKey:
    """A key of a label or a taint of nodes, outside the reserved prefixes. A label in a domain of `held`, or below
    one, must match a pattern of the list `matter` as `key=value`.

    NodeRestriction keeps kubelets from such labels. HyperPod, which changes them on running nodes, is no kubelet.
    """

    reserved: tuple[str, ...] = RESERVED_NODE_KEYS
    matter: Matter | None = None
    held: tuple[str, ...] = ()


Classification = Held | Open | Below | TagKey | NodeKey

_OWN_NODES = Open("it describes the tenant's own nodes and names nothing that exists elsewhere")
_TIME = Open("a time")
_TAG_VALUE = Open("the key decides who reads it")

_GROUP: Mapping[str, Classification] = {
    "instanceGroupName": Open("a name inside the tenant's own cluster"),
    "instanceType": Open("quotas of the AWS account bound it, no other tenant owns a type"),
    "executionRole": Held(Matter.EXECUTION_ROLES),
    "instanceStorageConfigs[].ebsVolumeConfig.volumeKmsKeyId": Held(Matter.KMS_KEYS),
    "instanceStorageConfigs[].fsxLustreConfig.dnsName": Held(Matter.FILE_SYSTEMS),
    "instanceStorageConfigs[].fsxLustreConfig.mountName": Open("a part of the file system that dnsName names"),
    "instanceStorageConfigs[].fsxLustreConfig.mountPath": Open("a path on the tenant's own nodes"),
    "instanceStorageConfigs[].fsxOpenZfsConfig.dnsName": Held(Matter.FILE_SYSTEMS),
    "instanceStorageConfigs[].fsxOpenZfsConfig.mountPath": Open("a path on the tenant's own nodes"),
    "trainingPlanArn": Held(Matter.TRAINING_PLANS),
    "overrideVpcConfig.securityGroupIds[]": Held(Matter.SECURITY_GROUPS),
    "overrideVpcConfig.subnets[]": Held(Matter.SUBNETS),
    "scheduledUpdateConfig.scheduleExpression": _TIME,
    "scheduledUpdateConfig.deploymentConfig.autoRollbackConfiguration[].alarmName": Open(
        "AWS reads whether the alarm fires, and rolls the tenant's own update back"
    ),
}
"""Members that instance groups and restricted instance groups share."""

_PLAIN_GROUP: Mapping[str, Classification] = {
    "instanceRequirements.instanceTypes[]": Open("quotas of the AWS account bound it, no other tenant owns a type"),
    "lifeCycleConfig.sourceS3Uri": Held(Matter.SOURCE_S3_URIS),
    "lifeCycleConfig.onCreate": Below("a file below sourceS3Uri"),
    "lifeCycleConfig.onInitComplete": Below("a file below sourceS3Uri"),
    "imageId": Held(Matter.IMAGES, free=frozenset({"default"})),
    "imageReleaseVersion": Open("a release of AWS's own image"),
    "autoPatchConfig.patchSchedule.nextPatchDate": _TIME,
    "autoPatchConfig.deploymentConfig.autoRollbackConfiguration[].alarmName": Open(
        "AWS reads whether the alarm fires, and rolls the tenant's own update back"
    ),
    "kubernetesConfig.labels.<key>": NodeKey(
        matter=Matter.NODE_LABELS, held=("kubernetes.io", "k8s.io", "amazonaws.com")
    ),
    "kubernetesConfig.labels.*": Open("it is judged with its key"),
    "kubernetesConfig.taints[].key": NodeKey(),
    "kubernetesConfig.taints[].value": _OWN_NODES,
}


def _below(path: str, rows: Mapping[str, Classification]) -> dict[str, Classification]:
    return {f"{path}.{name}": row for name, row in rows.items()}


CLUSTER_SPEC: Mapping[str, Classification] = MappingProxyType(
    {
        "clusterName": Open("a cluster that exists is changed by its ownership tags only, and adopted by `clusters`"),
        "region": Held(Matter.REGIONS),
        "management.approvedPlan": Open("a digest of the tenant's own plan; who may set it is a right in Kubernetes"),
        "orchestrator.eks.clusterArn": Held(Matter.EKS_CLUSTERS),
        "vpcConfig.securityGroupIds[]": Held(Matter.SECURITY_GROUPS),
        "vpcConfig.subnets[]": Held(Matter.SUBNETS),
        "clusterRole": Held(Matter.EXECUTION_ROLES),
        "tags[].key": TagKey(RESERVED_TAGS),
        "tags[].value": _TAG_VALUE,
        **_below("instanceGroups[]", {**_GROUP, **_PLAIN_GROUP}),
        **_below("restrictedInstanceGroups[]", _GROUP),
    }
)
"""HyperPodCluster. The requests of CreateCluster and UpdateCluster have the same members at the same paths."""

UPDATE_SOFTWARE: Mapping[str, Classification] = MappingProxyType({"imageId": Held(Matter.IMAGES)})
"""What the request of UpdateClusterSoftware names that no spec has in this place."""

_WITHIN = Open("it chooses among the nodes of a cluster that an object of the same namespace owns")
_PODS = Open("it says how pods leave nodes of a cluster that an object of the same namespace owns")
_SELECTORS = ("podSelector", "namespaceSelector")

NODE_OPERATION_SPEC: Mapping[str, Classification] = MappingProxyType(
    {
        "clusterRef.name": Open("an object of the same namespace; its Region and EKS cluster are held before calls"),
        "move.clusterRef.name": Open("the same"),
        "move.instanceGroupName": Open("a group of a cluster that an object of the same namespace owns"),
        "nodes.names[]": _WITHIN,
        "nodes.instanceIds[]": _WITHIN,
        "nodes.nodeLogicalIds[]": _WITHIN,
        "nodes.selector.instanceGroupName": _WITHIN,
        "nodes.selector.matchLabels.<key>": _WITHIN,
        "nodes.selector.matchLabels.*": _WITHIN,
        **{f"drain.rules[].{selector}.matchLabels.<key>": _PODS for selector in _SELECTORS},
        **{f"drain.rules[].{selector}.matchLabels.*": _PODS for selector in _SELECTORS},
        **{f"drain.rules[].{selector}.matchExpressions[].key": _PODS for selector in _SELECTORS},
        **{f"drain.rules[].{selector}.matchExpressions[].values[]": _PODS for selector in _SELECTORS},
        "maxInFlight": Open("a number, or a percentage"),
        "notBefore": _TIME,
        "requestor": Open("for people to read"),
        "reason": Open("for people to read"),
    }
)
"""HyperPodNodeOperation."""

VOLUME_CLAIM_SPEC: Mapping[str, Classification] = MappingProxyType(
    {
        "clusterRef.name": Open("an object of the claim's own namespace; what it says of AWS is held before each call"),
        "clusterRef.clusterArn": Held(Matter.CLUSTERS),
        "clusterRef.clusterName": Held(Matter.CLUSTERS),
        "source.volumeId": Held(Matter.VOLUMES),
        "source.create.snapshotId": Held(Matter.VOLUMES),
        # [assumption: ec2-refuses-zones-of-other-regions]
        "source.create.availabilityZone": Open("EC2 takes zones of the Region only, and the Region is held"),
        "source.create.availabilityZoneId": Open("EC2 takes zones of the Region only, and the Region is held"),
        "source.create.kmsKeyId": Held(Matter.KMS_KEYS),
        "volume.tags[].key": TagKey(RESERVED_VOLUME_TAGS),
        "volume.tags[].value": _TAG_VALUE,
        "attachment.target.nodeName": Open("a node of the cluster that is held"),
        "attachment.target.instanceId": Open("a node of the cluster that is held"),
        "attachment.target.nodeLogicalId": Open("a node of the cluster that is held"),
        "attachment.target.instanceGroupName": Open("a group of the cluster that is held"),
        "attachment.target.nodeSelector.<key>": Open("it chooses among the nodes of the cluster that is held"),
        "attachment.target.nodeSelector.*": Open("it chooses among the nodes of the cluster that is held"),
        "attachment.detachTimeout": _TIME,
        "publish.storageClassName": Held(Matter.STORAGE_CLASSES, free=frozenset({PUBLISHED_CLASS})),
        "publish.persistentVolumeClaim.name": Open("an object of the claim's own namespace"),
        "publish.mountOptions[]": Open("the rules of the API name the options that are allowed"),
    }
)
"""EBSVolumeClaim."""
