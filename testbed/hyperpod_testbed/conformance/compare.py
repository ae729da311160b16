"""What AWS answered beside what the simulator answers, question by question, and the profile that makes them agree."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import boto3

from hyperpod_testbed.conformance.caller import Budget, Caller, clients
from hyperpod_testbed.conformance.kubernetes_nodes import ReadNodes, shown
from hyperpod_testbed.conformance.question import Question
from hyperpod_testbed.conformance.questions import QUESTIONS
from hyperpod_testbed.conformance.record import JSON, Memory, Record, Redaction
from hyperpod_testbed.conformance.run import Run
from hyperpod_testbed.conformance.session import play
from hyperpod_testbed.conformance.steps.groups import FAILING_GROUP, SCARCE_GROUP
from hyperpod_testbed.conformance.target import EXAMPLE
from hyperpod_testbed.simulator import Options, Simulator, Timings
from hyperpod_testbed.simulator.direct import Direct
from hyperpod_testbed.simulator.node_views import NodeViews

_ID = "compare"
_EXPIRED = "EXPIRED"
LAG_TOLERANCE = 2.0
"""Seconds by which two lags may differ: the script looks once a second."""
DURATION_TOLERANCE = 0.25
"""Share by which two durations may differ, besides one look: no two nodes take equally long."""
_CHOICES = get_type_hints(Options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A question with both answers; None where a side saw nothing to judge by."""

    question: Question
    recorded: Any
    simulated: Any

    @property
    def seen(self) -> bool:
        return self.recorded is not None and self.simulated is not None

    @property
    def silent(self) -> str:
        """The side that saw nothing."""
        return "record" if self.recorded is None else "simulated run"

    @property
    def differs(self) -> bool:
        if not self.seen:
            return False
        if isinstance(self.recorded, float) and isinstance(self.simulated, float):
            return abs(self.recorded - self.simulated) > self._tolerance(max(self.recorded, self.simulated))
        return bool(self.recorded != self.simulated)

    @property
    def settable(self) -> bool:
        """Whether the simulator can answer as recorded."""
        if not self.question.settable or self.question.grain is not None:
            return self.question.settable
        hint = _CHOICES[self.question.option.partition(".")[0]]
        return get_origin(hint) is not Literal or self.recorded in get_args(hint)

    def _tolerance(self, longer: float) -> float:
        grain = self.question.grain
        return LAG_TOLERANCE if grain is None else max(grain, LAG_TOLERANCE) + DURATION_TOLERANCE * longer


class OwnedClock:
    """The simulator's clock: waiting moves it, and nothing else does."""

    def __init__(self, simulator: Simulator) -> None:
        self._clock = simulator.clock

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._clock.advance(seconds)


def simulate(
    *, options: Options, rounds: int, timings: Timings | None = None, say: Callable[[str], None] = lambda _: None
) -> Record:
    """The script against a fresh simulator with these options, in simulated time."""
    target = EXAMPLE
    with Simulator(target.account, speed=0.0, options=options, timings=timings) as simulator:
        simulator.world.fail_lifecycle(f"hyperpod-conformance-{_ID}", FAILING_GROUP)
        simulator.world.limit_capacity(f"hyperpod-conformance-{_ID}", SCARCE_GROUP, 0)
        memory = Memory(redaction=Redaction(target.secrets().items()))
        session = boto3.Session(aws_access_key_id="TESTBED", aws_secret_access_key="testbed")
        made = clients(session, region=target.region, endpoint_url=simulator.url)
        budget = Budget(limit=float("inf"), price_per_node_hour=target.pricePerNodeHour, most_nodes=1)
        simulator.access.expire(_EXPIRED)
        expired = boto3.Session(aws_access_key_id=_EXPIRED, aws_secret_access_key="testbed")
        made["expired"] = clients(expired, region=target.region, endpoint_url=simulator.url)["sagemaker"]
        direct = Direct()
        direct.serve(simulator)
        for client in made.values():
            direct.take(client)
        caller = Caller(
            clients=made, pace=OwnedClock(simulator), budget=budget, sink=memory, nodes=_nodes_of(simulator)
        )
        try:
            ended = play(Run(id=_ID, target=target, caller=caller, rounds=rounds), say=say)
        finally:
            for client in made.values():
                client.close()
    return memory.record(about={"id": _ID, "rounds": rounds, "failed": list(ended.failed), "left": list(ended.left)})


def compare(recorded: Record, simulated: Record) -> tuple[Row, ...]:
    """A row per question, in the order of the script."""
    return tuple(Row(question=one, recorded=one.answer(recorded), simulated=one.answer(simulated)) for one in QUESTIONS)


def table(rows: tuple[Row, ...]) -> str:
    """The rows for a terminal: what differs first, then what agrees, then what was not seen."""
    lines = [line for row in rows if row.differs for line in _differing(row)]
    lines += [f"same     {row.question.asks} {row.recorded}" for row in rows if row.seen and not row.differs]
    lines += [f"not seen {row.question.asks} The {row.silent} has no answer." for row in rows if not row.seen]
    return "\n".join(lines)


def _differing(row: Row) -> tuple[str, str]:
    name = row.question.option
    if row.question.grain is not None:
        remedy = f"set the timing {name}={row.recorded}"
    elif row.settable:
        remedy = f"set {name}={row.recorded}"
    else:
        remedy = f"no switch has this answer: report {name}"
    return (
        f"DIFFERS  {row.question.asks}",
        f"         recorded {row.recorded}, simulated {row.simulated}; {remedy}",
    )


def answers(rows: tuple[Row, ...]) -> dict[str, Any]:
    """The recorded answer of each switch that differs."""
    return {row.question.option: row.recorded for row in _to_set(rows) if row.question.grain is None}


def durations(rows: tuple[Row, ...]) -> dict[str, float]:
    """The recorded duration of each timing, or sum of timings, that differs."""
    return {row.question.option: float(row.recorded) for row in _to_set(rows) if row.question.grain is not None}


def _to_set(rows: tuple[Row, ...]) -> Iterator[Row]:
    return (row for row in rows if row.differs and row.settable)


def _nodes_of(simulator: Simulator) -> ReadNodes:
    views = NodeViews(simulator.core)

    def read() -> list[JSON]:
        return [
            shown(
                name=view.name,
                provider_id=view.provider_id,
                labels=view.labels,
                taints=[f"{key}={value}:{effect}" for key, value, effect in view.taints],
                ready=view.ready,
            )
            for view in views.now().values()
        ]

    return read
