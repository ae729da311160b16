"""What settled clusters cost when nobody wants anything: reads of AWS, no write at all, and hardly any CPU time.

An hour of waiting would tell no more than two minutes on a schedule that is 60 times as dense: the defaults of
--resync-seconds and --full-sync-seconds, divided by 60. What is counted in so many seconds is what comes in as many
minutes otherwise. The clusters start together, so the count begins only when their jitter has spread them.

It also begins only when every cluster had its first full sync: that one finds what HyperPod itself reports about the
creation, and publishes it, once.
"""

import time
from collections import Counter

from benchmarks.claims.terms import Terms
from benchmarks.environment import LIFTED, BenchmarkError
from benchmarks.environment.objects import names
from benchmarks.figure import Figure
from hyperpod_operator.core.timings import Timings

COUNT = 200
DENSER = 60.0
CALM = 5.0
"""Seconds without a write after which the Events of the creation are out: they come in the background."""
DESCRIBES, PATIENCE = "DescribeCluster", 300.0


def measure(terms: Terms) -> list[Figure]:
    resync, full_sync = Timings().resync / DENSER, Timings().full_sync / DENSER
    dense = (f"--resync-seconds={resync:g}", f"--full-sync-seconds={full_sync:g}")
    window = terms.seconds(2 * full_sync, quick=full_sync)
    with terms.environment() as env, env.operator(*LIFTED, *dense) as operator, env.progress() as progress:
        operator.wait_ready()
        created = env.audit.position()
        env.objects.create(names(COUNT))
        progress.wait(COUNT, seconds=PATIENCE)
        time.sleep(full_sync + 2 * resync)
        env.audit.last_writes(since=created, calm=CALM)
        audited, since, before, started = env.audit.position(), env.aws.position(), operator.cpu(), time.time()
        time.sleep(window)
        until, spent = time.time(), operator.cpu() - before
        writes, lease = env.audit.writes(since=audited), env.audit.lease_writes(since=audited)
        calls = [call for call in env.aws.calls(since=since) if started <= call.wall_time < until]
    took = until - started
    hours = took * DENSER / 3600
    an_hour = {operation: count / COUNT / hours for operation, count in Counter(c.operation for c in calls).items()}
    describes = an_hour.pop(DESCRIBES, 0.0)
    passes = sum(call.operation == DESCRIBES for call in calls)
    if not passes:
        raise BenchmarkError(f"no cluster was looked at in {took:.0f} s")
    mutations = sum(call.mutating for call in calls)
    name, span = f"{COUNT} settled clusters", terms.said(f"in {window / 60:g} min")
    return [
        Figure(name=f"{name}: API server writes, Lease aside", value=len(writes), unit=f"writes {span}", most=0),
        Figure(name=f"{name}: Lease writes", value=len(lease), unit=f"writes {span}"),
        Figure(name=f"{name}: AWS mutations", value=mutations, unit=f"calls {span}", most=0),
        Figure(name=f"{name}: operator, per 1,000 passes", value=spent / passes * 1000, unit="CPU-s"),
        Figure(
            name="DescribeCluster per cluster-hour, steady", value=round(describes, 1), unit=terms.said("calls"), most=6
        ),
        *(
            Figure(name=f"{operation} per cluster-hour, steady", value=round(count, 1), unit=terms.said("calls"))
            for operation, count in sorted(an_hour.items())
        ),
    ]
