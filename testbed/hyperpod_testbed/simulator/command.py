"""The command `simulator`."""

import signal
import sys
import threading
from pathlib import Path

import click

from hyperpod_testbed.simulator import profile
from hyperpod_testbed.simulator.simulator import Simulator


@click.command()
@click.option("--port", default=0, show_default="a free one", help="Port on 127.0.0.1.")
@click.option("--speed", default=1.0, show_default=True, help="Simulated seconds per real second.")
@click.option("--account", default="123456789012", show_default=True, help="AWS account id.")
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
    help="Options to answer by, as `conformance --write-profile` makes them.",
)
def simulator(
    port: int,
    speed: float,
    account: str,
    region: str,
    seed: int,
    kubeconfig: str | None,
    profile_file: Path | None,
) -> None:
    """Run a SageMaker HyperPod endpoint until Ctrl-C; prints the environment that leads there."""
    try:
        options = profile.read(profile_file.read_text()) if profile_file else None
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{profile_file}: {error}") from error
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with Simulator(account, speed=speed, options=options, seed=seed, kubeconfig=kubeconfig, port=port) as running:
            for name, value in running.environment(region=region).items():
                print(f"export {name}={value}")
            print(f"# ready; controls under {running.url}/_simulator/; Ctrl-C stops it", file=sys.stderr, flush=True)
            sys.stdout.flush()
            stop.wait()
            running.nodes.remove()
            running.nodes.wait_until_in_step()
    except (RuntimeError, OSError) as error:
        raise click.ClickException(str(error)) from error
