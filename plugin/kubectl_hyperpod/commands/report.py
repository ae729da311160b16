"""`report`: one archive for a support case: resources, Events, logs, metrics, versions. No secrets."""

import functools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click

from hyperpod_operator import __version__
from hyperpod_operator.api.names import GROUP
from hyperpod_operator.core.explain.explain import explain
from hyperpod_operator.core.explain.world import inside, text
from hyperpod_operator.core.text import counted
from kubectl_hyperpod import redact
from kubectl_hyperpod.bundle import Bundle
from kubectl_hyperpod.cluster.api import Object
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.gather import operator, world
from kubectl_hyperpod.inventory import nodes_of
from kubectl_hyperpod.options import argument, common
from kubectl_hyperpod.resources import CLUSTER, DEFINITIONS, EVENTS, KINDS, PODS, Named, named
from kubectl_hyperpod.session import Session, metadata
from kubectl_hyperpod.view.data import as_yaml
from kubectl_hyperpod.view.explanation import lines
from kubectl_hyperpod.view.say import say

LOG_LINES = 5000
LOG_BYTES = 8 * 1024 * 1024
PODS_MOST = 5
UNBOUNDED = 1_000_000
OPERATOR = "app.kubernetes.io/name=hyperpod-operator"
METRICS = 8080
AWS_PATIENCE = 60


@click.command()
@argument()
@click.option("-f", "--file", "path", type=click.Path(dir_okay=False, path_type=Path), default=None,
              help="Archive to write (.tar.gz); default: hyperpod-report-NAMESPACE-TIME.tar.gz.")  # fmt: skip
@click.option("--operator-namespace", default="", envvar="HYPERPOD_OPERATOR_NAMESPACE", help="Of the operator.")
@click.option("--aws", "with_aws", is_flag=True,
              help="Also what the AWS CLI shows of the clusters, read with your own credentials.")  # fmt: skip
@common()
def report(
    session: Session, which: tuple[str, ...], path: Path | None, operator_namespace: str, with_aws: bool
) -> None:
    """Collect what a support case needs into one archive, for an object or the whole namespace.

    Secrets and ConfigMaps are never read; values of environment variables and whatever looks like a credential are
    left out.
    """
    asked = named(which)
    if asked is not None:
        session.get(asked)
    now = session.now()
    path = path or Path(f"hyperpod-report-{session.namespace}-{now.strftime('%Y%m%dT%H%M%SZ')}.tar.gz")
    bundle = Bundle(now)
    found = _objects(session, bundle, asked)
    for one, resource in found:
        _explanation(session, bundle, one, operator_namespace)
        if with_aws and one.kind is CLUSTER:
            _aws(bundle, resource)
    _nodes(session, bundle)
    _operator(session, bundle, operator_namespace)
    _versions(session, bundle)
    bundle.write(path)
    missing = f"; {counted(len(bundle.missing), 'part')} could not be read (missing.txt)" if bundle.missing else ""
    say(f"{path}: {counted(len(bundle.names), 'file')}{missing}. Look into it before you send it.")


def _objects(session: Session, bundle: Bundle, asked: Named | None) -> list[tuple[Named, Object]]:
    found: list[tuple[Named, Object]] = []
    for kind in KINDS:
        listed: list[Object] = bundle.tried(kind.resource.plural, functools.partial(session.list, kind)) or []
        for one in listed:
            name = metadata(one, "name")
            bundle.add(f"resources/{kind.short}-{name}.yaml", as_yaml(redact.resource(one)))
            if asked is None or asked == Named(kind, name):
                found.append((Named(kind, name), one))
    events = bundle.tried("Events", lambda: session.api.list(EVENTS, namespace=session.namespace)) or []
    ours = [one for one in events if text(inside(one, "regarding", "apiVersion")).startswith(GROUP)]
    bundle.add("events.yaml", as_yaml([redact.resource(one) for one in ours]))
    return found


def _explanation(session: Session, bundle: Bundle, one: Named, operator_namespace: str) -> None:
    made = bundle.tried(
        f"explanation of {one.name}", lambda: explain(world(session, one, operator_namespace=operator_namespace))
    )
    if made is not None:
        # Not wrapped: a secret that is broken over two lines would not be recognised.
        written = "\n".join(lines(made, now=session.now(), width=UNBOUNDED))
        bundle.add(f"explain/{one.kind.short}-{one.name}.txt", redact.text(written) + "\n")


