"""Instance groups: what an update may say, what becomes of what it leaves out, groups that fail, counts."""

from typing import Any

from hyperpod_testbed.conformance.record import JSON
from hyperpod_testbed.conformance.run import GROUP, LONG, SMALL_GROUP, Run

EMPTY_GROUP = "empty"
FAILING_GROUP = "failing"
SCARCE_GROUP = "scarce"
LOUD = {"Error", "Warn"}
FAILED = {"Failure", "Failed"}
OMITTED = 300.0
"""Seconds after which a group that an update omitted is taken to stay."""


def change(run: Run) -> None:
    _update(run, "groups.add-empty", *run.usual(), run.group(EMPTY_GROUP, 0))
    storage = [{"EbsVolumeConfig": {"VolumeSizeInGB": 1}}]
    _update(run, "groups.storage-changed", *run.usual(), run.group(EMPTY_GROUP, 0, InstanceStorageConfigs=storage))
    other_type = "ml.t3.large" if run.target.instanceType != "ml.t3.large" else "ml.t3.medium"
    _update(run, "groups.type-changed", *run.usual(), run.group(EMPTY_GROUP, 0, InstanceType=other_type))
    _update(run, "groups.omitted", *run.usual())
    run.until(lambda: EMPTY_GROUP not in run.group_names("groups.omitted.rest"), most=OMITTED)
    run.describe("groups.omitted.describe")
    _remove(run, "groups.remove-empty", EMPTY_GROUP)
    # The group was created with labels; this update does not name them.
    _update(run, "groups.labels-omitted", run.group(GROUP, 2), run.group(SMALL_GROUP, 1))
    run.describe("groups.labels.describe")


def fail(run: Run) -> None:
    if run.target.failingOnCreate:
        script = {"SourceS3Uri": run.target.sourceS3Uri, "OnCreate": run.target.failingOnCreate}
        _failing(run, "trouble.script", FAILING_GROUP, run.group(FAILING_GROUP, 1, LifeCycleConfig=script))
    if run.target.scarceInstanceType:
        scarce = run.group(SCARCE_GROUP, 1, InstanceType=run.target.scarceInstanceType)
        _failing(run, "trouble.capacity", SCARCE_GROUP, scarce)


def scale(run: Run) -> None:
    _update(run, "scaling.in", *run.usual(workers=1))

    def fewer() -> bool:
        listed = [node for node in run.nodes("scaling.in.nodes") if node["InstanceGroupName"] == GROUP]
        groups = run.describe("scaling.in.describe").get("InstanceGroups") or []
        counts = [group.get("CurrentCount") for group in groups if group["InstanceGroupName"] == GROUP]
        return len(listed) == 1 and counts == [1]

    run.until(fewer, every=5.0)
    _update(run, "scaling.out", *run.usual())
    run.settle("scaling.out", nodes=2)
    run.call("scaling.events", "ListClusterEvents", ClusterName=run.cluster, MaxResults=100)


def _update(run: Run, step: str, *groups: JSON, **members: Any) -> None:
    """One UpdateCluster, and the wait until the cluster rests."""
    run.call(step, "UpdateCluster", ClusterName=run.cluster, InstanceGroups=list(groups), **members)
    run.rest(f"{step}.rest")


def _remove(run: Run, step: str, group: str) -> None:
    run.call(step, "UpdateCluster", ClusterName=run.cluster, InstanceGroupsToDelete=[group])
    run.until(lambda: group not in run.group_names(f"{step}.rest"))
    run.rest(f"{step}.rest")


def _failing(run: Run, step: str, name: str, group: JSON) -> None:
    """Add a group whose node does not come, read what AWS says of it, and remove it."""
    call = run.call(step, "UpdateCluster", ClusterName=run.cluster, InstanceGroups=[*run.usual(), group])
    if not call.ok:
        return
    found: list[JSON] = []

    def told() -> bool:
        """Warn events come first and explain nothing: scaling makes them, too. A scarce node that is there costs."""
        if name == SCARCE_GROUP and any(node.get("InstanceId") for node in listed()):
            return True
        events = run.call(f"{step}.events", "ListClusterEvents", ClusterName=run.cluster, InstanceGroupName=name)
        found[:] = [event for event in events.get("Events") or [] if event.get("EventLevel") in LOUD]
        return any(event.get("EventLevel") == "Error" for event in found)

    def listed() -> list[JSON]:
        return [node for node in run.nodes(f"{step}.nodes") if node["InstanceGroupName"] == name]

    def failed() -> bool:
        return any((node.get("InstanceStatus") or {}).get("Status") in FAILED for node in listed())

    run.until(told, most=LONG / 2)
    for node in sorted({str(event["InstanceId"]) for event in found if event.get("InstanceId")})[:2]:
        run.call(f"{step}.node", "DescribeClusterNode", ClusterName=run.cluster, NodeId=node)
    if name != SCARCE_GROUP:
        run.until(failed, every=5.0, most=600.0)
    for event in sorted(found, key=lambda event: event.get("EventLevel") != "Error")[:6]:
        run.call(f"{step}.event", "DescribeClusterEvent", ClusterName=run.cluster, EventId=event["EventId"])
    _remove(run, f"{step}.remove", name)
