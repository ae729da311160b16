"""How many cases a run tries: a few fixed ones by default, as many by chance as FUZZ_CASES says."""

import os

from hypothesis import HealthCheck, Phase, settings

FUZZ_CASES = "FUZZ_CASES"
"""Environment variable: cases of the largest test; the others scale with it."""
WHOLE = 100
"""Cases of the largest test, in proportion to which FUZZ_CASES counts."""
TOLERATED = (
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.filter_too_much,
)


def effort(cases: int, *, steps: int = 50, by_default: int | None = None) -> settings:
    """The same cases at every run, or others each time with what it takes to repeat a failure.

    `by_default`: how many are the same at every run, where that is not all.
    """
    common = settings(deadline=None, suppress_health_check=TOLERATED, stateful_step_count=steps, print_blob=True)
    asked = os.environ.get(FUZZ_CASES)
    if asked:
        return settings(common, max_examples=max(1, cases * int(asked) // WHOLE), derandomize=False)
    # Every run tries the same, so a failure is there to be looked at; making it small is for the long run.
    return settings(
        common,
        max_examples=by_default or cases,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
    )
