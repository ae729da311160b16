"""What a settled cluster costs the account in AWS reads an hour.

An hour of waiting would tell no more than two minutes on a schedule that is 60 times as dense: the defaults of
--resync-seconds and --full-sync-seconds, divided by 60. What is counted in so many seconds is what comes in as many
minutes otherwise. The clusters start together, so the count begins only when their jitter has spread them.
"""

import time
from collections import Counter

from benchmarks.claims.terms import Terms
from benchmarks.environment import LIFTED
from benchmarks.environment.objects import names
from benchmarks.figure import Figure
from hyperpod_operator.core.timings import Timings

COUNT = 200
DENSER = 60.0
SPREAD = 4
"""Resync intervals after which the clusters' looks are spread well enough."""
DESCRIBES, PATIENCE = "DescribeCluster", 300.0


def measure(terms: Terms) -> list[Figure]:
    resync, full_sync = Timings().resync / DENSER, Timings().full_sync / DENSER
    dense = (f"--resync-seconds={resync:g}", f"--full-sync-seconds={full_sync:g}")
    window = terms.seconds(2 * full_sync, quick=full_sync)
    with terms.environment() as env, env.operator(*LIFTED, *dense) as operator, env.progress() as progress:
        operator.wait_ready()
        env.objects.create(names(COUNT))
        progress.wait(COUNT, seconds=PATIENCE)
        time.sleep(SPREAD * resync)
        since, started = env.aws.position(), time.time()
        time.sleep(window)
        until = time.time()
        calls = [call for call in env.aws.calls(since=since) if started <= call.wall_time < until]
    hours = (until - started) * DENSER / 3600
    an_hour = {operation: count / COUNT / hours for operation, count in Counter(c.operation for c in calls).items()}
    describes = an_hour.pop(DESCRIBES, 0.0)
    return [
        Figure(
            name="DescribeCluster per cluster-hour, steady", value=round(describes, 1), unit=terms.said("calls"), most=6
        ),
        *(
            Figure(name=f"{operation} per cluster-hour, steady", value=round(count, 1), unit=terms.said("calls"))
            for operation, count in sorted(an_hour.items())
        ),
    ]
