"""The command `hyperpod-testbed`."""

import click

from hyperpod_testbed.conformance.command import conformance
from hyperpod_testbed.control_plane.command import build, control_plane
from hyperpod_testbed.demo import demo
from hyperpod_testbed.dev import dev
from hyperpod_testbed.simulator.command import simulator
from hyperpod_testbed.soak.command import soak


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run the operator's world on one machine: no AWS account, no cluster."""


main.add_command(build)
main.add_command(control_plane)
main.add_command(simulator)
main.add_command(conformance)
main.add_command(dev)
main.add_command(demo)
main.add_command(soak)
