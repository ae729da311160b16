"""One Lease as the lock of `kubernetes.aio.leaderelection`: the library has the loop, this decides who may lead.

The library's own lock lets a connection error end the loop, waits five minutes for an answer, writes local time
as if it were UTC, and tells expiry by the wall clock, so that a clock that is set forward makes two leaders. Here
every call is short and every failure is an answer; times are UTC; and a lease that another one holds, or held when it
was deleted, is free only when it has not changed for its own duration on our monotonic clock.

Source: Kubernetes API, coordination.k8s.io/v1 Lease; client-go `tools/leaderelection` for what the fields mean.
"""

import asyncio
import json
import logging
import math
from collections.abc import Awaitable
from typing import Any

from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.aio.leaderelection.resourcelock.baselock import BaseLock

from hyperpod_operator.api.names import LABEL_LEADER_ELECTION, SERVED_NAMESPACES
from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.core.ports import Clock, KubernetesError, ObjectGone, StaleObject
from hyperpod_operator.kube.client import ApiServer, collection_path, object_path
from hyperpod_operator.kube.leadership.guard import LeadershipGuard

logger = logging.getLogger(__name__)

GROUP_VERSION = "coordination.k8s.io/v1"
LEASES = "leases"

CALL_TIMEOUT = 5.0
"""Longest wait in seconds for one answer; a third of the default lease."""

_NOT_FOUND = ApiException(status=404, reason="there is no such lease yet")
_NOT_FOUND.body = json.dumps({"code": 404})


