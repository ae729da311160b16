"""Every call that may change AWS or a Node makes a complete record: who asked, what it changes, why, and the answer."""

from typing import get_args

import pytest
from tests.unit.core import builders as cluster_builders
from tests.unit.core.volume import builders as volume_builders
from tests.unit.core.volume.builders import ARN, FIRST, VOLUME_ID

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.audit import NOBODY, AuditRecord, Requester
from hyperpod_operator.core.cluster import audit as cluster_audit
from hyperpod_operator.core.cluster import decision as cluster_decision
from hyperpod_operator.core.cluster import pass_record as cluster_record
from hyperpod_operator.core.cluster import plan as cluster_plan
from hyperpod_operator.core.drain.audit import evicted, marked, shown
from hyperpod_operator.core.drain.marks import Lifecycle, Owner
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.ports import Answer, Evicted
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.nodes.batch import BatchAnswer, NodeFailure
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.core.volume import plan as volume_plan
from hyperpod_operator.core.volume.audit import audited, stray_removed
from hyperpod_operator.core.volume.decision import Act
from hyperpod_operator.core.volume.manifest import PersistentVolumeManifest
from hyperpod_operator.core.volume.observed import ClaimReference
from hyperpod_operator.core.volume.pass_record import Accepted, KubernetesRejected, PassRecord, Rejected
from hyperpod_operator.core.volume.ports import Change, NewVolume

NODE = "hyperpod-i-1"
PV = PersistentVolumeManifest(
    name="pv", claim_uid="u", reserved_for=ClaimReference(namespace="team", name="data"), spec={}
)
STEPS: tuple[volume_plan.Step, ...] = (
    volume_plan.CreateVolume(
        request=NewVolume(client_token="t", tags={}, volume_type="gp3", size=10, availability_zone="us-west-2a")
    ),
    volume_plan.ModifyVolume(volume_id=VOLUME_ID, change=Change(size=20)),
    volume_plan.CreateTags(volume_id=VOLUME_ID, tags={"team": "a"}),
    volume_plan.DeleteTags(volume_id=VOLUME_ID, keys=("team",)),
    volume_plan.Attach(cluster_arn=ARN, instance_id=FIRST, volume_id=VOLUME_ID),
    volume_plan.Detach(cluster_arn=ARN, instance_id=FIRST, volume_id=VOLUME_ID, why="the target changed"),
    volume_plan.CreateSnapshot(volume_id=VOLUME_ID, description="last", tags={}),
    volume_plan.DeleteVolume(volume_id=VOLUME_ID),
    volume_plan.LabelNode(node_name=NODE, key="label", value="attached"),
    volume_plan.UnlabelNode(node_name=NODE, key="label"),
    volume_plan.PublishPV(manifest=PV),
    volume_plan.PublishPVC(manifest={"metadata": {"namespace": "team", "name": "data"}}),
    volume_plan.RemovePV(name="pv", uid="u"),
    volume_plan.RemovePVC(namespace="team", name="data", uid="u"),
    volume_plan.TakeLease(volume_id=VOLUME_ID, holder="team/data/u"),
    volume_plan.DropLease(volume_id=VOLUME_ID, holder="team/data/u"),
)
ACTIONS: tuple[cluster_plan.Action, ...] = (
    cluster_plan.CreateCluster(request={}),
    cluster_plan.UpdateCluster(request={}),
    cluster_plan.UpdateClusterSoftware(request={"instanceGroups": [{"instanceGroupName": "gpu"}]}),
    cluster_plan.DeleteCluster(arn=ARN),
    cluster_plan.AddTags(arn=ARN, tags={"team": "a"}),
    cluster_plan.DeleteTags(arn=ARN, keys=("team",)),
    cluster_plan.DeleteNodes(arn=ARN, group="gpu", instance_ids=(FIRST,)),
)
OWNER = Owner(
    kind=CLUSTER.name,
    namespace="team",
    name="research",
    uid="u",
    by=Requester(generation=3, requested_by="argocd", approved_by="jane", digest="sha256:1"),
    why="Nodes are to end in gpu.",
)
POD = Pod(namespace="ml", name="worker", uid="w", node=NODE)


def missing(entry: AuditRecord | None, *, new: bool = False) -> list[str]:
    """What a record leaves open; a volume that could not be created has no id."""
    assert entry is not None
    optional = {"approvedBy", "digest", "requestId", "namespace", "error", *(("target",) if new else ())}
    return [name for name, value in entry.fields().items() if name not in optional and not value]


def of_claim(step: volume_plan.Step, *, failed: bool = False) -> AuditRecord | None:
    owner = volume_builders.claim(requested_by="argocd")
    snapshot = volume_builders.snapshot_of(owner)
    result: Accepted | Rejected | KubernetesRejected = Accepted(step=step, request_id="r")
    if failed and isinstance(step, volume_plan.CloudStep):
        result = Rejected(step=step, error=volume_builders.failure(ErrorKind.UNKNOWN_OUTCOME))
    elif failed and isinstance(step, volume_plan.KubernetesStep):
        result = KubernetesRejected(step=step, error=KubernetesError(status=403, message="denied"))
    act = Act(step=step, reason=Reason.CREATING, message="The volume is created.")
    return audited(PassRecord(snapshot=snapshot, decision=act, result=result))


