"""The command `export`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hyperpod_operator.cli.imports import loading
from hyperpod_operator.core.text import counted

if TYPE_CHECKING:
    from hyperpod_operator.app.export.run import Answer

COMPLETE, FAILED, TO_DO = 0, 1, 2
"""Exit codes: all manifests can be applied; a source could not be read; something is left for a person to do."""
STANDARD_OUTPUT = "-"

EXAMPLES = """
\b
Examples:
  hyperpod-operator export research --region us-west-2
  hyperpod-operator export --all --region us-west-2 --region us-east-1 -o clusters/
  hyperpod-operator export cluster-config.json template.yaml -o clusters/
  terraform show -json | hyperpod-operator export -
  aws cloudformation list-stack-resources --stack-name training | hyperpod-operator export -
"""


@click.command(epilog=EXAMPLES)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--region", "regions", multiple=True, envvar=["HYPERPOD_OPERATOR_REGION", "AWS_REGION"],
              help="Region of clusters that a SOURCE names, and of files that name none; repeatable. "
              "Default: AWS_REGION or the profile's.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="All clusters of the Regions.")
@click.option("-o", "--output", default=STANDARD_OUTPUT, show_default=True, metavar="DIR|-",
              help="Directory for one file per cluster, or - for standard output.")  # fmt: skip
@click.option("-n", "--namespace", default="", help="metadata.namespace of the manifests. Default: none.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=VALUE",
              help="Value of a CloudFormation parameter; repeatable.")  # fmt: skip
@click.option("--account", default="", help="Account that AWS::AccountId of a CloudFormation template means.")
@click.option("--force", is_flag=True, help="Replace files that exist with other content.")
def export(
    sources: tuple[str, ...],
    regions: tuple[str, ...],
    everything: bool,
    output: str,
    namespace: str,
    parameters: tuple[str, ...],
    account: str,
    force: bool,
) -> None:
    """Write HyperPodCluster manifests of clusters that exist, for the operator to adopt. Nothing is changed in AWS.

    A SOURCE is the name or ARN of a cluster, a file, a directory or - for standard input. Files are CreateCluster
    requests (cluster-config.json), answers of describe-cluster, CloudFormation templates, resources of CloudFormation
    stacks (list-stack-resources), or Terraform states (terraform show -json). --all leaves out clusters that a
    HyperPodCluster owns. A cluster that the operator cannot adopt is reported and gets no manifest. Comments in a
    manifest say what it leaves out and why.

    Exit code 0: every manifest can be applied; 2: something needs your attention first; 1: a source cannot be read.
    """
    with loading():
        import asyncio

        from hyperpod_operator.app.documents import InputError
        from hyperpod_operator.app.export.render import rendered, write
        from hyperpod_operator.app.export.run import Asked, export
        from hyperpod_operator.core.object_name import is_object_name

    if namespace and not is_object_name(namespace):
        raise click.BadParameter(f"{namespace!r} is no name of a namespace.", param_hint="--namespace")
    if not sources and not everything:
        raise click.UsageError("Name a cluster or a file, or use --all.")
    asked = Asked(
        sources=sources, regions=regions, everything=everything, account=account, parameters=_pairs(parameters)
    )
    try:
        answer = asyncio.run(export(asked, stdin=sys.stdin.buffer.read))
        if output == STANDARD_OUTPUT:
            click.echo("---\n".join(rendered(one, namespace=namespace) for one in answer.manifests), nl=False)
        elif answer.manifests:
            write(answer.manifests, directory=Path(output), namespace=namespace, force=force)
    except InputError as error:
        raise click.ClickException(str(error)) from error
    _say(answer, output=output)
    if answer.failed:
        sys.exit(FAILED)
    attention = any(not one.complete for one in answer.manifests) or (answer.left_out and not everything)
    sys.exit(TO_DO if attention else COMPLETE)


def _pairs(parameters: tuple[str, ...]) -> dict[str, str]:
    for one in parameters:
        if "=" not in one:
            raise click.BadParameter(f"{one!r} has no value: write NAME=VALUE.", param_hint="--parameter")
    return {name: value for name, _, value in (one.partition("=") for one in parameters)}


def _say(answer: "Answer", *, output: str) -> None:
    """What became of each source, on standard error: standard output may be a pipe."""
    for one in answer.manifests:
        where = "" if output == STANDARD_OUTPUT else f" in {Path(output) / one.name}.yaml"
        todo = sum(note.to_do for note in one.notes)
        words = f"{todo} to do, " if todo else ""
        others = counted(len(one.notes) - todo, "difference")
        click.echo(f"{one.name}{where}: {words}{others}, from {one.label}", err=True)
        for note in one.notes:
            if note.to_do:
                click.echo(f"  to do: {note}", err=True)
    for left in answer.left_out:
        click.echo(f"left out: {left.label}: {left.reason}.", err=True)
    for problem in answer.failed:
        click.echo(f"error: {problem}", err=True)
    owned = sum(left.owned for left in answer.left_out)
    counts = f"{len(answer.left_out)} left out" + (f" ({owned} with an owner)" if owned else "")
    click.echo(f"{counted(len(answer.manifests), 'manifest')}, {counts}, {len(answer.failed)} failed.", err=True)
