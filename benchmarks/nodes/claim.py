"""The comparison as one of the claims of `python -m benchmarks`: each call is one round of the operator and its peer.

The run takes the median of several calls, so contestants take turns there as they do here. What a Python author would
have written is left out: it takes as long again and decides no gate (`python -m benchmarks.nodes` has it).
"""

from typing import Any

from benchmarks.claims.terms import Terms
from benchmarks.environment import BenchmarkError
from benchmarks.figure import Figure
from benchmarks.nodes.contestants import OPERATOR
from benchmarks.nodes.process import CoreError
from benchmarks.nodes.report import figures
from benchmarks.nodes.run import Wish, measure
from benchmarks.nodes.single_round import Sizes
from benchmarks.nodes.watcher import ContractError

CONTESTANTS = (OPERATOR, "controller-runtime")


def measure_nodes(terms: Terms) -> list[Figure]:
    """One round with 5,000 nodes, or 1,000 when it is to be quick. Raises BenchmarkError, as every claim does."""
    sizes = Sizes(changes=20, burst=200) if terms.quick else Sizes()
    done: list[dict[str, Any]] = []
    desired = Wish(contestants=CONTESTANTS, rounds=1, nodes=1000 if terms.quick else 5000, sizes=sizes, logs=terms.logs)
    try:
        measure(desired, tell=lambda _: None, keep=done.append)
    except (ContractError, CoreError) as error:
        raise BenchmarkError(str(error)) from error
    return figures(done)
