"""Every metric of an operator, from the modules here and from the records of its kinds."""

from collections.abc import Iterable, Iterator

from hyperpod_operator.api.kinds.kind import Kind
from hyperpod_operator.api.metrics import aws, kubernetes, load, node_operations, nodes, volumes
from hyperpod_operator.api.metrics.instrument import Instrument, listed

MODULES = (nodes, volumes, node_operations, load, kubernetes, aws)


def instruments(kinds: Iterable[Kind]) -> tuple[Instrument, ...]:
    """Those of an operator that serves these kinds; `process_*` and `python_*` come from prometheus_client."""
    return tuple(_instruments(kinds))


def _instruments(kinds: Iterable[Kind]) -> Iterator[Instrument]:
    for kind in kinds:
        yield from (gauge.instrument for gauge in kind.gauges)
    for module in MODULES:
        yield from listed(module)
