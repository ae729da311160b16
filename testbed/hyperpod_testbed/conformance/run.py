"""One run: what every step may use, and the parts of a HyperPod cluster that steps have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hyperpod_testbed.conformance.caller import Caller
from hyperpod_testbed.conformance.record import JSON, Call
from hyperpod_testbed.conformance.target import RUN_TAG, Target

POLL = 15.0
"""Seconds between looks at something that takes minutes."""
CLOSE_POLL = 1.0
"""Seconds between looks where the moment matters."""
LONG = 3600.0
"""Most seconds that a step waits for nodes; AWS says 10 to 25 minutes for a creation."""
GROUP = "workers"
SMALL_GROUP = "second"
KEPT = {"Labels": {"conformance.hyperpod-operator.dev/kept": "yes"}}
"""KubernetesConfig of the first group."""


class StepFailedError(RuntimeError):
    """A step cannot go on: AWS refused what the later steps need, or it took too long."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of the script. `id` is in the name and in the tag of everything that it makes."""

    id: str
    target: Target
    caller: Caller
    rounds: int = 20
    """How often an attachment is made and looked for."""

    @property
    def cluster(self) -> str:
        return f"hyperpod-conformance-{self.id}"

    @property
    def names(self) -> tuple[str, ...]:
        """Every cluster that the script may make."""
        return (self.cluster, self.second, self.third)

    @property
    def second(self) -> str:
        """A cluster for the EKS cluster that the first one uses."""
        return f"{self.cluster}-2"

    @property
    def third(self) -> str:
        """A cluster after the first one."""
        return f"{self.cluster}-3"

    @property
    def tags(self) -> list[JSON]:
        return [{"Key": RUN_TAG, "Value": self.id}]

    def call(self, step: str, operation: str, **request: Any) -> Call:
        return self.caller.call(step, operation, **request)

    def ec2(self, step: str, operation: str, **request: Any) -> Call:
        return self.caller.call(step, operation, service="ec2", **request)

    def group(self, name: str, count: int, **members: Any) -> JSON:
        """An instance group as CreateCluster and UpdateCluster take it; a member that is None is left out."""
        made = {
            "InstanceGroupName": name,
            "InstanceType": self.target.instanceType,
            "InstanceCount": count,
            "ExecutionRole": self.target.executionRole,
            "LifeCycleConfig": {"SourceS3Uri": self.target.sourceS3Uri, "OnCreate": self.target.onCreate},
            **members,
        }
        return {key: value for key, value in made.items() if value is not None}

    def creation(self, *groups: JSON, name: str | None = None, **members: Any) -> JSON:
        """A CreateCluster request."""
        made = {
            "ClusterName": name or self.cluster,
            "Orchestrator": {"Eks": {"ClusterArn": self.target.eksClusterArn}},
            "VpcConfig": {
                "Subnets": list(self.target.subnets),
                "SecurityGroupIds": list(self.target.securityGroupIds),
            },
            "NodeProvisioningMode": "Continuous",
            "InstanceGroups": list(groups),
            "Tags": self.tags,
            **members,
        }
        return {key: value for key, value in made.items() if value is not None}

    def usual(self, *, workers: int = 2) -> list[JSON]:
        """The two groups as they were created, for updates of something else: AWS may delete what one omits."""
        return [self.group(GROUP, workers, KubernetesConfig=KEPT), self.group(SMALL_GROUP, 1)]

    def describe(self, step: str) -> Call:
        return self.call(step, "DescribeCluster", ClusterName=self.cluster)

    def group_names(self, step: str) -> set[str]:
        """The groups that the cluster has."""
        return {str(one["InstanceGroupName"]) for one in self.describe(step).get("InstanceGroups") or []}

    def nodes(self, step: str) -> list[JSON]:
        """All nodes, page by page; an error is an empty list and stands in the record."""
        found: list[JSON] = []
        more: JSON = {}
        while True:
            page = self.call(step, "ListClusterNodes", ClusterName=self.cluster, IncludeNodeLogicalIds=True, **more)
            found += page.get("ClusterNodeSummaries") or []
            if not (token := page.get("NextToken")):
                return found
            more = {"NextToken": token}

    def running(self, step: str, group: str) -> list[JSON]:
        """The nodes of a group that run, by instance id."""
        found = [
            node
            for node in self.nodes(step)
            if node["InstanceGroupName"] == group and (node.get("InstanceStatus") or {}).get("Status") == "Running"
        ]
        return sorted(found, key=lambda node: str(node["InstanceId"]))

    def until(self, done: Callable[[], bool], *, every: float = POLL, most: float = LONG) -> bool:
        """Whether it came true within `most` seconds."""
        end = self.caller.elapsed + most
        while not done():
            if self.caller.elapsed >= end:
                return False
            self.caller.sleep(every)
        return True

    def settle(
        self, step: str, *, nodes: int, group: str = GROUP, look: Callable[[], None] = lambda: None
    ) -> list[JSON]:
        """Wait until the cluster is InService and so many nodes of the group run; StepFailedError after an hour.

        `look` is called before each look.
        """
        found: list[JSON] = []

        def done() -> bool:
            look()
            found[:] = self.running(f"{step}.nodes", group)
            described = self.describe(f"{step}.describe")
            groups = described.get("InstanceGroups") or []
            here = [one for one in groups if one["InstanceGroupName"] == group]
            counted = bool(here) and here[0].get("CurrentCount") == nodes == here[0].get("TargetCount")
            return len(found) == nodes and counted and described.get("ClusterStatus") == "InService"

        if not self.until(done):
            raise StepFailedError(f"{step}: {len(found)} of {nodes} nodes of group {group} ran after an hour")
        return found

    def rest(self, step: str) -> None:
        """Wait until the cluster is InService or Failed, or gone."""

        def rests() -> bool:
            described = self.describe(step)
            return described.missing or described.get("ClusterStatus") in {"InService", "Failed"}

        self.until(rests)

    def gone(self, step: str, name: str | None = None, *, most: float = LONG) -> bool:
        """Whether DescribeCluster stopped to find the cluster in time."""
        return self.until(
            lambda: self.call(step, "DescribeCluster", ClusterName=name or self.cluster).missing, most=most
        )
