"""Who asks: bearer token, user and password, client certificate, or an exec plugin such as `aws eks get-token`.

Source: kubernetes.io, "client-go credential plugins" (ExecCredential of client.authentication.k8s.io).
"""

import base64
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubectl_hyperpod.cluster.kubeconfig import Target
from kubectl_hyperpod.errors import CommandError

PATIENCE = 60.0
"""Seconds that a plugin may take: it may wait for a person to log in with a browser."""
SAID = 500
"""Characters of a plugin's own error that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Headers to send, and a client certificate as PEM. Never printed."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)


def credentials(target: Target) -> Credentials:
    """Raises CommandError when a plugin or a file gives none."""
    if target.exec is not None:
        return _of_plugin(target)
    token = target.token
    if target.token_file and not token:
        try:
            token = Path(target.token_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise CommandError(f"The token file {target.token_file} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError:
            raise CommandError(f"The token file {target.token_file} has no token: it is no text.") from None
    return Credentials(headers=_headers(token, target.basic), certificate=target.certificate, key=target.key)


def _headers(token: str, basic: str) -> dict[str, str]:
    if token := token.strip():
        return {"Authorization": f"Bearer {token}"}
    return {"Authorization": f"Basic {base64.b64encode(basic.encode()).decode()}"} if basic else {}


def _of_plugin(target: Target) -> Credentials:
    import subprocess

    plugin = target.exec or {}
    command, base = str(plugin.get("command") or ""), plugin.get("base")
    if isinstance(base, Path) and os.sep in command and not os.path.isabs(command):
        command = str(base / command)
    arguments = [command, *map(str, plugin.get("args") or ())]
    extra = {
        str(one["name"]): str(one.get("value") or "")
        for one in plugin.get("env") or ()
        if isinstance(one, dict) and one.get("name")
    }
    env = {**os.environ, **extra, "KUBERNETES_EXEC_INFO": json.dumps(_info(plugin))}
    # A plugin may ask on the terminal (a code of a second factor), unless the kubeconfig forbids it.
    never = plugin.get("interactiveMode") == "Never" or not sys.stdin.isatty()
    try:
        ran = subprocess.run(  # noqa: S603 - the user's own kubeconfig names the command
            arguments,
            env=env,
            stdin=subprocess.DEVNULL if never else None,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except FileNotFoundError as error:
        hint = str(plugin.get("installHint") or "Install it, or correct the kubeconfig.").strip()
        raise CommandError(f"The kubeconfig's credential plugin {command} is not installed. {hint}") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"The credential plugin {command} gave no answer within {PATIENCE:g} s.") from error
    except OSError as error:
        raise CommandError(f"The credential plugin {command} cannot be run: {error.strerror}.") from error
    if ran.returncode:
        said = " ".join(ran.stderr.split())[-SAID:] or "It printed nothing."
        raise CommandError(f"The credential plugin {command} ended with code {ran.returncode}: {said}")
    return _read(ran.stdout, command=command)


def _info(plugin: Mapping[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {"interactive": sys.stdin.isatty()}
    known = plugin.get("info")
    if plugin.get("provideClusterInfo") and isinstance(known, dict):
        cluster: dict[str, Any] = {"server": known["server"], "insecure-skip-tls-verify": known["insecure"]}
        if known["ca"]:
            cluster["certificate-authority-data"] = base64.b64encode(known["ca"]).decode()
        extensions = known["cluster"].get("extensions") or ()
        for one in extensions:
            if isinstance(one, dict) and one.get("name") == "client.authentication.k8s.io/exec":
                cluster["config"] = one.get("extension")
        spec["cluster"] = cluster
    return {"apiVersion": plugin.get("apiVersion"), "kind": "ExecCredential", "spec": spec}


def _read(printed: str, *, command: str) -> Credentials:
    try:
        read = json.loads(printed)
    except ValueError:
        read = None
    status = read.get("status") if isinstance(read, dict) else None
    if not isinstance(status, dict):
        raise CommandError(f"The credential plugin {command} printed no ExecCredential.")
    certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
    if not status.get("token") and not (certificate and key):
        raise CommandError(f"The credential plugin {command} gave neither a token nor a client certificate.")
    return Credentials(
        headers=_headers(str(status.get("token") or ""), ""),
        certificate=certificate.encode() if certificate else None,
        key=key.encode() if key else None,
    )
