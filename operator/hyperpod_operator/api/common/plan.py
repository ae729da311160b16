"""`status.plan` and `status.lastApproval`: what the operator would change, and who approved it."""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.common.bounds import ATOMIC, SET, Timestamp, keyed
from hyperpod_operator.api.common.model import Model

Word = Annotated[str, Field(max_length=128)]
Line = Annotated[str, Field(max_length=256)]
Count = Annotated[int, Field(ge=0)]
Digest = Annotated[str, Field(max_length=128)]

ACTIONS_MOST = 50
LINES_MOST = 100
"""Lines of changes that all actions of a plan share."""
NODES_MOST = 20
FAILURES_MOST = 10
HISTORY_MOST = 20


class PlanTarget(Model):
    """What a plan is about: a cluster that exists, or the name under which one is to be created."""

    clusterArn: Annotated[str, Field(max_length=2048)] | None = Field(default=None, description="ARN of the cluster.")
    creationTime: Timestamp | None = Field(default=None, description="When AWS created it, as RFC 3339.")
    name: Word | None = Field(default=None, description="Name of a cluster that does not exist yet.")
    region: Word | None = Field(default=None, description="Its AWS Region.")
    account: Word | None = Field(default=None, description="Its AWS account.")


class PlannedAction(Model):
    """A call that would change something in AWS."""

    call: Word = Field(description="API operation, for example UpdateCluster.")
    effect: Word | None = Field(
        default=None,
        description="Adds: something new comes. Changes: something that runs is changed in place. Disrupts: nodes "
        "restart or lose data. Destroys: nodes, groups or the cluster end.",
    )
    changes: Annotated[list[Line], Field(max_length=LINES_MOST, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="What it changes, one line each."
    )
    moreChanges: Count | None = Field(default=None, description="How many further changes are not listed.")
    nodes: Annotated[list[Word], Field(max_length=NODES_MOST, json_schema_extra=ATOMIC)] | None = Field(
        default=None,
        description="Instance ids of the nodes that it names, ends or restarts, up to 20. Which nodes a scale-in ends "
        "is the choice of now: it is made when their turn has come, and no part of the digest.",
    )
    nodeCount: Count | None = Field(default=None, description="How many nodes come, restart or end by it.")
    pods: Count | None = Field(
        default=None,
        description="Pods that run on these nodes, without those of DaemonSets, static and finished ones. Unset: the "
        "operator has not counted them. It counts once for a plan, and again after an hour.",
    )
    wouldFail: Annotated[list[Line], Field(max_length=FAILURES_MOST, json_schema_extra=ATOMIC)] | None = Field(
        default=None,
        description="Why AWS would reject it, or bring instances that cannot work: the checks of preflight that fail. "
        "status.preflight has all of them, in full.",
    )
    waits: bool | None = Field(default=None, description="true while it waits for an approval.")


class PlanStatus(Model):
    """Everything that the operator would change in AWS, the next call first."""

    digest: Digest | None = Field(
        default=None, description="Name of the plan, by which you approve it: sha256 and 64 hexadecimal digits."
    )
    encoding: Word | None = Field(default=None, description="Version of the encoding that the digest is made of.")
    state: Word | None = Field(
        default=None,
        description="None: nothing is to change. Pending: nothing is sent yet, or changes wait for an approval. "
        "Approved: approved and not sent yet. Applying: calls are being sent. Stale: the approval names another plan.",
    )
    target: PlanTarget | None = Field(default=None, description="What the plan is about.")
    computedAt: Timestamp | None = Field(
        default=None, description="When this plan was first computed, as RFC 3339. It stays while the plan does."
    )
    summary: Annotated[str, Field(max_length=512)] | None = Field(default=None, description="The plan in one line.")
    cost: Annotated[str, Field(max_length=512)] | None = Field(
        default=None,
        description="What the plan adds to the cost per hour, for example +393.12 USD/h, and which groups' price is "
        "not known. Unset where no count changes, and where prices are not read.",
    )
    actions: Annotated[list[PlannedAction], Field(max_length=ACTIONS_MOST, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="The calls, up to 50."
    )
    moreActions: Count | None = Field(default=None, description="How many further calls are not listed.")


class ApprovedCount(Model):
    """A scale-in that was approved."""

    path: Line = Field(description="The count, as the plan names it.")
    observed: Count = Field(description="AWS's count when it was approved.")
    wanted: Count = Field(description="The count that was approved.")


class LastApproval(Model):
    """The last plan that was approved, and how far it was carried out."""

    digest: Digest | None = Field(default=None, description="Digest of the approved plan.")
    by: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None,
        description="Who approved it: the user, where an admission policy records it; otherwise the field manager.",
    )
    at: Timestamp | None = Field(default=None, description="When the operator acted on the approval, as RFC 3339.")
    via: Word | None = Field(default=None, description="Annotation or Spec.")
    after: Digest | None = Field(default=None, description="Digest of the approved plan before it.")
    changes: Annotated[list[Word], Field(max_length=256, json_schema_extra=SET)] | None = Field(
        default=None, description="Names of the approved changes; none for a plan of more than 256."
    )
    sent: Annotated[list[Word], Field(max_length=256, json_schema_extra=SET)] | None = Field(
        default=None, description="Those of them that a call carried."
    )
    counts: Annotated[list[ApprovedCount], Field(max_length=256, json_schema_extra=keyed("path"))] | None = Field(
        default=None,
        description="The approved scale-ins. Nodes end as they become idle; what is left of such a count stays "
        "approved until it is reached.",
    )
    completedAt: Timestamp | None = Field(
        default=None, description="When the plan was carried out or another took its place, as RFC 3339."
    )


class HistoryEntry(Model):
    """A call that was to change something in AWS, and how it was answered."""

    time: Timestamp = Field(description="When it was made, as RFC 3339.")
    call: Word | None = Field(default=None, description="API operation.")
    effect: Word | None = Field(default=None, description="Adds, Changes, Disrupts or Destroys.")
    summary: Line | None = Field(default=None, description="What it was to change, in one line.")
    outcome: Word | None = Field(
        default=None, description="Accepted, Rejected, or Unanswered: AWS may have carried it out."
    )
    code: Word | None = Field(default=None, description="OK, or AWS's error code.")
    approvedBy: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None, description="Who approved it, where it needed an approval."
    )
