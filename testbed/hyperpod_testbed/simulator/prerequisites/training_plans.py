"""Training plans of SageMaker: what is reserved, and what HyperPod's groups use of it."""

from hyperpod_testbed.simulator import pages
from hyperpod_testbed.simulator.names import partition, zones
from hyperpod_testbed.simulator.operations.lookup import not_found
from hyperpod_testbed.simulator.prerequisites import addresses, inventory, paging
from hyperpod_testbed.simulator.prerequisites.defaults import SUBNET
from hyperpod_testbed.simulator.prerequisites.resources import TrainingPlan
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Instance, Region


def describe_training_plan(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeTrainingPlan, by name or ARN."""
    found = inventory.find(sim, region, TrainingPlan, request["TrainingPlanName"])
    if found is None:
        raise not_found(sim, f"Training plan {request['TrainingPlanName']} does not exist.")
    return _plan(sim, region, found)


def list_training_plans(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ListTrainingPlans, by name, start or status."""
    after, before = request.get("StartTimeAfter"), request.get("StartTimeBefore")
    found = [
        one
        for one in inventory.listed(sim, region, TrainingPlan)
        if (after is None or one.start > after)
        and (before is None or one.start < before)
        and all(one.status == wanted["Value"] for wanted in request.get("Filters") or [] if wanted["Name"] == "Status")
    ]
    by = {"StartTime": lambda one: one.start, "Status": lambda one: one.status}.get(
        request.get("SortBy") or "TrainingPlanName", lambda one: one.name
    )
    found.sort(key=by, reverse=request.get("SortOrder") == "Descending")
    chosen, token = paging.page(sim, found, request, operation="ListTrainingPlans", size=sim.options.page_size)
    return pages.answer("TrainingPlanSummaries", [_plan(sim, region, one, short=True) for one in chosen], token)


def in_use(region: Region, arn: str) -> int:
    """Instances of HyperPod's groups that a plan pays for."""
    return len(_instances(region, arn))


def _instances(region: Region, arn: str) -> list[Instance]:
    return [
        instance
        for cluster in region.clusters.values()
        for instance in cluster.instances.values()
        if instance.instance_id and cluster.groups[instance.group].spec.get("TrainingPlanArn") == arn
    ]


def _plan(sim: Simulation, region: Region, one: TrainingPlan, *, short: bool = False) -> JSON:
    used = in_use(region, one.arn)
    users = [instance.zone for instance in _instances(region, one.arn)]
    known = {zone.name: zone for zone in zones(region.name)}
    place = known.get(one.zone or "") or next(iter(users), addresses.zone_of(sim, region, SUBNET))
    hours = int((one.end - one.start) // 3600)
    plan = {
        "TrainingPlanArn": one.arn,
        "TrainingPlanName": one.name,
        "Status": one.status,
        "DurationHours": hours,
        "DurationMinutes": int((one.end - one.start) % 3600 // 60),
        "StartTime": one.start,
        "EndTime": one.end,
        "UpfrontFee": "0",
        "CurrencyCode": "USD",
        "TotalInstanceCount": one.instances,
        "AvailableInstanceCount": max(0, one.instances - used) if one.status == "Active" else 0,
        "InUseInstanceCount": used,
        "TargetResources": list(one.targets),
        "ReservedCapacitySummaries": [
            {
                "ReservedCapacityArn": f"arn:{partition(region.name)}:sagemaker:{region.name}:{sim.account.id}:"
                f"reserved-capacity/{one.name}",
                "InstanceType": one.instance_type,
                "TotalInstanceCount": one.instances,
                "Status": one.status,
                "AvailabilityZone": place.name,
                "AvailabilityZoneId": place.id,
                "DurationHours": hours,
                "DurationMinutes": 0,
                "StartTime": one.start,
                "EndTime": one.end,
            }
        ],
    }
    if not short:
        plan["UnhealthyInstanceCount"] = 0
        plan["AvailableSpareInstanceCount"] = 0
    return plan
