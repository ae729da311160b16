"""The memory of a HyperPodCluster: what a pass notes in status for the passes after it.

The rest of status shows what was seen, or says what the operator plans and called. What is here nobody could see again:
AWS does not return it.
"""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.common.bounds import ATOMIC, SET, Timestamp, keyed
from hyperpod_operator.api.common.missing import Missing
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.words import Count, Word


class CountOffset(Model):
    """The difference between a group's count and the spec's, because single nodes were moved or deleted."""

    value: int = Field(ge=-6758, le=6758, description="Number to add to the spec's instanceCount.")
    since: Timestamp | None = Field(default=None, description="When it was first seen, as RFC 3339.")
    operation: Word | None = Field(
        default=None, description="The call that made it: MoveClusterNodes or BatchDeleteClusterNodes."
    )
    instanceCount: Count | None = Field(
        default=None, description="The spec's instanceCount that it adds to; an edit of it removes the offset."
    )


class DeletedNode(Model):
    """A node that the operator deletes by name."""

    instanceId: Word = Field(description="Instance id.")
    time: Timestamp | None = Field(default=None, description="When the call was last sent, as RFC 3339.")
    targetCount: Count | None = Field(
        default=None, description="TargetCount of the group at that time: it falls when AWS carries the call out."
    )


class GroupMemory(Model):
    """What the operator notes about one group for its later passes; AWS returns none of it."""

    origin: Word | None = Field(
        default=None,
        description="Created: the operator created it. Adopted: it existed before. External: something else added it; "
        "the operator leaves it alone.",
    )
    appliedInstanceCount: Count | None = Field(
        default=None,
        description="The instanceCount that AWS last held, with nodes that joined by name. The operator scales the "
        "group in only after you lower instanceCount below it.",
    )
    countOffset: CountOffset | None = Field(
        default=None,
        description="Nodes that were moved or deleted by name: the desired count is instanceCount plus value until you "
        "edit instanceCount.",
    )
    deletedNodes: Annotated[list[DeletedNode], Field(max_length=100, json_schema_extra=ATOMIC)] | None = Field(
        default=None,
        description="Nodes that the operator deletes by name (BatchDeleteClusterNodes) while it scales the group in, "
        "up to 100, and up to 1000 of all groups. The list is stored before the call, so that a lost answer never ends "
        "another node.",
    )
    members: Annotated[list[Word], Field(max_length=64, json_schema_extra=ATOMIC)] | None = Field(
        default=None,
        description="Names of the members of the group that AWS returned and the spec does not set. An update repeats "
        "them, so the operator reads again when an answer lacks one of them.",
    )
    deletionProtection: bool | None = Field(
        default=None, description="true: the spec protected the group from deletion when it last named it."
    )


class SentTag(Model):
    """A tag that AWS accepted: until ListTags shows it, and for ten minutes at most, it counts as set or removed."""

    key: Word = Field(description="Key of the tag, as it was sent to AWS.")
    value: Annotated[str, Field(max_length=256)] | None = Field(
        default=None, description="The value that was set; left out when the tag was removed."
    )
    time: Timestamp | None = Field(default=None, description="When AWS accepted it, as RFC 3339.")


class MirroredEvents(Model):
    """How far HyperPod's own cluster events were repeated as Kubernetes Events."""

    time: Timestamp | None = Field(default=None, description="EventTime of the newest one, as RFC 3339.")
    ids: Annotated[list[Word], Field(max_length=100, json_schema_extra=SET)] | None = Field(
        default=None, description="EventIds of that time; there may be more with the same time."
    )


class ClusterMemory(Model):
    """What the operator notes about the cluster for its later passes; AWS returns none of it."""

    provisionedAt: Timestamp | None = Field(
        default=None, description="When the cluster was first seen InService, as RFC 3339."
    )
    ownerUid: Word | None = Field(
        default=None,
        description="The uid of this object, once the tag hyperpod-operator.dev/owner-uid of the cluster had it: a "
        "status that was restored to another object proves nothing.",
    )
    createFailures: Count | None = Field(
        default=None, description="How many creations in a row ended in Failed and were deleted."
    )
    appliedTagKeys: Annotated[list[Word], Field(max_length=50, json_schema_extra=SET)] | None = Field(
        default=None, description="Tag keys that came from the spec: the operator removes only these."
    )
    sentTags: Annotated[list[SentTag], Field(max_length=100, json_schema_extra=keyed("key"))] | None = Field(
        default=None, description="Tags that AWS accepted and does not return yet."
    )
    missing: Missing | None = Field(
        default=None, description="Set while AWS does not return something that it returned before."
    )
    mirroredEvents: MirroredEvents | None = Field(
        default=None, description="How far the operator has published HyperPod's own events as Kubernetes Events."
    )
