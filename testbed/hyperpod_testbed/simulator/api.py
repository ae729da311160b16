"""One call from arrival to answer: who, which operation, faults, limits, permission, validation, work, check.

The order is AWS's as far as it can be told from outside: authentication before throttling, permission before
validation, validation before anything that depends on state.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping

from hyperpod_testbed.simulator import shapes, wire
from hyperpod_testbed.simulator.calls import DROPPED, OK, PENDING, Call
from hyperpod_testbed.simulator.core import Core
from hyperpod_testbed.simulator.errors import AwsError, validation
from hyperpod_testbed.simulator.faults import Fault
from hyperpod_testbed.simulator.names import partition
from hyperpod_testbed.simulator.operations import OPERATIONS
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region
from hyperpod_testbed.simulator.throttle import rate_exceeded
from hyperpod_testbed.simulator.wire import Caller, Reply

_LOG = logging.getLogger(__name__)

IDENTITY = "GetCallerIdentity"


class ConnectionDroppedError(Exception):
    """The connection is to be closed without an answer."""


class Api:
    """The service behind the socket."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def handle(self, headers: Mapping[str, str], body: bytes, *, request_id: str) -> Reply:
        """Answer a request; raises ConnectionDroppedError when a fault takes the connection."""
        sts = wire.is_sts(headers)
        index: int | None = None
        committed = False
        try:
            who = wire.caller(headers)
            name = wire.sts_action(body) if sts else wire.operation(headers)
            request = {} if sts else wire.parameters(body)
            index = self._begin(who, name, request, request_id=request_id)
            faults = await self._before(who, name, request, sts=sts)
            if sts:
                answer = self._identity(who, request_id=request_id)
            else:
                answer = wire.success(self._execute(who, name, request))
                committed = OPERATIONS[name].mutating
            code = OK
            if any(fault.kind == "commit_then_drop" for fault in faults):
                raise ConnectionDroppedError
        except AwsError as error:
            code = error.code
            answer = wire.sts_failure(error, request_id=request_id) if sts else wire.failure(error)
        except ConnectionDroppedError:
            self._end(index, code=DROPPED, committed=committed)
            raise
        except Exception as error:
            # Whatever this is, it is the simulator's own: the test must hear of it even if the client retries.
            self._core.broken_responses.append(f"{type(error).__name__}: {error}")
            _LOG.exception("the simulator failed on a call")
            code = "SimulatorFault"
            answer = wire.failure(AwsError(code, str(error), status=500))
        self._end(index, code=code, committed=committed)
        return answer

    def _begin(self, who: Caller, name: str, request: JSON, *, request_id: str) -> int:
        handler = OPERATIONS.get(name)
        return self._core.log.begin(
            Call(
                index=-1,
                wall_time=time.time(),
                simulated_time=self._core.clock.now(),
                operation=name,
                region=who.region,
                access_key=who.access_key,
                parameters=request,
                mutating=bool(handler and handler.mutating),
                request_id=request_id,
                code=PENDING,
            )
        )

    def _end(self, index: int | None, *, code: str, committed: bool) -> None:
        if index is not None:
            self._core.log.end(index, code=code, committed=committed)

    async def _before(self, who: Caller, name: str, request: JSON, *, sts: bool) -> list[Fault]:
        core = self._core
        core.access.require_valid(who.access_key)
        handler = None if sts else OPERATIONS.get(name)
        if sts and name != IDENTITY:
            raise AwsError("InvalidAction", f"Could not find operation {name} for version 2011-06-15")
        if not sts and handler is None:
            raise wire.unknown_operation()
        with core.present() as sim:
            core.throttle.take(who.region, mutating=bool(handler and handler.mutating), options=sim.options)
            cluster = _cluster_name(sim.account.region(who.region), request)
            options = sim.options
        faults = core.faults.strike(operation=name, cluster=cluster, region=who.region)
        for fault in faults:
            if fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "drop":
                raise ConnectionDroppedError
            elif fault.kind == "throttle":
                raise rate_exceeded(options)
            elif fault.kind == "error":
                raise AwsError(fault.code, fault.message, status=fault.status)
        return faults

    def _identity(self, who: Caller, *, request_id: str) -> Reply:
        with self._core.present() as sim:
            account = sim.account.id
        return wire.identity(account=account, arn=self._core.access.principal(who.access_key), request_id=request_id)

    def _execute(self, who: Caller, name: str, request: JSON) -> JSON:
        core = self._core
        handler = OPERATIONS[name]
        with core.change() if handler.mutating else core.present() as sim:
            region = sim.account.region(who.region)
            core.access.require_allowed(who.access_key, name, resource=_resource(sim, region, request))
            if name == "CreateCluster" and request.get("Tags"):
                # AWS asks for the right to tag of whoever creates with tags.
                core.access.require_allowed(who.access_key, "AddTags", resource=_resource(sim, region, request))
            if problems := shapes.request_problems(name, request):
                raise validation(shapes.summary(problems))
            if handler.mutating:
                core.lag.before_mutation(sim, region)
                answer = handler.answer(sim, region, request)
            else:
                answer = handler.answer(sim, core.lag.region_for(sim, region, name, request), request)
            self._check(sim, name, answer)
            return answer

    def _check(self, sim: Simulation, name: str, answer: JSON) -> None:
        tolerated: set[str] = set()
        if sim.options.pending_instance_id == "omit":
            tolerated |= {"InstanceId", "LaunchTime"}
        if sim.options.failed_node_status == "Failed":
            tolerated.add("InstanceStatus")
        problems = shapes.response_problems(name, answer, tolerated=frozenset(tolerated))
        if problems:
            text = f"{name}: {shapes.summary(problems)}"
            self._core.broken_responses.append(text)
            raise AwsError("SimulatorFault", f"the simulator's answer does not fit the API model. {text}", status=500)


def new_request_id() -> str:
    """A request id as AWS has them."""
    return str(uuid.uuid4())


def _cluster_name(region: Region, request: JSON) -> str | None:
    named = request.get("ClusterName") or request.get("ResourceArn")
    if not isinstance(named, str):
        return None
    found = region.find(named)
    return found.name if found else named


def _resource(sim: Simulation, region: Region, request: JSON) -> str:
    named = request.get("ClusterName") or request.get("ResourceArn")
    found = region.find(named) if isinstance(named, str) else None
    if found:
        return found.arn
    return f"arn:{partition(region.name)}:sagemaker:{region.name}:{sim.account.id}:cluster/*"
