"""The API server of the command `plan`: what objects remember, and what it says to a manifest."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.core.ports import Key, KubernetesError, StoredObject
from hyperpod_operator.core.preview.server import ServerCheck

NOT_CONFIGURED = "no API server is configured (--kubeconfig)"
NOT_WANTED = "--no-kubernetes was given"


class Server(Protocol):
    """An API server, or the reason why there is none (`problem`)."""

    problem: str

    async def read(self, kind: Kind, key: Key) -> StoredObject | None:
        """The stored object. Raises KubernetesError."""
        ...

    async def check(
        self, kind: Kind, *, key: Key, manifest: Mapping[str, Any], stored: StoredObject | None
    ) -> ServerCheck: ...

    async def close(self) -> None: ...


class Reached:
    """The API server that a kubeconfig or the pod's own account leads to."""

    problem = ""

    def __init__(self, api: Any) -> None:
        self._api = api

    async def read(self, kind: Kind, key: Key) -> StoredObject | None:
        from hyperpod_operator.kube.objects import CustomObjects

        return await CustomObjects(self._api, kind).read(key)

    async def check(
        self, kind: Kind, *, key: Key, manifest: Mapping[str, Any], stored: StoredObject | None
    ) -> ServerCheck:
        from hyperpod_operator.kube.dry_run import dry_run

        return await dry_run(self._api, kind, key=key, manifest=manifest, stored=stored)

    async def close(self) -> None:
        await self._api.close()


class Unreached:
    """An API server that is configured and cannot be asked."""

    def __init__(self, problem: str) -> None:
        self.problem = problem

    async def read(self, kind: Kind, key: Key) -> StoredObject | None:  # noqa: ARG002
        raise KubernetesError(status=0, message=self.problem)

    async def check(self, kind: Kind, **_: Any) -> ServerCheck:  # noqa: ARG002
        return ServerCheck(unasked=self.problem)

    async def close(self) -> None: ...


async def reach(*, kubeconfig: str, context: str) -> Server | None:
    """None where no access is configured. Loading the client takes a second, so it comes late."""
    if not _is_configured(kubeconfig=kubeconfig, context=context):
        return None
    from hyperpod_operator.kube.client import ApiServer

    try:
        return Reached(await ApiServer.connect(kubeconfig=kubeconfig or None, context=context or None))
    except KubernetesError as error:
        return Unreached(str(error))


def _is_configured(*, kubeconfig: str, context: str) -> bool:
    environment = os.environ.get("KUBECONFIG") or os.environ.get("KUBERNETES_SERVICE_HOST")
    return bool(kubeconfig or context or environment) or Path("~/.kube/config").expanduser().exists()
