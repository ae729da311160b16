"""DescribeAvailabilityZones, and how many volumes an instance type takes.

The counts are EC2's published ones, by family and size, for the types that HyperPod has; any other type shares 28
slots with its network interfaces, as Nitro types do unless EC2 says otherwise.
"""

import re
from typing import Any

from hyperpod_testbed.simulator.ebs import lists
from hyperpod_testbed.simulator.ebs.errors import require_wet
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.names import zones
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Instance, Region

SHARED, DEDICATED = "shared", "dedicated"
DEFAULT = (28, SHARED)

_BY_TYPE = {
    "p4d.24xlarge": (28, DEDICATED),
    "p4de.24xlarge": (28, DEDICATED),
    "p5.4xlarge": (32, DEDICATED),
    "trn2.3xlarge": (32, DEDICATED),
    "trn1.32xlarge": (28, SHARED),
    "trn1n.32xlarge": (28, SHARED),
    "g5.12xlarge": (22, SHARED),
    "g5.24xlarge": (22, SHARED),
    "g5.48xlarge": (9, SHARED),
    "c8a.16xlarge": (48, DEDICATED),
    "m8a.16xlarge": (48, DEDICATED),
    "i3en.large": (26, SHARED),
    "i3en.xlarge": (26, SHARED),
    "i3en.3xlarge": (26, SHARED),
    "i3en.2xlarge": (25, SHARED),
    "i3en.6xlarge": (25, SHARED),
    "i3en.12xlarge": (23, SHARED),
    "i3en.24xlarge": (19, SHARED),
    "r5d.16xlarge": (23, SHARED),
}
_BY_FAMILY = (
    (re.compile(r"(g4dn|g5)\."), (25, SHARED)),
    (re.compile(r"(p5|p5e|p5en|p6-b200|p6-b300|trn2)\."), (64, DEDICATED)),
)
_BY_SIZE = re.compile(r"(g6|g6e|gr6|g7|g7e|m7i|r7i|c8g|m8g|r8g)\.(.+)")
_SIZES = {"16xlarge": 48, "24xlarge": 64, "48xlarge": 128}


def limit(sim: Simulation, type_name: str) -> tuple[int, str]:
    """MaximumEbsAttachments and AttachmentLimitType of an instance type, with or without `ml.`."""
    name = type_name.removeprefix("ml.")
    count, kind = _published(name)
    return sim.options.attachment_limits.get(f"ml.{name}", count), kind


def free_slots(sim: Simulation, cluster: Cluster, instance: Instance, *, attached: int) -> int:
    """Slots of a node that hold nothing yet: its root volume, HyperPod's own ones, and what is attached take theirs."""
    storage = cluster.groups[instance.group].spec.get("InstanceStorageConfigs") or []
    own = 1 + sum(1 for one in storage if "EbsVolumeConfig" in one)
    return limit(sim, instance.type)[0] - own - attached


def describe_zones(_: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeAvailabilityZones."""
    fields: dict[str, Any] = {"zone-name": lambda one: one.name, "zone-id": lambda one: one.id, "state": _available}
    names, ids = request.get("ZoneNames") or [], request.get("ZoneIds") or []
    every = zones(region.name)
    for asked in (*names, *ids):
        if asked not in {part for one in every for part in (one.name, one.id)}:
            raise AwsError("InvalidParameterValue", f"Invalid availability zone: [{asked}]")
    found = [one for one in every if (not names and not ids) or one.name in names or one.id in ids]
    chosen = lists.matching(found, request, fields=fields)
    require_wet(bool(request.get("DryRun")))
    return {
        "AvailabilityZones": [
            {
                "ZoneName": one.name,
                "ZoneId": one.id,
                "RegionName": region.name,
                "GroupName": f"{region.name}-zg-1",
                "NetworkBorderGroup": region.name,
                "OptInStatus": "opt-in-not-required",
                "ZoneType": "availability-zone",
                "State": "available",
                "Messages": [],
            }
            for one in chosen
        ]
    }


def _available(_: Any) -> str:
    return "available"


def _published(name: str) -> tuple[int, str]:
    if name in _BY_TYPE:
        return _BY_TYPE[name]
    for pattern, found in _BY_FAMILY:
        if pattern.match(name):
            return found
    if sized := _BY_SIZE.match(name):
        return _SIZES.get(sized[2], 32), DEDICATED
    return DEFAULT
