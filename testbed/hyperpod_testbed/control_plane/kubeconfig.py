"""Kubeconfig files, as plain data."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperpod_testbed.control_plane.certificates import Pair


@dataclass(frozen=True, slots=True)
class Server:
    """Where the API server is and which authority vouches for it."""

    url: str
    ca: Path


def with_certificate(path: Path, *, server: Server, user: str, pair: Pair) -> Path:
    """A kubeconfig for a client certificate."""
    return _write(
        path, server=server, user=user, login={"client-certificate": str(pair.certificate), "client-key": str(pair.key)}
    )


def with_token(path: Path, *, server: Server, user: str, token: str) -> Path:
    """A kubeconfig for a bearer token."""
    return _write(path, server=server, user=user, login={"token": token})


def _write(path: Path, *, server: Server, user: str, login: dict[str, str]) -> Path:
    """JSON is YAML, too."""
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "testbed", "cluster": {"server": server.url, "certificate-authority": str(server.ca)}}],
        "users": [{"name": user, "user": login}],
        "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": user}}],
        "current-context": "testbed",
    }
    # Written aside and renamed: the file may be read, or written again, meanwhile.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as aside:
        aside.write(json.dumps(document, indent=2))
    return Path(aside.name).replace(path)
