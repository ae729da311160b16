"""A resource that was admitted, lived through by the real controller against the simulator, and what must hold.

Time is the simulator's and moves only between passes. Every invariant is an assertion of its own that shows the
resource, for that is what a failure has to be repeated with.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import boto3
from tests.unit.controllers.rig import RESTING, FakeObjects, Recorder, Rig, pause

from hyperpod_operator.api.names import Reason
from hyperpod_operator.aws.cloud import AwsCloud
from hyperpod_operator.controllers.cluster.controller import ClusterController, ClusterSettings
from hyperpod_operator.controllers.cluster.observer import Ports
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.outcome import Blocked, Failed, Gone, Outcome, Requeue
from hyperpod_operator.core.ports import Clusters, Key, StoredObject
from hyperpod_operator.core.timings import Timings
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.simulator.shapes import request_problems

Json = dict[str, Any]
PATIENT = Timings(poll=300.0)
"""Fewer looks at what takes an hour: a look costs real time here and none there."""
LATER = 86_400.0
"""Seconds after which AWS has ended what it does besides (deep health checks), and all of it was looked at."""
NO_ANSWER: Mapping[str, Any] = MappingProxyType({})
"""AWS answers as the simulator does by default."""
REGION = "us-west-2"
"""The one that a resource may name."""
PASSES = 150
"""More than any life of one edit needs: the longest wait is three hours for a minimum count."""
KEPT = frozenset(
    {
        Reason.INVALID_SPEC,
        Reason.REGION_NOT_ALLOWED,
        Reason.DELETION_PROTECTED,
        Reason.WAITING_FOR_APPROVAL,
        Reason.PLAN_STALE,
    }
)
"""Why a deleted resource may stay: its spec says so, or cannot be read."""
INVENTED = "enum value set: [ml."
"""The schema checks the form of an instance type alone, for AWS's list grows with every launch."""

UNANSWERED = frozenset({"ConnectionClosedError", "EndpointConnectionError", "ReadTimeoutError", "ConnectionError"})
"""What botocore raises where a scripted fault took the connection; anything else is the client's own failure."""


def went_back(outcome: Outcome) -> bool:
    return isinstance(outcome, Blocked) and outcome.reason is Reason.UPDATE_ROLLED_BACK


class WatchedCalls:
    """The cloud with an ear on it: what a call raises is noted on its way to the controller."""

    def __init__(self, clusters: Clusters, note: Callable[[Exception], None]) -> None:
        self._clusters = clusters
        self._note = note

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._clusters, name)

        async def watched(**arguments: Any) -> Any:
            try:
                return await call(**arguments)
            except Exception as error:
                self._note(error)
                raise

        return watched


class WatchedCloud:
    """`core.ports.Cloud` over the real one."""

    def __init__(self, cloud: AwsCloud) -> None:
        self.real = cloud
        self.errors: list[Exception] = []

    @property
    def region(self) -> str:
        return self.real.region

    def clusters(self, *, region: str) -> Any:
        return WatchedCalls(self.real.clusters(region=region), self.errors.append)

    async def location(self, *, region: str) -> Any:
        return await self.real.location(region=region)

    def close(self) -> None:
        self.real.close()


class JudgedObjects(FakeObjects):
    """The API server's part, with a judge of every status that is written."""

    def __init__(self, judge: Callable[[Json], None]) -> None:
        super().__init__()
        self._judge = judge

    def delete(self, key: Key) -> None:
        """What nobody holds on to is gone at once."""
        super().delete(key)
        if not self._bodies[key]["metadata"].get("finalizers"):
            del self._bodies[key]

    async def write_status(
        self, stored: StoredObject, status: Mapping[str, Any], *, unedited: bool = False
    ) -> StoredObject:
        self._judge(dict(status))
        return await super().write_status(stored, status, unedited=unedited)