class LeaseLock(BaseLock):
    """Reads and writes the lease; proves the guard at each write that the API server took."""

    def __init__(
        self, api: ApiServer, *, lease: LeaseSettings, identity: str, clock: Clock, guard: LeadershipGuard
    ) -> None:
        super().__init__(lease.name, lease.namespace, identity)
        self._api = api
        self._lease = lease
        self._clock = clock
        self._guard = guard
        self._found: dict[str, Any] = {}
        self._changed_at = 0.0
        self._unanswered = False
        """Whether a write was sent whose answer is not known."""
        self._outdated = False
        """Whether the API server has another lease than was read last, or none."""
        self.holder = ""
        """Who holds the lease, as of the last answer."""
        self.fault: str | None = "the lease was not read yet"
        """Why the lease could not be read or written at the last try; None when it could."""

    async def get(
        self, name: str, namespace: str
    ) -> tuple[bool, LeaderElectionRecord] | tuple[bool, Exception] | tuple[bool, None]:
        """The record as the library should see it: a lease that is free names no holder.

        A leader's own last write is the record, until another client is known to have written: to read it first, where
        each answer takes seconds, would use up the time that a renewal has. client-go renews so, too.
        """
        if self._guard.held and self.holder == self.identity and not self._outdated:
            return True, self._record()
        try:
            found = await self._answer(self._api.get(self._path, waits=False))
        except ObjectGone:
            self._tell(None)
            if self._is_held_by_another():
                return False, ApiException(status=0, reason=f"its holder, {self.holder}, may still lead")
            self._found = {}
            return False, _NOT_FOUND
        except (KubernetesError, StaleObject, TimeoutError) as error:
            self._tell(f"the lease {namespace}/{name} cannot be read: {_words(error)}")
            return False, ApiException(status=0, reason=self.fault)
        self._tell(None)
        self._see(found)
        if self._guard.held and self.holder not in ("", self.identity):
            self._guard.lose(f"the lease {namespace}/{name} is held by {self.holder} now")
        if self._is_free():
            return True, LeaderElectionRecord(None, None, None, None)
        return True, self._record()

    def _record(self) -> LeaderElectionRecord:
        spec = self._found["spec"]
        return LeaderElectionRecord(self.holder, str(self._duration), spec.get("acquireTime"), spec["renewTime"])

    async def create(self, name: str, namespace: str, election_record: object) -> bool:  # noqa: ARG002 - the library's
        """Create the lease as ours; False when somebody was faster or the API server refuses."""
        body = {
            "apiVersion": GROUP_VERSION,
            "kind": "Lease",
            "metadata": self._marked({"name": name, "namespace": namespace}),
            "spec": self._ours({}),
        }
        path = collection_path(LEASES, namespace=namespace, group_version=GROUP_VERSION)
        return await self._write(self._api.create(path, body, leader_only=False))

    async def update(self, name: str, namespace: str, updated_record: object) -> bool:  # noqa: ARG002 - as above
        """Take or renew the lease, if it is ours or free and nobody wrote it since it was read."""
        if self.holder != self.identity and not self._is_free():
            return False  # the library goes by the wall clock, which may have been set
        if await self._renew():
            return True
        if not self._outdated:
            return False
        # Whoever wrote it may lead now; or it was this process, and the answer was lost.
        await self.get(name, namespace)
        return self._guard.held and self.holder == self.identity and not self._outdated and await self._renew()

    async def _renew(self) -> bool:
        body = {
            **self._found,
            "metadata": self._marked(self._found.get("metadata") or {}),
            "spec": self._ours(self._found.get("spec") or {}),
        }
        return await self._write(self._api.replace(self._path, body, leader_only=False))

    async def release(self) -> None:
        """Give the lease up, so that the next one takes it at once; best effort, the lease expires anyhow."""
        self._guard.end()
        try:
            if self._unanswered:  # the stop cut it off, and the API server may have taken it
                self._see(await self._answer(self._api.get(self._path, waits=False)))
            if self.holder != self.identity:
                return
            spec = {**self._found["spec"], "holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": self._now()}
            await self._answer(self._api.replace(self._path, {**self._found, "spec": spec}, leader_only=False))
        except (KubernetesError, ObjectGone, StaleObject, TimeoutError) as error:
            logger.warning(
                "The lease %s/%s could not be given up (%s); another replica takes it when it expires, in %g s.",
                self.namespace, self.name, error, self._lease.duration,
            )  # fmt: skip
        else:
            logger.info("Gave up the lease %s/%s: another replica can lead at once.", self.namespace, self.name)

    async def _write(self, call: Awaitable[dict[str, Any]]) -> bool:
        asked_at = self._clock.monotonic()
        self._unanswered = True
        try:
            found = await self._answer(call)
        except (KubernetesError, ObjectGone, StaleObject, TimeoutError) as error:
            self._outdated = self._outdated or isinstance(error, ObjectGone | StaleObject)
            self._tell(f"the lease {self.namespace}/{self.name} cannot be written: {_words(error)}")
            return False
        self._tell(None)
        self._see(found)
        # From before the request: the API server may have taken it at once and answered late.
        self._guard.prove(until=asked_at + self._lease.renew_deadline)
        return True

    async def _answer(self, call: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        async with asyncio.timeout(min(CALL_TIMEOUT, self._lease.renew_deadline / 2)):
            return await call

    def _see(self, found: dict[str, Any]) -> None:
        if (found.get("spec") or {}) != self._found.get("spec"):
            self._changed_at = self._clock.monotonic()
        self._found, self._unanswered, self._outdated = found, False, False
        self.holder = str((found.get("spec") or {}).get("holderIdentity") or "")

    def over_in(self) -> float:
        """Seconds until the lease is free if its holder does not renew it; 0 and less when it is."""
        return self._changed_at + self._duration - self._clock.monotonic()

    def _is_free(self) -> bool:
        """Nobody holds it, or its holder has not renewed it for as long as the lease itself says."""
        spec = self._found.get("spec") or {}
        if not self.holder or not spec.get("renewTime"):
            return True
        return self.holder != self.identity and self.over_in() <= 0

    def _is_held_by_another(self) -> bool:
        """Also where the Lease was deleted since: its holder leads on until it notices, and makes it again."""
        return bool(self._found) and self.holder != self.identity and not self._is_free()

    @property
    def _duration(self) -> float:
        """The holder's own duration: replicas of two releases may differ in theirs."""
        spec = self._found.get("spec") or {}
        return float(spec.get("leaseDurationSeconds") or self._lease.duration)

    @property
    def _path(self) -> str:
        return object_path(LEASES, namespace=self.namespace, name=self.name, group_version=GROUP_VERSION)

    def _marked(self, metadata: dict[str, Any]) -> dict[str, Any]:
        """With what tells people whose Lease it is, and whom that operator serves; a name tells neither."""
        return {
            **metadata,
            "labels": {**(metadata.get("labels") or {}), LABEL_LEADER_ELECTION: "operator"},
            "annotations": {**(metadata.get("annotations") or {}), SERVED_NAMESPACES: ",".join(self._lease.serves)},
        }

    def _ours(self, spec: dict[str, Any]) -> dict[str, Any]:
        renewed = spec.get("holderIdentity") == self.identity
        transitions = int(spec.get("leaseTransitions") or 0)
        return {
            **spec,
            "holderIdentity": self.identity,
            "leaseDurationSeconds": math.ceil(self._lease.duration),
            "acquireTime": spec.get("acquireTime") if renewed else self._now(),
            "renewTime": self._now(),
            "leaseTransitions": transitions if renewed or not spec else transitions + 1,
        }

    def _now(self) -> str:
        """A MicroTime, which is UTC."""
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _tell(self, fault: str | None) -> None:
        """Say once that something is wrong, and once that it is well again."""
        if fault is not None and self.fault != fault:
            logger.warning("Leader election: %s. It is tried again.", fault.rstrip("."))
        elif fault is None and self.fault is not None and self._found:
            logger.info("Leader election: the lease %s/%s can be used again.", self.namespace, self.name)
        self.fault = fault


def _words(error: Exception) -> str:
    return str(error) or "no answer in time"
