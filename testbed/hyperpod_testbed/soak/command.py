"""The command `soak`: a line a minute, a table at the end, and an exit code."""

import secrets

import click

from hyperpod_testbed.control_plane.build import BuildError
from hyperpod_testbed.control_plane.control_plane import ControlPlaneError
from hyperpod_testbed.soak.run import Soak, SoakPlan, SoakResult
from hyperpod_testbed.stack import Stack

NAMESPACE = "soak"


@click.command()
@click.option("--minutes", type=click.FloatRange(min=1), default=60.0, show_default=True,
              help="Of edits, faults and restarts; up to ten more for convergence and the end.")  # fmt: skip
@click.option("--seed", type=int, default=None, help="Of the random choices; default: a new one, which is printed.")
@click.option("--clusters", type=click.IntRange(1, 100), default=16, show_default=True)
def soak(minutes: float, seed: int | None, clusters: int) -> None:
    """Edit, disturb and restart for a long time; exit code 1 when an invariant breaks.

    A seed repeats the choices; what they meet depends on the machine's pace, so two runs are alike, not equal.
    """
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    plan = SoakPlan(seed=chosen, seconds=minutes * 60.0, clusters=clusters)
    try:
        with Stack(speed=plan.speed) as stack:
            run = Soak(stack, plan, namespace=NAMESPACE, say=lambda line: print(line, flush=True))
            run.objects.create_namespace()
            result = run.run()
    except (BuildError, ControlPlaneError) as error:
        raise click.ClickException(str(error)) from error
    print(table(result))
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
        *(("BROKEN", str(breach)) for breach in result.breaches),
    ]
    return "\n".join(f"{name:<15} {value}" for name, value in rows)