class Trial:
    """One resource after the other on one simulator; `begin` forgets the one before."""

    def __init__(self, simulator: Simulator, runner: asyncio.Runner) -> None:
        self.rig = Rig(simulator)
        self._runner = runner
        self._answers = simulator.settings.options()
        self._watched = WatchedCloud(self.rig.cloud)
        self.rig.cloud = self._watched  # type: ignore[assignment]
        self.begin(Key("team", "research"))

    def begin(
        self, key: Key, *, judge: Callable[[Json], None] = lambda _: None, answer: Mapping[str, Any] = NO_ANSWER
    ) -> None:
        """A new resource in an empty account, where AWS answers an open question like this. More than one cluster comes
        of it only if somebody takes one away."""
        self.key = key
        self.creations_allowed = 1
        self.pass_record = [f"answer: {dict(answer)}"] if answer else []
        self.rig.simulator.settings.set_options(**{**self._answers, **answer})
        self.rig.simulator.settings.reset()
        self.rig.objects = JudgedObjects(judge)
        self.rig.recorder = Recorder()
        self.restart()
        self._seen = 0
        self._watched.errors.clear()

    def restart(self) -> None:
        """A new process: nothing in memory."""
        rig = self.rig
        ports = Ports(
            objects=rig.objects,
            cloud=rig.cloud,
            events=rig.recorder,
            metrics=rig.recorder,
            clock=rig.clock,
            audit=rig.recorder,
        )
        settings = ClusterSettings(timings=PATIENT, allowed_regions=frozenset({REGION}))
        rig.controller = ClusterController(ports=ports, settings=settings)
        rig.failures = 0

    def apply(self, spec: Mapping[str, Any]) -> None:
        self.pass_record.append(json.dumps(spec))
        self.rig.objects.apply(self.key, spec)

    def is_taken_by_aws(self, spec: Mapping[str, Any]) -> bool:
        """Whether AWS makes a cluster of it."""
        self.begin(self.key)
        self.apply(spec)
        self.once()
        return any(call.committed for call in self.rig.calls("CreateCluster"))

    def live(self) -> Outcome:
        """Passes until it rests; a day later it rests, too, and then it stays so."""
        self._not_undone(self.rest())
        self.rig.simulator.clock.advance(LATER)
        outcome = self._not_undone(self.rest())
        if went_back(outcome):
            return outcome  # it is tried again after a pause, for good
        writes, calls = len(self.rig.objects.writes), len(self.rig.calls())
        self.rig.simulator.clock.advance(pause(outcome))
        again = self.once()
        assert again == outcome, self.about(f"rested as {outcome}, then {again}")
        assert len(self.rig.calls()) == calls, self.about(f"called at rest: {self.rig.operations()[calls:]}")
        assert len(self.rig.objects.writes) == writes, self.about(f"wrote at rest: {self.rig.objects.writes[writes:]}")
        return outcome

    def _not_undone(self, outcome: Outcome) -> Outcome:
        undone = went_back(outcome) and not self._minimum_given_up()
        assert not undone, self.about("takes a change for undone that nobody undid")
        return outcome

    def _minimum_given_up(self) -> bool:
        """Whether AWS tells of a group that had not its minimum in time, as one whose lifecycle script fails."""
        client = boto3.client("sagemaker", region_name=REGION)
        names = [one["ClusterName"] for one in client.list_clusters()["ClusterSummaries"]]
        events = [event for name in names for event in client.list_cluster_events(ClusterName=name)["Events"]]
        return any("did not reach MinCount in time" in event["Description"] for event in events)

    def rest(self, *, passes: int = PASSES) -> Outcome:
        for _ in range(passes):
            outcome = self.once()
            if resting(outcome):
                return outcome
            self.rig.simulator.clock.advance(pause(outcome))
        raise AssertionError(self.about(f"no rest in {passes} passes"))

    def end(self) -> None:
        """Delete it: it goes, unless somebody paused it, and takes along only what policy says."""
        if not self.rig.objects.exists(self.key):
            return
        self.rig.objects.delete(self.key)
        self.pass_record.append("is deleted")
        outcome = self.live()
        stuck = isinstance(outcome, Blocked) and outcome.reason in KEPT
        assert isinstance(outcome, Gone) or held(outcome) or stuck, self.about(f"is deleted and ends as {outcome}")

    def once(self) -> Outcome:
        """One pass with all that must hold of any pass."""
        rig = self.rig
        try:
            outcome = self._runner.run(rig.controller.reconcile(self.key, rig.failures))
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(self.about(f"a pass raised {error!r}")) from error
        rig.failures = rig.failures + 1 if isinstance(outcome, Failed) else 0
        self._check_calls()
        return outcome

    def _check_calls(self) -> None:
        for error in self._watched.errors:
            assert isinstance(error, CloudError), self.about(f"a call raised {error!r}")
            assert error.code != "ParamValidationError", self.about(f"the client refused a request of ours: {error}")
            known = error.request_id or error.code in UNANSWERED
            assert known, self.about(f"the client broke on a request of ours: {error}")
        self._watched.errors.clear()
        for call in self.rig.simulator.log.calls(since=self._seen):
            self._seen = call.index + 1
            if call.service != "sagemaker":
                continue  # STS says whose account it is
            problems = [item for item in request_problems(call.operation, call.parameters) if INVENTED not in item]
            assert not problems, self.about(f"AWS's model refuses {call.operation}: {problems}")
        made = [call for call in self.rig.calls("CreateCluster") if call.committed]
        assert len(made) <= self.creations_allowed, self.about(f"{len(made)} clusters were created")

    def about(self, what: str) -> str:
        status = self.rig.objects.status(self.key) if self.rig.objects.exists(self.key) else "gone"
        last = "\n  ".join(self.pass_record[-8:])
        return f"{what}\ncalls: {self.rig.operations()}\nstatus: {status}\nresource and edits:\n  {last}"


def resting(outcome: Outcome) -> bool:
    return isinstance(outcome, RESTING) or held(outcome)


def held(outcome: Outcome) -> bool:
    """Whether the spec says that nothing is to be changed."""
    return isinstance(outcome, Requeue) and outcome.reason in {Reason.PAUSED, Reason.PLAN_ONLY}
