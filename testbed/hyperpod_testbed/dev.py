"""The command `dev`: everything running, and the lines that let a person's own kubectl and aws talk to it."""

import shlex
import signal
import sys
import threading
from pathlib import Path

import click

from hyperpod_testbed.control_plane import ControlPlaneError
from hyperpod_testbed.control_plane.build import BuildError
from hyperpod_testbed.stack import COMMAND, Stack
from hyperpod_testbed.stage import announced


@click.command()
@click.option("--speed", type=click.FloatRange(min=1), default=60.0, show_default=True,
              help="How many of AWS's seconds pass in one.")  # fmt: skip
def dev(speed: float) -> None:
    """Leave control plane, simulator and operator running until Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with Stack(speed=speed, log_format="text", chart_account=announced(), program=COMMAND) as stack:
            values = {"KUBECONFIG": str(stack.plane.kubeconfig), **stack.simulator.environment()}
            lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
            # kubectl, and beside this program kubectl-hyperpod and hyperpod-operator.
            lines.append(f"export PATH={stack.plane.kubectl_path.parent}:{Path(sys.executable).parent}:$PATH")
            kept = stack.plane.directory / "env"
            kept.write_text("\n".join(lines) + "\n")
            print("\n".join(lines), flush=True)
            print(
                f'# In another terminal: eval "$(cat {kept})"\n'
                f"# ready. Operator: http://127.0.0.1:{stack.operator.metrics_port}/metrics, log {stack.operator.log}\n"
                f"# Simulator: {stack.simulator.url}. Try: kubectl apply -f examples/gpu-and-cpu.yaml; "
                "kubectl get hpc -w. Ctrl-C stops everything.",
                file=sys.stderr,
                flush=True,
            )
            while not stop.wait(1.0):
                if not stack.operator.child.running:
                    raise click.ClickException(f"the operator ended:\n{stack.operator.child.tail(30)}")
    except (BuildError, ControlPlaneError) as error:
        raise click.ClickException(str(error)) from error
    print("# stopped", file=sys.stderr)
