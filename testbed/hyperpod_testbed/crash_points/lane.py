"""One operator process with a simulator, two proxies and a namespace of its own, that does one run after another.

A run ends with a living operator, and that process is the one to be killed in the next run: each point costs one
start. Runs share nothing else: every one has an object and a cluster of its own name, and the simulator is emptied
between them.
"""

import itertools
import signal
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from hyperpod_testbed import account
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.crash_points.ending import Ending, Run, ending
from hyperpod_testbed.crash_points.phases import SPEC, Phase, at_rest
from hyperpod_testbed.crash_points.points import CrashGate, Point
from hyperpod_testbed.custom_objects import CustomObjects, Json
from hyperpod_testbed.proxy import AwsProxy, KubeProxy
from hyperpod_testbed.simulator import Options, Simulator, Timings
from hyperpod_testbed.stack import ACCOUNT, FAST, OperatorProcess

SPEED = 300.0
TIMINGS = Timings(
    cluster_setup=30.0,
    allocate=15.0,
    boot=30.0,
    lifecycle_script=30.0,
    update_settle=15.0,
    node_delete=30.0,
    cluster_delete=60.0,
    jitter=0.0,
)
"""A create takes a third of a second: what AWS does meanwhile is not what is tried here."""
FLAGS = (
    *FAST,
    "--propagation-window-seconds=1.5",
    "--resync-seconds=30",
    "--full-sync-seconds=300",
    "--no-node-health",
)
"""Nodes join at moments of their own: how often their health is reported would differ from run to run."""
PATIENCE = 45.0
"""Real seconds that a run may take to come to rest."""
FOR_EVER = 1e9
LOOKS = 2
"""After so many looks of the living process at an unseen cluster AWS shows it."""
QUIET = 0.3
"""Real seconds without an I/O about the object after which its Events have been told."""
REQUESTED_AT = "hyperpod-operator.dev/reconcile-requested-at"


class LaneError(RuntimeError):
    """The lane itself cannot go on; the message has the end of the operator's log."""


