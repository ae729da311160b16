"""Where the API server is and who we are: in-cluster or kubeconfig, and tokens that are renewed.

The Kubernetes client's own loaders do the parsing. What is decided here: which source wins, that a token is
read again before it can expire, and that what Kopf needs leaves this floor as plain data (`Credentials`).

Source: "Accessing the Kubernetes API from a Pod" and "Organizing Cluster Access Using kubeconfig Files",
kubernetes.io; service account tokens of pods are bound and rotated ("Managing Service Accounts").
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import yaml
from kubernetes.aio import config as loaders
from kubernetes.aio.client.configuration import Configuration

from hyperpod_operator.core.ports import KubernetesError

log = logging.getLogger(__name__)

KUBECONFIG_REFRESH = 300.0
"""Seconds between two readings of a kubeconfig's token. EKS tokens of `aws eks get-token` live 15 minutes."""

_DEFAULT_KUBECONFIG = "~/.kube/config"
_SERVICE_HOST = "KUBERNETES_SERVICE_HOST"
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to reach and to authenticate with the API server, for a client other than ours.

    Files are paths in PEM. `authorization` is the whole value of the HTTP header (`Bearer …`), empty when a
    client certificate is the proof.
    """

    server: str
    ca_file: str | None = None
    authorization: str = field(default="", repr=False)
    certificate_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    proxy: str | None = None


async def load(
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Any:
    """The Kubernetes client's configuration, with a hook that renews the token.

    An explicit `kubeconfig` wins, then `KUBECONFIG`, then the pod's service account, then `~/.kube/config`.
    Raises KubernetesError (status 0) that says what is missing or wrong, and in which file.
    """
    chosen = kubeconfig or environ.get("KUBECONFIG") or None
    if chosen is None and not context and environ.get(_SERVICE_HOST):
        configuration = _in_cluster()
    else:
        configuration = await _from_kubeconfig(chosen or _DEFAULT_KUBECONFIG, context=context)
    _choose_proxy(configuration)
    # [assumption: eks-ca-without-key-identifier]
    # Amazon EKS signs with a CA certificate that has no Authority Key Identifier, which RFC 5280 (4.2.1.1) allows and
    # the strict check that Python 3.13 made its default refuses (kubernetes-client/python issue 2394). Chain, dates and
    # host name are checked all the same.
    configuration.disable_strict_ssl_verification = True
    return configuration


def own_namespace(*, file: Path = _POD_NAMESPACE) -> str:
    """The namespace of this pod, or `default` outside of one."""
    try:
        return file.read_text(encoding="utf-8").strip() or "default"
    except OSError:
        return "default"


async def credentials(configuration: Any) -> Credentials:
    """What `configuration` holds at this moment, after renewing the token if it is due."""
    authorization = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    return Credentials(
        server=configuration.host,
        ca_file=configuration.ssl_ca_cert,
        # A token file may end with a newline, which no HTTP header may hold.
        authorization=(authorization or "").strip(),
        certificate_file=configuration.cert_file,
        key_file=configuration.key_file,
        verify=configuration.verify_ssl,
        proxy=configuration.proxy,
    )


def _choose_proxy(configuration: Any) -> None:
    """The kubeconfig's proxy, else that of HTTPS_PROXY and NO_PROXY: looked up once, and for Kopf's connections, too.

    Left to itself, aiohttp reads the whole environment and looks for a netrc file before each request, in another
    thread; in a pod, where every Service adds seven variables, that costs more than the request.
    """
    address = urlsplit(configuration.host)
    if configuration.proxy is None and address.hostname and not _is_direct(address.hostname):
        configuration.proxy = getproxies().get(address.scheme)
    configuration.client_session_kwargs = {"trust_env": False}


def _is_direct(host: str) -> bool:
    """Whether NO_PROXY says so. In Kubernetes it has blocks of addresses, as that of the Services, in which a pod finds
    the API server; Python's library takes names and single addresses only."""
    if proxy_bypass(host):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in block for block in _blocks(getproxies().get("no", "")))


def _blocks(no_proxy: str) -> Iterator[IPv4Network | IPv6Network]:
    for part in no_proxy.split(","):
        with suppress(ValueError):
            yield ip_network(part.strip().strip("[]"), strict=False)


def _in_cluster() -> Any:
    configuration: Any = Configuration()
    try:
        # The loader's own hook reads the token file again every minute.
        load_incluster_config: Any = loaders.load_incluster_config  # untyped
        load_incluster_config(client_configuration=configuration)
    except (loaders.ConfigException, OSError) as error:
        raise KubernetesError(
            status=0,
            message=f"The pod's service account cannot be used: {error}. "
            "Set automountServiceAccountToken to true in the pod, or give --kubeconfig.",
        ) from error
    return configuration


async def _from_kubeconfig(path: str, *, context: str | None) -> Any:
    configuration: Any = Configuration()
    await _read_kubeconfig(path, context=context, into=configuration)
    if configuration.tls_server_name:
        # Kopf opens connections of its own and cannot be told another server name.
        raise KubernetesError(
            status=0,
            message=f"The kubeconfig {path} sets tls-server-name, which the operator does not support. "
            "Use a server address that the API server's certificate names.",
        )
    if configuration.api_key:
        configuration.refresh_api_key_hook = _renewal(path, context=context)
    return configuration


def _renewal(path: str, *, context: str | None) -> Callable[[Any], Awaitable[None]]:
    read_at = asyncio.get_running_loop().time()

    async def renew(configuration: Any) -> None:
        nonlocal read_at
        now = asyncio.get_running_loop().time()
        if now - read_at < KUBECONFIG_REFRESH:
            return
        read_at = now  # before the wait, so that parallel requests start one exec plugin, not many
        fresh: Any = Configuration()
        try:
            await _read_kubeconfig(path, context=context, into=fresh)
        except KubernetesError as error:
            log.warning("The old credentials stay in use: %s", error)
            return
        if fresh.api_key:
            configuration.api_key = fresh.api_key

    return renew


async def _read_kubeconfig(path: str, *, context: str | None, into: Any) -> None:
    if not _any_file(path):
        raise KubernetesError(
            status=0,
            message=f"There is no kubeconfig at {path}, and this is no pod ({_SERVICE_HOST} is not set). "
            "Give --kubeconfig FILE or set KUBECONFIG.",
        )
    try:
        load_kube_config: Any = loaders.load_kube_config  # untyped
        await load_kube_config(config_file=path, context=context, client_configuration=into, persist_config=False)
    except (loaders.ConfigException, yaml.YAMLError, OSError, TypeError, KeyError, AttributeError) as error:
        # The loader meets a file of another shape with whatever its code happens to stumble over.
        where = f"{path}, context {context}" if context else path
        raise KubernetesError(
            status=0,
            message=f"The kubeconfig {where} cannot be used: {error}. "
            "`kubectl config view` shows what kubectl makes of it.",
        ) from error


def _any_file(path: str) -> bool:
    return any(Path(part).expanduser().is_file() for part in path.split(os.pathsep) if part)
