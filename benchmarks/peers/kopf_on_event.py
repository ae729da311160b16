"""The node-health contract as a Python author writes it with Kopf: an index, an event handler, the official client.

Kopf watches every Node, keeps what the index function returns, and calls the handler for each event whose labels
match. KOPF_INDEX=0 leaves the index out: the price of the index is then visible by itself.
"""

import asyncio
import datetime
import os
from typing import Any

import kopf
import kubernetes
from benchmarks.peers.taint import COMPUTE_TYPE, HEALTH, decide, patch

LABELS = {COMPUTE_TYPE: "hyperpod"}
CONFLICTS = (409, 422)
ATTEMPTS = 5


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:
    settings.posting.enabled = False
    settings.scanning.disabled = True
    kubernetes.config.load_kube_config()  # type: ignore[no-untyped-call]  # the package is typed in part
    memo.api = kubernetes.client.CoreV1Api()


if os.environ.get("KOPF_INDEX", "1") == "1":

    @kopf.index("", "v1", "nodes", labels=LABELS)
    def health(name: str, labels: kopf.Labels, **_: Any) -> dict[str | None, str]:
        return {labels.get(HEALTH): name}


@kopf.on.event("", "v1", "nodes", labels=LABELS)
async def changed(body: kopf.Body, name: str, memo: Any, logger: Any, **_: Any) -> None:
    node: Any = body
    for _attempt in range(ATTEMPTS):
        what = decide(node)
        if what is None:
            return
        operations = patch(node, what, now=datetime.datetime.now(datetime.UTC))
        try:
            await asyncio.to_thread(memo.api.patch_node, name, operations)
        except kubernetes.client.ApiException as error:
            if error.status == 404:
                return
            if error.status not in CONFLICTS:
                raise
            fresh = await asyncio.to_thread(memo.api.read_node, name)
            node = memo.api.api_client.sanitize_for_serialization(fresh)
        else:
            logger.info("%s: %s", name, what)
            return
    logger.warning("%s changed %d times while it was to be patched; its next event tries again", name, ATTEMPTS)
