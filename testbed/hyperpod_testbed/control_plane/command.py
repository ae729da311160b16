"""The commands `build` and `control-plane`."""

import signal
import sys
import threading

import click

from hyperpod_testbed.control_plane.build import BuildError, binaries
from hyperpod_testbed.control_plane.control_plane import ControlPlane
from hyperpod_testbed.control_plane.errors import ControlPlaneError
from hyperpod_testbed.control_plane.releases import chosen
from hyperpod_testbed.control_plane.tools import TOOLS, tool


@click.command()
@click.option("--with", "more", type=click.Choice([*TOOLS]), multiple=True, default=["helm"], show_default=True,
              help="A tool to build, too; repeatable.")  # fmt: skip
def build(more: tuple[str, ...]) -> None:
    """Build the control plane's binaries and helm, once (about 12 minutes on 2 cores)."""
    try:
        found = binaries()
        tools = [tool(name) for name in more]
    except BuildError as error:
        raise click.ClickException(str(error)) from error
    print(f"control plane of Kubernetes {chosen().version}: {found.directory}")
    for path in tools:
        print(f"{path.name}: {path}")


@click.command("control-plane")
@click.option("--keep", is_flag=True, help="Keep the directory with data and logs.")
def control_plane(keep: bool) -> None:
    """Run a control plane until Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with ControlPlane(keep=keep) as plane:
            print(f"export KUBECONFIG={plane.kubeconfig}")
            print("# ready; Ctrl-C stops it", file=sys.stderr, flush=True)
            stop.wait()
    except (BuildError, ControlPlaneError) as error:
        raise click.ClickException(str(error)) from error
