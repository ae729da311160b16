"""python -m benchmarks.large: 5,000, 20,000 and 100,000 Nodes, the operator next to the peer in Go.

With --raw the rounds are added to a file, so that sizes can be measured in runs of their own; with --record what comes
of them is written where the other claims write.
"""

import sys
from pathlib import Path

import click

from benchmarks import machine, record
from benchmarks.environment import BenchmarkError
from benchmarks.figure import result
from benchmarks.large.report import figures, table
from benchmarks.large.run import Wish, measure
from benchmarks.nodes.contestants import UnknownContestantError
from benchmarks.nodes.process import CoreError
from benchmarks.nodes.rounds import Rounds
from benchmarks.nodes.watcher import ContractError
from hyperpod_testbed.control_plane import ControlPlaneError
from hyperpod_testbed.control_plane.build import BuildError


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--nodes", "sizes", multiple=True, type=click.IntRange(200), help="A size; repeatable. Default: all three."
)
@click.option("--contestant", "names", multiple=True, help="operator or controller-runtime; repeatable. Default: both.")
@click.option("--rounds", type=click.IntRange(0), default=2, show_default=True, help="0: only tell what --raw holds.")
@click.option("--raw", type=click.Path(dir_okay=False, path_type=Path), help="A file of JSON lines to add rounds to.")
@click.option("--logs", type=click.Path(file_okay=False, path_type=Path), help="Keep every log here.")
@click.option("--record", "recorded", is_flag=True, help="Write results.json and the tables of docs/benchmarks.md.")
def main(
    sizes: tuple[int, ...], names: tuple[str, ...], rounds: int, raw: Path | None, logs: Path | None, recorded: bool
) -> None:
    """Measure the node-health contract with as many Nodes as an EKS cluster can have."""
    machine.keep_bytecode()
    facts = machine.facts()
    wish = Wish(nodes=sizes or Wish.nodes, contestants=names or Wish.contestants, rounds=rounds, logs=logs)
    kept = Rounds(raw)
    try:
        if rounds:
            measure(wish, tell=tell, keep=kept.keep)
    except (BenchmarkError, BuildError, ContractError, ControlPlaneError, CoreError, UnknownContestantError) as error:
        raise click.ClickException(str(error)) from error
    results = [result(item, date=machine.today()) for item in figures(kept.done)]
    print(f"{table(kept.done)}\n\n{record.table([one for one in results if one.ok is not None])}")
    if recorded:
        together = record.merged(record.read(record.RESULTS), results)
        record.write(record.RESULTS, together)
        text = record.refreshed(record.DOCUMENT.read_text(), results=together, facts=facts)
        record.DOCUMENT.write_text(record.compared(text, comparison=table(kept.done), facts=facts, name="many nodes"))


if __name__ == "__main__":
    main()
