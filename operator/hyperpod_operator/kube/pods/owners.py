"""What the rules of a drain look at besides the pods: workloads above them, labels of namespaces, budgets of gangs.

Owners are read as metadata alone, so their CustomResourceDefinitions need not be known here, and only those that may be
part of a larger workload. What cannot be read for good (no such kind, no right) ends the way up: the gang is then the
highest workload that is known. What fails for the moment is not guessed: an unknown gang could be broken up.

Source: "Receiving resources as PartialObjectMetadata", kubernetes.io.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

from hyperpod_operator.api.common.drain import LabelSelector
from hyperpod_operator.core.drain.budget import MOST, Budget
from hyperpod_operator.core.drain.gang import DEPTH, OwnerRef, gang_of_owners
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.ports import PodsRead
from hyperpod_operator.core.drain.rules import DrainRules
from hyperpod_operator.core.ports import Clock, KubernetesError, ObjectGone
from hyperpod_operator.core.text import counted
from hyperpod_operator.kube.pods.decoding import OwnerReference, controller
from hyperpod_operator.kube.pods.index import HeldPod

PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
AT_ONCE = 10
"""Reads that run side by side."""
READS_MOST = 200
"""Owners and namespaces that one read looks up; it says so when more are left, and the next one goes on."""
REMEMBERED_MOST = 20_000
NAMESPACES_MOST = 50
"""Namespaces whose budgets one read lists; gangs of further ones are left to the API server."""
NAMESPACE_AGE = 60.0
"""Seconds for which labels of a namespace are good."""
_FINAL = frozenset({400, 401, 403, 404, 405, 406})
"""Answers that do not change by asking again: no right, no such kind."""


class Unresolved(Exception):  # noqa: N818 - a state of affairs
    """Not everything that the rules look at is known yet."""


class Gets(Protocol):
    """The part of `kube.client.ApiServer` that is needed here."""

    async def get(self, path: str, *, query: Mapping[str, str] | None = None, accept: str = ...) -> dict[str, Any]: ...


class Workloads:
    """Remembers the owners of owners, which never change, while pods are needed. Belongs to one event loop."""

    def __init__(self, api: Gets, *, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._parents: dict[str, OwnerRef | None] = {}
        self._namespaces: dict[str, tuple[float, Mapping[str, str] | None]] = {}

    def __len__(self) -> int:
        return len(self._parents) + len(self._namespaces)

    def clear(self) -> None:
        """Hold nothing."""
        self._parents.clear()
        self._namespaces.clear()

    async def read(self, held: Sequence[HeldPod], *, rules: DrainRules) -> PodsRead:
        """The pods with their gangs, the labels of their namespaces and the budgets. Raises Unresolved."""
        if rules.gang_atomic:
            await self._find_parents(held)
        if rules.needs_namespaces:
            await self._find_namespaces({one.pod.namespace for one in held})
        pods = tuple(self._whole(one, rules=rules) for one in held)
        return PodsRead(pods=pods, budgets=await self._budgets(pods) if rules.gang_atomic else ())

    def _whole(self, held: HeldPod, *, rules: DrainRules) -> Pod:
        pod = held.pod
        if rules.gang_atomic and not pod.gang:
            pod = replace(pod, gang=gang_of_owners(namespace=pod.namespace, owners=self._chain(held)))
        if rules.needs_namespaces:
            _, labels = self._namespaces.get(pod.namespace, (0.0, None))
            pod = replace(pod, namespace_labels=labels)
        return pod

    def _chain(self, held: HeldPod) -> list[OwnerRef]:
        chain: list[OwnerRef] = []
        owner = held.owner
        while owner is not None and len(chain) < DEPTH:
            chain.append(owner)
            owner = self._parents.get(owner.uid)
        return chain

    async def _find_parents(self, held: Iterable[HeldPod]) -> None:
        """Level by level: the owners of all pods, then the owners of these."""
        level = {(one.pod.namespace, one.owner) for one in held if not one.pod.gang and one.owner is not None}
        left = READS_MOST
        for _ in range(DEPTH):
            unknown = [one for one in level if one[1].resource and one[1].uid not in self._parents]
            if len(unknown) > left:
                await _all(self._find_parent(*one) for one in unknown[:left])
                raise Unresolved(f"The owners of {len(unknown) - left} workloads are still being read")
            left -= len(unknown)
            await _all(self._find_parent(*one) for one in unknown)
            level = {
                (namespace, parent)
                for namespace, owner in level
                if (parent := self._parents.get(owner.uid)) is not None
            }

    async def _find_parent(self, namespace: str, owner: OwnerRef) -> None:
        path = (
            f"/apis/{owner.group}/{owner.version}/namespaces/{quote(namespace, safe='')}/{owner.resource}/"
            f"{quote(owner.name, safe='')}"
        )
        metadata = await self._metadata(path, what=f"{owner.kind} {namespace}/{owner.name}")
        if len(self._parents) >= REMEMBERED_MOST:
            self._parents.clear()
        same = metadata is not None and metadata.get("uid") == owner.uid
        self._parents[owner.uid] = _parent(metadata.get("ownerReferences")) if metadata and same else None

    async def _find_namespaces(self, names: set[str]) -> None:
        old = self._clock.monotonic() - NAMESPACE_AGE
        unknown = sorted(name for name in names if self._namespaces.get(name, (old, None))[0] <= old)
        await _all(self._find_namespace(name) for name in unknown[:READS_MOST])
        if len(unknown) > READS_MOST:
            raise Unresolved(
                f"The labels of {counted(len(unknown) - READS_MOST, 'namespace is', 'namespaces are')} still being read"
            )

    async def _find_namespace(self, name: str) -> None:
        metadata = await self._metadata(f"/api/v1/namespaces/{quote(name, safe='')}", what=f"Namespace {name}")
        labels = None if metadata is None else metadata.get("labels") or {}
        self._namespaces[name] = (self._clock.monotonic(), labels)

    async def _metadata(self, path: str, *, what: str) -> Mapping[str, Any] | None:
        """None where it cannot be read, now or later. Raises Unresolved for a failure that passes."""
        try:
            body = await self._api.get(path, accept=PARTIAL)
        except ObjectGone:
            return None
        except KubernetesError as error:
            if error.status in _FINAL:
                return None
            raise Unresolved(f"{what} could not be read ({str(error).rstrip('.')})") from error
        metadata = body.get("metadata")
        return metadata if isinstance(metadata, dict) else None

    async def _budgets(self, pods: Iterable[Pod]) -> tuple[Budget, ...]:
        """Of the namespaces in which a gang has several pods; a namespace that cannot be read has none."""
        sizes = Counter((pod.namespace, pod.gang) for pod in pods if pod.gang)
        namespaces = sorted({namespace for (namespace, _), size in sizes.items() if size > 1})
        found = await _all(self._budgets_of(namespace) for namespace in namespaces[:NAMESPACES_MOST])
        return tuple(budget for several in found for budget in several)

    async def _budgets_of(self, namespace: str) -> tuple[Budget, ...]:
        path = f"/apis/policy/v1/namespaces/{quote(namespace, safe='')}/poddisruptionbudgets"
        try:
            body = await self._api.get(path, query={"limit": str(MOST + 1)})
        except (KubernetesError, ObjectGone):
            return ()
        return tuple(_budget(namespace, item) for item in body.get("items") or ())


async def _all(calls: Iterable[Any]) -> list[Any]:
    """The results, with few calls under way at once. The first failure is raised once all have ended."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(call: Any) -> Any:
        async with turn:
            return await call

    ended = await asyncio.gather(*(one(call) for call in calls), return_exceptions=True)
    for result in ended:
        if isinstance(result, BaseException):
            raise result
    return list(ended)


def _parent(references: Any) -> OwnerRef | None:
    try:
        return controller(msgspec.convert(references or [], list[OwnerReference]))
    except msgspec.ValidationError:
        return None


def _budget(namespace: str, item: Mapping[str, Any]) -> Budget:
    spec, status = item.get("spec") or {}, item.get("status") or {}
    raw = spec.get("selector")
    try:
        selector = None if raw is None else LabelSelector.model_validate(raw)
    except ValueError:
        selector = None  # a selector that Kubernetes takes and this operator cannot read: the API server decides
    enough = (status.get("currentHealthy") or 0) >= (status.get("desiredHealthy") or 0) > 0
    return Budget(
        namespace=namespace,
        name=str(item["metadata"]["name"]),
        selector=selector,
        allowed=int(status.get("disruptionsAllowed") or 0),
        spares_unready=enough or spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow",
    )
