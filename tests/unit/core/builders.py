"""What most tests of the core start from: one cluster with two groups, in the spec and in AWS."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hyperpod_operator.api.cluster.memory import ClusterMemory, GroupMemory
from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.operations import OperationStatus
from hyperpod_operator.api.names import TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID
from hyperpod_operator.core.cluster.changes import Changes
from hyperpod_operator.core.cluster.concerns import decide, situate
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot, Conclusion
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import operation
from hyperpod_operator.core.cluster.report import report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import LookAgain, Wait
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.observed import Observed, ObservedCluster, ObservedGroup
from hyperpod_operator.core.ports import Key

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl"
EKS = "arn:aws:eks:us-west-2:111122223333:cluster/ml"
ROLE = "arn:aws:iam::111122223333:role/hyperpod-execution"
OTHERS = {TAG_OWNER_UID: "other", TAG_OWNER: "team/other", TAG_EKS_CLUSTER: EKS}
"""Tags of a cluster that another object owns."""
FORMER = {TAG_OWNER_UID: "older", TAG_OWNER: "team/research", TAG_EKS_CLUSTER: EKS}
"""Tags of a cluster that an earlier object of the same name owned."""


def group_spec(name: str = "gpu", count: int = 4, **members: Any) -> dict[str, Any]:
    """A group as a user writes it."""
    return {
        "instanceGroupName": name,
        "instanceCount": count,
        "instanceType": "ml.p5.48xlarge",
        "executionRole": ROLE,
        "lifeCycleConfig": {"sourceS3Uri": "s3://sagemaker-x/lifecycle", "onCreate": "on_create.sh"},
        **members,
    }


def spec(**members: Any) -> dict[str, Any]:
    """A spec with the groups gpu (4) and cpu (2), Continuous."""
    return {
        "orchestrator": {"eks": {"clusterArn": EKS}},
        "vpcConfig": {"securityGroupIds": ["sg-1", "sg-2"], "subnets": ["subnet-1"]},
        "nodeProvisioningMode": "Continuous",
        "nodeRecovery": "Automatic",
        "instanceGroups": [group_spec(), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")],
        **members,
    }


def resource(
    *, spec: Mapping[str, Any] | None = None, status: Mapping[str, Any] | None = None, **fields: Any
) -> Resource:
    """The object; `status` is what earlier passes recorded."""
    made = {
        "key": Key("team", "research"),
        "uid": "uid-1",
        "generation": 1,
        "deleting": False,
        "reconcile_requested_at": "",
        **fields,
    }
    return Resource(
        **made,
        spec=HyperPodClusterSpec.model_validate(_default_spec() if spec is None else spec),
        status=HyperPodClusterStatus.model_validate(journaled(status or {})),
    )


CONCERNS = {"UpdateClusterSoftware": "Software", "AddTags": "Tags", "DeleteTags": "Tags"}


def journaled(status: Mapping[str, Any]) -> dict[str, Any]:
    """The status with `last` (a call) and `rejected` (what AWS said of one) as entries of the journal, newest last."""
    fields = dict(status)
    last, told = fields.pop("last", None), fields.pop("rejected", None)
    entries: dict[str, dict[str, Any]] = {}
    if told is not None:
        concern = CONCERNS.get(told.get("operation", ""), "Cluster")
        said = {"rejectedAt": told["time"]} if told.get("time") else {"rejectedAt": ago(0)}
        said |= {"rejections": told["attempts"]} if told.get("attempts") else {}
        rest = {key: value for key, value in told.items() if key not in {"time", "attempts"}}
        entries[concern] = {"concern": concern, "state": "Rejected", **rest, **said}
    if last is not None:
        concern = CONCERNS.get(last.get("operation") or "", "Cluster")
        entries[concern] = {**entries.pop(concern, {}), "concern": concern, **last}
    return fields | ({"operations": list(entries.values())} if entries else {})


def _default_spec() -> dict[str, Any]:
    return spec()


def group(wanted: Mapping[str, Any], *, current: int | None = None, **fields: Any) -> ObservedGroup:
    """A group in AWS that holds what `wanted` asks for, with a default that AWS filled in."""
    members = {"threadsPerCore": 1, **deepcopy(dict(wanted))}
    members.pop("management", None)
    target = fields.pop("target_count", wanted["instanceCount"])
    members["instanceCount"] = target
    return ObservedGroup(
        name=wanted["instanceGroupName"],
        restricted=fields.pop("restricted", False),
        status=fields.pop("status", "InService"),
        current_count=target if current is None else current,
        target_count=target,
        members=members,
        **fields,
    )


def cluster(*, wanted: Mapping[str, Any] | None = None, **fields: Any) -> ObservedCluster:
    """A cluster in AWS that holds what the spec asks for."""
    wanted = spec() if wanted is None else wanted
    groups = fields.pop("groups", None)
    if groups is None:
        groups = tuple(group(item) for item in wanted.get("instanceGroups", []))
    kept = ("orchestrator", "vpcConfig", "nodeProvisioningMode", "nodeRecovery")
    return ObservedCluster(
        arn=fields.pop("arn", ARN),
        name=fields.pop("name", "research"),
        status=fields.pop("status", "InService"),
        members=fields.pop("members", {name: wanted[name] for name in kept if name in wanted}),
        groups=groups,
        created_at=NOW,
        **fields,
    )


def our_tags(owner: Resource, **more: str) -> dict[str, str]:
    return {**owner.ownership_tags, **more}


def recorded(**fields: Any) -> dict[str, Any]:
    """The status of a cluster that we made and saw in service with its counts applied.

    `fields` are members of the status or of its memory; see `with_memory`.
    """
    return with_memory(
        {
            "observedGeneration": 1,
            "clusterArn": ARN,
            "clusterStatus": "InService",
            "origin": "Created",
            "ownerUid": "uid-1",
            "provisionedAt": "2026-11-23T10:00:00Z",
            "instanceGroups": [
                {"instanceGroupName": "gpu", "appliedInstanceCount": 4, "origin": "Created"},
                {"instanceGroupName": "cpu", "appliedInstanceCount": 2, "origin": "Created"},
            ],
            **fields,
        }
    )


def with_memory(fields: dict[str, Any]) -> dict[str, Any]:
    """A status, with the members of its memory, and of its groups' memory, where they belong."""
    made = _split(fields, ClusterMemory)
    if "instanceGroups" in made:
        made["instanceGroups"] = [_split(entry, GroupMemory) for entry in made["instanceGroups"]]
    return made


