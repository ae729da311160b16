"""The command `soak`: a line a minute, a table at the end, and an exit code."""

import secrets
from pathlib import Path

import click

from hyperpod_testbed.control_plane import ControlPlaneError
from hyperpod_testbed.control_plane.build import BuildError
from hyperpod_testbed.soak import traced
from hyperpod_testbed.soak.run import Soak, SoakPlan, SoakResult
from hyperpod_testbed.stack import COMMAND, Stack

NAMESPACE = "soak"


@click.command()
@click.option("--minutes", type=click.FloatRange(min=1), default=60.0, show_default=True,
              help="Of edits, faults and restarts; up to ten more for convergence and the end.")  # fmt: skip
@click.option("--seed", type=int, default=None, help="Of the random choices; default: a new one, which is printed.")
@click.option("--clusters", type=click.IntRange(1, 100), default=16, show_default=True)
@click.option("--restarts/--no-restarts", default=True, show_default=True,
              help="Restart the operator in the first part, or let one process live through all of it.")  # fmt: skip
@click.option("--allocations", type=click.Path(file_okay=False, path_type=Path), default=None,
              help="Trace allocations into this directory and print what grew in the second half.")  # fmt: skip
def soak(minutes: float, seed: int | None, clusters: int, restarts: bool, allocations: Path | None) -> None:
    """Edit, disturb and restart for a long time; exit code 1 when an invariant breaks.

    A seed repeats the choices; what they meet depends on the machine's pace, so two runs are alike, not equal.
    """
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    plan = SoakPlan(seed=chosen, seconds=minutes * 60.0, clusters=clusters, restarts=restarts)
    program = COMMAND if allocations is None else traced.program(allocations)
    try:
        with Stack(speed=plan.speed, program=program) as stack:

            def at_halves() -> None:
                if allocations is not None:
                    traced.snapshot(stack.operator, allocations)

            run = Soak(stack, plan, namespace=NAMESPACE, say=lambda line: print(line, flush=True), at_halves=at_halves)
            run.objects.create_namespace()
            result = run.run()
    except (BuildError, ControlPlaneError) as error:
        raise click.ClickException(str(error)) from error
    print(table(result))
    if allocations is not None:
        print("\n".join(traced.growth(allocations)))
    if result.breaches:
        raise click.ClickException(
            f"{len(result.breaches)} invariants were broken; --seed {chosen} repeats the choices"
        )


def table(result: SoakResult) -> str:
    """The summary, a line per fact."""
    by_itself = (
        f"{result.converged_alone:.0f} s after the last fault, by itself"
        if result.converged_alone is not None
        else f"only when asked by annotation ({result.asked} times)"
    )
    rows = [
        ("edits", ", ".join(f"{word} {count}" for word, count in sorted(result.moves.items()))),
        ("trouble", ", ".join(f"{word} {count}" for word, count in sorted(result.troubles.items()))),
        ("restarts", ", ".join(f"{word} {count}" for word, count in sorted(result.restarts.items())) or "none"),
        ("AWS calls", ", ".join(f"{word} {count}" for word, count in result.calls.most_common())),
        ("busiest minute", f"{result.busiest_minute} calls; about one cluster {result.busiest_cluster}"),
        ("not judged", f"{result.unattributed} deletions of clusters that came and went between two looks"),
        ("converged", by_itself),
        ("longest life", f"{result.longest_life:.0f} s"),
        *(("trend", str(trend)) for trend in result.trends),
        *(("second half", str(growth)) for growth in result.growth),
        *(("BROKEN", str(breach)) for breach in result.breaches),
    ]
    return "\n".join(f"{name:<15} {value}" for name, value in rows)
