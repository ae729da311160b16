"""Ask the API server whether it would take a manifest (kubernetes.io, "Dry-run"); nothing is stored.

The question is the object as it would be stored: created where there is none, and otherwise with its spec replaced. A
server-side apply would keep members that other managers own, and the API server would judge another object.
"""

import re
from collections.abc import Mapping
from typing import Any

from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.api.names import API_VERSION
from hyperpod_operator.core.ports import Key, StoredObject
from hyperpod_operator.core.preview.server import ServerCheck, server_check
from hyperpod_operator.kube.client import ApiServer, collection_path, object_path

QUERY = {"fieldValidation": "Strict", "fieldManager": "hyperpod-operator-plan"}
WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
"""A warning of the API server in an HTTP header (RFC 7234, section 5.5)."""
KEPT = ("labels", "annotations")
"""Metadata that a manifest sets and does not take away: others add to it."""


async def dry_run(
    api: ApiServer, kind: Kind, *, key: Key, manifest: Mapping[str, Any], stored: StoredObject | None
) -> ServerCheck:
    """What the API server says to the manifest, with the caller's own rights. Failures are part of the answer."""
    if stored is None:
        path, method = collection_path(kind.plural, namespace=key.namespace), "POST"
        metadata: dict[str, Any] = {"name": key.name, "namespace": key.namespace}
        rest: Mapping[str, Any] = {}
    else:
        path, method = object_path(kind.plural, namespace=key.namespace, name=key.name), "PUT"
        metadata, rest = dict(stored.body["metadata"]), stored.body
    given = manifest.get("metadata")
    for name in KEPT:
        added = given.get(name) if isinstance(given, Mapping) else None
        if isinstance(added, Mapping):
            metadata[name] = {**(metadata.get(name) or {}), **added}
    body = {**rest, "apiVersion": API_VERSION, "kind": kind.name, "metadata": metadata, "spec": manifest.get("spec")}
    answer = await api.ask(method, path, body, query=QUERY)
    warnings = tuple(re.sub(r"\\(.)", r"\1", text) for line in answer.warnings for text in WARNING.findall(line))
    return server_check(status=answer.status, message=answer.message, warnings=warnings)
