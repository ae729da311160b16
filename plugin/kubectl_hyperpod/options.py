"""The options that every verb takes, spelled as kubectl spells them."""

import functools
from collections.abc import Callable
from typing import Any

import click

from kubectl_hyperpod.cluster.kubeconfig import Choice, contexts
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.resources import CLUSTER, KINDS, NAMESPACES, Kind, named
from kubectl_hyperpod.session import Session, metadata

Command = Callable[..., Any]
OUTPUTS = ("wide", "json", "yaml")


def session_of(ctx: click.Context) -> Session:
    """The session of the command line; a test puts its own into the context."""
    given = ctx.find_object(Session)
    return given if given is not None else Session()


def common(*, outputs: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Adds the options and passes a `Session` as the first argument."""

    def add(command: Command) -> Command:
        @functools.wraps(command)
        def made(**given: Any) -> Any:
            session = session_of(click.get_current_context())
            session.choice = Choice(
                kubeconfig=given.pop("kubeconfig") or session.choice.kubeconfig,
                context=given.pop("context"),
                cluster=given.pop("kube_cluster"),
                user=given.pop("user"),
                namespace=given.pop("namespace") or session.choice.namespace,
                server=given.pop("server"),
                token=given.pop("token"),
                as_user=given.pop("as_user"),
                as_groups=given.pop("as_groups"),
                as_uid=given.pop("as_uid"),
                insecure=given.pop("insecure"),
            )
            session.output = given.pop("output", "") or ""
            return command(session, **given)

        found: Command = made
        for option in reversed(_options(outputs)):
            found = option(found)
        return found

    return add


def _options(outputs: tuple[str, ...]) -> list[Callable[[Command], Command]]:
    output = [click.option("-o", "--output", type=click.Choice(outputs), default=None, help="Output format.")]
    return [
        click.option("-n", "--namespace", default="", shell_complete=_namespaces, help="Namespace."),
        *(output if outputs else []),
        click.option("--kubeconfig", default="", type=click.Path(), help="Kubeconfig file."),
        click.option("--context", default="", shell_complete=_contexts, help="Context of the kubeconfig."),
        click.option("--kube-cluster", default="", help="Cluster of the kubeconfig (kubectl's --cluster)."),
        click.option("--user", default="", help="User of the kubeconfig."),
        click.option("-s", "--server", default="", help="URL of the API server."),
        click.option("--token", default="", help="Bearer token."),
        click.option("--as", "as_user", default="", help="User to impersonate."),
        click.option("--as-group", "as_groups", multiple=True, help="Group to impersonate; repeatable."),
        click.option("--as-uid", default="", help="UID to impersonate."),
        click.option("--insecure-skip-tls-verify", "insecure", is_flag=True, help="Do not check the certificate."),
    ]


def objects(ctx: click.Context, _: click.Parameter, incomplete: str, *, kinds: tuple[Kind, ...] = KINDS) -> list[str]:
    """Completion: names of clusters, and KIND/NAME after a slash."""
    word, slash = incomplete.partition("/")[:2]
    try:
        which = named((incomplete,), kinds) if slash else None
        kind = which.kind if which else CLUSTER
        names = [metadata(one, "name") for one in _completing(ctx).list(kind, everywhere=not kind.namespaced)]
    except CommandError:
        return []
    prefix = f"{word}/" if slash else ""
    return [f"{prefix}{name}" for name in names if f"{prefix}{name}".startswith(incomplete)]


def nodes_of_line(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Completion: names of HyperPod's Nodes."""
    from kubectl_hyperpod.inventory import nodes_of

    try:
        return [one.name for one in nodes_of(_completing(ctx)) if one.name.startswith(incomplete)]
    except CommandError:
        return []


def _namespaces(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    try:
        found = [metadata(one, "name") for one in _completing(ctx).api.list(NAMESPACES)]
    except CommandError:
        return []
    return [name for name in found if name.startswith(incomplete)]


def _contexts(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    try:
        return [name for name in contexts(_completing(ctx).choice) if name.startswith(incomplete)]
    except CommandError:
        return []


def _completing(ctx: click.Context) -> Session:
    """The session of a line that is being typed: its options count as far as they are there."""
    session = session_of(ctx)
    given = ctx.params
    session.choice = Choice(
        kubeconfig=given.get("kubeconfig") or session.choice.kubeconfig,
        context=given.get("context") or "",
        namespace=given.get("namespace") or session.choice.namespace,
    )
    return session


def argument(*, required: bool = False, kinds: tuple[Kind, ...] = KINDS) -> Callable[[Command], Command]:
    """NAME, KIND/NAME or KIND NAME."""
    complete = functools.partial(objects, kinds=kinds)
    return click.argument("which", nargs=-1, required=required, shell_complete=complete, metavar="[KIND/]NAME")
