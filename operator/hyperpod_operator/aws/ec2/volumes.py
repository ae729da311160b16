"""EC2's volumes and HyperPod's attachments in one region: one method per question, typed in and out.

Seen through EC2, attached through SageMaker, whose call needs EC2's rights besides its own. Nothing is decided here:
what an error means for a claim is said by its kind and its `ec2_code`.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hyperpod_operator.api.names import TAG_CLAIM_UID, TAG_CSI_CLUSTER, TAG_OWNER, TAG_RELEASED
from hyperpod_operator.aws.call.answers import check
from hyperpod_operator.aws.call.caller import Caller
from hyperpod_operator.aws.ec2 import shapes
from hyperpod_operator.aws.ec2.queries import MOST_FILTER_VALUES, VolumeQueries, parts, several, silent
from hyperpod_operator.aws.ec2.reads import Ages, VolumeReads
from hyperpod_operator.aws.ec2.tags import TagReads
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.volume.ports import (
    UNASKED,
    Attachment,
    AttachmentLimit,
    Change,
    Modification,
    NewVolume,
    Sending,
    Snapshot,
    Volume,
)

NOTHING_TO_DETACH = {"InvalidAttachment.NotFound", "IncorrectState", "InvalidVolume.NotFound"}
"""EC2's codes by which a volume is not at the node any more."""


