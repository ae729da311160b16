"""The claims, one file each. A new one is a module with `measure(terms)` and a line here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from benchmarks.claims import (
    burst,
    creation,
    failover,
    fairness,
    fleet,
    flood,
    image,
    memory,
    operations,
    plan,
    preview,
    restart,
    settled,
    start,
    tenancy,
    volumes,
)
from benchmarks.claims.terms import Terms
from benchmarks.figure import Figure
from benchmarks.nodes.claim import measure_nodes

CLAIMS: Mapping[str, Callable[[Terms], list[Figure]]] = MappingProxyType(
    {
        "plan": plan.measure,
        "tenancy": tenancy.measure,
        "start": start.measure,
        "preview": preview.measure,
        "image": image.measure,
        "flood": flood.measure,
        "creation": creation.measure,
        "burst": burst.measure,
        "fleet": fleet.measure,
        "restart": restart.measure,
        "failover": failover.measure,
        "fairness": fairness.measure,
        "memory": memory.measure,
        "settled": settled.measure,
        "volumes": volumes.measure,
        "operations": operations.measure,
        "nodes": measure_nodes,
    }
)
"""In the order in which they are measured, the short ones first."""

__all__ = ["CLAIMS", "Terms"]
