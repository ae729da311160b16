"""The cluster that all later steps use: its creation, its nodes, the first reads."""

from hyperpod_testbed.conformance.record import Call
from hyperpod_testbed.conformance.run import CLOSE_POLL, GROUP, SMALL_GROUP, Run, StepFailedError
from hyperpod_testbed.conformance.steps.refusals import created, refused

KUBERNETES = "joining.kubernetes"
"""The step whose calls list the Nodes."""


def create(run: Run) -> None:
    request = run.creation(*run.usual())
    if not (call := created(run, "creation.create", request)).ok:
        raise StepFailedError(f"CreateCluster was refused: {call.code}: {call.message}")
    run.until(lambda: run.describe("creation.first-describe").ok, every=CLOSE_POLL, most=300.0)
    run.call("creation.same-name", "CreateCluster", **request)
    run.call(
        "creation.update-while-creating",
        "UpdateCluster",
        ClusterName=run.cluster,
        InstanceGroups=run.usual(),
    )
    run.call("creation.tags", "ListTags", ResourceArn=str(call.get("ClusterArn")))


def join(run: Run) -> None:
    run.until(lambda: bool(run.nodes("joining.pending")), every=5.0, most=900.0)
    run.settle("joining.first", nodes=2, look=lambda: run.caller.kubernetes(KUBERNETES))
    second = run.settle("joining.second", nodes=1, group=SMALL_GROUP)
    run.until(lambda: joined(run), most=900.0)
    run.call("joining.node", "DescribeClusterNode", ClusterName=run.cluster, NodeId=second[0]["InstanceId"])
    run.describe("joining.settled")
    refused(run, "joining.second-cluster", run.creation(run.group(GROUP, 0), name=run.second))


def joined(run: Run) -> bool:
    """Whether each node that runs has its Node; True where nobody can look."""
    seen: list[Call] = []
    run.caller.kubernetes(KUBERNETES, seen.append)
    names = {str(node["Name"]) for call in seen for node in call.get("Nodes") or []}
    nodes = [*run.running("joining.nodes", GROUP), *run.running("joining.nodes", SMALL_GROUP)]
    return not seen or {f"hyperpod-{node['InstanceId']}" for node in nodes} <= names


def expire(run: Run) -> None:
    if run.caller.has("expired"):
        run.caller.call("token.expired", "DescribeCluster", service="expired", ClusterName=run.cluster)


def read(run: Run) -> None:
    arn = str(run.describe("echo.describe").get("ClusterArn"))
    key = "hyperpod-conformance-lag"
    run.call("echo.tag", "AddTags", ResourceArn=arn, Tags=[{"Key": key, "Value": "set"}])

    def seen() -> bool:
        tags = run.call("echo.tag-visible", "ListTags", ResourceArn=arn).get("Tags") or []
        return any(tag["Key"] == key for tag in tags)

    run.until(seen, every=CLOSE_POLL, most=600.0)
    run.call("echo.untag", "DeleteTags", ResourceArn=arn, TagKeys=[key])
    page = run.call("echo.page", "ListClusterNodes", ClusterName=run.cluster, MaxResults=1)
    while token := page.get("NextToken"):
        page = run.call("echo.page", "ListClusterNodes", ClusterName=run.cluster, MaxResults=1, NextToken=token)
    events = run.call("echo.events", "ListClusterEvents", ClusterName=run.cluster, MaxResults=20)
    for event in (events.get("Events") or [])[:3]:
        run.call("echo.event", "DescribeClusterEvent", ClusterName=run.cluster, EventId=event["EventId"])
