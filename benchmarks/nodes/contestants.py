"""Who takes part, and how each is started. The harness knows nothing else about a contestant."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers import build
from hyperpod_testbed.processes import free_ports

ROOT = Path(__file__).parents[2]
OPERATOR = "operator"
PEERS = ("controller-runtime", "client-informer", "kopf-on-event", "kopf-index")
"""Without a place of its own in the run: nothing beside the kubeconfig is needed."""


class UnknownContestantError(ValueError):
    """A name that nobody goes by; the message has those that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A command that follows the contract against the cluster of KUBECONFIG."""

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: float = 120.0
    """Seconds that it may take to start."""


def peer(name: str) -> Contestant:
    """One of PEERS. Raises UnknownContestantError."""
    python = {"PYTHONPATH": str(ROOT)}
    kopf = (Path(sys.executable).parent / "kopf", "run", "--standalone", "-A", "-m", "benchmarks.peers.kopf_on_event")
    match name:
        case "controller-runtime":
            return Contestant(name=name, command=(build.controller_runtime(),))
        case "client-informer":
            return Contestant(
                name=name, command=(sys.executable, "-m", "benchmarks.peers.client_informer"), environment=python
            )
        case "kopf-on-event":
            return Contestant(name=name, command=kopf, environment=python | {"KOPF_INDEX": "0"})
        case "kopf-index":
            # It needs minutes with 5,000 nodes: its index starts up in quadratic time.
            return Contestant(name=name, command=kopf, environment=python, patience=400.0)
    raise UnknownContestantError(
        f"there is no contestant {name!r}; there are {', '.join((OPERATOR, *PEERS))}, or give NAME=COMMAND"
    )


def given(text: str) -> Contestant:
    """NAME=COMMAND from the command line; the command finds the cluster by KUBECONFIG."""
    name, _, command = text.partition("=")
    return Contestant(name=name, command=shlex.split(command))


def operator(environment: Mapping[str, str], flags: Sequence[str] = ()) -> Contestant:
    """Ours, by its command, with its own defaults: what a user would run."""
    return Contestant(
        name=OPERATOR,
        command=(
            Path(sys.executable).parent / "hyperpod-operator",
            "run",
            "--health-probe-bind-address=0",
            f"--metrics-bind-address=127.0.0.1:{free_ports(1)[0]}",
            "--no-leader-election",  # the peers elect none either
            *flags,
        ),
        environment=environment,
    )


def process_environment(contestant: Contestant, kubeconfig: Path) -> dict[str, str]:
    """Its environment without any AWS account of this machine."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return own | dict(contestant.environment) | {"KUBECONFIG": str(kubeconfig)}
