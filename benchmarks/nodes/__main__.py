"""python -m benchmarks.nodes: measure the contestants one by one, print the table.

With --raw the rounds are added to a file, so that a long comparison can be made in several short runs; with --record
what comes of them is written where the other claims write.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import click

from benchmarks import machine, record
from benchmarks.figure import result
from benchmarks.nodes.contestants import OPERATOR, PEERS, UnknownContestantError
from benchmarks.nodes.process import CoreError
from benchmarks.nodes.report import figures, table
from benchmarks.nodes.rounds import Rounds
from benchmarks.nodes.run import Wish, measure
from benchmarks.nodes.single_round import Sizes
from benchmarks.nodes.watcher import ContractError
from hyperpod_testbed.control_plane import ControlPlaneError
from hyperpod_testbed.control_plane.build import BuildError


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@click.command()
@click.option(
    "--contestant",
    "names",
    multiple=True,
    help=f"{OPERATOR}, {', '.join(PEERS)}, or NAME=COMMAND; repeatable. Default: all but NAME=COMMAND.",
)
@click.option("--rounds", type=click.IntRange(0), default=5, show_default=True, help="0: only tell what --raw holds.")
@click.option("--nodes", type=click.IntRange(200), default=5000, show_default=True)
@click.option("--burst", type=click.IntRange(1), default=Sizes.burst, show_default=True, help="Nodes at once.")
@click.option("--changes", type=click.IntRange(1), default=Sizes.changes, show_default=True, help="Labels one by one.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the choice of nodes.")
@click.option("--raw", type=click.Path(dir_okay=False, path_type=Path), help="A file of JSON lines to add rounds to.")
@click.option("--json", "as_json", is_flag=True, help="Print measurements as JSON instead of the table.")
@click.option("--record", "recorded", is_flag=True, help="Write results.json and the table of docs/benchmarks.md.")
def main(
    names: tuple[str, ...],
    rounds: int,
    nodes: int,
    burst: int,
    changes: int,
    seed: int,
    raw: Path | None,
    as_json: bool,
    recorded: bool,
) -> None:
    """Measure the node-health contract."""
    facts = machine.facts()
    sizes = replace(Sizes(), burst=min(burst, nodes // 2), changes=min(changes, nodes // 4))
    desired = Wish(contestants=names or Wish.contestants, rounds=rounds, nodes=nodes, seed=seed, sizes=sizes)
    kept = Rounds(raw)
    try:
        if rounds:
            measure(desired, tell=tell, keep=kept.keep)
    except (BuildError, ContractError, ControlPlaneError, CoreError, UnknownContestantError) as error:
        raise click.ClickException(str(error)) from error
    results = [result(item, date=machine.today()) for item in figures(kept.done)]
    if recorded:
        together = record.merged(record.read(record.RESULTS), results)
        record.write(record.RESULTS, together)
        text = record.compared(record.DOCUMENT.read_text(), comparison=table(kept.done), facts=facts)
        record.DOCUMENT.write_text(record.refreshed(text, results=together, facts=facts))
    if as_json:
        print(json.dumps([one.as_json() for one in results], indent=2, ensure_ascii=False))
    else:
        print(table(kept.done))


if __name__ == "__main__":
    main()