class Lane:
    """Runs phases, each killed at a point or not at all. Use it in the thread that entered it: Linux ends a child
    with the thread that started it."""

    def __init__(
        self, plane: ControlPlane, *, namespace: str, directory: Path, unseen: bool = False, how: signal.Signals
    ) -> None:
        """`unseen`: AWS shows a new cluster only when the process that lives then has looked for it twice.

        `how` is SIGKILL, or SIGTERM, which has to end in order and with exit code 0.
        """
        self._how = how
        self._objects = CustomObjects(plane, namespace=namespace)
        self._simulator = Simulator(options=Options.crowded(), account=ACCOUNT, speed=SPEED, timings=TIMINGS)
        self._unseen, self._born = unseen, 0
        self._plane, self._directory = plane, directory
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def _start(self, stack: ExitStack) -> None:
        """Everything in order; what was started is stopped in the opposite one, also when the rest does not start."""
        namespace = self._objects.namespace
        stack.enter_context(self._simulator)
        aws, kube = AwsProxy(self._simulator.url), KubeProxy(self._plane)
        for proxy in (aws, kube):
            proxy.start()
            stack.callback(proxy.stop)
        self._objects.create_namespace()
        stack.callback(self._objects.delete_namespace)
        kubeconfig = self._directory / f"{namespace}.kubeconfig"
        kube.kubeconfig(account.install(self._plane), kubeconfig)
        environment = {
            name: aws.url if name.startswith("AWS_ENDPOINT_URL") else value
            for name, value in self._simulator.environment().items()
        }
        visibility = f"--visibility-seconds={60 if self._unseen else 2}"
        self.operator = OperatorProcess(
            kubeconfig=kubeconfig,
            environment=environment,
            log=self._directory / f"{namespace}.log",
            flags=(*account.FLAGS, *FLAGS, visibility, f"--namespace={namespace}"),
        )
        self._gate = CrashGate(self._end, self._how == signal.SIGKILL, self._name_of)
        aws.gate = kube.gate = self._gate
        stack.callback(self.operator.stop)
        self.operator.start()

    def run(self, phase: Phase, point: Point | None, *, like: Ending | None = None) -> Run:
        """One run. It waits for rest, and for an end that is `like` that of another run if there is one to compare."""
        name = f"{phase.name}-{next(self._numbers)}"
        arns = self._prepared(name) if phase.prepared else set()
        first = self._born = self._simulator.log.size()
        self._simulator.settings.set_options(create_lag=FOR_EVER if self._unseen else 0.0)
        self._gate.arm(about=name, target=point)
        phase.act(self._objects, name)
        self._until_rest(name, phase, like)
        self._until_quiet()
        if self._how == signal.SIGTERM and self._gate.fired.is_set() and self._born == first:
            self.operator.child.wait(30.0)  # it may still be ending when everything else is at rest
            self._revive()
        self._gate.disarm()
        self._one_more_pass(name)
        cluster, item = self._cluster(name), self._objects.get(name)
        mine = arns | {name} | ({str(cluster["ClusterArn"])} if cluster else set())
        changing = [
            call
            for call in self._simulator.log.calls(mutating=True, since=first)
            if (call.parameters.get("ClusterName") or call.parameters.get("ResourceArn")) in mine
        ]
        made = Run(
            point=point,
            reached=self._gate.fired.is_set(),
            ios=tuple(self._gate.ios),
            ending=ending(cluster=cluster, item=item),
            cut=self._how == signal.SIGKILL,
            sent=Counter(call.operation for call in changing),
            done=Counter(call.operation for call in changing if call.committed),
        )
        self._clear(name)
        return made

    def _prepared(self, name: str) -> set[str]:
        self._simulator.settings.set_options(create_lag=0.0)
        self._gate.arm(about=name, target=None)
        self._objects.create(name, SPEC)
        deadline = time.monotonic() + PATIENCE
        while not at_rest(item=self._objects.get(name), cluster=self._cluster(name), leaves=True):
            if time.monotonic() > deadline:
                raise LaneError(f"{name} was not ready in {PATIENCE:.0f} s:\n{self.operator.child.tail(20)}")
            time.sleep(0.05)
        self._until_quiet()
        return {str(found["ClusterArn"])} if (found := self._cluster(name)) else set()

    def _until_rest(self, name: str, phase: Phase, like: Ending | None) -> None:
        """A run that never gets there ends all the same: whoever compares sees how it stands."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self._revive()
            if len(self._simulator.log.calls("DescribeCluster", since=self._born)) > LOOKS:
                self._simulator.settings.set_options(create_lag=0.0)
            item, cluster = self._objects.get(name), self._cluster(name)
            if at_rest(item=item, cluster=cluster, leaves=phase.leaves) and (
                like is None or ending(cluster=cluster, item=item) == like
            ):
                return
            time.sleep(0.05)

    def _until_quiet(self) -> None:
        """Until no I/O of the object comes any more: Events are told beside the passes and a little later."""
        count, since = len(self._gate.ios), time.monotonic()
        while time.monotonic() < since + QUIET:
            time.sleep(0.02)
            if len(self._gate.ios) != count:
                count, since = len(self._gate.ios), time.monotonic()

    def _one_more_pass(self, name: str) -> None:
        """Ask for a pass and wait for it: what would still be sent is sent by then."""
        if (item := self._objects.get(name)) is None or "deletionTimestamp" in item["metadata"]:
            return
        asked = f"rest-{name}"
        self._objects.merge(name, {"metadata": {"annotations": {REQUESTED_AT: asked}}})
        deadline = time.monotonic() + PATIENCE
        while (self._objects.get(name) or {}).get("status", {}).get("lastHandledReconcileAt") != asked:
            if time.monotonic() > deadline:
                return
            self._revive()
            time.sleep(0.05)

    def _revive(self) -> None:
        """Start the operator again when the gate has ended it. Any other end is a fault."""
        if self._gate.fired.is_set() and not self.operator.child.running:
            self._check_exit()
            self._born = self._simulator.log.size()
            self.operator.start()
        elif not self.operator.child.running and not self._gate.fired.wait(5.0):
            raise LaneError(f"the operator ended by itself:\n{self.operator.child.tail(20)}")

    def _check_exit(self) -> None:
        code = self.operator.child.exit_code
        if self._how == signal.SIGTERM and code not in (0, None):
            raise LaneError(f"SIGTERM ended with exit code {code}:\n{self.operator.child.tail(20)}")

    def _end(self) -> None:
        self.operator.child.signal(self._how)
        if self._how == signal.SIGKILL:
            self.operator.child.wait(10.0)

    def _name_of(self, arn: str) -> str:
        for clusters in self._simulator.settings.dump().values():
            for name, cluster in clusters.items():
                if cluster["ClusterArn"] == arn:
                    return str(name)
        return ""

    def _cluster(self, name: str) -> Json | None:
        for clusters in self._simulator.settings.dump().values():
            if name in clusters:
                return dict(clusters[name])
        return None

    def _clear(self, name: str) -> None:
        """Take the object away under the operator's hands, then empty AWS."""
        if not self.operator.child.running:
            self.operator.start()
        if self._objects.get(name) is not None:
            self._objects.delete(name)
            deadline = time.monotonic() + PATIENCE
            while self._objects.get(name) is not None and time.monotonic() < deadline:
                self._objects.release(name)
                time.sleep(0.02)
        self._simulator.settings.reset()
