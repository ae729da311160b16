"""One call from arrival to answer: who, which operation, faults, limits, permission, validation, work, check.

The order is AWS's as far as it can be told from outside: authentication before throttling, permission before
validation, validation before anything that depends on state.
"""

import asyncio
import logging
import time
import uuid
from dataclasses import replace

from hyperpod_testbed.simulator import services, shapes, wire, words
from hyperpod_testbed.simulator.calls import DROPPED, OK, PENDING, STRANGE, Call
from hyperpod_testbed.simulator.core import Core
from hyperpod_testbed.simulator.ebs.errors import wrapped
from hyperpod_testbed.simulator.errors import AwsError, BodyError
from hyperpod_testbed.simulator.faults import Fault
from hyperpod_testbed.simulator.lag import require_known
from hyperpod_testbed.simulator.names import partition
from hyperpod_testbed.simulator.operations.attachments import EC2_ACTIONS
from hyperpod_testbed.simulator.services import STS, Service
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region
from hyperpod_testbed.simulator.throttle import rate_exceeded
from hyperpod_testbed.simulator.wire import Caller, Reply, Request

_LOG = logging.getLogger(__name__)

IDENTITY = "GetCallerIdentity"


class ConnectionDroppedError(Exception):
    """The connection is to be closed without an answer."""


