"""Evictions through the Eviction API, which honors PodDisruptionBudgets. `core.drain.ports.Evictor` on the real thing.

Each call names the pod's uid, so a pod of the same name that came since is never hit, and a call that is repeated after
a lost answer does no harm.

Source: kubernetes.io, "API-initiated Eviction": 429 with the budget's words, 500 for a pod with several budgets.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.ports import Answer, Evicted
from hyperpod_operator.core.ports import KubernetesError, ObjectGone, StaleObject
from hyperpod_operator.core.text import plain
from hyperpod_operator.kube.client import ApiServer

log = logging.getLogger(__name__)

AT_ONCE = 10
"""Evictions that run side by side."""
_TOO_MANY, _DENIED = 429, frozenset({401, 403})
_FINE = frozenset({Answer.ACCEPTED, Answer.GONE})


class PodEvictor:
    """Never raises; whoever calls decides what an answer means."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    async def evict(self, gang: Sequence[Pod]) -> tuple[Evicted, ...]:
        if len(gang) > 1:
            asked = await self._each(gang, dry_run=True)
            if any(one.answer not in _FINE for one in asked):
                return tuple(one for one in asked if one.answer not in _FINE)
        return await self._each(gang, dry_run=False)

    async def _each(self, pods: Sequence[Pod], *, dry_run: bool) -> tuple[Evicted, ...]:
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(pod: Pod) -> Evicted:
            async with turn:
                return await self._evict(pod, dry_run=dry_run)

        return tuple(await asyncio.gather(*(one(pod) for pod in pods)))

    async def _evict(self, pod: Pod, *, dry_run: bool) -> Evicted:
        options: dict[str, Any] = {"preconditions": {"uid": pod.uid}}
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"namespace": pod.namespace, "name": pod.name},
            "deleteOptions": options | ({"dryRun": ["All"]} if dry_run else {}),
        }
        path = f"/api/v1/namespaces/{quote(pod.namespace, safe='')}/pods/{quote(pod.name, safe='')}/eviction"
        try:
            await self._api.create(path, body)
        except ObjectGone:
            return Evicted(pod=pod, answer=Answer.GONE)
        except StaleObject as error:
            # The precondition: there is another pod of this name by now.
            if "uid" in str(error).lower():
                return Evicted(pod=pod, answer=Answer.GONE)
            return Evicted(pod=pod, answer=Answer.FAILED, message=plain(str(error)))
        except KubernetesError as error:
            return Evicted(pod=pod, answer=_answer(error), message=plain(error.budget or str(error)))
        return Evicted(pod=pod, answer=Answer.ACCEPTED)


def _answer(error: KubernetesError) -> Answer:
    """A 429 without the words of a budget is the rate limit of the API server."""
    if error.status == _TOO_MANY and error.budget:
        return Answer.BUDGET
    return Answer.DENIED if error.status in _DENIED else Answer.FAILED