def _nodes(session: Session, bundle: Bundle) -> None:
    found = bundle.tried("Nodes", lambda: nodes_of(session)) or []
    kept = [
        {
            "metadata": {name: inside(one.node, "metadata", name) for name in ("name", "labels", "annotations")},
            "spec": inside(one.node, "spec"),
            "conditions": inside(one.node, "status", "conditions"),
        }
        for one in found
    ]
    bundle.add("nodes.yaml", as_yaml([redact.resource(one) for one in kept]))


def _operator(session: Session, bundle: Bundle, namespace: str) -> None:
    lease = operator(session.api, namespace=namespace, served=session.namespace)
    if lease.unknown:
        bundle.missing.append(lease.unknown)
    if lease.lease:
        bundle.add("operator/lease.yaml", as_yaml(redact.resource(lease.lease)))
    where = lease.namespace or namespace
    if not where:
        if not lease.unknown:
            bundle.missing.append(
                "The operator's pods, logs and metrics: no namespace has its Lease. Name its namespace with "
                "--operator-namespace."
            )
        return
    pods = bundle.tried("pods of the operator", lambda: session.api.list(PODS, namespace=where, labels=OPERATOR)) or []
    for pod in pods[:PODS_MOST]:
        name = metadata(pod, "name")
        bundle.add(f"operator/{name}.yaml", as_yaml(redact.resource(pod)))
        at = PODS.path(namespace=where, name=name)
        for which, query in (("log", ""), ("previous-log", "&previous=true")):
            path = f"{at}/log?tailLines={LOG_LINES}&limitBytes={LOG_BYTES}{query}"
            _text(session, bundle, f"operator/{name}.{which}", path)
        _text(session, bundle, f"operator/{name}.metrics", f"{at}:{METRICS}/proxy/metrics")


def _text(session: Session, bundle: Bundle, name: str, path: str) -> None:
    found = bundle.tried(name, lambda: session.api.text(path))
    if found:
        bundle.add(name, redact.text(found))


def _versions(session: Session, bundle: Bundle) -> None:
    bundle.add("versions/plugin.txt", f"kubectl-hyperpod {__version__}\n")
    _text(session, bundle, "versions/kubernetes.json", "/version")
    for kind in KINDS:
        name = f"{kind.resource.plural}.{GROUP}"
        definition = bundle.tried(name, functools.partial(session.api.get, DEFINITIONS, name=name))
        if definition is not None:
            kept = {"metadata": definition.get("metadata"), "status": definition.get("status")}
            bundle.add(f"versions/{name}.yaml", as_yaml(redact.resource(kept)))


def _aws(bundle: Bundle, cluster: Object) -> None:
    """What AWS shows, by the user's own CLI and credentials: three reads."""
    name = text(inside(cluster, "spec", "clusterName")) or metadata(cluster, "name")
    region = text(inside(cluster, "status", "region"))
    for verb in ("describe-cluster", "list-cluster-nodes", "list-cluster-events"):
        found = bundle.tried(f"aws {verb} {name}", functools.partial(_aws_says, verb, name, region))
        if found is not None:
            bundle.add(f"aws/{name}-{verb}.json", json.dumps(redact.value(found), indent=2) + "\n")


def _aws_says(verb: str, name: str, region: str) -> Any:
    program = shutil.which("aws")
    if program is None:
        raise CommandError("the AWS CLI is not installed.")
    words = [program, "sagemaker", verb, "--cluster-name", name, "--output", "json", "--no-cli-pager"]
    try:
        ran = subprocess.run(  # noqa: S603 - no shell; the names are arguments
            [*words, *(["--region", region] if region else [])],
            capture_output=True,
            text=True,
            timeout=AWS_PATIENCE,
            check=False,
        )
        if ran.returncode:
            raise CommandError(" ".join(ran.stderr.split())[:300])
        return json.loads(ran.stdout or "{}")
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise CommandError(str(error)) from error