def _split(fields: Mapping[str, Any], memory: type[Model]) -> dict[str, Any]:
    notes = {name: value for name, value in fields.items() if name in memory.model_fields and value is not None}
    rest = {name: value for name, value in fields.items() if name not in memory.model_fields}
    return {**rest, **({"memory": {**rest.get("memory", {}), **notes}} if notes else {})}


def snapshot_of(owner: Resource, observed: Observed, **fields: Any) -> ClusterSnapshot:
    """The snapshot that the policies judge."""
    blank = ClusterSnapshot(
        resource=owner,
        observed=Observed(cluster=None),
        changes=Changes(),
        ownership=Ownership.UNREAD,
        now=fields.pop("now", NOW),
        **fields,
    )
    return situate(blank, observed)


def seen(owner: Resource, found: ObservedCluster | None, **fields: Any) -> Observed:
    """What a pass read: the cluster with our tags, unless `tags` says otherwise."""
    tags = fields.pop("tags", our_tags(owner) if found else None)
    return Observed(cluster=found, tags=tags, **fields)


def with_group(found: ObservedCluster, changed: ObservedGroup) -> ObservedCluster:
    """The cluster with one group exchanged for another of the same name, or added."""
    others = tuple(item for item in found.groups if item.name != changed.name)
    return replace(found, groups=(*others, changed))


def ago(seconds: float) -> str:
    return stamp(NOW - timedelta(seconds=seconds))


