"""Between the spec's vocabulary and the API's shapes, mechanically.

The naming rule (first letter lowered, same nesting) makes this a walk over botocore's own service model: no
member is written out by hand, so none can be forgotten. What differs by more than case is in RENAMED.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from sys import intern
from typing import Any

from botocore.model import ServiceModel, Shape

from hyperpod_operator.aws.call.answers import utc
from hyperpod_operator.core.nodes.batch import BatchAnswer, NodeFailure, answered
from hyperpod_operator.core.observed import (
    UNREAD,
    Json,
    ObservedCluster,
    ObservedEvent,
    ObservedGroup,
    ObservedNode,
)

RENAMED: Mapping[str, str] = {"InstanceCount": "TargetCount", "MinInstanceCount": "MinCount"}
"""Request member to the response member that echoes it (ClusterInstanceGroupDetails)."""

GROUP_LISTS = ("InstanceGroups", "RestrictedInstanceGroups")
UNKNOWN = "SDK_UNKNOWN_MEMBER"
"""What botocore's parsers make of a union whose member its model does not know: the member's name, without a value."""


def request(*, model: ServiceModel, operation: str, value: Mapping[str, Json]) -> dict[str, Any]:
    """A request in the spec's vocabulary as botocore takes it. Raises ValueError for a member that AWS has not."""
    shape = model.operation_model(operation).input_shape
    raised: dict[str, Any] = _raised(value, shape, path=operation)
    return raised


def cluster(*, model: ServiceModel, response: Mapping[str, Any]) -> ObservedCluster:
    """DescribeCluster's response. Words that AWS invents later pass through as they are."""
    wanted = model.operation_model("CreateCluster").input_shape.members
    members = {
        _lowered(name): _as_spec(response, name, shape)
        for name, shape in wanted.items()
        if name not in {*GROUP_LISTS, "ClusterName", "Tags"}
    }
    scaling = response.get("AutoScaling") or {}
    return ObservedCluster(
        arn=response["ClusterArn"],
        name=response.get("ClusterName", ""),
        status=response["ClusterStatus"],
        failure_message=response.get("FailureMessage", ""),
        created_at=utc(response.get("CreationTime")),
        members={name: value for name, value in members.items() if value is not None},
        groups=tuple(
            _group(details, shape=wanted[kind].member, restricted=kind == "RestrictedInstanceGroups")
            for kind in GROUP_LISTS
            for details in response.get(kind) or ()
        ),
        auto_scaling_status=scaling.get("Status", ""),
        auto_scaling_message=scaling.get("FailureMessage", ""),
    )


def node(summary: Mapping[str, Any]) -> ObservedNode:
    """One of ListClusterNodes. Members that the model calls required may be empty before an instance exists.

    Thousands are held, and most have these words in common: they are one string each.
    """
    status = summary.get("InstanceStatus") or {}
    return ObservedNode(
        instance_id=summary.get("InstanceId") or "",
        group=intern(summary.get("InstanceGroupName") or ""),
        instance_type=intern(summary.get("InstanceType") or ""),
        status=intern(status.get("Status") or ""),
        message=status.get("Message") or "",
        logical_id=summary.get("NodeLogicalId") or "",
        launched_at=utc(summary.get("LaunchTime")),
    )


def event(summary: Mapping[str, Any]) -> ObservedEvent:
    """One of ListClusterEvents."""
    return ObservedEvent(
        event_id=summary["EventId"],
        at=summary["EventTime"],
        level=summary.get("EventLevel") or "Info",
        description=summary.get("Description") or "",
        group=summary.get("InstanceGroupName") or "",
        instance_id=summary.get("InstanceId") or "",
    )


