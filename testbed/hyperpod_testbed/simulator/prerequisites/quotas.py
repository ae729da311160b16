"""Service Quotas: names, codes, AWS's defaults and what this account has.

The same values refuse clusters and volumes: nothing else in the simulator knows a quota. Names and codes of SageMaker's
are those that people recorded (October 2026); a code that nobody recorded is made from the name.
"""

import functools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from hyperpod_testbed.simulator import pages, shapes
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.instance_types import instance_type
from hyperpod_testbed.simulator.names import partition
from hyperpod_testbed.simulator.prerequisites import paging
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

ENOUGH = 1_000_000.0
"""What this account has of each quota that no option names."""
PER_CLUSTER = "Maximum number instances allowed per SageMaker HyperPod cluster"
IN_TOTAL = "Total number of instances allowed across SageMaker HyperPod clusters"
SPOT_IN_TOTAL = "Total number of Spot instances allowed across SageMaker HyperPod clusters"
VOLUME_SIZE = "Maximum size of EBS volume in GB for a SageMaker HyperPod cluster instance"

_SERVICES = {
    "sagemaker": "Amazon SageMaker",
    "ebs": "Amazon Elastic Block Store (Amazon EBS)",
    "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
}
_CODES = {
    "ml.p4d.24xlarge for cluster usage": "L-47E0BC8F",
    "ml.p4de.24xlarge for cluster usage": "L-BEF3120E",
    "ml.p5.48xlarge for cluster usage": "L-8762A75F",
    "ml.p5e.48xlarge for cluster usage": "L-FD431820",
    "ml.p5en.48xlarge for cluster usage": "L-6EF3AE05",
    "ml.p6-b200.48xlarge for cluster usage": "L-44097F05",
    "ml.p6-b300.48xlarge for cluster usage": "L-9883FE68",
    "ml.p6e-gb200.36xlarge for cluster usage": "L-5DB70460",
    "ml.g6e.12xlarge for cluster usage": "L-A15DF696",
    "ml.g6e.48xlarge for cluster usage": "L-177AF1AD",
    "ml.p5.48xlarge for cluster spot instance usage": "L-F742E2D7",
    "Number of ml.p5.48xlarge instances in reserved capacity across training plans per Region": "L-9EF527CA",
    PER_CLUSTER: "L-2CE978FC",
    IN_TOTAL: "L-3308CCC7",
    SPOT_IN_TOTAL: "L-97A2C724",
    VOLUME_SIZE: "L-E13DF72A",
    "Maximum total FSx Lustre capacity in TiB across HyperPod restricted instance groups": "L-FC4D7F52",
    "Number of training plans per Region": "L-867702E6",
}
_STORAGE = {
    "gp2": ("Storage for General Purpose SSD (gp2) volumes, in TiB", "L-D18FCD1D", 50.0),
    "gp3": ("Storage for General Purpose SSD (gp3) volumes, in TiB", "L-7A658B76", 50.0),
    "io1": ("Storage for Provisioned IOPS SSD (io1) volumes, in TiB", "L-FD252861", 50.0),
    "io2": ("Storage for Provisioned IOPS SSD (io2) volumes, in TiB", "L-09BD8365", 20.0),
    "sc1": ("Storage for Cold HDD (sc1) volumes, in TiB", "L-17AF77E8", 50.0),
    "st1": ("Storage for Throughput Optimized HDD (st1) volumes, in TiB", "L-82ACEF56", 50.0),
    "standard": ("Storage for Magnetic (standard) volumes, in TiB", "L-9CF3C2EB", 50.0),
}
"""By volume type: name, code, AWS's default (EBS user guide, quotas)."""


@dataclass(frozen=True)
class Quota:
    """A quota as AWS has it for everyone."""

    service: str
    name: str
    code: str
    default: float


def on_demand(type_name: str) -> str:
    """Name of the quota on a type's instances on demand."""
    return f"{type_name} for cluster usage"


def spot(type_name: str) -> str:
    """Name of the quota on a type's Spot instances."""
    return f"{type_name} for cluster spot instance usage"


def applied(sim: Simulation, service: str, name: str) -> float | None:
    """What this account has of a quota; None where only AWS's default counts."""
    options = sim.options
    key = f"{service}/{name}"
    if key in options.service_quotas:
        return options.service_quotas[key]
    if service == "sagemaker":
        totals = {PER_CLUSTER: options.instances_per_cluster, IN_TOTAL: options.instances_in_total}
        type_name, _, _ = name.partition(" ")
        for wanted, values in ((on_demand, options.instance_quotas), (spot, options.spot_quotas)):
            if name == wanted(type_name) and type_name in values:
                return float(values[type_name])
        if totals.get(name) is not None:
            return float(totals[name] or 0)
    return ENOUGH


