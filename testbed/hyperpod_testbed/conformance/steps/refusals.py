"""What AWS refuses before anything is made. What it accepts against expectation is deleted at once."""

from hyperpod_testbed.conformance.record import JSON
from hyperpod_testbed.conformance.run import GROUP, Run


def before_anything(run: Run) -> None:
    run.describe("refusals.unknown-cluster")
    run.call("refusals.list", "ListClusters")
    refused(run, "refusals.no-lifecycle-config", run.creation(run.group(GROUP, 1, LifeCycleConfig=None)))
    spot = run.group(GROUP, 1, CapacityRequirements={"Spot": {}})
    refused(run, "refusals.spot-not-continuous", run.creation(spot, NodeProvisioningMode=None))
    plan = f"arn:aws:sagemaker:{run.target.region}:{run.target.account}:training-plan/conformance"
    both = run.group(GROUP, 1, CapacityRequirements={"Spot": {}}, TrainingPlanArn=plan)
    refused(run, "refusals.spot-with-plan", run.creation(both))
    restricted = run.group("restricted", 1, LifeCycleConfig=None)
    restricted["EnvironmentConfig"] = {"FSxLustreConfig": {"SizeInGiB": 12000, "PerUnitStorageThroughput": 125}}
    beside = run.creation(run.group(GROUP, 0), RestrictedInstanceGroups=[restricted])
    refused(run, "refusals.restricted-beside", beside)
    unknown_role = run.target.executionRole.rpartition("/")[0] + f"/hyperpod-conformance-no-such-role-{run.id}"
    refused(run, "refusals.unknown-role", run.creation(run.group(GROUP, 1, ExecutionRole=unknown_role)))


def refused(run: Run, step: str, request: JSON) -> None:
    """Send a CreateCluster that is expected to be refused; undo it where it is not."""
    call = run.call(step, "CreateCluster", **request)
    if call.ok:
        undo(run, f"{step}.undo", str(request["ClusterName"]))


def undo(run: Run, step: str, name: str) -> None:
    """Delete a cluster whose creation AWS accepted in this run."""
    run.until(lambda: run.call(step, "DeleteCluster", ClusterName=name).ok, most=1800.0)
    run.gone(f"{step}.gone", name)
