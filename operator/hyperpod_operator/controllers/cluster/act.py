"""Make the one call that was decided."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import assert_never

from hyperpod_operator.controllers.reconciler import Unconfirmed, before_the_call
from hyperpod_operator.core.cluster.decision import Act
from hyperpod_operator.core.cluster.pass_record import Accepted, Rejected
from hyperpod_operator.core.cluster.plan import (
    Action,
    AddTags,
    CreateCluster,
    DeleteCluster,
    DeleteNodes,
    DeleteTags,
    UpdateCluster,
    UpdateClusterSoftware,
)
from hyperpod_operator.core.cluster.requests import replaced, with_counts
from hyperpod_operator.core.confirm import Confirm
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.observed import Json, ObservedCluster
from hyperpod_operator.core.ports import Clusters, Receipt

EXISTING_CLUSTER = re.compile(
    r"(?i)\bcluster(?: with)?(?: the)?(?: name)?:? ['\"\[(`]?([a-z0-9-]{1,63})['\"\])`]? already exists"
)
"""The cluster's name in the sentence of CreateCluster about a name that is taken; `CloudError.message` has single
spaces."""


async def act(
    *, clusters: Clusters, decision: Act, seen: ObservedCluster | None, confirm: Confirm
) -> Accepted | Rejected:
    """Never raises CloudError: a refusal is something to report.

    `seen` is the cluster that the decision was made on, None for none. `confirm` is asked when the call's turn has
    come, just before it is sent. What it raises ends the pass, and so does what it cannot read: nothing was sent.
    """
    receipt, nodes, last_look = Receipt(), None, _last_look(confirm)
    try:
        match decision.action:
            case CreateCluster(request=request):
                receipt = await clusters.create(request=request, confirm=last_look)
            case UpdateCluster() as update:
                receipt = await clusters.update(
                    request=update.request, refresh=_refresh(clusters, update, seen, confirm)
                )
            case UpdateClusterSoftware(request=request):
                receipt = await clusters.update_software(request=request, confirm=last_look)
            case DeleteCluster(arn=target):
                receipt = await clusters.delete(arn=target, confirm=last_look)
            case AddTags(arn=target, tags=tags):
                receipt = await clusters.add_tags(arn=target, tags=tags, confirm=last_look)
            case DeleteTags(arn=target, keys=keys):
                receipt = await clusters.delete_tags(arn=target, keys=keys, confirm=last_look)
            case DeleteNodes(arn=target, instance_ids=ids) as deletion:
                counted = _count_stands(clusters, deletion, seen, confirm)
                nodes = await clusters.delete_nodes(arn=target, instance_ids=ids, confirm=counted)
            case _:
                assert_never(decision.action)
    except CloudError as error:
        return Rejected(
            action=decision.action, fingerprint=decision.fingerprint, error=_about_us(error, decision.action)
        )
    return Accepted(
        action=decision.action,
        fingerprint=decision.fingerprint,
        arn=receipt.arn,
        request_id=nodes.request_id if nodes is not None else receipt.request_id,
        nodes=nodes,
    )


def _last_look(confirm: Confirm) -> Confirm:
    async def looked() -> None:
        with before_the_call():
            await confirm()

    return looked


def _refresh(
    clusters: Clusters, update: UpdateCluster, seen: ObservedCluster | None, confirm: Confirm
) -> Callable[[], Awaitable[Mapping[str, Json]]]:
    """Counts that are not ours, as they are when the call leaves: it may have waited for its turn. The call goes by
    name: another cluster that has it by now is nobody's to update.

    The call replaces whole groups by what was seen of them. So where others changed one in the meantime, or added one,
    nothing is sent: a count that grew would be taken back, and a group that is left out may be deleted.
    """

    async def fresh() -> Mapping[str, Json]:
        with before_the_call():
            await confirm()
            cluster = await clusters.describe(name=str(update.request["clusterName"]))
        if cluster is None or seen is None:
            return update.request
        if cluster.arn != seen.arn:
            raise Unconfirmed(f"{cluster.arn} has the name of {seen.arn} by now.")
        if replaced(cluster, counts=update.repeated) != replaced(seen, counts=update.repeated):
            raise Unconfirmed(f"Others changed {cluster.arn} before the call had its turn.")
        return with_counts(update.request, cluster=cluster, names=update.repeated)

    return fresh


def _count_stands(clusters: Clusters, deletion: DeleteNodes, seen: ObservedCluster | None, confirm: Confirm) -> Confirm:
    """Whether the group still has the count that the deletion lowers to the spec's: of one that others lowered in the
    meantime, it would end nodes that the spec asks for."""

    async def stands() -> None:
        with before_the_call():
            await confirm()
            cluster = await clusters.describe(name=seen.name) if seen is not None else None
        before, now = (one.group(deletion.group) if one is not None else None for one in (seen, cluster))
        if before is None or now is None or now.target_count != before.target_count:
            raise Unconfirmed(f"Others changed the count of group {deletion.group} before the call had its turn.")

    return stands


def _names(message: str, cluster: str) -> bool:
    """Whether the message says of this very cluster that it exists."""
    return any(name.casefold() == cluster.casefold() for name in EXISTING_CLUSTER.findall(message))


def _about_us(error: CloudError, action: Action) -> CloudError:
    """Tell "the cluster exists already" from other things that exist: AWS has one code for all."""
    if error.kind is not ErrorKind.ALREADY_EXISTS or error.code != "ValidationException":
        return error
    if isinstance(action, CreateCluster) and _names(error.message, str(action.request["clusterName"])):
        return error
    return error.as_kind(ErrorKind.INVALID)
