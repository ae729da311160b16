"""The node-health contract as a Python author writes it with the official client's SharedInformer.

The informer calls its handlers one after the other on its only thread, and none of its events waits in a queue: a
patch is sent right there, while the watch waits.
"""

import datetime
import logging
import threading
from typing import Any

import kubernetes
from benchmarks.peers.taint import COMPUTE_TYPE, decide, patch
from kubernetes.informer.informer import ADDED, MODIFIED, SharedInformer

CONFLICTS = (409, 422)
ATTEMPTS = 5
LOGGER = logging.getLogger("client-informer")


class Tainter:
    """Handles one node at a time."""

    def __init__(self, api: kubernetes.client.CoreV1Api) -> None:
        self._api = api

    def changed(self, node: Any) -> None:
        for _attempt in range(ATTEMPTS):
            plain = self._plain(node)
            what = decide(plain)
            if what is None:
                return
            try:
                self._api.patch_node(node.metadata.name, patch(plain, what, now=datetime.datetime.now(datetime.UTC)))
            except kubernetes.client.ApiException as error:
                if error.status == 404:
                    return
                if error.status not in CONFLICTS:
                    raise
                node = self._api.read_node(node.metadata.name)
            else:
                LOGGER.info("%s: %s", node.metadata.name, what)
                return

    def _plain(self, node: Any) -> dict[str, Any]:
        """Only what the contract reads: turning the whole model into a dict would cost more than everything else."""
        return {
            "metadata": {
                "labels": node.metadata.labels,
                "annotations": node.metadata.annotations,
                "resourceVersion": node.metadata.resource_version,
            },
            "spec": {"taints": self._api.api_client.sanitize_for_serialization(node.spec.taints)},
        }


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    kubernetes.config.load_kube_config()  # type: ignore[no-untyped-call]  # the package is typed in part
    api = kubernetes.client.CoreV1Api()
    informer: Any = SharedInformer(  # type: ignore[no-untyped-call]  # as above
        api.list_node, label_selector=f"{COMPUTE_TYPE}=hyperpod"
    )
    tainter = Tainter(api)
    informer.add_event_handler(ADDED, tainter.changed)
    informer.add_event_handler(MODIFIED, tainter.changed)
    informer.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
