"""The script: its steps, in order. Each is a function of the run and leaves its findings in the record alone."""

from collections.abc import Callable
from dataclasses import dataclass

from hyperpod_testbed.conformance.run import Run
from hyperpod_testbed.conformance.steps import beginning, ending, groups, nodes, refusals, software, volumes


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part of the script. A `needed` one ends the run when it fails; after any other the script goes on."""

    name: str
    does: str
    run: Callable[[Run], None]
    needed: bool = False


STEPS = (
    Step(name="refusals", does="what AWS refuses before anything is made", run=refusals.before_anything),
    Step(name="creation", does="a cluster with two groups, its first echoes", run=beginning.create, needed=True),
    Step(name="joining", does="its nodes until they run", run=beginning.join, needed=True),
    Step(name="echo", does="tags and their lag, pages of one item", run=beginning.read),
    Step(name="token", does="a call with an expired token", run=beginning.expire),
    Step(name="groups", does="empty, omitted and immutable groups", run=groups.change),
    Step(name="trouble", does="a failing lifecycle script, a type that cannot be had", run=groups.fail),
    Step(name="volumes", does="attachments and when they are visible", run=volumes.attach),
    Step(name="disks", does="a snapshot, tags, a modification", run=volumes.change),
    Step(name="nodes", does="reboot, replace, delete, move", run=nodes.act),
    Step(name="scaling", does="in and out, and the order of what is seen", run=groups.scale),
    Step(name="software", does="a software update, and what it blocks", run=software.update),
    Step(name="burst", does="many reads at once", run=software.burst),
    Step(name="ending", does="deletion with an attached volume, until the EKS cluster is free", run=ending.end),
)