def batch(response: Mapping[str, Any], *, asked: tuple[str, ...]) -> BatchAnswer:
    """The answer of a batch call. BatchDelete and Move have the code as Code, the others as ErrorCode (API model)."""
    failed = (
        NodeFailure(
            instance_id=item["NodeId"],
            code=item.get("Code") or item.get("ErrorCode") or "",
            message=" ".join((item.get("Message") or "").split()),
        )
        for item in response.get("Failed") or ()
    )
    return answered(asked=asked, successful=response.get("Successful") or (), failed=failed)


def failure_message(response: Mapping[str, Any]) -> str:
    """The cause in DescribeClusterEvent's answer: below EventMetadata there is one part, by the kind of the event."""
    details = (response.get("EventDetails") or {}).get("EventDetails") or {}
    parts = (details.get("EventMetadata") or {}).values()
    return next((part["FailureMessage"] for part in parts if part and part.get("FailureMessage")), "")


def _group(details: Mapping[str, Any], *, shape: Shape, restricted: bool) -> ObservedGroup:
    members = {_lowered(name): _as_spec(details, name, member) for name, member in shape.members.items()}
    kubernetes = details.get("KubernetesConfig") or {}
    return ObservedGroup(
        name=details.get("InstanceGroupName", ""),
        restricted=restricted,
        status=details.get("Status", ""),
        current_count=details.get("CurrentCount", 0),
        target_count=details.get("TargetCount", 0),
        members={name: value for name, value in members.items() if value is not None},
        software_update_status=details.get("SoftwareUpdateStatus", ""),
        current_labels=kubernetes.get("CurrentLabels"),
        training_plan_status=details.get("TrainingPlanStatus", ""),
        image_version_status=details.get("ImageVersionStatus", ""),
        current_image_id=details.get("CurrentImageId", ""),
        current_image_release_version=details.get("CurrentImageReleaseVersion", ""),
    )


def _as_spec(details: Mapping[str, Any], name: str, shape: Shape) -> Json:
    """What a response says about one member of a request: under its name, its Desired side, or its Current one."""
    for source in (name, RENAMED.get(name, name), f"Desired{name}", f"Current{name}"):
        if details.get(source) is not None:
            return _lower(details[source], shape)
    return None


def _lower(value: Any, shape: Shape) -> Json:
    if shape.type_name == "structure":
        members = {_lowered(name): _as_spec(value, name, member) for name, member in shape.members.items()}
        known = {name: member for name, member in members.items() if member is not None}
        return {_lowered(value[UNKNOWN]["name"]): UNREAD} if UNKNOWN in value else known
    if shape.type_name == "list":
        return [_lower(item, shape.member) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def _raised(value: Json, shape: Shape, *, path: str) -> Any:
    if shape.type_name == "structure":
        names = _members(shape)
        unknown = value.keys() - names.keys()
        if unknown:
            raise ValueError(
                f"{path} has no member {', '.join(sorted(unknown))} in the API model of this version. Where AWS shows "
                "it, the call cannot repeat it: install a version of the operator that knows it"
            )
        return {
            names[name]: _raised(item, shape.members[names[name]], path=f"{path}.{name}")
            for name, item in value.items()
        }
    if shape.type_name == "list":
        return [_raised(item, shape.member, path=f"{path}[{_named(item)}]") for item in value]
    if shape.type_name == "timestamp":
        return _instant(value, path=path)
    return value


def _named(item: Json) -> str:
    """What stands between the brackets of a path: the name of a group."""
    return str(item.get("instanceGroupName", "")) if isinstance(item, Mapping) else ""


@lru_cache(maxsize=1000)
def _members(shape: Shape) -> Mapping[str, str]:
    """The names of a structure's members by the spec's. A model has its shapes as long as there is its client."""
    return {_lowered(name): name for name in shape.members}


def _instant(value: str, *, path: str) -> datetime:
    """In UTC at once: what the calendar cannot hold is refused here and not while the request is being written."""
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{path} cannot be sent as {value!r}: {error}") from None


def _lowered(name: str) -> str:
    return name[:1].lower() + name[1:]
