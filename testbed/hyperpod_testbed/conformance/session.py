"""A run from its first call to the last one, and the removal of what it made, also when it is interrupted."""

from collections.abc import Callable
from dataclasses import dataclass

from hyperpod_testbed.conformance.caller import OverBudgetError
from hyperpod_testbed.conformance.cleaning import clean
from hyperpod_testbed.conformance.run import Run, StepFailedError
from hyperpod_testbed.conformance.steps import STEPS

MOST_NODES = 5
"""Nodes that the script has at once, counted with one that is being replaced and one that fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended. `failed` has a line per step that did not end as planned, `left` what may still exist."""

    failed: tuple[str, ...]
    left: tuple[str, ...]


def play(run: Run, *, say: Callable[[str], None]) -> Ended:
    """All steps in order, then the removal; a failure is noted, and a step that others need ends the script."""
    failed: list[str] = []
    try:
        for step in STEPS:
            say(f"{step.name}: {step.does}")
            try:
                step.run(run)
            except (StepFailedError, IndexError, KeyError, ValueError) as error:
                failed.append(f"{step.name}: {error!r}" if not isinstance(error, StepFailedError) else str(error))
                say(f"{step.name} ended early: {failed[-1]}")
                if step.needed:
                    break
    except OverBudgetError as error:
        failed.append(str(error))
        say(f"Stopped: {error}.")
    except KeyboardInterrupt:
        failed.append("interrupted")
        say("Interrupted.")
    except Exception as error:
        failed.append(f"the script ended: {error!r}")
        say(f"Stopped: {error!r}.")
    return Ended(failed=tuple(failed), left=remove(run, say=say))


def remove(run: Run, *, say: Callable[[str], None]) -> tuple[str, ...]:
    """The removal of what the run made. An interruption ends it and is told: something is left then."""
    say("cleaning: everything with the tag of this run; another Ctrl-C ends that and leaves what is there")
    try:
        return clean(run)
    except KeyboardInterrupt:
        return (f"whatever this run made: the cleaning was interrupted; go on with --clean {run.id}",)
