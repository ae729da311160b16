"""A hundred thousand Nodes within a minute: one of each cluster through the API server, its copies into etcd.

The API server needs milliseconds for each Node that is posted, and they would be the longest part of the run. What it
stored is a text of fixed places: names, ids and digests are replaced by others of the same length, so a copy is what
the API server would have stored.
"""

import base64
import http.client
import itertools
import json
import random
import re
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.environment.environment import Environment
from benchmarks.environment.faults import BenchmarkError

PREFIX = "/registry/minions/"
TOGETHER = 100
"""Copies in one transaction: about a megabyte."""
ETCD_FLAGS = ("--max-request-bytes=8388608", "--quota-backend-bytes=8589934592", "--max-txn-ops=256")
PATIENCE = 300.0
_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A Node as etcd has it, with what is its own alone: the instance's id and its uid."""

    value: bytes
    instance_id: str
    uid: str

    def copy(self, instance_id: str, *, uid: str, chance: random.Random) -> bytes:
        """The Node of another instance. Raises ValueError when its id has another length, for lengths are stored."""
        if len(instance_id) != len(self.instance_id) or len(uid) != len(self.uid):
            raise ValueError(f"{instance_id} and {uid} are not as long as {self.instance_id} and {self.uid}")
        own = self.value.replace(self.instance_id.encode(), instance_id.encode())
        own = own.replace(self.uid.encode(), uid.encode())
        return _DIGEST.sub(lambda _: b"sha256:" + chance.randbytes(32).hex().encode(), own)


class Etcd:
    """etcd's own API, over JSON."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, key: str) -> bytes:
        """Raises BenchmarkError when there is no such key."""
        found = self._ask("/v3/kv/range", {"key": _encoded(key.encode())}).get("kvs")
        if not found:
            raise BenchmarkError(f"etcd has no key {key}")
        return base64.b64decode(found[0]["value"])

    def put(self, entries: Iterable[tuple[str, bytes]]) -> None:
        """All of them, in one transaction."""
        puts = [{"request_put": {"key": _encoded(key.encode()), "value": _encoded(value)}} for key, value in entries]
        self._ask("/v3/kv/txn", {"success": puts})

    def close(self) -> None:
        self._connection.close()

    def _ask(self, path: str, body: object) -> dict[str, list[dict[str, str]]]:
        self._connection.request("POST", path, body=json.dumps(body))
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != http.client.OK:
            raise BenchmarkError(f"etcd answered {answer.status} to {path}: {text[:300].decode(errors='replace')}")
        found: dict[str, list[dict[str, str]]] = json.loads(text)
        return found


def multiply(env: Environment, name: str, *, uid: str, instance_id: str, others: Sequence[str]) -> None:
    """Copies of this Node for other instances of its cluster."""
    etcd = Etcd(env.plane.ports["etcd"])
    stored, chance = Stored(value=etcd.get(PREFIX + name), instance_id=instance_id, uid=uid), random.Random(instance_id)
    for part in _parts(others):
        etcd.put(
            (
                PREFIX + name.replace(instance_id, other),
                stored.copy(other, uid=str(uuid.UUID(bytes=chance.randbytes(16), version=4)), chance=chance),
            )
            for other in part
        )
    etcd.close()


def wait_served(env: Environment, *, count: int) -> None:
    """Until the API server has so many Nodes. Raises BenchmarkError."""
    deadline, connection = time.monotonic() + PATIENCE, env.connection()
    seen = 0
    while time.monotonic() < deadline:
        connection.request("GET", "/api/v1/nodes?limit=1")
        page = json.loads(connection.getresponse().read())
        seen = len(page["items"]) + page["metadata"].get("remainingItemCount", 0)
        if seen == count:
            connection.close()
            return
        time.sleep(0.5)
    raise BenchmarkError(f"the API server has {seen} of {count} Nodes after {PATIENCE:.0f} s")


def _parts(names: Sequence[str]) -> Iterator[list[str]]:
    left = iter(names)
    while part := list(itertools.islice(left, TOGETHER)):
        yield part


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()
