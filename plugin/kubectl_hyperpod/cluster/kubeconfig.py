"""The user's kubeconfig, as kubectl reads it: files of KUBECONFIG merged, the first mention of a name wins.

Source: kubernetes.io, "Organizing Cluster Access Using kubeconfig Files", and the Config type of
client-go/tools/clientcmd/api/v1.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubectl_hyperpod.errors import CommandError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LISTS = ("clusters", "users", "contexts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An API server, who asks it, and the namespace that is meant without -n. Secrets are not in the repr."""

    server: str
    namespace: str = "default"
    context: str = ""
    ca: bytes | None = field(default=None, repr=False)
    """PEM; None: the system's authorities."""
    verify: bool = True
    server_name: str = ""
    proxy: str = ""
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)
    token_file: str = ""
    basic: str = field(default="", repr=False)
    """user:password."""
    exec: Mapping[str, Any] | None = field(default=None, repr=False)
    impersonate: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Headers Impersonate-…, each with its values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the command line says about the target; empty: the kubeconfig decides."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    user: str = ""
    namespace: str = ""
    server: str = ""
    token: str = field(default="", repr=False)
    as_user: str = ""
    as_groups: tuple[str, ...] = ()
    as_uid: str = ""
    insecure: bool = False


def target(choice: Choice, env: Mapping[str, str] | None = None) -> Target:
    """Raises CommandError when there is no API server to talk to, or a file cannot be used."""
    env = os.environ if env is None else env
    paths = _paths(choice, env)
    config = _merged([path for path in paths if path.is_file()])
    if not config["clusters"] and not choice.server:
        if (inside := _in_cluster(choice, env)) is not None:
            return inside
        missing = ", ".join(map(str, paths))
        raise CommandError(
            f"No Kubernetes cluster is configured: {missing} names none. Set KUBECONFIG or --kubeconfig."
        )
    return _of_config(config, choice)


def contexts(choice: Choice, env: Mapping[str, str] | None = None) -> list[str]:
    """Names of the contexts, for completion."""
    paths = _paths(choice, os.environ if env is None else env)
    return sorted(_merged([path for path in paths if path.is_file()])["contexts"])


def _paths(choice: Choice, env: Mapping[str, str]) -> list[Path]:
    if choice.kubeconfig:
        path = Path(choice.kubeconfig)
        if not path.is_file():
            raise CommandError(f"There is no kubeconfig file {path}. Correct --kubeconfig.")
        return [path]
    if listed := [Path(one) for one in env.get("KUBECONFIG", "").split(os.pathsep) if one]:
        return listed
    return [Path(env.get("HOME") or "~").expanduser() / ".kube" / "config"]


def _merged(paths: list[Path]) -> dict[str, Any]:
    import yaml  # a fifth of the time that the plugin takes to start

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    merged: dict[str, Any] = {"current-context": "", **{name: {} for name in LISTS}}
    for path in paths:
        try:
            read = yaml.load(path.read_bytes(), Loader=loader) or {}  # noqa: S506 - a safe loader, in C where there is one
        except OSError as error:
            raise CommandError(f"The kubeconfig {path} cannot be read: {error.strerror}.") from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            raise CommandError(f"The kubeconfig {path} is not valid YAML{where}.") from error
        if not isinstance(read, dict):
            raise CommandError(f"The kubeconfig {path} is not a kubeconfig: it holds no object.")
        merged["current-context"] = merged["current-context"] or read.get("current-context") or ""
        for name in LISTS:
            listed = read.get(name)
            for one in listed if isinstance(listed, list) else ():
                if isinstance(one, dict) and isinstance(one.get("name"), str):
                    value = one.get(name[:-1])
                    merged[name].setdefault(one["name"], (path.parent, value if isinstance(value, dict) else {}))
    return merged