def limit(sim: Simulation, service: str, name: str) -> float:
    """What AWS holds the account to: the applied value, or its default."""
    found = applied(sim, service, name)
    if found is not None:
        return found
    return next(one.default for one in table() if (one.service, one.name) == (service, name))


def storage(volume_type: str) -> str:
    """Name of the quota on the storage of volumes of a type."""
    return _STORAGE[volume_type][0]


@functools.cache
def table() -> tuple[Quota, ...]:
    """Every quota, by service and name."""
    return tuple(sorted(_quotas(), key=lambda one: (one.service, one.name)))


def list_service_quotas(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ListServiceQuotas: those with an applied value."""
    found = [one for one in _of(request) if request.get("QuotaCode") in {None, one.code}]
    shown = [(one, applied(sim, one.service, one.name)) for one in found]
    quotas = [_quota(sim, region, one, value) for one, value in shown if value is not None]
    return _page(sim, quotas, request, operation="ListServiceQuotas")


def list_default_quotas(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ListAWSDefaultServiceQuotas: what AWS gives everyone."""
    quotas = [_quota(sim, region, one, one.default) for one in _of(request)]
    return _page(sim, quotas, request, operation="ListAWSDefaultServiceQuotas")


def get_service_quota(sim: Simulation, region: Region, request: JSON) -> JSON:
    """GetServiceQuota, by code."""
    one = _required(request)
    value = applied(sim, one.service, one.name)
    if value is None:
        raise _no_such_resource()
    return {"Quota": _quota(sim, region, one, value)}


def get_default_quota(sim: Simulation, region: Region, request: JSON) -> JSON:
    """GetAWSDefaultServiceQuota, by code."""
    one = _required(request)
    return {"Quota": _quota(sim, region, one, one.default)}


def _quotas() -> Iterator[Quota]:
    for kind in shapes.sagemaker().shape_for("ClusterInstanceType").enum:
        accelerated = instance_type(kind).accelerated
        yield _sagemaker(on_demand(kind), 0.0 if accelerated else 2.0)
        yield _sagemaker(spot(kind), 0.0)
        for other in ("training job", "endpoint", "notebook instance", "processing job"):
            yield _sagemaker(f"{kind} for {other} usage", 0.0 if accelerated else 4.0)
        if accelerated:
            yield _sagemaker(f"Number of {kind} instances in reserved capacity across training plans per Region", 0.0)
    yield _sagemaker(PER_CLUSTER, 20.0)
    yield _sagemaker(IN_TOTAL, 30.0)
    yield _sagemaker(SPOT_IN_TOTAL, 0.0)
    yield _sagemaker(VOLUME_SIZE, 1024.0)
    yield _sagemaker("Maximum total FSx Lustre capacity in TiB across HyperPod restricted instance groups", 1365.0)
    yield _sagemaker("Number of training plans per Region", 25.0)
    for name, code, default in _STORAGE.values():
        yield Quota("ebs", name, code, default)
    yield Quota("ebs", "IOPS for Provisioned IOPS SSD (io1) volumes", "L-B3A130E6", 300_000.0)
    yield Quota("ebs", "IOPS for Provisioned IOPS SSD (io2) volumes", "L-8D977E7E", 100_000.0)
    yield Quota("ebs", "Snapshots per Region", "L-309BACF6", 100_000.0)
    yield Quota("vpc", "Network interfaces per Region", "L-DF5E4CA3", 5000.0)


def _sagemaker(name: str, default: float) -> Quota:
    return Quota("sagemaker", name, _CODES.get(name) or f"L-{zlib.crc32(name.encode()):08X}", default)


def _of(request: JSON) -> list[Quota]:
    if request["ServiceCode"] not in _SERVICES:
        raise _no_such_resource()
    return [one for one in table() if one.service == request["ServiceCode"]]


def _required(request: JSON) -> Quota:
    for one in _of(request):
        if one.code == request["QuotaCode"]:
            return one
    raise _no_such_resource()


def _no_such_resource() -> AwsError:
    return AwsError(
        "NoSuchResourceException", "The request failed because the specified quota or service does not exist."
    )


def _quota(sim: Simulation, region: Region, one: Quota, value: float) -> JSON:
    owner = f"arn:{partition(region.name)}:servicequotas:{region.name}:{sim.account.id}"
    return {
        "ServiceCode": one.service,
        "ServiceName": _SERVICES[one.service],
        "QuotaArn": f"{owner}:{one.service}/{one.code}",
        "QuotaCode": one.code,
        "QuotaName": one.name,
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


def _page(sim: Simulation, quotas: list[JSON], request: JSON, *, operation: str) -> JSON:
    chosen, token = paging.page(sim, quotas, request, operation=operation)
    return pages.answer("Quotas", chosen, token)
