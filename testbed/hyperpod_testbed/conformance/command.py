"""The command `conformance`."""

import secrets
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

from hyperpod_testbed.conformance import kubernetes_nodes
from hyperpod_testbed.conformance.caller import Budget, Caller, OverBudgetError, WallClock, clients
from hyperpod_testbed.conformance.compare import answers, compare, durations, simulate, table
from hyperpod_testbed.conformance.kubernetes_nodes import ReadNodes
from hyperpod_testbed.conformance.record import Record, RecordError, Redaction, Writer
from hyperpod_testbed.conformance.run import Run
from hyperpod_testbed.conformance.session import MOST_NODES, Ended, play, remove
from hyperpod_testbed.conformance.target import Target, TargetError
from hyperpod_testbed.simulator import profile
from hyperpod_testbed.simulator.profile import Profile

DIFFERENT = 2
"""Exit code where a comparison found differences, as `terraform plan -detailed-exitcode` has it."""

_FILE = click.Path(dir_okay=False, path_type=Path)
_DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--record", "record_in", type=_DIRECTORY, help="Run the script; write the record to this directory.")
@click.option("--compare", "compare_with", type=_DIRECTORY, help="Compare the record in this directory.")
@click.option("--clean", "clean_run", metavar="RUN", help="Delete what an interrupted run left in the account.")
@click.option("--settings", type=_FILE, help="The account to run in, as YAML; docs/conformance.md has the members.")
@click.option("--account", help="The account id once more, as a confirmation; asked for when left out.")
@click.option("--spending-limit", type=float, help="Most USD that nodes may cost; asked for when left out.")
@click.option("--time-factor", default=1.0, show_default=True, help="How many times as fast the endpoint's clock runs.")
@click.option("--rounds", default=20, show_default=True, help="How often an attachment is made and looked for.")
@click.option("--kubeconfig", type=_FILE, help="The EKS cluster, to record HyperPod's Nodes while they join.")
@click.option("--expired-profile", help="A profile of boto3 whose token is expired, to record what AWS answers then.")
@click.option("--profile", "profile_file", type=_FILE, help="Compare with the simulator under this profile.")
@click.option(
    "--write-profile", type=click.Path(dir_okay=False, path_type=Path), help="Write a profile that answers as recorded."
)
def conformance(
    record_in: Path | None,
    compare_with: Path | None,
    clean_run: str | None,
    settings: Path | None,
    account: str | None,
    spending_limit: float | None,
    time_factor: float,
    rounds: int,
    kubeconfig: Path | None,
    expired_profile: str | None,
    profile_file: Path | None,
    write_profile: Path | None,
) -> None:
    """Ask an AWS account the questions that its documentation leaves open, and compare the answers.

    --record and --clean make real calls with the credentials and endpoints that boto3 finds, and create nodes that
    cost money. --compare makes none.
    """
    if sum(one is not None for one in (record_in, compare_with, clean_run)) != 1:
        raise click.UsageError("name one of --record DIR, --compare DIR and --clean RUN")
    try:
        if compare_with is not None:
            _compare(compare_with, profile_file=profile_file, write_profile=write_profile)
            return
        if settings is None:
            raise click.UsageError("--record and --clean need --settings FILE")
        target = Target.load(settings)
        _confirm(target, account)
        if record_in is not None:
            limit = spending_limit if spending_limit is not None else click.prompt("Spending limit in USD", type=float)
            _record(
                record_in,
                target,
                limit=limit,
                time_factor=time_factor,
                rounds=rounds,
                nodes=kubernetes_nodes.of_cluster(kubeconfig) if kubeconfig else None,
                expired=_expired(expired_profile, target) if expired_profile else None,
            )
        else:
            _clean(str(clean_run), target, time_factor=time_factor)
    except (TargetError, RecordError, ValueError, ProfileNotFound) as error:
        raise click.ClickException(str(error)) from error


