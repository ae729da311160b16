"""The command `plan`."""

import sys
from pathlib import Path

import click

from hyperpod_operator.cli.imports import loading

NO_CHANGES, FAILED, CHANGES = 0, 1, 2
"""Exit codes, as terraform's detailed exit code has them."""

EXAMPLES = """
\b
Examples:
  hyperpod-operator plan -f cluster.yaml
  hyperpod-operator plan -f clusters/ --namespace ml --region us-west-2
  hyperpod-operator plan -f clusters/ --no-kubernetes -o markdown > comment.md
"""


@click.command(epilog=EXAMPLES)
@click.option("-f", "--filename", "files", multiple=True, required=True,
              help="File or directory of manifests, or - for standard input; repeatable.")  # fmt: skip
@click.option("-n", "--namespace", default="default", show_default=True,
              help="Namespace of resources that name none.")  # fmt: skip
@click.option("--region", default="", envvar=["HYPERPOD_OPERATOR_REGION", "AWS_REGION"],
              help="AWS Region of resources that name none; default: AWS_REGION or the profile's.")  # fmt: skip
@click.option("--price-file", type=click.Path(path_type=Path), default=None,
              help="File with prices of instance types, used instead of AWS's price list.")  # fmt: skip
@click.option("--preflight/--no-preflight", default=True, show_default=True,
              help="Check what would fail; at most 40 reads of AWS for a cluster that gets instances.")  # fmt: skip
@click.option("-o", "--output", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option("--detailed", is_flag=True, help="Name the groups that do not change, too.")
@click.option("--kubernetes/--no-kubernetes", default=True, show_default=True,
              help="Read the status of the resources, and have the API server check them (a dry run), where access to "
              "one is configured.")  # fmt: skip
@click.option("--kubeconfig", default="", help="Kubeconfig file; default: KUBECONFIG, the pod's own, ~/.kube/config.")
@click.option("--context", default="", help="Context of the kubeconfig; default: its current one.")
def plan(output: str, detailed: bool, price_file: Path | None, **options: object) -> None:
    """Show what the operator would do in AWS if these resources were applied; nothing is changed.

    AWS is read with your own credentials. Where access to an API server is configured, the status of the resources is
    read from it, and it checks each resource in a dry run, also by the rules about edits and by admission policies.
    What cannot be read is shown as unknown. Plans cover clusters and, as far as AWS alone tells, volume claims; node
    operations are validated.

    Exit code 0: no changes; 2: something changes, or may; 1: a file, a resource or AWS cannot be read, a resource is
    invalid, or the operator would refuse it.
    """
    with loading():
        import asyncio

        from hyperpod_operator.app.documents import InputError
        from hyperpod_operator.app.plan.run import Asked, plan
        from hyperpod_operator.app.plan.show import shown

    prices = _prices(price_file) if price_file is not None else None
    asked = Asked(**options, prices=prices)  # type: ignore[arg-type]
    try:
        reports = asyncio.run(plan(asked, stdin=sys.stdin.buffer.read))
    except InputError as error:
        raise click.ClickException(str(error)) from error
    click.echo(shown(reports, output=output, detailed=detailed))
    if any(one.error or (one.preview and one.preview.blocked) for one in reports):
        sys.exit(FAILED)
    sys.exit(CHANGES if any(one.preview and one.preview.changes for one in reports) else NO_CHANGES)


def _prices(file: Path) -> object:
    """The prices of a file."""
    from hyperpod_operator.prices import PricesError, read_prices

    try:
        return read_prices(file)
    except PricesError as error:
        raise click.ClickException(str(error)) from error
