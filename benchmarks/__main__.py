"""python -m benchmarks: measure the claims, write results.json and the table of docs/benchmarks.md."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from benchmarks import figure, machine, record
from benchmarks.claims import CLAIMS, Terms
from benchmarks.environment import BenchmarkError
from hyperpod_testbed.control_plane import ControlPlaneError
from hyperpod_testbed.control_plane.build import BuildError

DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", "names", multiple=True, type=click.Choice(list(CLAIMS)), help="This claim; repeatable.")
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True, help="The median of so many.")
@click.option("--quick", is_flag=True, help="Short waits where the full run waits for minutes; the units say so.")
@click.option("--strict", is_flag=True, help="Exit with 1 when a gate is missed.")
@click.option("--results", type=click.Path(dir_okay=False, path_type=Path), default=record.RESULTS, help="Where to.")
@click.option("--document/--no-document", default=True, show_default=True, help="Refresh docs/benchmarks.md.")
@click.option("--compare", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
              help="Results of an earlier run: print what each figure is of them.")  # fmt: skip
@click.option("--logs", type=DIRECTORY, default=None, help="Keep every log here.")
@click.option("--profile", type=DIRECTORY, default=None, help="Profile every operator; writes no results.")
def main(
    *,
    names: tuple[str, ...],
    rounds: int,
    quick: bool,
    strict: bool,
    results: Path,
    document: bool,
    compare: Path | None,
    logs: Path | None,
    profile: Path | None,
) -> None:
    """Measure what the operator promises, on real parts. All claims together take half an hour."""
    machine.keep_bytecode()
    facts, terms = machine.facts(), Terms(quick=quick, logs=logs, profiles=profile)
    written, new = record.read(results), list[figure.Result]()
    before = written if names else record.of_other_commands(written)
    earlier = record.read(compare) if compare is not None else []  # before the file is written: it may be the same
    for name in names or CLAIMS:
        try:
            new += _measured(name, rounds, terms)
        except (BenchmarkError, BuildError, ControlPlaneError) as error:
            raise click.ClickException(f"the claim {name} could not be measured: {error}") from error
        if not profile:
            # After each claim: what was measured is kept when a later one cannot be.
            _record(record.merged(before, new), results, facts if document else None)
    if compare is not None:
        print(record.ratios(earlier, new))
    missed = [one.name for one in new if one.ok is False]
    if missed:
        print(f"Missed: {'; '.join(missed)}.", file=sys.stderr)
    sys.exit(1 if missed and strict else 0)


def _record(together: Sequence[figure.Result], results: Path, facts: Mapping[str, str] | None) -> None:
    record.write(results, together)
    if facts is not None:
        text = record.DOCUMENT.read_text()
        record.DOCUMENT.write_text(record.refreshed(text, results=together, facts=facts))


def _measured(name: str, rounds: int, terms: Terms) -> list[figure.Result]:
    print(f"== {name}", file=sys.stderr, flush=True)
    started = time.monotonic()
    figures = figure.middle([CLAIMS[name](terms) for _ in range(rounds)])
    made = [figure.result(one, date=machine.today()) for one in figures]
    print(record.table(made), flush=True)
    print(f"   {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return made


if __name__ == "__main__":
    main()