class Volumes:
    """Implements `core.volume.ports.VolumeCloud`. Raises CloudError."""

    def __init__(
        self,
        *,
        ec2: Caller,
        hyperpod: Caller,
        monotonic: Callable[[], float] = time.monotonic,
        ages: Ages | None = None,
    ) -> None:
        self._ec2 = ec2
        self._hyperpod = hyperpod
        self._ask = VolumeQueries(ec2)
        self._monotonic = monotonic
        self._ages = ages or Ages()
        self._reads = VolumeReads(self._ask.describe, monotonic=monotonic, ages=self._ages)
        self._tagged = TagReads(TAG_CLAIM_UID, self._ask.by_tag)
        self._owned = tuple(TagReads(key, self._ask.by_tag) for key in (TAG_OWNER, TAG_RELEASED))
        self._managed: tuple[float, int, tuple[Volume, ...]] | None = None
        self._writes = 0
        self._one_at_a_time = asyncio.Lock()
        """A restart brings all claims at once: one asks, the others take its answer."""
        self._limits: dict[str, AttachmentLimit] = {}

    async def find_volume(self, *, volume_id: str, fresh: bool = False) -> Volume | None:
        """DescribeVolumes, shared with every other claim (`reads.py`); `fresh` asks EC2 now."""
        return (await self._reads.get([volume_id], fresh=fresh)).get(volume_id)

    async def find_volumes_by_tag(self, *, claim_uid: str) -> tuple[Volume, ...]:
        """DescribeVolumes by the claim's tag, never from memory: it decides whether a volume is made."""
        return await self._tagged.get(claim_uid)

    async def find_volumes_of_owner(self, *, owner: str) -> tuple[Volume, ...]:
        """DescribeVolumes by the tags that name a claim, in two calls: filters of one call all have to fit."""
        found = await asyncio.gather(*(reads.get(owner) for reads in self._owned))
        return tuple({volume.volume_id: volume for volumes in found for volume in volumes}.values())

    async def managed_volumes(self) -> tuple[Volume, ...]:
        """DescribeVolumes by tag key, at most `Ages.settled` old, and never older than our own last write."""
        async with self._one_at_a_time:
            now, writes = self._monotonic(), self._writes
            kept = self._managed
            if kept and kept[1] == writes and now - kept[0] <= self._ages.settled:
                return kept[2]
            found = await self._ask.listed(shapes.filters(tag_key=[TAG_CLAIM_UID, TAG_CSI_CLUSTER]), target="managed")
            self._managed = (now, writes, found)
            return found

    # [assumption: never-modified-is-left-out]
    async def volume_modifications(self, *, volume_ids: Sequence[str]) -> Mapping[str, Modification]:
        """DescribeVolumesModifications, by filter: named by id, one that was never modified would spoil them all."""
        found: dict[str, Modification] = {}
        for part in parts(list(dict.fromkeys(volume_ids)), MOST_FILTER_VALUES):
            for raw in await self._ask.pages(
                "DescribeVolumesModifications",
                "VolumesModifications",
                {"Filters": shapes.filters(volume_id=part)},
                target=several(part),
            ):
                found[raw["VolumeId"]] = shapes.modification(raw)
        return found

    async def create_volume(self, *, request: NewVolume, sending: Sending = UNASKED) -> Volume:
        """CreateVolume."""
        parameters = shapes.new_volume(request)
        answer = await self._ec2.write(
            "CreateVolume",
            lambda client: client.create_volume(**parameters),
            target=request.client_token[:12],
            before=sending.confirm,
        )
        self._writes += 1
        sending.noted(_request_id(answer))
        check({"Volume": answer}, operation="CreateVolume", members=shapes.NEW_VOLUME, mutating=True)
        return shapes.new_answer(answer)

    async def modify_volume(self, *, volume_id: str, change: Change, sending: Sending = UNASKED) -> Modification:
        """ModifyVolume."""
        parameters = shapes.change(change)
        answer = await self._write(
            "ModifyVolume",
            lambda client: client.modify_volume(VolumeId=volume_id, **parameters),
            volume_id=volume_id,
            sending=sending,
        )
        check(answer, operation="ModifyVolume", members=shapes.NEW_MODIFICATION, mutating=True)
        return shapes.modification(answer["VolumeModification"])

    async def create_tags(self, *, volume_id: str, tags: Mapping[str, str], sending: Sending = UNASKED) -> None:
        """CreateTags."""
        listed = shapes.tag_list(tags)
        await self._write(
            "CreateTags",
            lambda client: client.create_tags(Resources=[volume_id], Tags=listed),
            volume_id=volume_id,
            sending=sending,
        )

    async def delete_tags(self, *, volume_id: str, keys: Sequence[str], sending: Sending = UNASKED) -> None:
        """DeleteTags. Without a key there is no call: EC2 takes that for all tags."""
        if not keys:
            return
        listed = [{"Key": key} for key in keys]
        await self._write(
            "DeleteTags",
            lambda client: client.delete_tags(Resources=[volume_id], Tags=listed),
            volume_id=volume_id,
            sending=sending,
        )

    async def create_snapshot(
        self,
        *,
        volume_id: str,
        description: str,
        tags: Mapping[str, str],
        sending: Sending = UNASKED,
    ) -> Snapshot:
        """CreateSnapshot."""
        parameters: dict[str, Any] = {"VolumeId": volume_id, "Description": description}
        if specifications := shapes.tag_specifications("snapshot", tags):
            parameters["TagSpecifications"] = specifications
        answer = await self._ec2.write(
            "CreateSnapshot",
            lambda client: client.create_snapshot(**parameters),
            target=volume_id,
            before=sending.confirm,
        )
        sending.noted(_request_id(answer))
        check(answer, operation="CreateSnapshot", members=shapes.NEW_SNAPSHOT, mutating=True)
        return shapes.snapshot(answer)

    async def find_snapshots(self, *, claim_uid: str, known: Sequence[str] = ()) -> tuple[Snapshot, ...]:
        """DescribeSnapshots."""
        parameters = {"OwnerIds": ["self"], "Filters": shapes.tag_filter(TAG_CLAIM_UID, claim_uid)}
        pages = await self._ask.pages("DescribeSnapshots", "Snapshots", parameters, target=claim_uid)
        found = {one.snapshot_id: one for one in map(shapes.snapshot, pages)}
        for snapshot_id in known:
            if snapshot_id not in found and (one := await self._snapshot(snapshot_id)) is not None:
                found[snapshot_id] = one
        return tuple(found.values())

    # [assumption: missing-volume-is-an-error]
    async def _snapshot(self, snapshot_id: str) -> Snapshot | None:
        """By id; None where EC2 answers InvalidSnapshot.NotFound. A list that lacks it proves nothing."""
        try:
            answer = await self._ec2.read(
                "DescribeSnapshots",
                lambda client: client.describe_snapshots(SnapshotIds=[snapshot_id]),
                target=snapshot_id,
            )
        except CloudError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise
            return None
        check(answer, operation="DescribeSnapshots", members=shapes.SNAPSHOT_BY_ID)
        found = [shapes.snapshot(raw) for raw in answer["Snapshots"] if raw["SnapshotId"] == snapshot_id]
        if not found:
            raise silent(snapshot_id, operation="DescribeSnapshots", member="Snapshots")
        return found[0]

    async def delete_volume(self, *, volume_id: str, sending: Sending = UNASKED) -> None:
        """DeleteVolume."""
        try:
            await self._write(
                "DeleteVolume",
                lambda client: client.delete_volume(VolumeId=volume_id),
                volume_id=volume_id,
                sending=sending,
            )
        except CloudError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise

    async def attach(
        self,
        *,
        cluster_arn: str,
        instance_id: str,
        volume_id: str,
        sending: Sending = UNASKED,
    ) -> Attachment:
        """AttachClusterNodeVolume."""
        answer = await self._at_node(
            "AttachClusterNodeVolume",
            lambda client: client.attach_cluster_node_volume(
                ClusterArn=cluster_arn, NodeId=instance_id, VolumeId=volume_id
            ),
            volume_id=volume_id,
            sending=sending,
        )
        return shapes.node_attachment(answer, cluster_arn=cluster_arn, instance_id=instance_id)

    async def detach(
        self,
        *,
        cluster_arn: str,
        instance_id: str,
        volume_id: str,
        sending: Sending = UNASKED,
    ) -> Attachment | None:
        """DetachClusterNodeVolume."""
        try:
            answer = await self._at_node(
                "DetachClusterNodeVolume",
                lambda client: client.detach_cluster_node_volume(
                    ClusterArn=cluster_arn, NodeId=instance_id, VolumeId=volume_id
                ),
                volume_id=volume_id,
                sending=sending,
            )
        except CloudError as error:
            if error.ec2_code in NOTHING_TO_DETACH:
                return None
            raise
        return shapes.node_attachment(answer, cluster_arn=cluster_arn, instance_id=instance_id)

    async def attachment_limits(self, *, instance_types: Sequence[str]) -> Mapping[str, AttachmentLimit]:
        """DescribeInstanceTypes, once for each type: EC2 does not change them. By filter, as with modifications."""
        async with self._one_at_a_time:
            await self._learn([one for one in dict.fromkeys(instance_types) if one not in self._limits])
        return {one: self._limits[one] for one in instance_types if one in self._limits}

    async def _learn(self, instance_types: Sequence[str]) -> None:
        for part in parts(instance_types, MOST_FILTER_VALUES):
            parameters = {"Filters": shapes.filters(instance_type=part)}
            pages = self._ask.pages(
                "DescribeInstanceTypes", "InstanceTypes", parameters, target=several(part), page=100
            )
            for raw in await pages:
                if limit := shapes.attachment_limit(raw):
                    self._limits[raw["InstanceType"]] = limit

    async def _write(
        self,
        operation: str,
        call: Callable[[Any], Any],
        *,
        volume_id: str,
        sending: Sending,
    ) -> Mapping[str, Any]:
        return await self._changing(self._ec2, operation, call, volume_id=volume_id, sending=sending)

    async def _at_node(
        self,
        operation: str,
        call: Callable[[Any], Any],
        *,
        volume_id: str,
        sending: Sending,
    ) -> Mapping[str, Any]:
        return await self._changing(self._hyperpod, operation, call, volume_id=volume_id, sending=sending)

    async def _changing(
        self,
        caller: Caller,
        operation: str,
        call: Callable[[Any], Any],
        *,
        volume_id: str,
        sending: Sending,
    ) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = await caller.write(operation, call, target=volume_id, before=sending.confirm)
            sending.noted(_request_id(answer))
            return answer
        finally:
            # Also after a failure, whose outcome may be unknown.
            self._reads.forget(volume_id)
            self._writes += 1


def _request_id(answer: Mapping[str, Any]) -> str:
    return str((answer.get("ResponseMetadata") or {}).get("RequestId", ""))
