"""`ssm`: the target of a session on a node, for the AWS CLI."""

import click

from kubectl_hyperpod.inventory import one_node
from kubectl_hyperpod.options import common
from kubectl_hyperpod.session import Session
from kubectl_hyperpod.view.say import say


@click.command()
@click.argument("node")
@click.option("--command", is_flag=True, help="Print the whole command.")
@common(outputs=("json", "yaml"))
def ssm(session: Session, node: str, command: bool) -> None:
    """Print the SSM target of NODE (node name, instance id or logical id).

    Use it as: aws ssm start-session --target "$(kubectl hyperpod ssm NODE)"
    """
    found = one_node(session, node)
    if session.output:
        from kubectl_hyperpod.view import data

        data.show({"node": found.name, "instanceId": found.instance_id, "target": found.ssm_target}, session.output)
        return
    say(f"aws ssm start-session --target {found.ssm_target}" if command else found.ssm_target)