def managed(**management: Any) -> dict[str, Any]:
    return spec(management=management)


def scaled(count: int = 6, **members: Any) -> dict[str, Any]:
    """The usual spec with another count for the gpu group."""
    groups = [group_spec(count=count), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]
    return spec(instanceGroups=groups, **members)


def decision(owner: Resource, found: ObservedCluster | None, **fields: Any) -> Conclusion:
    return decide(snapshot_of(owner, seen(owner, found, **fields)))


def second_look(owner: Resource, found: ObservedCluster | None, **fields: Any) -> Conclusion:
    """The answer when the same was seen 16 s before, too."""
    before = report(told(owner, found, **fields)).status
    later = replace(owner, status=before)
    return decide(snapshot_of(later, seen(later, found, **fields), now=NOW + timedelta(seconds=16)))


def held(answer: Conclusion) -> Wait:
    assert isinstance(answer, Wait), answer
    return answer


def doubted(answer: Conclusion) -> LookAgain:
    """The second look that an answer asks for."""
    assert isinstance(answer, LookAgain), answer
    return answer


def action(answer: Conclusion) -> Any:
    """The call that an answer makes."""
    assert isinstance(answer, Act), answer
    return answer.action


def failure(kind: ErrorKind, *, operation: str = "UpdateCluster", message: str = "words of AWS.") -> CloudError:
    return CloudError(kind=kind, operation=operation, code="TheCode", message=message, request_id="request-1")


def told(
    owner: Resource,
    found: ObservedCluster | None,
    *,
    answer: str | ErrorKind = "accepted",
    now: datetime = NOW,
    **fields: Any,
) -> PassRecord:
    """The record of a pass: what it saw, what it decided and, where it called, what AWS answered."""
    snapshot = snapshot_of(owner, seen(owner, found, **fields), now=now)
    decided = decide(snapshot)
    if not isinstance(decided, Act):
        return PassRecord(snapshot=snapshot, decision=decided)
    result: Accepted | Rejected
    if isinstance(answer, ErrorKind):
        error = failure(answer, operation=operation(decided.action))
        result = Rejected(action=decided.action, fingerprint=decided.fingerprint, error=error)
    else:
        result = Accepted(action=decided.action, fingerprint=decided.fingerprint, arn=ARN)
    return PassRecord(snapshot=snapshot, decision=decided, result=result)


def unread(owner: Resource, kind: ErrorKind = ErrorKind.UNREACHABLE, *, failures: int = 0) -> PassRecord:
    """The record of a pass that could not look."""
    error = failure(kind, operation="DescribeCluster")
    return PassRecord(snapshot=snapshot_of(owner, Observed(cluster=None)), unread=error, failures=failures)


def conditions_of(status: HyperPodClusterStatus) -> dict[str, tuple[str, str]]:
    """Type to status and reason."""
    return {item.type: (item.status, item.reason) for item in status.conditions or []}


def left(owner: Resource, found: ObservedCluster | None, **fields: Any) -> HyperPodClusterStatus:
    """The status that a pass leaves behind (see `told` for `fields`)."""
    return report(told(owner, found, **fields)).status


def after(owner: Resource, found: ObservedCluster | None, **fields: Any) -> Resource:
    """The object as the next pass reads it."""
    return replace(owner, status=left(owner, found, **fields))


def last_call(made: HyperPodClusterStatus) -> OperationStatus:
    assert made.last is not None
    return made.last


def failed_creation(**fields: Any) -> ObservedCluster:
    """A cluster that AWS gave up creating: no node ever came."""
    groups = tuple(group(item, current=0) for item in spec()["instanceGroups"])
    return cluster(status="Failed", groups=groups, **fields)


def never_in_service(**fields: Any) -> dict[str, Any]:
    """The status of a cluster that we asked for and that was never in service."""
    last = {"operation": "CreateCluster", "state": "Applied", "time": "2026-11-23T10:00:00Z"}
    return recorded(**{"provisionedAt": None, "last": last, **fields})
