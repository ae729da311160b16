"""Training plans of clusters that run: when each ends, kept for hours, so that a settled cluster costs few calls."""

import time
from collections.abc import Callable, Collection, Mapping

from hyperpod_operator.aws.call.caller import Caller
from hyperpod_operator.aws.facts.account import training_plan
from hyperpod_operator.aws.facts.reader import Answers, Reader
from hyperpod_operator.core.preflight.facts import TrainingPlan
from hyperpod_operator.core.preflight.model import Fact, Unread

STANDS = 21_600.0
"""Seconds for which an answer stands, also a denial: the end of a plan is days ahead."""
AGAIN = 3600.0
"""Seconds until a plan is asked about again after a read that failed for a moment, or that knew no such plan."""
PATIENCE = 5.0
"""Seconds in which the plans of one cluster have to be there: a pass waits for them."""
BUDGET = 20
"""Calls for the plans of one cluster in one pass; further ones are read by the next."""


class AwsTrainingPlans:
    """Implements `core.preflight.ports.TrainingPlans`."""

    def __init__(self, *, caller: Callable[[str], Caller], monotonic: Callable[[], float] = time.monotonic) -> None:
        """`caller` gives the Caller of SageMaker in a Region."""
        self._caller = caller
        self._monotonic = monotonic
        self._known: dict[tuple[str, str], tuple[float, Fact[TrainingPlan | None]]] = {}

    async def plans(self, *, region: str, arns: Collection[str]) -> Mapping[str, Fact[TrainingPlan | None]]:
        """Never raises."""
        now = self._monotonic()
        due = [arn for arn in sorted(arns) if self._known.get((region, arn), (0.0, None))[0] <= now][:BUDGET]
        if due:
            self._known = {key: one for key, one in self._known.items() if one[0] > now}
            reader = Reader(
                caller=lambda _: self._caller(region),
                answers=Answers(monotonic=self._monotonic),
                budget=BUDGET,
                patience=PATIENCE,
                monotonic=self._monotonic,
            )
            for arn in due:
                found = await training_plan(reader, arn)
                denied = isinstance(found, Unread) and bool(found.action)
                lasts = STANDS if denied or isinstance(found, TrainingPlan) else AGAIN
                self._known[region, arn] = (now + lasts, found)
        return {arn: self._known[region, arn][1] for arn in arns if (region, arn) in self._known}
