"""Calls to AWS that are recorded, time that a test can own, and a limit on what a run may spend."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from hyperpod_testbed.conformance.kubernetes_nodes import ReadNodes
from hyperpod_testbed.conformance.ledger import Ledger
from hyperpod_testbed.conformance.record import JSON, Call


class OverBudgetError(RuntimeError):
    """The run would spend more than it may."""


class Pace(Protocol):
    """Time as the endpoint has it, in seconds."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class WallClock:
    """Real time; `factor` is for an endpoint whose clock runs that many times as fast."""

    def __init__(self, *, factor: float = 1.0) -> None:
        self._factor = factor

    def now(self) -> float:
        return time.monotonic() * self._factor

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._factor)


class Budget:
    """Nodes times hours times price, counted as if every node ran from the start of the run.

    `reserved` are USD that one step may cost besides. OverBudgetError where the limit does not cover even that.
    """

    def __init__(self, *, limit: float, price_per_node_hour: float, most_nodes: int, reserved: float = 0.0) -> None:
        self._limit, self._reserved = limit, reserved
        self._rate = price_per_node_hour * most_nodes / 3600.0
        self.check(0.0)

    def check(self, seconds: float) -> None:
        """OverBudgetError once so many seconds may have cost the limit."""
        if (spent := self._rate * seconds + self._reserved) > self._limit:
            held = f", {self._reserved:.2f} of it kept for an hour of scarceInstanceType" if self._reserved else ""
            raise OverBudgetError(f"nodes may cost {spent:.2f} USD{held}, and the limit is {self._limit:.2f} USD")


class Caller:
    """The only way from a step to AWS."""

    def __init__(
        self,
        *,
        clients: Mapping[str, Any],
        pace: Pace,
        budget: Budget,
        sink: Callable[[Call], None],
        nodes: ReadNodes | None = None,
    ) -> None:
        self._clients = clients
        self._nodes = nodes
        self._pace = pace
        self._budget = budget
        self._sink = sink
        self._began = pace.now()
        self._limited = True
        self.ledger = Ledger()

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._pace.now() - self._began

    def sleep(self, seconds: float) -> None:
        """Wait; OverBudgetError where the wait may cost more than the limit."""
        if self._limited:
            self._budget.check(self.elapsed + seconds)
        self._pace.sleep(seconds)

    def lift_limit(self) -> None:
        """From here on waiting costs less than not waiting: what was made is being removed."""
        self._limited = False

    def call(self, step: str, operation: str, *, service: str = "sagemaker", **request: Any) -> Call:
        """One call, recorded; AWS's refusal is an answer like any other, and nothing is sent twice."""
        at, began = self.elapsed, time.monotonic()
        client = self._clients[service]
        answer: JSON | None = None
        code = message = status = None
        known_before = request.get("ClusterName") in self.ledger.unseen
        self.ledger.began(operation, request)
        try:
            answer = getattr(client, _method(client, operation))(**request)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "Unknown"))
            message = str(error.response.get("Error", {}).get("Message", ""))
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
        except BotoCoreError as error:
            code, message = type(error).__name__, str(error)
        call = Call(
            step=step,
            service=service,
            operation=operation,
            request=request,
            at=round(at, 3),
            took=round(time.monotonic() - began, 4),
            answer=answer,
            code=code,
            message=message,
            status=status,
        )
        self.ledger.ended(call, known_before=known_before)
        self._write(call)
        return call

    def has(self, service: str) -> bool:
        """Whether the run has a client of this name."""
        return service in self._clients

    def kubernetes(self, step: str, seen: Callable[[Call], None] = lambda _: None) -> None:
        """Record the Nodes that HyperPod made, where the run has a kubeconfig; an error is an answer, too."""
        if self._nodes is None:
            return
        at, began = self.elapsed, time.monotonic()
        answer: JSON | None = None
        code = message = None
        try:
            answer = {"Nodes": self._nodes()}
        except Exception as error:
            code, message = type(error).__name__, str(error)
        took = round(time.monotonic() - began, 4)
        call = Call(
            step=step,
            service="kubernetes",
            operation="ListNodes",
            request={},
            at=round(at, 3),
            took=took,
            answer=answer,
            code=code,
            message=message,
        )
        self._write(call)
        seen(call)

    def _write(self, call: Call) -> None:
        """A record that cannot be written ends the script; it does not end the removal of what was made."""
        try:
            self._sink(call)
        except OSError:
            if self._limited:
                raise


def clients(session: boto3.Session, *, region: str, endpoint_url: str | None = None) -> dict[str, Any]:
    """A client per service that the script calls; none of them retries, since a record shows single calls.

    Without `endpoint_url` they go where boto3's configuration leads.
    """
    config = Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=60)
    return {
        name: session.client(name, region_name=region, config=config, endpoint_url=endpoint_url)
        for name in ("sagemaker", "ec2")
    }


def _method(client: Any, operation: str) -> str:
    for method, name in client.meta.method_to_api_mapping.items():
        if name == operation:
            return str(method)
    raise ValueError(f"{client.meta.service_model.service_name} has no operation {operation}")
