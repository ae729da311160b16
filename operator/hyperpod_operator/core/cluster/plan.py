"""The mutating calls that a pass may end in, as data. A pass carries at most one of them.

Requests are JSON in the spec's vocabulary; `aws/sagemaker/translate.py` turns them into API shapes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.observed import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCluster:
    """`request` has every member of CreateCluster that the spec sets, `clusterName` and ownership tags included."""

    request: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCluster:
    """`request` names every kept group in full; groups leave only through `instanceGroupsToDelete`.

    The counts of the groups in `repeated` are AWS's own: they are read again just before the call is sent.
    """

    request: Mapping[str, Json]
    repeated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateClusterSoftware:
    """`request` always names its groups: leaving them out would patch all of them."""

    request: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCluster:
    arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTags:
    arn: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTags:
    arn: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteNodes:
    """BatchDeleteClusterNodes of these instances, all of one group; at most what one call takes."""

    arn: str
    group: str
    instance_ids: tuple[str, ...]


SOFTWARE = "Software"
"""How the concerns of UpdateClusterSoftware begin."""

Action = CreateCluster | UpdateCluster | UpdateClusterSoftware | DeleteCluster | AddTags | DeleteTags | DeleteNodes


def operation(action: Action) -> str:
    """The API operation's name."""
    return "BatchDeleteClusterNodes" if isinstance(action, DeleteNodes) else type(action).__name__


def software_concern(image_id: str | None, deployment: Json) -> str:
    """The concern of the groups that want this image and deployment. Each call has a pause of its own after a rollback,
    so what is known of one does not replace what is known of another."""
    marks = [image_id or "", fingerprint(operation=SOFTWARE, desired=deployment) if deployment else ""]
    return "/".join([SOFTWARE, *(mark for mark in marks if mark)])


def concern(action: Action) -> str:
    """What the call is about: the key of its entry in the journal."""
    match action:
        case CreateCluster() | UpdateCluster() | DeleteCluster():
            return "Cluster"
        case UpdateClusterSoftware():
            request = action.request
            return software_concern(request.get("imageId"), request.get("deploymentConfig"))
        case AddTags() | DeleteTags():
            return "Tags"
        case DeleteNodes():
            return "Nodes"
        case _:
            assert_never(action)
