"""What AWS refuses before anything is made. What it accepts against expectation is deleted at once."""

from hyperpod_testbed.conformance.record import JSON, Call
from hyperpod_testbed.conformance.run import GROUP, Run


def before_anything(run: Run) -> None:
    run.describe("refusals.unknown-cluster")
    run.call("refusals.list", "ListClusters")
    _asked(run, "refusals.no-lifecycle-config", run.creation(run.group(GROUP, 1, LifeCycleConfig=None)))
    spot = run.group(GROUP, 1, CapacityRequirements={"Spot": {}})
    _asked(run, "refusals.spot-not-continuous", run.creation(spot, NodeProvisioningMode=None))
    plan = f"arn:aws:sagemaker:{run.target.region}:{run.target.account}:training-plan/conformance"
    both = run.group(GROUP, 1, CapacityRequirements={"Spot": {}}, TrainingPlanArn=plan)
    _asked(run, "refusals.spot-with-plan", run.creation(both))
    restricted = run.group("restricted", 1, LifeCycleConfig=None)
    restricted["EnvironmentConfig"] = {"FSxLustreConfig": {"SizeInGiB": 12000, "PerUnitStorageThroughput": 125}}
    beside = run.creation(run.group(GROUP, 0), RestrictedInstanceGroups=[restricted])
    _asked(run, "refusals.restricted-beside", beside)
    unknown_role = run.target.executionRole.rpartition("/")[0] + f"/hyperpod-conformance-no-such-role-{run.id}"
    _asked(run, "refusals.unknown-role", run.creation(run.group(GROUP, 1, ExecutionRole=unknown_role)))


def _asked(run: Run, step: str, request: JSON) -> None:
    """Send a CreateCluster that is expected to be refused for what it says; undo it where it is not."""
    _undone(run, step, created(run, step, request))


def created(run: Run, step: str, request: JSON) -> Call:
    """CreateCluster, again while the EKS cluster is not free of a cluster that this run deleted."""
    calls: list[Call] = []

    def answered() -> bool:
        calls[:] = [run.call(step, "CreateCluster", **request)]
        return not (calls[0].held and run.caller.ledger.deleted)

    run.until(answered, most=1800.0)
    return calls[0]


def refused(run: Run, step: str, request: JSON) -> None:
    """Send a CreateCluster that is expected to be refused; undo it where it is not."""
    _undone(run, step, run.call(step, "CreateCluster", **request))


def _undone(run: Run, step: str, call: Call) -> None:
    if call.ok:
        undo(run, f"{step}.undo", str(call.request["ClusterName"]))


def undo(run: Run, step: str, name: str) -> None:
    """Delete a cluster whose creation AWS accepted in this run."""
    run.until(lambda: run.call(step, "DeleteCluster", ClusterName=name).ok, most=1800.0)
    run.gone(f"{step}.gone", name)