def _of_config(config: dict[str, Any], choice: Choice) -> Target:
    name = choice.context or config["current-context"]
    if choice.context and choice.context not in config["contexts"]:
        known = ", ".join(sorted(config["contexts"])) or "none"
        raise CommandError(f"The kubeconfig has no context {choice.context}. It has: {known}.")
    if name not in config["contexts"] and not (choice.cluster or choice.server):
        known = ", ".join(sorted(config["contexts"])) or "none"
        raise CommandError(f"The kubeconfig has no current context. Choose one with --context: {known}.")
    _, context = config["contexts"].get(name, (Path(), {}))
    cluster_name, user_name = choice.cluster or context.get("cluster") or "", choice.user or context.get("user") or ""
    base, cluster = config["clusters"].get(cluster_name, (Path(), {}))
    user_base, user = config["users"].get(user_name, (Path(), {}))
    server = choice.server or str(cluster.get("server") or "")
    if not server:
        raise CommandError(f"The kubeconfig names no server for the cluster {cluster_name or '(none)'}.")
    ca = _data(cluster, base, "certificate-authority")
    verify = not (choice.insecure or cluster.get("insecure-skip-tls-verify"))
    info = {"apiVersion": "", "server": server, "insecure": not verify, "ca": ca, "cluster": cluster}
    return Target(
        server=server,
        namespace=choice.namespace or str(context.get("namespace") or "") or "default",
        context=name,
        ca=ca,
        verify=verify,
        server_name=str(cluster.get("tls-server-name") or ""),
        proxy=str(cluster.get("proxy-url") or ""),
        impersonate=_impersonation(choice, user),
        **_who(choice, user, user_base, info),
    )


def _who(choice: Choice, user: dict[str, Any], base: Path, info: Mapping[str, Any]) -> dict[str, Any]:
    if user.get("auth-provider"):
        raise CommandError(
            "The kubeconfig's user has an auth-provider, which kubectl no longer supports either. Use an exec plugin."
        )
    token_file = str(user.get("tokenFile") or "")
    basic = f"{user['username']}:{user.get('password') or ''}" if user.get("username") else ""
    plugin = user.get("exec") if isinstance(user.get("exec"), dict) else None
    return {
        "certificate": _data(user, base, "client-certificate"),
        "key": _data(user, base, "client-key"),
        "token": choice.token or str(user.get("token") or ""),
        "token_file": "" if choice.token or not token_file else str(base / token_file),
        "basic": basic,
        "exec": None if choice.token or plugin is None else {**plugin, "info": info, "base": base},
    }


def _impersonation(choice: Choice, user: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """The flags, else the user's act-as members; groups without a user make no sense to the API server."""
    name = choice.as_user or str(user.get("as") or "")
    groups = choice.as_groups or tuple(map(str, user.get("as-groups") or ()))
    uid = choice.as_uid or str(user.get("as-uid") or "")
    if (groups or uid) and not name:
        raise CommandError("--as-group and --as-uid need --as: say which user to impersonate.")
    made = {"Impersonate-User": (name,), "Impersonate-Group": groups, "Impersonate-Uid": (uid,)}
    extra = user.get("as-user-extra")
    for key, values in extra.items() if isinstance(extra, dict) else ():
        made[f"Impersonate-Extra-{key}"] = tuple(map(str, values))
    return {header: values for header, values in made.items() if any(values)}


def _data(values: dict[str, Any], base: Path, name: str) -> bytes | None:
    """The member NAME-data in base 64, else the file NAME relative to the kubeconfig."""
    if data := values.get(f"{name}-data"):
        try:
            return base64.b64decode(str(data), validate=True)
        except binascii.Error as error:
            raise CommandError(f"The kubeconfig's {name}-data is not base 64.") from error
    if not (path := values.get(name)):
        return None
    try:
        return (base / str(path)).read_bytes()
    except OSError as error:
        raise CommandError(f"The kubeconfig's {name} {base / str(path)} cannot be read: {error.strerror}.") from error


def _in_cluster(choice: Choice, env: Mapping[str, str]) -> Target | None:
    """The API server of the pod that this runs in."""
    host, port = env.get("KUBERNETES_SERVICE_HOST"), env.get("KUBERNETES_SERVICE_PORT", "443")
    token = SERVICE_ACCOUNT / "token"
    if not host or not token.is_file():
        return None
    namespace = SERVICE_ACCOUNT / "namespace"
    return Target(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        namespace=choice.namespace
        or (namespace.read_text(encoding="utf-8").strip() if namespace.is_file() else "default"),
        context="(in cluster)",
        ca=(SERVICE_ACCOUNT / "ca.crt").read_bytes(),
        token=choice.token,
        token_file="" if choice.token else str(token),
        impersonate=_impersonation(choice, {}),
    )
