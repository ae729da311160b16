"""`explain`: why an object is not ready, who has to act, and what to type."""

import click

from hyperpod_operator.core.explain.explain import explain as explanation
from kubectl_hyperpod.gather import world
from kubectl_hyperpod.options import argument, common
from kubectl_hyperpod.resources import CLUSTER, EXPLAINED, KINDS, Named, named
from kubectl_hyperpod.session import Session, metadata
from kubectl_hyperpod.view import data
from kubectl_hyperpod.view.explanation import lines, width
from kubectl_hyperpod.view.say import say


@click.command()
@argument(kinds=EXPLAINED)
@click.option("--operator-namespace", default="", envvar="HYPERPOD_OPERATOR_NAMESPACE", help="Of the operator's Lease.")
@common(outputs=("json", "yaml"))
def explain(session: Session, which: tuple[str, ...], operator_namespace: str) -> None:
    """Say why an object is not ready, who has to act, and which command to type.

    An object is a HyperPodCluster (NAME or hpc/NAME), evc/NAME, hpno/NAME, pod/NAME or node/NAME. Without a name: the
    only HyperPodCluster of the namespace.
    """
    asked = named(which, EXPLAINED)
    if asked is None:
        asked = Named(CLUSTER, metadata(session.one(None), "name"))
    if asked.kind in KINDS:
        found = explanation(world(session, asked, operator_namespace=operator_namespace))
    else:
        # Loaded for pods and Nodes alone, so that the plugin starts sooner.
        from kubectl_hyperpod.surroundings import EXPLANATIONS

        found = EXPLANATIONS[asked.kind](session, asked, operator_namespace=operator_namespace)
    if session.output:
        data.show(found.as_json(), session.output)
        return
    say(*lines(found, now=session.server_now(), width=width()))
