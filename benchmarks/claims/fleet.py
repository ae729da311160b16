"""1,000 resources from nothing to Ready, with an AWS that takes 50 ms for each answer.

The simulated instances run at once, so the time is the operator's: its passes, and its pauses between two looks at
a cluster that AWS is creating, which are those of its default flags.
"""

from benchmarks.claims.terms import Terms
from benchmarks.environment import LIFTED
from benchmarks.environment.objects import names
from benchmarks.figure import Figure

COUNT = 1000
ROUND_TRIP = 0.05
PATIENCE = 400.0
CALM = 10.0
"""Seconds without a write after which the Events are all told: they come in the background, after the status."""


def measure(terms: Terms) -> list[Figure]:
    with terms.environment(round_trip=ROUND_TRIP) as env, env.operator(*LIFTED) as operator:
        operator.wait_ready()
        with env.progress() as progress:
            before, audited, since = operator.cpu(), env.audit.position(), env.aws.position()
            first_sent, _ = env.objects.create(names(COUNT))
            settled = progress.wait(COUNT, seconds=PATIENCE)
            spent = operator.cpu() - before
        calls = env.aws.calls(since=since)
        writes = env.audit.last_writes(since=audited, calm=CALM)
        return [
            Figure(name="API server writes per resource created", value=len(writes) / COUNT, unit="writes", most=5),
            Figure(name="AWS calls per resource created", value=len(calls) / COUNT, unit="calls"),
            Figure(name="operator, per resource created and settled", value=spent / COUNT, unit="CPU-s"),
            Figure(name="1,000 resources settled, AWS round trip 50 ms", value=settled - first_sent, unit="s", most=60),
        ]
