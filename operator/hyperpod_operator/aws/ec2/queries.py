"""How EC2 is asked about volumes: by id, by filter and page by page. Every answer is checked."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hyperpod_operator.aws.call.answers import check, unknown
from hyperpod_operator.aws.call.caller import Caller
from hyperpod_operator.aws.ec2 import shapes
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.volume.ports import Volume

PAGE = 500
"""Items a page: unpaginated requests are throttled first."""
MOST_FILTER_VALUES = 200
"""Values of the filters of one request (EC2 user guide)."""
_IDS = re.compile(r"vol-[0-9a-f]+")


class VolumeQueries:
    """Reads of EC2. Raises CloudError."""

    def __init__(self, ec2: Caller) -> None:
        self._ec2 = ec2

    # [assumption: missing-volume-is-an-error]
    async def describe(self, volume_ids: Sequence[str]) -> Mapping[str, Volume | CloudError]:
        """DescribeVolumes by ids. One that does not exist fails the call: it is left out and the rest asked again.

        So an answer that leaves one out proves nothing about it.
        """
        wanted = list(volume_ids)
        while wanted:
            asked = tuple(wanted)
            try:
                answer = await self._ec2.read("DescribeVolumes", _by_ids(asked), target=several(asked))
            except CloudError as error:
                absent = set(_IDS.findall(error.message)) & set(asked)
                if error.kind is not ErrorKind.NOT_FOUND:
                    raise
                if not absent and len(asked) > 1:
                    return await self._halves(asked)
                wanted = [one for one in wanted if one not in absent] if absent else []
                continue
            check(answer, operation="DescribeVolumes", members=shapes.PAGES["DescribeVolumes"])
            found = answer["Volumes"]
            shown = {raw["VolumeId"]: one for raw, one in zip(found, shapes.volumes(found), strict=True)}
            return {one: shown.get(one) or silent(one) for one in asked}
        return {}

    async def _halves(self, volume_ids: Sequence[str]) -> Mapping[str, Volume | CloudError]:
        """EC2 did not say which id is missing: look for it by halves."""
        middle = len(volume_ids) // 2
        return {**await self.describe(volume_ids[:middle]), **await self.describe(volume_ids[middle:])}

    async def listed(self, filters: list[dict[str, Any]], *, target: str) -> tuple[Volume, ...]:
        """DescribeVolumes by filters, without those of which the answer says half."""
        found = await self._volumes(filters, target=target)
        return tuple(one for one in shapes.volumes(found) if not isinstance(one, CloudError))

    async def by_tag(self, key: str, values: Sequence[str]) -> Mapping[str, tuple[Volume, ...] | CloudError]:
        """DescribeVolumes by one tag that has one of these values, by the value. An error stands for the volumes of a
        value of one of which the answer says half."""
        shown = await self._volumes(shapes.tag_filter(key, *values), target=several(values))
        found: dict[str, tuple[Volume, ...] | CloudError] = {}
        for raw, one in zip(shown, shapes.volumes(shown), strict=True):
            before = found.get(value := shapes.tags(raw).get(key, ""), ())
            if not isinstance(before, CloudError):
                found[value] = one if isinstance(one, CloudError) else (*before, one)
        return found

    async def _volumes(self, filters: list[dict[str, Any]], *, target: str) -> list[Mapping[str, Any]]:
        return await self.pages("DescribeVolumes", "Volumes", {"Filters": filters}, target=target)

    async def pages(
        self, operation: str, member: str, parameters: Mapping[str, Any], *, target: str, page: int = PAGE
    ) -> list[Mapping[str, Any]]:
        def call(client: Any) -> list[Mapping[str, Any]]:
            methods = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
            paginator = client.get_paginator(methods[operation])
            return list(paginator.paginate(**parameters, PaginationConfig={"PageSize": page}))

        pages: list[Mapping[str, Any]] = await self._ec2.read(operation, call, target=target)
        for one in pages:
            check(one, operation=operation, members=shapes.PAGES[operation])
        return [item for one in pages for item in one[member]]


def _by_ids(volume_ids: Sequence[str]) -> Callable[[Any], Any]:
    return lambda client: client.describe_volumes(VolumeIds=list(volume_ids))


def silent(name: str, *, operation: str = "DescribeVolumes", member: str = "Volumes") -> CloudError:
    return unknown(operation=operation, what=f"{member} lacks {name}, which AWS does not report as missing either")


def parts(items: Sequence[str], size: int) -> Iterable[list[str]]:
    return (list(items[start : start + size]) for start in range(0, len(items), size))


def several(items: Sequence[str]) -> str:
    """What a log line says a call was about."""
    return items[0] if len(items) == 1 else f"{len(items)} resources"
