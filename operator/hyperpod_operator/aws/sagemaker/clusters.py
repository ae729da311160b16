"""SageMaker HyperPod in one region: one method per API operation, typed in and out."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from hyperpod_operator.aws.call.caller import Caller
from hyperpod_operator.aws.sagemaker import translate
from hyperpod_operator.aws.sagemaker.answers import asked_for, checked
from hyperpod_operator.core.confirm import Confirm
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.nodes.batch import BatchAnswer
from hyperpod_operator.core.observed import Json, ListedCluster, ObservedCluster, ObservedEvent, ObservedNode
from hyperpod_operator.core.ports import Receipt

logger = logging.getLogger(__name__)

PAGE = 100
"""Largest MaxResults that these lists take."""
# [assumption: newest-500-events]
EVENT_PAGES = 5
"""HyperPod keeps the newest 500 events of a cluster."""


class SageMaker:
    """Implements `core.ports.Clusters`. Raises CloudError."""

    def __init__(self, caller: Caller, *, saw: Callable[[str], None] = lambda _: None) -> None:
        """`saw` is called with the ARN of each cluster that DescribeCluster shows."""
        self._caller = caller
        self._saw = saw

    async def warm_up(self) -> None:
        """Make the clients before the first call needs them. Raises CloudError when they cannot be made."""
        await self._caller.client(mutating=False)
        await self._caller.client(mutating=True)

    async def describe(self, *, name: str) -> ObservedCluster | None:
        """DescribeCluster."""

        def call(client: Any) -> Any:
            answer = checked(client.describe_cluster(ClusterName=name), client=client, operation="DescribeCluster")
            return asked_for(answer, name=name)

        response = await self._found("DescribeCluster", call, target=name)
        if response:
            self._saw(response["ClusterArn"])
        return translate.cluster(model=await self._caller.model(), response=response) if response else None

    async def listed(self) -> tuple[ListedCluster, ...]:
        """ListClusters, all pages."""

        def call(client: Any) -> list[ListedCluster]:
            pages = client.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": PAGE})
            whole = (checked(page, client=client, operation="ListClusters") for page in pages)
            return [
                ListedCluster(name=summary["ClusterName"], status=summary["ClusterStatus"])
                for page in whole
                for summary in page["ClusterSummaries"]
            ]

        return tuple(await self._caller.read("ListClusters", call, target="clusters"))

    async def nodes(self, *, name: str, logical_ids: bool = False) -> tuple[ObservedNode, ...]:
        """ListClusterNodes, all pages."""
        asked = {"ClusterName": name} | ({"IncludeNodeLogicalIds": True} if logical_ids else {})

        def call(client: Any) -> list[Mapping[str, Any]]:
            pages = client.get_paginator("list_cluster_nodes").paginate(**asked, PaginationConfig={"PageSize": PAGE})
            whole = (checked(page, client=client, operation="ListClusterNodes") for page in pages)
            return [summary for page in whole for summary in page["ClusterNodeSummaries"]]

        summaries = await self._found("ListClusterNodes", call, target=name)
        return tuple(translate.node(summary) for summary in summaries or ())

    async def events(
        self, *, name: str, enough: Callable[[tuple[ObservedEvent, ...]], bool]
    ) -> tuple[ObservedEvent, ...]:
        """ListClusterEvents, newest first. They only explain; where AWS refuses them the pass goes on without."""
        found: tuple[ObservedEvent, ...] = ()
        token: str | None = None
        for _ in range(EVENT_PAGES):
            page, token = await self._events_page(name=name, token=token)
            found += page
            if not token or enough(found):
                break
        return found

    async def _events_page(self, *, name: str, token: str | None) -> tuple[tuple[ObservedEvent, ...], str | None]:
        asked = {"NextToken": token} if token else {}

        def call(client: Any) -> Any:
            answer = client.list_cluster_events(
                ClusterName=name, SortBy="EventTime", SortOrder="Descending", MaxResults=PAGE, **asked
            )
            return checked(answer, client=client, operation="ListClusterEvents")

        try:
            response = await self._found("ListClusterEvents", call, target=name) or {}
        except CloudError as error:
            if error.kind in {ErrorKind.INVALID, ErrorKind.DENIED}:
                logger.warning("The events of %s cannot be read, so causes stay unknown: %s", name, error)
                return (), None
            raise
        return tuple(translate.event(summary) for summary in response.get("Events", [])), response.get("NextToken")

    async def cause(self, *, name: str, event_id: str) -> str | None:
        """DescribeClusterEvent: where the cause is (members FailureMessage of EventMetadata in the API model)."""

        def call(client: Any) -> Any:
            answer = client.describe_cluster_event(ClusterName=name, EventId=event_id)
            return checked(answer, client=client, operation="DescribeClusterEvent")

        response = await self._found("DescribeClusterEvent", call, target=name)
        return translate.failure_message(response) if response else None

    async def tags(self, *, arn: str) -> Mapping[str, str]:
        """ListTags, all pages. NOT_FOUND is no answer about tags: this read does not know what another one shows."""

        def call(client: Any) -> dict[str, str]:
            pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
            whole = (checked(page, client=client, operation="ListTags") for page in pages)
            return {tag["Key"]: tag["Value"] for page in whole for tag in page["Tags"]}

        found: dict[str, str] = await self._caller.read("ListTags", call, target=arn)
        return found

    async def create(self, *, request: Mapping[str, Json], confirm: Confirm | None = None) -> Receipt:
        """CreateCluster."""
        response = await self._write("CreateCluster", request, target=str(request["clusterName"]), confirm=confirm)
        return Receipt(request_id=_request_id(response), arn=str(response["ClusterArn"]))

    async def update(
        self, *, request: Mapping[str, Json], refresh: Callable[[], Awaitable[Mapping[str, Json]]] | None = None
    ) -> Receipt:
        """UpdateCluster, with the request that `refresh` makes when the call's turn has come."""
        answer = await self._write("UpdateCluster", request, target=str(request["clusterName"]), refresh=refresh)
        return Receipt(request_id=_request_id(answer))

    async def update_software(self, *, request: Mapping[str, Json], confirm: Confirm | None = None) -> Receipt:
        """UpdateClusterSoftware."""
        answer = await self._write(
            "UpdateClusterSoftware", request, target=str(request["clusterName"]), confirm=confirm
        )
        return Receipt(request_id=_request_id(answer))

    async def delete(self, *, arn: str, confirm: Confirm | None = None) -> Receipt:
        """DeleteCluster by ARN."""
        answer = await self._write("DeleteCluster", {"clusterName": arn}, target=arn, confirm=confirm)
        return Receipt(request_id=_request_id(answer))

    async def add_tags(self, *, arn: str, tags: Mapping[str, str], confirm: Confirm | None = None) -> Receipt:
        """AddTags."""
        pairs = [{"key": key, "value": value} for key, value in tags.items()]
        answer = await self._write("AddTags", {"resourceArn": arn, "tags": pairs}, target=arn, confirm=confirm)
        return Receipt(request_id=_request_id(answer))

    async def delete_tags(self, *, arn: str, keys: tuple[str, ...], confirm: Confirm | None = None) -> Receipt:
        """DeleteTags."""
        answer = await self._write(
            "DeleteTags", {"resourceArn": arn, "tagKeys": list(keys)}, target=arn, confirm=confirm
        )
        return Receipt(request_id=_request_id(answer))

    async def reboot_nodes(
        self, *, arn: str, instance_ids: tuple[str, ...], confirm: Confirm | None = None
    ) -> BatchAnswer:
        """BatchRebootClusterNodes."""
        request = {"clusterName": arn}
        return await self._batch("BatchRebootClusterNodes", request, target=arn, ids=instance_ids, confirm=confirm)

    async def replace_nodes(
        self, *, arn: str, instance_ids: tuple[str, ...], confirm: Confirm | None = None
    ) -> BatchAnswer:
        """BatchReplaceClusterNodes."""
        request = {"clusterName": arn}
        return await self._batch("BatchReplaceClusterNodes", request, target=arn, ids=instance_ids, confirm=confirm)

    async def delete_nodes(
        self, *, arn: str, instance_ids: tuple[str, ...], confirm: Confirm | None = None
    ) -> BatchAnswer:
        """BatchDeleteClusterNodes."""
        request = {"clusterName": arn}
        return await self._batch("BatchDeleteClusterNodes", request, target=arn, ids=instance_ids, confirm=confirm)

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
        """MoveClusterNodes."""
        request = {
            "sourceClusterArn": arn,
            "sourceInstanceGroupName": group,
            "targetClusterArn": target_arn,
            "targetInstanceGroupName": target_group,
            "clientToken": token,
        }
        return await self._batch("MoveClusterNodes", request, target=arn, ids=instance_ids, confirm=confirm)

    async def check_nodes(
        self,
        *,
        arn: str,
        groups: Mapping[str, tuple[str, ...]],
        checks: tuple[str, ...],
        confirm: Confirm | None = None,
    ) -> BatchAnswer:
        """StartClusterHealthCheck, whose answer names no nodes: AWS takes all of them or none."""
        wanted = [
            {"instanceGroupName": name, "instanceIds": list(ids), "deepHealthChecks": list(checks)}
            for name, ids in groups.items()
        ]
        request = {"clusterName": arn, "deepHealthCheckConfigurations": wanted}
        answer = await self._write("StartClusterHealthCheck", request, target=arn, confirm=confirm)
        named = frozenset(name for ids in groups.values() for name in ids)
        return BatchAnswer(successful=named, request_id=_request_id(answer))

    async def _batch(
        self,
        operation: str,
        request: Mapping[str, Json],
        *,
        target: str,
        ids: tuple[str, ...],
        confirm: Confirm | None = None,
    ) -> BatchAnswer:
        answer = await self._write(operation, {**request, "nodeIds": list(ids)}, target=target, confirm=confirm)
        return replace(translate.batch(answer, asked=ids), request_id=_request_id(answer))

    async def _found(self, operation: str, call: Callable[[Any], Any], *, target: str) -> Any:
        """The answer of a read, or None when AWS says that there is no such cluster."""
        try:
            return await self._caller.read(operation, call, target=target)
        except CloudError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return None
            raise

    async def _write(
        self,
        operation: str,
        request: Mapping[str, Json],
        *,
        target: str,
        refresh: Callable[[], Awaitable[Mapping[str, Json]]] | None = None,
        confirm: Confirm | None = None,
    ) -> Mapping[str, Any]:
        """The client's method of an operation is its name in snake case; botocore keeps that mapping itself.

        With `refresh` the request is made anew when the call's turn has come.
        """
        parameters = await self._parameters(operation, request)

        async def renew() -> None:
            nonlocal parameters
            if confirm is not None:
                await confirm()
            if refresh is not None:
                parameters = await self._parameters(operation, await refresh())

        def call(client: Any) -> Any:
            methods = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
            answer = getattr(client, methods[operation])(**parameters)
            return checked(answer, client=client, operation=operation, mutating=True)

        before = None if refresh is None and confirm is None else renew
        answer: Mapping[str, Any] = await self._caller.write(operation, call, target=target, before=before)
        return answer

    async def _parameters(self, operation: str, request: Mapping[str, Json]) -> dict[str, Any]:
        try:
            return translate.request(model=await self._caller.model(), operation=operation, value=request)
        except ValueError as error:
            raise CloudError(
                kind=ErrorKind.INVALID, operation=operation, code="ParamValidationError", message=str(error)
            ) from error


def _request_id(answer: Mapping[str, Any]) -> str:
    return str(answer.get("ResponseMetadata", {}).get("RequestId", ""))
