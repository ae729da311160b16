"""The check of an object of one megabyte against an entry of fifty patterns: CPU time of the event loop, in-process.

Every pass of every object pays it, so an object that is as large as the API server takes must cost next to nothing.
"""

import json
import time

from benchmarks.claims.terms import Terms
from benchmarks.figure import Figure
from hyperpod_operator.core.tenancy import Matter, Tenancy, Tenant
from hyperpod_operator.core.tenancy.names import names_of_cluster
from hyperpod_operator.core.tenancy.tenants import MOST_CHARACTERS

PATTERNS = 50
VALUES, LENGTH = 500, 2048
ROUNDS = 5
MOST_MS = 50.0


def measure(_: Terms) -> list[Figure]:
    """Patterns with three stars and values that nearly match them: as much as is compared at all, and more."""
    compared = MOST_CHARACTERS // LENGTH
    return [
        _figure(f"tenants check of a 1 MB object with {PATTERNS} patterns", distinct=compared),
        _figure(f"tenants check of a 1 MB object that names too much, with {PATTERNS} patterns", distinct=VALUES),
    ]


def _figure(name: str, *, distinct: int) -> Figure:
    text = "arn:aws:kms" + ":" * (LENGTH - 15)
    configs = [{"ebsVolumeConfig": {"volumeKmsKeyId": f"{text}{number % distinct:04d}"}} for number in range(VALUES)]
    spec = {"instanceGroups": [{"instanceGroupName": "gpu", "instanceStorageConfigs": configs}]}
    if len(json.dumps(spec)) < 1_000_000:
        raise AssertionError("the object is smaller than the figure says")
    patterns = [f"arn:aws:kms:*:*:key/{number}-*" for number in range(PATTERNS)]
    tenancy = Tenancy(tenants=(Tenant.of(["team"], {Matter.KMS_KEYS: patterns}),))
    spent = []
    for _round in range(ROUNDS):
        started = time.thread_time()
        refused = tenancy.refusal(namespace="team", named=names_of_cluster(spec))
        spent.append(time.thread_time() - started)
        if refused is None:
            raise AssertionError("the check admitted what no pattern admits")
    return Figure(name=name, value=sorted(spent)[ROUNDS // 2] * 1000, unit="ms CPU", most=MOST_MS)