class Api:
    """The service behind the socket."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def handle(self, asked: Request, *, request_id: str) -> Reply:
        """Answer a request; raises ConnectionDroppedError when a fault takes the connection."""
        service = services.of(asked)
        index: int | None = None
        committed = False
        try:
            who = wire.caller(asked.headers)
            name = service.protocol.operation(asked)
            if not name:
                raise wire.unknown_operation()
            request = service.protocol.parameters(name, asked) if name in service.handlers else {}
            index = self._begin(who, service, name, request, request_id=request_id)
            faults = await self._before(who, service, name, request)
            for late in (fault for fault in faults if fault.kind == "commit_late"):
                self._later(who, service, name, request, index=index, seconds=late.seconds)
                raise ConnectionDroppedError
            if service is STS:
                answer = service.protocol.success(name, self._identity(who), request_id)
            else:
                done = self._execute(who, service, name, request)
                answer = service.protocol.success(name, done, request_id)
                committed = service.handlers[name].mutating
            code = OK
            if any(fault.kind == "commit_then_drop" for fault in faults):
                raise ConnectionDroppedError
            if any(fault.kind == "body" for fault in faults):
                code, answer = STRANGE, replace(answer, body=answer.body[: len(answer.body) // 2])
        except BodyError as error:
            code, answer = STRANGE, Reply(error.status, error.content_type, error.body)
        except AwsError as error:
            said = service.words.said(error)
            code = said.code
            answer = service.protocol.failure(said, request_id)
        except ConnectionDroppedError:
            self._end(index, code=DROPPED, committed=committed)
            raise
        except Exception as error:
            # Whatever this is, it is the simulator's own: the test must hear of it even if the client retries.
            self._core.broken_responses.append(f"{type(error).__name__}: {error}")
            _LOG.exception("the simulator failed on a call")
            code = "SimulatorFault"
            answer = service.protocol.failure(AwsError(code, str(error), status=500), request_id)
        self._end(index, code=code, committed=committed)
        return answer

    def _begin(self, who: Caller, service: Service, name: str, request: JSON, *, request_id: str) -> int:
        handler = service.handlers.get(name)
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
                service=service.name,
            )
        )

    def _end(self, index: int | None, *, code: str, committed: bool) -> None:
        if index is not None:
            self._core.log.end(index, code=code, committed=committed)

    async def _before(self, who: Caller, service: Service, name: str, request: JSON) -> list[Fault]:
        core = self._core
        core.access.require_valid(who.access_key)
        core.access.require_clock(core.clock.now())
        handler = service.handlers.get(name)
        if service is STS and name != IDENTITY:
            raise AwsError("InvalidAction", f"Could not find operation {name} for version 2011-06-15")
        if service is not STS and handler is None:
            raise wire.unknown_operation()
        with core.present() as sim:
            core.throttle.take(
                who.region, service=service.name, mutating=bool(handler and handler.mutating), options=sim.options
            )
            cluster = _cluster_name(sim.account.region(who.region), request)
            options = sim.options
        faults = core.faults.strike(operation=name, service=service.name, cluster=cluster, region=who.region)
        for fault in faults:
            if fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "drop":
                raise ConnectionDroppedError
            elif fault.kind == "throttle":
                raise rate_exceeded(options)
            elif fault.kind == "body" and fault.body != "truncated":
                raise wire.strange(fault.body, status=fault.status, message=fault.message)
            elif fault.kind == "error":
                raise AwsError(fault.code, fault.message, status=fault.status)
        return faults

    def _identity(self, who: Caller) -> JSON:
        with self._core.present() as sim:
            account = sim.account.id
        arn = self._core.access.principal(who.access_key)
        return {"Arn": arn, "UserId": "AROATESTBED:session", "Account": account}

    def _execute(self, who: Caller, service: Service, name: str, request: JSON) -> JSON:
        core = self._core
        handler = service.handlers[name]
        with core.change() if handler.mutating else core.present() as sim:
            region = sim.account.region(who.region)
            self._permit(sim, who, service, name, request)
            if problems := shapes.request_problems(name, request, model=service.model()):
                raise service.refusal(problems)
            require_known(sim, region, name, request)
            if handler.mutating:
                answer = handler.answer(sim, region, request)
            else:
                answer = handler.answer(sim, core.lag.region_for(sim, region, name, request), request)
            self._check(sim, service, name, answer)
            return answer

    def _later(
        self, who: Caller, service: Service, name: str, request: JSON, *, index: int | None, seconds: float
    ) -> None:
        """The work of a call whose caller has hung up; what AWS would refuse then nobody hears."""

        def work() -> None:
            try:
                service.handlers[name].answer(sim, sim.account.region(who.region), request)
            except AwsError:
                return
            self._end(index, code=DROPPED, committed=True)

        with self._core.change() as sim:
            sim.timeline.after(seconds, work)

    def _permit(self, sim: Simulation, who: Caller, service: Service, name: str, request: JSON) -> None:
        access, region = self._core.access, sim.account.region(who.region)
        for action, target in _passed_on(region, name, request):
            access.require_allowed(who.access_key, action, resource=target, service=action.partition(":")[0])
        if service.name == "sagemaker":
            resource = _resource(sim, region, request)
        else:
            resource = service.resource(sim.account.id, request, region.name)
        access.require_allowed(
            who.access_key, name, action=service.actions.get(name), resource=resource, service=service.name
        )
        # AWS asks for the right to tag of whoever creates with tags.
        if name == "CreateCluster" and request.get("Tags"):
            access.require_allowed(who.access_key, "AddTags", resource=resource)
        if service.name == "ec2" and request.get("TagSpecifications"):
            access.require_allowed(who.access_key, "CreateTags", resource=resource, service="ec2")
        if name in EC2_ACTIONS:
            try:
                access.require_allowed(who.access_key, EC2_ACTIONS[name], resource="*", service="ec2")
            except AwsError as error:
                raise wrapped(sim, words.EC2.said(error)) from error

    def _check(self, sim: Simulation, service: Service, name: str, answer: JSON) -> None:
        tolerated: set[str] = set()
        if sim.options.pending_instance_id == "omit":
            tolerated |= {"InstanceId", "LaunchTime"}
        if sim.options.failed_node_status == "Failed":
            tolerated.add("InstanceStatus")
        if sim.options.device_names == "beyond_model":
            tolerated.add("DeviceName")
        problems = shapes.response_problems(name, answer, tolerated=frozenset(tolerated), model=service.model())
        if problems:
            text = f"{name}: {shapes.summary(problems)}"
            self._core.broken_responses.append(text)
            raise AwsError("SimulatorFault", f"the simulator's answer does not fit the API model. {text}", status=500)


def new_request_id() -> str:
    """A request id as AWS has them."""
    return str(uuid.uuid4())


_OF_EKS = ("DescribeCluster", "CreateAccessEntry", "DescribeAccessEntry", "AssociateAccessPolicy")
"""Actions on the EKS cluster that AWS asks of the caller (HyperPod guide, IAM permissions for cluster admins)."""


def _passed_on(region: Region, name: str, request: JSON) -> list[tuple[str, str]]:
    """What AWS asks of the caller of CreateCluster and UpdateCluster elsewhere: the right to pass the roles, and those
    on the EKS cluster (AWS's page on IAM for HyperPod: it makes the access entries as the caller); of the caller of
    DeleteCluster that to remove the access entry."""
    if name not in {"CreateCluster", "UpdateCluster", "DeleteCluster"}:
        return []
    listed = [*(request.get("InstanceGroups") or []), *(request.get("RestrictedInstanceGroups") or [])]
    roles = {group.get("ExecutionRole") for group in listed if isinstance(group, dict)} | {request.get("ClusterRole")}
    found = [("iam:PassRole", role) for role in sorted(role for role in roles if role and isinstance(role, str))]
    named = _named(request)
    there = region.find(named) if isinstance(named, str) else None
    eks = _text(request, "Orchestrator", "Eks", "ClusterArn") or (there.eks_arn if there else None)
    if eks:
        actions = ("DeleteAccessEntry",) if name == "DeleteCluster" else _OF_EKS
        found += [(f"eks:{action}", eks) for action in actions]
    return found


def _text(request: JSON, *path: str) -> str | None:
    """A member of a request that the model has not been asked about yet; None where it is no text."""
    found: object = request
    for member in path:
        found = found.get(member) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None


def _cluster_name(region: Region, request: JSON) -> str | None:
    named = _named(request)
    if not isinstance(named, str):
        return None
    found = region.find(named)
    return found.name if found else named


def _resource(sim: Simulation, region: Region, request: JSON) -> str:
    named = _named(request)
    found = region.find(named) if isinstance(named, str) else None
    if found:
        return found.arn
    return f"arn:{partition(region.name)}:sagemaker:{region.name}:{sim.account.id}:cluster/*"


def _named(request: JSON) -> object:
    """What a request calls its cluster, by name or ARN."""
    members = ("ClusterName", "ClusterArn", "ResourceArn", "SourceClusterArn")
    return next((request[name] for name in members if request.get(name)), None)
