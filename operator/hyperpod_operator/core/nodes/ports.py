"""SageMaker's calls that name nodes, as decisions need them."""

from collections.abc import Mapping
from typing import Protocol

from hyperpod_operator.core.confirm import Confirm
from hyperpod_operator.core.nodes.batch import BatchAnswer


class NodeBatches(Protocol):
    """One region. `arn` is the cluster's ARN, so that a later cluster of the same name is never hit; `instance_ids` are
    at most `BATCH[call]`. Every method raises `core.errors.CloudError` and nothing else: then AWS named no node, and
    only UNKNOWN_OUTCOME leaves open whether it acted. `confirm` runs when the turn of the call has come; if it raises,
    nothing is sent."""

    async def reboot_nodes(
        self, *, arn: str, instance_ids: tuple[str, ...], confirm: Confirm | None = None
    ) -> BatchAnswer:
        """BatchRebootClusterNodes: the operating systems restart; ids and volumes stay."""
        ...

    async def replace_nodes(
        self, *, arn: str, instance_ids: tuple[str, ...], confirm: Confirm | None = None
    ) -> BatchAnswer:
        """BatchReplaceClusterNodes: other instances come; root and secondary volumes are lost."""
        ...

    async def delete_nodes(
        self, *, arn: str, instance_ids: tuple[str, ...], confirm: Confirm | None = None
    ) -> BatchAnswer:
        """BatchDeleteClusterNodes: the instances end, and none comes in their place."""
        ...

    async def move_nodes(
        self,
        *,
        arn: str,
        group: str,
        target_arn: str,
        target_group: str,
        instance_ids: tuple[str, ...],
        token: str,
        confirm: Confirm | None = None,
    ) -> BatchAnswer:
        """MoveClusterNodes, from a group to another one. A repeated `token` (8 hours) repeats the answer."""
        ...

    async def check_nodes(
        self,
        *,
        arn: str,
        groups: Mapping[str, tuple[str, ...]],
        checks: tuple[str, ...],
        confirm: Confirm | None = None,
    ) -> BatchAnswer:
        """StartClusterHealthCheck of these instances, by group. AWS takes all of them or none."""
        ...
