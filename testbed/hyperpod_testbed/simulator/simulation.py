"""What every part of the simulator shares: time, chance, options, the account and its weather."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hyperpod_testbed.simulator.clock import SimulatedClock
from hyperpod_testbed.simulator.names import Names
from hyperpod_testbed.simulator.options import Options, Timings
from hyperpod_testbed.simulator.state import JSON, Account, Cluster, Conditions, Event, Instance, Operation
from hyperpod_testbed.simulator.timeline import Timeline

REVIEW_DELAY = 1.0
"""Simulated seconds from a change of an instance to a look at its cluster: one look serves many instances."""


@dataclass
class Simulation:
    """The world of one account. Whoever uses it holds the simulator's lock."""

    account: Account
    clock: SimulatedClock
    timeline: Timeline
    names: Names
    timings: Timings
    options: Options
    review: Callable[["Simulation", Cluster], None]
    """Looks at a cluster after its instances changed, and moves its status on."""
    up: Callable[["Simulation", Cluster, Instance], None]
    """Takes an instance that booted: to a deep health check, to work, or to the next repair."""
    denied: Callable[[str], str | None]
    """Why an action of the account's callers is denied, or None."""
    conditions: Conditions = field(default_factory=Conditions)

    @property
    def now(self) -> float:
        return self.timeline.now

    def touch(self, cluster: Cluster) -> None:
        """Have the cluster reviewed soon."""
        if cluster.review_due:
            return
        cluster.review_due = True

        def look() -> None:
            cluster.review_due = False
            if self.exists(cluster):
                self.review(self, cluster)

        self.timeline.after(REVIEW_DELAY, look)

    def exists(self, cluster: Cluster) -> bool:
        """Whether this very cluster is still there, not another of its name."""
        return self.account.region(cluster.region).clusters.get(cluster.name) is cluster

    def later(self, cluster: Cluster, seconds: float, action: Callable[[], None]) -> None:
        """Do something with a cluster after a while, unless it took another course meanwhile."""
        turn = cluster.turn

        def step() -> None:
            if cluster.turn == turn and self.exists(cluster):
                action()

        self.timeline.after(seconds, step)

    def event(
        self,
        cluster: Cluster,
        description: str,
        *,
        resource: str = "Cluster",
        level: str = "Info",
        group: str | None = None,
        instance: str | None = None,
        metadata: JSON | None = None,
    ) -> None:
        """Record an event; AWS has them on Continuous clusters only."""
        if not cluster.continuous:
            return
        if self.options.event_cause == "description":
            causes = (part.get("FailureMessage") for part in (metadata or {}).values())
            description = " ".join([description, *sorted({cause for cause in causes if cause})])
        running = next((item.id for item in reversed(cluster.operations) if item.status == "InProgress"), None)
        cluster.events.append(
            Event(
                id=self.names.identifier(),
                time=self.now,
                resource=resource,
                level=level,
                description=description,
                group=group,
                instance_id=instance,
                operation=running,
                metadata=metadata or {},
            )
        )
        del cluster.events[: -self.options.kept_events]

    def operation(
        self,
        cluster: Cluster,
        kind: str,
        *,
        scaling: list[JSON] | None = None,
        checks: list[JSON] | None = None,
    ) -> Operation:
        """Start an operation; a scaling that still runs on one of the same groups is superseded."""
        names = {item["InstanceGroupName"] for item in scaling or []}
        for former in cluster.operations:
            if former.type == kind == "Scaling" and former.status == "InProgress":
                for item in former.scaling:
                    if item["InstanceGroupName"] in names and item["Status"] == "InProgress":
                        item["Status"] = "Superseded"
                if all(item["Status"] == "Superseded" for item in former.scaling):
                    former.status = "Superseded"
        new = Operation(
            id=self.names.identifier(),
            type=kind,
            created_at=self.now,
            scaling=scaling or [],
            checks=checks or [],
        )
        cluster.operations.append(new)
        return new
