"""The journal of a resource: its last call of each concern, as it is kept in `status.operations`."""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.common.bounds import Timestamp, keyed
from hyperpod_operator.api.common.model import Model

Word = Annotated[str, Field(max_length=128)]


class OperationStatus(Model):
    """The last call of one concern that was to change something."""

    concern: Word = Field(
        description="What the call is about: Cluster, Software, Nodes or Tags of a cluster (Software/IMAGE where "
        "groups need calls of their own); Volume, Modification, Attachment, Snapshot, Tags, NodeLabel, Publication or "
        "Lease of a claim."
    )
    operation: Word | None = Field(
        default=None, description="API operation, for example CreateCluster or AttachClusterNodeVolume."
    )
    state: Word | None = Field(
        default=None,
        description="Intended: about to be sent. Accepted: AWS took it. Applied: AWS shows its effect. Rejected: "
        "AWS rejected it and did nothing. RolledBack: AWS went back to the former state. Unanswered: no "
        "answer arrived.",
    )
    fingerprint: Word | None = Field(default=None, description="Digest of what the call asks for.")
    attempts: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="How often the same call was made in a row."
    )
    time: Timestamp | None = Field(default=None, description="When it was last made, as RFC 3339.")
    reason: Word | None = Field(default=None, description="Of a rejected call: one word for why, as in conditions.")
    code: Word | None = Field(default=None, description="Of a rejected call: AWS's error code.")
    message: Annotated[str, Field(max_length=8192)] | None = Field(
        default=None, description="Of a rejected call: AWS's words, and what to do."
    )
    stalled: bool | None = Field(default=None, description="Of a rejected call: whether a person has to act.")
    rejectedAt: Timestamp | None = Field(default=None, description="Of a rejected call: when it was, as RFC 3339.")
    rejections: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Of a rejected call: how often in a row it was."
    )
    retryAt: Timestamp | None = Field(default=None, description="Of a rejected call: when it is tried again.")
    shown: Word | None = Field(
        default=None,
        description="Of a rejected call: digest of what AWS showed then. A change of it has the call tried again.",
    )


Operations = Annotated[list[OperationStatus], Field(max_length=16, json_schema_extra=keyed("concern"))]
"""The member `operations` of a status."""
