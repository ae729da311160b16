"""What a thief of the operator's token would do with each verb that the chart's roles grant: the worst of each kind.

A table by right, so that a new right without an attack fails. Reads are not in it: they change nothing.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hyperpod_operator.api.names import API_VERSION, GROUP

Json = dict[str, Any]
What = tuple[str, str, str]
"""API group, resource with its subresource, verb."""

NAMESPACE = "hyperpod-operator"
TEAM = "team-b"
UID = "0e6c52a8-5d5c-4b2f-9e8f-0d2b9f1f7a11"
CLAIM_UID = "hyperpod-operator.dev/claim-uid"
LABELS = {CLAIM_UID: UID}
ORPHAN = [{"apiVersion": API_VERSION, "kind": "HyperPodCluster", "name": "gone", "uid": UID}]
"""An owner that does not exist: the garbage collector deletes what names it."""
STAYS = ["example.com/mine"]
"""A finalizer that no controller removes: neither the object nor its namespace can be deleted."""
DRAINING = {"key": f"{GROUP}/draining", "effect": "NoSchedule"}
DIGEST = f"sha256:{'1' * 64}"
BY_ID = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_"
PATCH = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
ELECTION = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "metadata": {"name": NAMESPACE, "namespace": NAMESPACE},
    "spec": {"holderIdentity": "me"},
}
CLUSTERS = f"/apis/{API_VERSION}/namespaces/{TEAM}/hyperpodclusters"
CLAIMS = f"/apis/{API_VERSION}/namespaces/{TEAM}/ebsvolumeclaims"
OPERATIONS = f"/apis/{API_VERSION}/namespaces/{TEAM}/hyperpodnodeoperations"
VOLUMES = "/api/v1/persistentvolumes"
VOLUME_CLAIMS = f"/api/v1/namespaces/{TEAM}/persistentvolumeclaims"
EVENTS = f"/apis/events.k8s.io/v1/namespaces/{TEAM}/events"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
HYPERPOD = "hyperpod-i-0aaaaaaaaaaaaaaaa"
NODE = f"/api/v1/nodes/{HYPERPOD}"
PLAIN = "/api/v1/nodes/plain"
"""A Node that is not HyperPod's."""


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One request; a PUT gets the version of what is there.

    `ignored`: the API server answers it with success and changes nothing but status.
    """

    name: str
    method: str
    path: str
    body: Json | None = None
    content: str = "application/json"
    ignored: bool = False


def merged(base: Json, **members: Any) -> Json:
    """A copy with these members, by paths whose parts are separated by two underscores; None removes one."""
    made = copy.deepcopy(base)
    for path, value in members.items():
        *above, last = path.split("__")
        place = made
        for part in above:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return made


VOLUME: Json = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": f"evc-{UID}", "labels": LABELS},
    "spec": {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "",
        "persistentVolumeReclaimPolicy": "Retain",
        "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-0123456789abcdef0"},
        "claimRef": {"namespace": TEAM, "name": "data"},
    },
}
"""One that the operator may create."""
LABEL = "hyperpod-operator.dev.node-restriction.kubernetes.io/vol-"


def _local(key: str, operator: str, *values: str) -> Json:
    """A local volume for the nodes that this expression chooses."""
    expression = {"key": key, "operator": operator, **({"values": list(values)} if values else {})}
    return merged(
        VOLUME,
        spec__csi=None,
        spec__local={"path": f"{BY_ID}vol0123456789abcdef0"},
        spec__nodeAffinity={"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}},
    )


LOCAL = merged(_local(f"{LABEL}x1", "In", "attached"), metadata={"name": "evc-x-1", "labels": {CLAIM_UID: "x-1"}})
"""One that the operator may create: for the node that has the label of its claim."""
VOLUME_CLAIM: Json = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data", "namespace": TEAM, "labels": LABELS},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "",
        "volumeName": f"evc-{UID}",
    },
}
EVENT: Json = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "lie", "namespace": TEAM},
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "reportingController": "hyperpod-operator",
    "reportingInstance": "x",
    "type": "Warning",
    "reason": "Evicted",
    "action": "Evict",
    "note": "The node was low on memory.",
    "regarding": {"apiVersion": API_VERSION, "kind": "HyperPodCluster", "namespace": TEAM, "name": "prod"},
}
EVICTION: Json = {
    "apiVersion": "policy/v1",
    "kind": "Eviction",
    "metadata": {"name": "victim", "namespace": TEAM},
}
LEASE: Json = merged(ELECTION, metadata__name="vol-0123456789abcdef0")


def _created(path: str, **bodies: Json) -> tuple[Attack, ...]:
    return tuple(Attack(name=name, method="POST", path=path, body=body) for name, body in bodies.items())


def _patched(path: str, *, ignored: bool = False, **bodies: Json) -> tuple[Attack, ...]:
    return tuple(
        Attack(name=name, method="PATCH", path=path, body=body, content=PATCH, ignored=ignored)
        for name, body in bodies.items()
    )


def _deleted(**paths: str) -> tuple[Attack, ...]:
    return tuple(Attack(name=name, method="DELETE", path=path) for name, path in paths.items())


def _metadata(**members: Any) -> Json:
    return {"metadata": members}


def _of_kind(path: str, kind: str, spec: Json) -> tuple[Attack, ...]:
    return (
        *_patched(
            path,
            spec={"spec": spec},
            label=_metadata(labels={"team": "a"}),
            annotation=_metadata(annotations={"example.com/note": "x"}),
            abandon=_metadata(annotations={f"{GROUP}/abandon": "prod"}),
            force_delete=_metadata(annotations={f"{GROUP}/force-delete": "prod"}),
            owner=_metadata(ownerReferences=ORPHAN),
            removes_a_finalizer=_metadata(finalizers=[]),
            adds_a_finalizer=_metadata(finalizers=["example.com/theirs", "example.com/mine"]),
        ),
        Attack(
            name="applies_an_owner",
            method="PATCH",
            path=f"{path}?fieldManager=thief&force=true",
            body={
                "apiVersion": API_VERSION,
                "kind": kind,
                "metadata": {"name": "prod", "ownerReferences": ORPHAN},
            },
            content=APPLY,
        ),
    )


def _by_status(path: str, spec: Json) -> tuple[Attack, ...]:
    return _patched(
        f"{path}/status",
        ignored=True,
        spec={"spec": spec},
        owner=_metadata(ownerReferences=ORPHAN),
        finalizers=_metadata(finalizers=[]),
        abandon=_metadata(annotations={f"{GROUP}/abandon": "prod"}),
    )


_STOLEN_ROLE = {"management": {"deletionPolicy": "Delete"}, "nodeRecovery": "None"}
_STOLEN_VOLUME = {"management": {"reclaimPolicy": "Delete", "deletionProtection": False}}

ATTACKS: Mapping[What, tuple[Attack, ...]] = {
    (GROUP, "hyperpodclusters", "patch"): _of_kind(f"{CLUSTERS}/prod", "HyperPodCluster", _STOLEN_ROLE),
    (GROUP, "hyperpodclusters/status", "patch"): _by_status(f"{CLUSTERS}/prod", _STOLEN_ROLE),
    (GROUP, "hyperpodclusters/status", "approve"): _patched(
        f"{CLUSTERS}/prod",
        approves=_metadata(annotations={f"{GROUP}/approve-plan": DIGEST}),
        approves_in_the_spec={"spec": {"management": {"approvedPlan": DIGEST}}},
    ),
    (GROUP, "ebsvolumeclaims", "patch"): _of_kind(f"{CLAIMS}/prod", "EBSVolumeClaim", _STOLEN_VOLUME),
    (GROUP, "ebsvolumeclaims/status", "patch"): _by_status(f"{CLAIMS}/prod", _STOLEN_VOLUME),
    (GROUP, "hyperpodnodeoperations", "patch"): _of_kind(
        f"{OPERATIONS}/prod", "HyperPodNodeOperation", {"suspend": True}
    ),
    (GROUP, "hyperpodnodeoperations/status", "patch"): _by_status(f"{OPERATIONS}/prod", {"suspend": True}),
    (GROUP, "hyperpodnodeoperations/status", "approve"): _patched(
        f"{OPERATIONS}/prod", approves=_metadata(annotations={f"{GROUP}/approve-plan": DIGEST})
    ),
    (GROUP, "hyperpodnodeoperations", "delete"): _deleted(one_that_is_not_finished=f"{OPERATIONS}/prod"),
    ("", "persistentvolumes", "create"): _created(
        VOLUMES,
        host_path=merged(VOLUME, spec__csi=None, spec__hostPath={"path": "/"}),
        nfs=merged(VOLUME, spec__csi=None, spec__nfs={"server": "10.0.0.1", "path": "/"}),
        another_driver=merged(VOLUME, spec__csi__driver="efs.csi.aws.com"),
        no_volume_id=merged(VOLUME, spec__csi__volumeHandle="vol-1:/../x"),
        without_a_claim=merged(VOLUME, spec__claimRef=None),
        for_a_claim_without_name=merged(VOLUME, spec__claimRef={"namespace": TEAM}),
        without_our_label=merged(VOLUME, metadata__labels=None),
        an_empty_label=merged(VOLUME, metadata__labels={CLAIM_UID: ""}),
        another_name=merged(VOLUME, metadata__name="thief-root"),
        deletes_its_volume=merged(VOLUME, spec__persistentVolumeReclaimPolicy="Delete"),
        hands_out_a_secret=merged(VOLUME, spec__csi__nodePublishSecretRef={"namespace": TEAM, "name": "password"}),
        attributes=merged(VOLUME, spec__csi__volumeAttributes={"partition": "1"}),
        attributes_of_a_class=merged(VOLUME, spec__volumeAttributesClassName="fast"),
        a_panic_of_the_node=merged(VOLUME, spec__mountOptions=["noatime", "errors=panic"]),
        another_file_system=merged(VOLUME, spec__csi__fsType="cifs"),
        another_file_system_of_a_disk=merged(LOCAL, spec__local__fsType="cifs"),
        annotation=merged(VOLUME, metadata__annotations={"pv.kubernetes.io/provisioned-by": "ebs.csi.aws.com"}),
        an_owner=merged(VOLUME, metadata__ownerReferences=ORPHAN),
        a_finalizer=merged(VOLUME, metadata__finalizers=STAYS),
        the_disk_of_a_node=merged(LOCAL, spec__local={"path": "/"}),
        below_a_disk=merged(LOCAL, spec__local={"path": f"{BY_ID}vol01/x"}),
        on_a_node_of_choice=_local("kubernetes.io/hostname", "In", "victim"),
        on_every_node_without_the_label=_local(LABEL + UID.replace("-", ""), "DoesNotExist"),
        on_the_node_of_another_claim=_local(f"{LABEL}0e6c", "In", "attached"),
        on_a_node_with_another_value=_local(LABEL + UID.replace("-", ""), "In", "mine"),
    ),
    ("", "persistentvolumes", "delete"): _deleted(
        of_the_driver=f"{VOLUMES}/theirs",
        with_our_label_and_another_source=f"{VOLUMES}/evc-{UID}",
    ),
    ("", "persistentvolumeclaims", "create"): _created(
        VOLUME_CLAIMS,
        any=merged(VOLUME_CLAIM, metadata__labels=None, spec__volumeName=None, metadata__name="rootfs"),
        another_volume=merged(VOLUME_CLAIM, spec__volumeName="theirs"),
        no_volume=merged(VOLUME_CLAIM, spec__volumeName=None),
        of_the_default_class=merged(VOLUME_CLAIM, spec__storageClassName=None),
        a_copy=merged(VOLUME_CLAIM, spec__dataSource={"kind": "PersistentVolumeClaim", "name": "database"}),
        attributes_of_a_class=merged(VOLUME_CLAIM, spec__volumeAttributesClassName="fast"),
        annotation=merged(VOLUME_CLAIM, metadata__annotations={"pv.kubernetes.io/bind-completed": "yes"}),
        an_owner=merged(VOLUME_CLAIM, metadata__ownerReferences=ORPHAN),
        a_finalizer=merged(VOLUME_CLAIM, metadata__finalizers=STAYS),
    ),
    ("", "persistentvolumeclaims", "delete"): _deleted(
        a_database=f"{VOLUME_CLAIMS}/database", with_our_label_and_another_volume=f"{VOLUME_CLAIMS}/labelled"
    ),
    ("", "nodes", "patch"): _patched(
        PLAIN,
        taints_a_node_that_is_not_hyperpods={
            "spec": {"taints": [{"key": f"{GROUP}/draining", "effect": "NoSchedule"}]}
        },
        labels_a_node_that_is_not_hyperpods=_metadata(labels={f"{LABEL}0e6c": "attached"}),
        annotates_a_node_that_is_not_hyperpods=_metadata(annotations={f"{GROUP}/draining": "x"}),
    )
    + _patched(
        NODE,
        evicts={"spec": {"taints": [{"key": "mine", "effect": "NoExecute"}]}},
        evicts_by_the_operators_taint={
            "spec": {
                "taints": [
                    {
                        "key": "sagemaker.amazonaws.com/node-health-status",
                        "value": "Unschedulable",
                        "effect": "NoExecute",
                    }
                ]
            }
        },
        lifts_a_quarantine={"spec": {"taints": None}},
        cordons={"spec": {"unschedulable": True}},
        label=_metadata(labels={"a": "c"}),
        health=_metadata(labels={"sagemaker.amazonaws.com/node-health-status": "UnschedulablePendingReplacement"}),
        hostname=_metadata(labels={"kubernetes.io/hostname": "y"}),
        annotation=_metadata(annotations={"n": "o"}),
        finalizer=_metadata(finalizers=["example.com/mine"]),
        owner=_metadata(ownerReferences=ORPHAN),
    ),
    ("", "nodes/status", "patch"): _patched(
        f"{PLAIN}/status",
        drains_a_node_that_is_not_hyperpods={
            "status": {"conditions": [{"type": "Drained", "status": "True", "reason": "HyperPodOperator"}]}
        },
    )
    + _patched(
        f"{NODE}/status",
        not_ready={"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "mine"}]}},
        a_lifecycle_of_others={"status": {"conditions": [{"type": "Drained", "status": "True", "reason": "mine"}]}},
        no_room={"status": {"allocatable": {"cpu": "0"}}},
        address={"status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}},
        features={"status": {"features": {"supplementalGroupsPolicy": True}}},
        runtimes={"status": {"runtimeHandlers": [{"name": "mine", "features": {"userNamespaces": True}}]}},
        label=_metadata(labels={"a": "c"}),
    ),
    ("", "pods/eviction", "create"): _created(
        f"/api/v1/namespaces/{TEAM}/pods/victim/eviction",
        without_uid=EVICTION,
        without_grace={**EVICTION, "deleteOptions": {"preconditions": {"uid": "x"}, "gracePeriodSeconds": 0}},
    ),
    ("events.k8s.io", "events", "create"): _created(
        EVENTS,
        of_the_kubelet=merged(EVENT, reportingController="kubelet"),
        about_a_pod=merged(EVENT, regarding={"kind": "Pod", "namespace": TEAM, "name": "web-0"}),
        an_owner=merged(EVENT, metadata__ownerReferences=ORPHAN),
        a_finalizer=merged(EVENT, metadata__finalizers=STAYS),
    ),
    ("events.k8s.io", "events", "patch"): _patched(
        f"{EVENTS}/of-the-kubelet",
        counts_it_up={"series": {"count": 1000, "lastObservedTime": "2026-01-01T00:00:00.000000Z"}},
    ),
    ("coordination.k8s.io", "leases", "create"): _created(
        LEASES,
        of_another_controller=merged(LEASE, metadata__name="cert-manager-controller"),
        named_by_the_server=merged(LEASE, metadata__name=None, metadata__generateName="vol-x"),
        an_owner=merged(LEASE, metadata__ownerReferences=ORPHAN),
        a_finalizer=merged(LEASE, metadata__finalizers=STAYS),
    ),
    ("coordination.k8s.io", "leases", "patch"): _patched(
        f"{LEASES}/theirs", holder={"spec": {"holderIdentity": "me"}}, owner=_metadata(ownerReferences=ORPHAN)
    ),
    ("coordination.k8s.io", "leases", "update"): (
        Attack(
            name="an_owner",
            method="PUT",
            path=f"{LEASES}/{NAMESPACE}",
            body=merged(ELECTION, metadata__ownerReferences=ORPHAN),
        ),
    ),
    ("coordination.k8s.io", "leases", "delete"): _deleted(
        of_another_controller=f"{LEASES}/theirs", the_election=f"{LEASES}/{NAMESPACE}"
    ),
}

REVIEWS: frozenset[What] = frozenset(
    {
        ("authentication.k8s.io", "tokenreviews", "create"),
        ("authorization.k8s.io", "subjectaccessreviews", "create"),
    }
)
"""Creates that store nothing: the API server answers a question and forgets it."""

NODE_VICTIM: Json = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": HYPERPOD,
        "labels": {"a": "b", "kubernetes.io/hostname": "x"},
        "annotations": {"n": "m"},
    },
    "spec": {
        "providerID": "aws:///usw2-az2/sagemaker/cluster/hyperpod-abcdefghijkl-i-0aaaaaaaaaaaaaaaa",
        "taints": [{"key": "foreign", "effect": "NoSchedule"}],
    },
}


NODE_PLAIN: Json = merged(NODE_VICTIM, metadata__name="plain", spec__providerID=f"aws:///us-west-2a/{HYPERPOD[9:]}")


def victims(*, cluster: Json, claim: Json, operation: Json) -> list[Json]:
    """What others have in the cluster. The specs are examples, paused: nobody takes them up."""
    theirs = {"name": "prod", "namespace": TEAM, "finalizers": ["example.com/theirs"]}
    return [
        {**cluster, "metadata": theirs},
        {**claim, "metadata": theirs},
        {**operation, "metadata": theirs},
        merged(VOLUME, metadata={"name": "theirs"}),
        merged(VOLUME, spec__csi=None, spec__hostPath={"path": "/srv"}),
        merged(VOLUME_CLAIM, metadata={"name": "database", "namespace": TEAM}, spec__volumeName=None),
        merged(VOLUME_CLAIM, metadata__name="labelled", spec__volumeName="theirs"),
        NODE_VICTIM,
        NODE_PLAIN,
        merged(EVENT, metadata__name="of-the-kubelet", reportingController="kubelet"),
        merged(ELECTION, metadata__name="theirs"),
        ELECTION,
    ]
