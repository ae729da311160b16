"""What others do to the nodes: a person's label, a Node that somebody deleted.

The watch carries metadata only. Whatever it missed comes out of the list that follows.
"""

import asyncio
import logging
from typing import Protocol

import aiohttp
from kubernetes.aio.client.exceptions import OpenApiException

from hyperpod_testbed.simulator.node_api import GONE, NodeApi, NodeApiError
from hyperpod_testbed.simulator.state import JSON

_LOG = logging.getLogger(__name__)

PAUSE_AFTER_ERROR = 1.0
FAILURES = (NodeApiError, OpenApiException, aiohttp.ClientError, OSError, TimeoutError, ValueError)
"""What a call, or the stream of a watch, ends with when the API server is away; ValueError is half a line."""


class Observer(Protocol):
    """Who wants to know."""

    async def listed(self, found: list[JSON]) -> None:
        """Metadata of all nodes there are."""

    async def changed(self, metadata: JSON) -> None:
        """A node is new, or has changed."""

    async def deleted(self, name: str) -> None:
        """A node is gone, or no longer looks like one of HyperPod's."""

    def lost(self) -> None:
        """Nothing is known of changes until the next list."""


async def watch(api: NodeApi, observer: Observer) -> None:
    """Tell the observer everything until cancelled."""
    version = ""
    while True:
        try:
            if not version:
                found, version = await api.find_all()
                await observer.listed(found)
            async for kind, metadata in api.watch(version):
                if kind == "DELETED":
                    await observer.deleted(metadata["name"])
                elif kind != "BOOKMARK":
                    await observer.changed(metadata)
                version = metadata["resourceVersion"]
        except FAILURES as error:
            if not (isinstance(error, NodeApiError) and error.status == GONE):
                _LOG.warning("nodes cannot be watched now, trying again: %s", error)
            version = ""
            observer.lost()
            await asyncio.sleep(PAUSE_AFTER_ERROR)