def of_cluster(
    action: cluster_plan.Action, *, error: CloudError | None = None, nodes: BatchAnswer | None = None
) -> AuditRecord | None:
    owner = cluster_builders.resource(requested_by="argocd")
    snapshot = cluster_builders.snapshot_of(owner, cluster_builders.seen(owner, cluster_builders.cluster()))
    result: cluster_record.Accepted | cluster_record.Rejected
    if error is None:
        result = cluster_record.Accepted(action=action, fingerprint="f", request_id="r", nodes=nodes)
    else:
        result = cluster_record.Rejected(action=action, fingerprint="f", error=error)
    act = cluster_decision.Act(action=action, fingerprint="f", reason=Reason.UPDATING, message="The group grows.")
    return cluster_audit.audited(cluster_record.PassRecord(snapshot=snapshot, decision=act, result=result))


def test_each_step_of_a_claim_has_an_example() -> None:
    assert {type(step) for step in STEPS} == {*get_args(volume_plan.CloudStep), *get_args(volume_plan.KubernetesStep)}


@pytest.mark.parametrize("failed", [False, True], ids=["accepted", "failed"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_the_record_of_a_claims_step_leaves_nothing_open(step: volume_plan.Step, failed: bool) -> None:
    entry = of_claim(step, failed=failed)
    assert missing(entry, new=isinstance(step, volume_plan.CreateVolume)) == []
    assert entry is not None
    assert bool(entry.error) is failed
    assert (entry.outcome == "Accepted") is not failed


def test_each_call_about_a_cluster_has_an_example() -> None:
    assert {type(action) for action in ACTIONS} == set(get_args(cluster_plan.Action))


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: type(action).__name__)
def test_the_record_of_a_clusters_call_leaves_open_only_what_a_plan_says(action: cluster_plan.Action) -> None:
    of_plan = not isinstance(action, cluster_plan.AddTags | cluster_plan.DeleteTags | cluster_plan.DeleteNodes)
    assert set(missing(of_cluster(action))) <= ({"changes"} if of_plan else set())


def test_a_rejected_call_says_in_which_words() -> None:
    entry = of_cluster(ACTIONS[1], error=cluster_builders.failure(ErrorKind.INVALID))
    assert entry is not None
    assert (entry.outcome, entry.error) == ("Rejected", "words of AWS.")


def test_a_call_that_names_nodes_says_which_and_with_which_codes() -> None:
    refused = BatchAnswer(failed=(NodeFailure(instance_id=FIRST, code="InstanceIdInUse", message="busy"),))
    entry = of_cluster(ACTIONS[-1], nodes=refused)
    assert entry is not None
    assert (entry.code, entry.changes) == ("InstanceIdInUse", (f"Node {FIRST}",))


@pytest.mark.parametrize(
    "entry",
    [
        marked(NodeChange(taints=(), annotations={"a": None}), node=NODE, owner=OWNER),
        shown({Lifecycle.DRAINED: "x", Lifecycle.DRAIN_IN_PROGRESS: None}, node=NODE, owner=OWNER),
        evicted(Evicted(pod=POD, answer=Answer.ACCEPTED), owner=OWNER),
        evicted(Evicted(pod=POD, answer=Answer.FAILED, message="timeout"), owner=OWNER),
    ],
    ids=["taint", "conditions", "eviction", "unanswered eviction"],
)
def test_the_record_of_a_drain_leaves_nothing_open(entry: AuditRecord | None) -> None:
    assert missing(entry) == []
    assert entry is not None
    assert (entry.by, entry.message, entry.target) == (OWNER.by, OWNER.why, f"Node {NODE}")


def test_a_condition_says_whether_it_comes_or_goes() -> None:
    entry = shown({Lifecycle.DRAINED: "x", Lifecycle.DRAIN_IN_PROGRESS: None}, node=NODE, owner=OWNER)
    assert entry.changes == ("conditions[DrainInProgress]: removed", "conditions[Drained]: True")


def test_who_asked_and_why_is_no_part_of_who_holds_a_node() -> None:
    plain = Owner(kind=OWNER.kind, namespace=OWNER.namespace, name=OWNER.name, uid=OWNER.uid)
    assert (plain, hash(plain), str(plain)) == (OWNER, hash(OWNER), str(OWNER))


def test_a_stray_label_is_the_operators_own_request() -> None:
    entry = stray_removed(NODE, "label", failed=KubernetesError(status=0, message="no answer"))
    assert entry.by == NOBODY
    assert set(missing(entry)) == {"uid", "generation", "requestedBy"}
    assert (entry.outcome, entry.code, entry.error) == ("Unanswered", "0", "no answer")
