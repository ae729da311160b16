"""A restart with 1,000 settled resources: soon ready, and nothing written anywhere."""

import time

from benchmarks.claims.terms import Terms
from benchmarks.environment import LIFTED
from benchmarks.environment.objects import names
from benchmarks.figure import Figure

COUNT = 1000
PATIENCE = 400.0
AFTERMATH = 5.0
"""Seconds after the last first look in which a late write would still be seen."""
BUDGETED = 200
"""So many looks are waited for with the default budget of AWS calls: it decides, and more take as much longer."""


def measure(terms: Terms) -> list[Figure]:
    with terms.environment() as env:
        with env.operator(*LIFTED) as operator, env.progress() as progress:
            operator.wait_ready()
            env.objects.create(names(COUNT))
            progress.wait(COUNT, seconds=PATIENCE)
            time.sleep(AFTERMATH)
        audited, since = env.audit.position(), env.aws.position()
        with env.operator(*LIFTED) as operator:
            ready = operator.wait_ready()
            looked = env.aws.wait("DescribeCluster", count=COUNT, since=since, seconds=PATIENCE)
            spent = operator.cpu()
            time.sleep(AFTERMATH)
            writes = env.audit.writes(since=audited)
            mutations = env.aws.calls(mutating=True, since=since)
        through = max(call.wall_time for call in looked)
        since = env.aws.position()
        with env.operator() as budgeted:
            spared = env.aws.wait("DescribeCluster", count=BUDGETED, since=since, seconds=PATIENCE)
            last = sorted(call.wall_time for call in spared)[BUDGETED - 1]
        return [
            Figure(name="restart with 1,000 resources: API server writes", value=len(writes), unit="writes", most=0),
            Figure(name="restart with 1,000 resources: AWS mutations", value=len(mutations), unit="calls", most=0),
            Figure(name="operator, per restart with 1,000 resources", value=spent, unit="CPU-s"),
            Figure(name="restart with 1,000 resources: ready", value=ready - operator.started_at, unit="s", most=5),
            Figure(name="restart with 1,000 resources: all looked at", value=through - operator.started_at, unit="s"),
            Figure(name=f"restart, default budget: {BUDGETED} looked at", value=last - budgeted.started_at, unit="s"),
        ]
