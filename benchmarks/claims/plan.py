"""The plan of a cluster with 100 groups, each of which differs: what a pass spends on it beside reading AWS.

Pure computation, so it needs no environment. The snapshot is built outside of the measured part.
"""

import statistics
import time
from dataclasses import replace

from tests.unit.core.builders import cluster, group, group_spec, recorded, resource, seen, snapshot_of, spec

from benchmarks.claims.terms import Terms
from benchmarks.figure import Figure
from hyperpod_operator.core.plan.plan import plan_of
from hyperpod_operator.core.plan.record import shown

GROUPS = 100
ROUNDS = 50


def measure(terms: Terms) -> list[Figure]:  # noqa: ARG001 - every claim takes them
    names = [f"group-{index}" for index in range(GROUPS)]
    wanted = [
        group_spec(name, 5, imageReleaseVersion="1.2.4", kubernetesConfig={"labels": {"pool": "new"}}) for name in names
    ]
    found = cluster(groups=tuple(group(group_spec(name, 3, imageReleaseVersion="1.2.3")) for name in names))
    owner = resource(spec=spec(instanceGroups=wanted, management={"changePolicy": "ApproveAll"}), status=recorded())
    snapshot = replace(snapshot_of(owner, seen(owner, found)), plan=None)
    spent = [_cpu(snapshot) for _ in range(ROUNDS)]
    return [
        Figure(
            name=f"plan of a cluster with {GROUPS} changed groups",
            value=statistics.median(spent),
            unit="ms of CPU",
            most=50,
        )
    ]


def _cpu(snapshot: object) -> float:
    started = time.process_time()
    shown(plan_of(snapshot), state="Pending")  # type: ignore[arg-type]
    return (time.process_time() - started) * 1000
