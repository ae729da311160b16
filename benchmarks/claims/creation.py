"""How soon does a person see something happen in AWS: apply to CreateCluster, one resource at a time.

From the moment the POST leaves to the moment CreateCluster arrives at AWS. Between them lie the API server's
admission and its watch, and a pass with a read of the object, DescribeCluster, two writes (finalizer, intent) and
the call itself. What the AWS network takes is not in it.
"""

import time

from benchmarks.claims.terms import Terms
from benchmarks.environment import LIFTED, BenchmarkError
from benchmarks.environment.objects import names
from benchmarks.figure import Figure, percentile

COUNT = 200
PAUSE = 0.25
"""Seconds until the next one: far more than one takes, so that each finds a quiet operator."""
PATIENCE = 60.0


def measure(terms: Terms) -> list[Figure]:
    with terms.environment() as env, env.operator(*LIFTED) as operator:
        operator.wait_ready()
        lane, sent = env.objects.lane(), dict[str, float]()
        for name in names(COUNT):
            body = env.objects.body(name)
            sent[name] = time.time()
            lane.post(body)
            time.sleep(PAUSE)
        lane.close()
        calls = env.aws.wait("CreateCluster", count=COUNT, since=0, seconds=PATIENCE)
        took = [(call.wall_time - sent[call.parameters["ClusterName"]]) * 1000 for call in calls]
        if len(took) != COUNT:
            raise BenchmarkError(f"{len(took)} CreateCluster came for {COUNT} resources")
        return [
            Figure(name="apply to CreateCluster, one at a time, p50", value=percentile(took, 50), unit="ms", most=50),
            Figure(name="apply to CreateCluster, one at a time, p99", value=percentile(took, 99), unit="ms", most=250),
        ]
