"""The taint, the annotation and the conditions of a drained Node. `core.drain.ports.NodeMarks` on the real thing.

Taint and annotation are one conditional write (`kube.nodes.writes`). Conditions are merged by their type, so that those
of kubelets and of others stay. They inform people: where the operator may not write them, the drain goes on without.

Source: kubernetes.io, "Strategic merge patch"; the merge key of `status.conditions` is `type` (API reference, Node v1).
"""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from hyperpod_operator.core.audit import Audit, recording
from hyperpod_operator.core.drain.audit import marked, shown
from hyperpod_operator.core.drain.marks import (
    CONDITION_REASON,
    HeldBy,
    Lifecycle,
    Marks,
    Owner,
    StoredCondition,
    condition_changes,
    held_by,
    hold,
    release,
)
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.ports import Clock, KubernetesError, ObjectGone
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.nodes.decoding import node_object
from hyperpod_operator.kube.nodes.factory import NodeFactory
from hyperpod_operator.kube.nodes.stream import PATH
from hyperpod_operator.kube.nodes.writes import NodeWriter

log = logging.getLogger(__name__)

_DENIED = 403


class KubeNodeMarks:
    """Reads each Node from the API server before it is changed."""

    def __init__(self, api: ApiServer, *, clock: Clock, audit: Audit) -> None:
        self._api = api
        self._clock = clock
        self._audit = audit
        self._writer = NodeWriter(api)
        self._factory = NodeFactory()
        self._complained = False

    async def mark(self, *, node: str, marks: Marks) -> HeldBy | None:
        body, found = await self._read(node)
        if found is None:
            return None
        change = hold(found, marks.owner, now=self._clock.now(), detach=marks.detach)
        if isinstance(change, HeldBy):
            return change
        try:
            if change:
                await self._change(found, change, owner=marks.owner)
            await self._show(found, body, wanted=marks.conditions, message=marks.message, owner=marks.owner)
        except ObjectGone:
            return None
        return None

    async def unmark(self, *, node: str, owner: Owner) -> None:
        body, found = await self._read(node)
        if found is None or held_by(found) not in {"", str(owner)}:
            return
        try:
            # The annotation goes last: it says that there is something to undo.
            after = await self._show(found, body, wanted=frozenset(), message="", owner=owner)
            left = self._factory.node(node_object(after)) if after else found
            change = release(left, owner) if left is not None else None
            if left is not None and change:
                await self._change(left, change, owner=owner)
        except ObjectGone:
            return

    async def _change(self, node: Node, change: NodeChange, *, owner: Owner) -> None:
        with recording(self._audit, partial(marked, change, node=node.name, owner=owner)):
            await self._writer.change(node, change)

    async def _read(self, name: str) -> tuple[Mapping[str, Any], Node | None]:
        try:
            body = await self._api.get(_path(name))
        except ObjectGone:
            return {}, None
        return body, self._factory.node(node_object(body))

    async def _show(
        self, node: Node, body: Mapping[str, Any], *, wanted: frozenset[Lifecycle], message: str, owner: Owner
    ) -> Mapping[str, Any]:
        """The Node as it is after the write; empty where nothing was written."""
        changes = condition_changes(_stored(body), wanted=wanted, message=message)
        if not changes:
            return {}
        now = stamp(self._clock.now())
        conditions = [_condition(kind, text, now=now) for kind, text in changes.items()]
        patch = {"metadata": {"uid": node.uid}, "status": {"conditions": conditions}}
        try:
            with recording(self._audit, partial(shown, changes, node=node.name, owner=owner)):
                return await self._api.strategic_patch(f"{_path(node.name)}/status", patch)
        except KubernetesError as error:
            if error.status != _DENIED:
                raise
            if not self._complained:
                log.warning("Conditions of Nodes cannot be written, drains go on without them: %s", error)
            self._complained = True
            return {}


def _condition(kind: Lifecycle, message: str | None, *, now: str) -> dict[str, str]:
    if message is None:
        return {"$patch": "delete", "type": kind}
    return {
        "type": kind,
        "status": "True",
        "reason": CONDITION_REASON,
        "message": message,
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }


def _stored(body: Mapping[str, Any]) -> tuple[StoredCondition, ...]:
    types = frozenset(Lifecycle)
    return tuple(
        StoredCondition(
            type=str(one["type"]),
            status=str(one.get("status", "")),
            reason=str(one.get("reason", "")),
            message=str(one.get("message", "")),
        )
        for one in (body.get("status") or {}).get("conditions") or ()
        if one.get("type") in types
    )


def _path(name: str) -> str:
    return f"{PATH}/{quote(name, safe='')}"
