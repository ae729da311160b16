"""EC2's instance types: what each brings, and in which zones it is offered."""

from hyperpod_testbed.simulator import shapes
from hyperpod_testbed.simulator.ebs import lists, places
from hyperpod_testbed.simulator.ebs.errors import require_wet
from hyperpod_testbed.simulator.instance_types import InstanceType, instance_type
from hyperpod_testbed.simulator.names import zones
from hyperpod_testbed.simulator.prerequisites import inventory
from hyperpod_testbed.simulator.prerequisites.resources import Offering
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

PAGE = 100
"""Types on a page (DescribeInstanceTypes, DescribeInstanceTypeOfferings)."""


def describe_instance_types(sim: Simulation, _: Region, request: JSON) -> JSON:
    """DescribeInstanceTypes: name, processor, memory, network, accelerators and EBS."""
    names = request.get("InstanceTypes") or []
    found = lists.matching(
        list(dict.fromkeys(names)) or shapes.service("ec2").shape_for("InstanceType").metadata["enum"],
        request,
        fields={"instance-type": lambda one: one},
    )
    answer = lists.page(
        sim, found, request, operation="DescribeInstanceTypes", ids="InstanceTypes", size=len(names) or PAGE
    )
    require_wet(bool(request.get("DryRun")))
    return {"InstanceTypes": [_instance_type(sim, one) for one in answer.pop("items")], **answer}


def describe_offerings(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeInstanceTypeOfferings: in the region, or by zone."""
    kind = request.get("LocationType") or "region"
    known = shapes.service("ec2").shape_for("InstanceType").metadata["enum"]
    wanted = lists.named(request, member="", filter_name="instance-type")
    exact = [one for one in wanted if "*" not in one and "?" not in one]
    names = [one for one in known if one in exact] if wanted and len(exact) == len(wanted) else known
    places_by_name = {one.name: one for one in zones(region.name)}
    offered: list[JSON] = []
    for name in names:
        one = inventory.find(sim, region, Offering, f"ml.{name}")
        where = [places_by_name[zone] for zone in one.zones if zone in places_by_name] if one else []
        if kind == "region":
            locations = [region.name] if where else []
        else:
            locations = [zone.id if kind == "availability-zone-id" else zone.name for zone in where]
        offered += [{"InstanceType": name, "LocationType": kind, "Location": location} for location in locations]
    found = lists.matching(
        offered,
        request,
        fields={"instance-type": lambda one: one["InstanceType"], "location": lambda one: one["Location"]},
    )
    answer = lists.page(sim, found, request, operation="DescribeInstanceTypeOfferings", size=PAGE)
    require_wet(bool(request.get("DryRun")))
    return {"InstanceTypeOfferings": answer.pop("items"), **answer}


def _instance_type(sim: Simulation, name: str) -> JSON:
    known = instance_type(f"ml.{name}")
    count, kind = places.limit(sim, name)
    found: JSON = {
        "InstanceType": name,
        "CurrentGeneration": True,
        "SupportedUsageClasses": ["on-demand", "spot"],
        "BareMetal": "metal" in name,
        "Hypervisor": "nitro",
        "ProcessorInfo": {"SupportedArchitectures": ["arm64" if known.architecture == "arm64" else "x86_64"]},
        "VCpuInfo": {
            "DefaultVCpus": known.cores,
            "DefaultCores": max(1, known.cores // known.threads_per_core),
            "DefaultThreadsPerCore": known.threads_per_core,
        },
        "MemoryInfo": {"SizeInMiB": known.memory_gib * 1024},
        "NetworkInfo": _network(known),
        "EbsInfo": {
            "EbsOptimizedSupport": "default",
            "EncryptionSupport": "supported",
            "NvmeSupport": "required",
            "MaximumEbsAttachments": count,
            "AttachmentLimitType": kind,
        },
    }
    if known.gpus:
        found["GpuInfo"] = {"Gpus": [{"Manufacturer": "NVIDIA", "Count": known.gpus}]}
    if known.neurons:
        found["NeuronInfo"] = {"NeuronDevices": [{"Name": "Trainium", "Count": known.neurons}]}
    return found


def _network(known: InstanceType) -> JSON:
    cards = max(1, known.efa)
    network: JSON = {
        "NetworkPerformance": "Up to 10 Gigabit",
        "MaximumNetworkInterfaces": max(2, 2 * cards),
        "MaximumNetworkCards": cards,
        "DefaultNetworkCardIndex": 0,
        "NetworkCards": [
            {"NetworkCardIndex": number, "NetworkPerformance": "100 Gigabit", "MaximumNetworkInterfaces": 2}
            for number in range(cards)
        ],
        "Ipv4AddressesPerInterface": known.addresses_per_interface,
        "Ipv6AddressesPerInterface": known.addresses_per_interface,
        "Ipv6Supported": True,
        "EnaSupport": "required",
        "EfaSupported": known.efa_supported,
    }
    if known.efa_supported:
        network["EfaInfo"] = {"MaximumEfaInterfaces": max(1, known.efa)}
    return network
