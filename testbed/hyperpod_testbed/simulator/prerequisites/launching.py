"""Why an instance cannot be launched or configured: what its group needs is not there, or not enough of it."""

from hyperpod_testbed.simulator.instance_types import instance_type
from hyperpod_testbed.simulator.prerequisites import addresses, execution, inventory
from hyperpod_testbed.simulator.prerequisites.resources import TrainingPlan
from hyperpod_testbed.simulator.prerequisites.training_plans import in_use
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import Group, Instance, Region

LIFECYCLE = "Lifecycle scripts did not run successfully. Ensure the scripts exist in the S3 location and can be read."
NO_SUBNET = "No subnets in the capacity AZ"


def obstacle(sim: Simulation, region: Region, group: Group, instance: Instance) -> str | None:
    """Message of a launch that a role, a subnet or a training plan prevents; None when nothing does."""
    role = group.spec["ExecutionRole"]
    if not execution.assumable(sim, role):
        return f"HyperPod cannot assume the execution role {role}."
    if not execution.allows(sim, role, "ec2:CreateNetworkInterface"):
        return f"The execution role {role} does not have permission to perform ec2:CreateNetworkInterface."
    subnet = inventory.subnet(sim, region, instance.subnet)
    if subnet is None:
        return f"The subnet '{instance.subnet}' does not exist"
    if not addresses.suffice(region, subnet, wanted=instance_type(instance.type).addresses):
        return f"There are not enough free IP addresses in subnet '{subnet.id}'."
    return _plan_obstacle(sim, region, group, instance)


def script_obstacle(sim: Simulation, region: Region, group: Group) -> str | None:
    """Message of a lifecycle script that is not there, cannot be read, or has the line ends of Windows."""
    config = group.spec.get("LifeCycleConfig") or {}
    source, script = config.get("SourceS3Uri") or "", config.get("OnCreate")
    if not script or not source.startswith("s3://"):
        return None
    uri = f"{source.rstrip('/')}/{script}"
    found = inventory.stored_object(sim, region, uri) if uri.count("/") > 2 else None
    resource = f"arn:aws:s3:::{uri.removeprefix('s3://')}"
    readable = execution.allows(sim, group.spec["ExecutionRole"], "s3:GetObject", resource=resource)
    return LIFECYCLE if found is None or "\r" in found.content or not readable else None


def _plan_obstacle(sim: Simulation, region: Region, group: Group, instance: Instance) -> str | None:
    arn = group.spec.get("TrainingPlanArn")
    if not arn:
        return None
    plan = inventory.find(sim, region, TrainingPlan, arn)
    if plan is None or plan.status in {"Expired", "Failed"}:
        return f"Training plan {arn} has no capacity: it is {plan.status if plan else 'not there'}."
    if plan.zone and instance.zone.name != plan.zone:
        return NO_SUBNET
    if in_use(region, plan.arn) >= plan.instances:
        return f"Training plan {arn} has no capacity left: all {plan.instances} instances are in use."
    return None