def _confirm(target: Target, account: str | None) -> None:
    """The account in the settings, the one that a person names, and the one of the credentials are the same."""
    named = account or click.prompt("Account id (12 digits)")
    if named != target.account:
        raise click.ClickException(f"the settings name account {target.account}, you named {named}; nothing was called")
    try:
        caller = boto3.client("sts", region_name=target.region).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(f"AWS does not say who calls: {error}") from error
    if caller != target.account:
        raise click.ClickException(
            f"the credentials are of account {caller}, the settings name {target.account}; nothing was changed"
        )


def _expired(profile_name: str, target: Target) -> Any:
    """A client of SageMaker with that profile."""
    return clients(boto3.Session(profile_name=profile_name), region=target.region)["sagemaker"]


def _record(
    directory: Path,
    target: Target,
    *,
    limit: float,
    time_factor: float,
    rounds: int,
    nodes: ReadNodes | None,
    expired: Any,
) -> None:
    run_id = secrets.token_hex(4)
    redaction = Redaction(target.secrets().items())
    about = {
        "id": run_id,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "target": target.model_dump(),
        "rounds": rounds,
        "timeFactor": time_factor,
        "boto3": boto3.__version__,
    }
    try:
        budget = Budget(
            limit=limit,
            price_per_node_hour=target.pricePerNodeHour,
            most_nodes=MOST_NODES,
            reserved=target.scarcePricePerNodeHour or 0.0,
        )
    except OverBudgetError as error:
        raise click.ClickException(f"{error}; nothing was called") from error
    writer = Writer(directory, about=about, redaction=redaction)
    made = clients(boto3.Session(), region=target.region)
    if expired is not None:
        made["expired"] = expired
    caller = Caller(clients=made, pace=WallClock(factor=time_factor), budget=budget, sink=writer, nodes=nodes)
    click.echo(f"Run {run_id}. Ctrl-C stops it and cleans up; after a kill: --clean {run_id}.")
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts background jobs with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    try:
        ended = play(Run(id=run_id, target=target, caller=caller, rounds=rounds), say=click.echo)
    finally:
        writer.close()
    _tell(ended)
    click.echo(f"The record is in {directory}.")
    if ended.failed or ended.left:
        raise SystemExit(1)


def _tell(ended: Ended) -> None:
    for line in ended.failed:
        click.echo(f"not as planned: {line}")
    for line in ended.left:
        click.echo(f"still there: {line}")
    if not ended.left:
        click.echo("Nothing of this run is left in the account.")


def _clean(run_id: str, target: Target, *, time_factor: float) -> None:
    made = clients(boto3.Session(), region=target.region)
    budget = Budget(limit=float("inf"), price_per_node_hour=target.pricePerNodeHour, most_nodes=MOST_NODES)
    caller = Caller(clients=made, pace=WallClock(factor=time_factor), budget=budget, sink=lambda _: None)
    left = remove(Run(id=run_id, target=target, caller=caller), say=click.echo)
    _tell(Ended(failed=(), left=left))
    if left:
        raise SystemExit(1)


def _compare(directory: Path, *, profile_file: Path | None, write_profile: Path | None) -> None:
    recorded = Record.load(directory)
    try:
        base = profile.read(profile_file.read_text()) if profile_file else Profile()
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{profile_file}: {error}") from error
    rounds = min(int(recorded.about.get("rounds", 3)), 3)
    simulated = simulate(options=base.options, timings=base.timings, rounds=rounds)
    rows = compare(recorded, simulated)
    click.echo(table(rows))
    differing = sum(row.differs for row in rows)
    click.echo(f"{differing} of {len(rows)} questions differ.")
    if write_profile is not None:
        write_profile.write_text(profile.write(base.answering(answers(rows)).taking(durations(rows))))
        click.echo(f"With `hyperpod-testbed simulator --profile {write_profile}` the simulator answers as recorded.")
    if differing:
        raise SystemExit(DIFFERENT)
