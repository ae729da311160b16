"""A restart with 1,000 settled resources: soon ready, and nothing written anywhere."""

import time

from benchmarks.claims.terms import Terms
from benchmarks.figure import Figure
from benchmarks.room import LIFTED
from benchmarks.room.objects import names

COUNT = 1000
PATIENCE = 400.0
AFTERMATH = 5.0
"""Seconds after the last first look in which a late write would still be seen."""


def measure(terms: Terms) -> list[Figure]:
    with terms.room() as room:
        with room.operator(*LIFTED) as operator, room.progress() as progress:
            operator.wait_ready()
            room.objects.create(names(COUNT))
            progress.wait(COUNT, seconds=PATIENCE)
            time.sleep(AFTERMATH)
        audited, since = room.audit.position(), room.aws.position()
        with room.operator(*LIFTED) as operator:
            ready = operator.wait_ready()
            looked = room.aws.wait("DescribeCluster", count=COUNT, since=since, seconds=PATIENCE)
            spent = operator.cpu()
            time.sleep(AFTERMATH)
            writes = room.audit.writes(since=audited)
            mutations = room.aws.calls(mutating=True, since=since)
        through = max(call.wall_time for call in looked)
        return [
            Figure(name="restart with 1,000 resources: API server writes", value=len(writes), unit="writes", most=0),
            Figure(name="restart with 1,000 resources: AWS mutations", value=len(mutations), unit="calls", most=0),
            Figure(name="operator, per restart with 1,000 resources", value=spent, unit="CPU-s"),
            Figure(name="restart with 1,000 resources: ready", value=ready - operator.started_at, unit="s", most=5),
            Figure(name="restart with 1,000 resources: all looked at", value=through - operator.started_at, unit="s"),
        ]
