"""What the operator costs when nobody wants anything: no write at all, and hardly any CPU time.

By default a settled cluster is looked at every ten minutes, so five minutes of silence would prove little. Here 50
clusters are looked at ten times as often: as many passes a minute as 500 clusters cause by default, and each
cluster goes through what takes it 50 minutes otherwise, its slow full sync for most of them.
"""

import time

from benchmarks.claims.terms import Terms
from benchmarks.environment import LIFTED
from benchmarks.environment.objects import names
from benchmarks.figure import Figure
from hyperpod_operator.core.timings import Timings

COUNT = 50
DENSER = 10.0
MINUTES = 5.0
CALM = 15.0
"""Seconds for the last Events of the creation to be written."""
PATIENCE = 120.0


def measure(terms: Terms) -> list[Figure]:
    defaults = Timings()
    dense = (f"--resync-seconds={defaults.resync / DENSER:g}", f"--full-sync-seconds={defaults.full_sync / DENSER:g}")
    minutes = terms.seconds(MINUTES, quick=0.5)
    with terms.environment() as env, env.operator(*LIFTED, *dense) as operator, env.progress() as progress:
        operator.wait_ready()
        env.objects.create(names(COUNT))
        progress.wait(COUNT, seconds=PATIENCE)
        time.sleep(CALM)
        audited, since, before, started = env.audit.position(), env.aws.position(), operator.cpu(), time.monotonic()
        time.sleep(minutes * 60)
        took = (time.monotonic() - started) / 60
        spent = operator.cpu() - before
        writes, lease = env.audit.writes(since=audited), env.audit.lease_writes(since=audited)
        mutations = env.aws.calls(mutating=True, since=since)
        looks = env.aws.calls("DescribeCluster", since=since)
    span = terms.said(f"in {minutes:g} min")
    return [
        Figure(name="API server writes in idle minutes, Lease aside", value=len(writes), unit=f"writes {span}", most=0),
        Figure(name="Lease writes in idle minutes", value=len(lease), unit=f"writes {span}"),
        Figure(name="AWS mutations in idle minutes", value=len(mutations), unit=f"calls {span}", most=0),
        Figure(name="passes in these idle minutes", value=len(looks), unit=f"calls {span}"),
        Figure(name="operator, per idle minute with the passes of 500 clusters", value=spent / took, unit="CPU-s"),
    ]
