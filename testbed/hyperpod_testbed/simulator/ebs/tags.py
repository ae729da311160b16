"""CreateTags, DeleteTags, DescribeTags, and the tags that come with a creation."""

from collections.abc import Iterator

from hyperpod_testbed.simulator.ebs import lists
from hyperpod_testbed.simulator.ebs.errors import invalid, missing, require_wet, snapshot_not_found, volume_not_found
from hyperpod_testbed.simulator.ebs.state import Snapshot, Volume
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

MOST_TAGS = 50
"""Tags per resource (EC2 user guide)."""


def create_tags(_: Simulation, region: Region, request: JSON) -> JSON:
    """CreateTags: all resources or none; keys that are there get the new value."""
    found = _resources(region, request)
    new = tag_map(request.get("Tags") or [])
    if not new:
        raise missing("tags")
    for one in found:
        check(one.tags | new)
    require_wet(bool(request.get("DryRun")))
    for one in found:
        one.tags.update(new)
    return {}


def delete_tags(_: Simulation, region: Region, request: JSON) -> JSON:
    """DeleteTags: by key, by key and value, or all; what is not there is no error."""
    found = _resources(region, request)
    require_wet(bool(request.get("DryRun")))
    asked = request.get("Tags") or []
    for one in found:
        if not asked:
            one.tags.clear()
        for tag in asked:
            if "Value" not in tag or one.tags.get(tag["Key"]) == tag["Value"]:
                one.tags.pop(tag["Key"], None)
    return {}


def describe_tags(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeTags: one entry per resource and key."""
    items = lists.matching(
        list(_all(region)),
        request,
        fields={
            "resource-id": lambda item: item["ResourceId"],
            "resource-type": lambda item: item["ResourceType"],
            "key": lambda item: item["Key"],
            "value": lambda item: item["Value"],
        },
    )
    answer = lists.page(sim, items, request, operation="DescribeTags")
    require_wet(bool(request.get("DryRun")))
    return {"Tags": answer.pop("items"), **answer}


def of_creation(request: JSON, resource: str) -> dict[str, str]:
    """The tags that TagSpecifications give to what is created."""
    found: dict[str, str] = {}
    for item in request.get("TagSpecifications") or []:
        if item.get("ResourceType") != resource:
            raise invalid(f"'{item.get('ResourceType')}' is not a valid taggable resource type for this operation.")
        found |= tag_map(item.get("Tags") or [])
    check(found)
    return found


def tag_map(tags: list[JSON]) -> dict[str, str]:
    """The tags of a request by key; a value that is left out is empty."""
    found: dict[str, str] = {}
    for tag in tags:
        if not tag.get("Key"):
            raise missing("key")
        if tag["Key"] in found:
            raise invalid(f"Duplicate tag key '{tag['Key']}' specified.")
        found[tag["Key"]] = tag.get("Value", "")
    return found


def check(tags: dict[str, str]) -> None:
    """The rules of EC2 for the tags of one resource."""
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            raise invalid("Tag keys starting with 'aws:' are reserved for internal use")
        if len(key) > 127 or len(value) > 255:
            raise invalid(f"Tag '{key[:40]}' is too long: at most 127 characters in a key, 255 in a value")
    if len(tags) > MOST_TAGS:
        raise AwsError("TagLimitExceeded", f"The maximum number of tags on a resource is {MOST_TAGS}")


def _resources(region: Region, request: JSON) -> list[Volume | Snapshot]:
    ids = request.get("Resources") or []
    if not ids:
        raise missing("resourceIdSet")
    ebs = region.ebs
    found: list[Volume | Snapshot] = []
    for name in ids:
        if name.startswith("vol-"):
            lists.check_ids([name], prefix="vol", parameter="resourceId")
            if name not in ebs.volumes:
                raise volume_not_found(name)
            found.append(ebs.volumes[name])
        elif name.startswith("snap-"):
            lists.check_ids([name], prefix="snap", parameter="resourceId")
            if name not in ebs.snapshots:
                raise snapshot_not_found(name)
            found.append(ebs.snapshots[name])
        else:
            raise AwsError("InvalidID", f"The ID '{name}' is not valid")
    return found


def _all(region: Region) -> Iterator[JSON]:
    for kind, resources in (("volume", region.ebs.volumes), ("snapshot", region.ebs.snapshots)):
        for name, one in resources.items():
            for key, value in one.tags.items():
                yield {"ResourceId": name, "ResourceType": kind, "Key": key, "Value": value}
