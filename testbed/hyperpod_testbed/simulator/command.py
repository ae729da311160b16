"""The command `simulator`."""

import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import click

from hyperpod_testbed.simulator import profile
from hyperpod_testbed.simulator.options import Options, Timings
from hyperpod_testbed.simulator.profile import Profile
from hyperpod_testbed.simulator.simulator import Simulator


@click.command()
@click.option("--port", default=0, show_default="a free one", help="Port on 127.0.0.1.")
@click.option("--speed", default=1.0, show_default=True, help="Simulated seconds per real second.")
@click.option("--account", default="111122223333", show_default=True, help="AWS account id; that of examples/.")
@click.option("--region", default="us-west-2", show_default=True, help="Region of the environment that is printed.")
@click.option("--seed", default=0, show_default=True, help="The same seed and calls give the same ids.")
@click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False),
    help="Bring the instances as nodes to this Kubernetes cluster.",
)
@click.option(
    "--profile",
    "profile_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Options and timings to answer by, as `conformance --write-profile` makes them.",
)
@click.option(
    "--live-timings",
    is_flag=True,
    help="The durations that were recorded on AWS, where the profile names no other; combine with --speed.",
)
@click.option(
    "--crowded",
    is_flag=True,
    help="Let many HyperPod clusters share one EKS cluster, in subnets without end, unlike AWS.",
)
@click.option("--stop-within", default=10.0, show_default=True, help="Seconds in which it stops, nodes removed or not.")
def simulator(
    port: int,
    speed: float,
    account: str,
    region: str,
    seed: int,
    kubeconfig: str | None,
    profile_file: Path | None,
    live_timings: bool,
    crowded: bool,
    stop_within: float,
) -> None:
    """Run a SageMaker HyperPod endpoint until Ctrl-C; prints the environment that leads there."""
    timings = Timings.live() if live_timings else Timings()
    try:
        told = profile.read(profile_file.read_text(), timings=timings) if profile_file else Profile(timings=timings)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{profile_file}: {error}") from error
    options = told.options
    if crowded:
        without_end = {**Options.crowded().prerequisites, **options.prerequisites}
        options = replace(options, clusters_per_eks="many", prerequisites=without_end)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with Simulator(
            account, speed=speed, options=options, timings=told.timings, seed=seed, kubeconfig=kubeconfig, port=port
        ) as running:
            for name, value in running.environment(region=region).items():
                print(f"export {name}={value}")
            print(f"# ready; controls under {running.url}/_simulator/; Ctrl-C stops it", file=sys.stderr, flush=True)
            sys.stdout.flush()
            stop.wait()
            _take_nodes_away(running, within=stop_within)
    except (RuntimeError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _take_nodes_away(running: Simulator, *, within: float) -> None:
    """Whatever the control plane does, the simulator stops: an API server that hangs keeps its nodes."""
    running.nodes.remove()
    try:
        running.nodes.wait_until_in_step(timeout=within)
    except (TimeoutError, ValueError) as error:
        print(f"# nodes may be left behind: {error}", file=sys.stderr, flush=True)
