"""S3: the objects that hold lifecycle scripts."""

import hashlib
import re

from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.prerequisites import inventory, paging
from hyperpod_testbed.simulator.prerequisites.defaults import DAY
from hyperpod_testbed.simulator.prerequisites.resources import Bucket, StoredObject
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

ACTIONS = {
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
}
"""Operations that need a right of another name (S3 user guide, required permissions)."""
SCRIPT = "on_create.sh"


def head_bucket(sim: Simulation, region: Region, request: JSON) -> JSON:
    """HeadBucket."""
    found = _bucket(sim, region, request)
    return {"BucketRegion": found.region, "AccessPointAlias": False}


def head_object(sim: Simulation, region: Region, request: JSON) -> JSON:
    """HeadObject."""
    found = _object(sim, region, request)
    return {**_description(sim, found), "ContentLength": len(found.content.encode())}


def get_object(sim: Simulation, region: Region, request: JSON) -> JSON:
    """GetObject, whole or the one range that is asked for."""
    found = _object(sim, region, request)
    content = found.content.encode()
    answer = _description(sim, found)
    if request.get("Range"):
        first, last = _range(request["Range"], len(content))
        answer["ContentRange"] = f"bytes {first}-{last}/{len(content)}"
        content = content[first : last + 1]
    return {**answer, "Body": content, "ContentLength": len(content)}


def list_objects(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ListObjectsV2: keys in alphabetical order, with common prefixes.

    A folder that nobody described holds a lifecycle script, as any object exists that somebody names.
    """
    bucket, prefix = _bucket(sim, region, request), request.get("Prefix") or ""
    found = _under(sim, region, bucket.name, prefix)
    if not found and inventory.undeclared_exist(sim, "object"):
        folder = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
        inventory.stored_object(sim, region, f"s3://{bucket.name}/{folder}{SCRIPT}")
        found = _under(sim, region, bucket.name, prefix)
    entries = list(dict.fromkeys(_entry(one.key, prefix, request.get("Delimiter")) for one in found))
    after = request.get("StartAfter") or ""
    entries = [(key, common) for key, common in entries if key > after]
    chosen, token = paging.page(sim, entries, request, operation="ListObjectsV2", size=1000, style=paging.S3)
    by_key = {one.key: one for one in found}
    answer = {
        "Name": bucket.name,
        "Prefix": prefix,
        "Delimiter": request.get("Delimiter"),
        "MaxKeys": request.get("MaxKeys") or 1000,
        "KeyCount": len(chosen),
        "IsTruncated": token is not None,
        "Contents": [_content(sim, by_key[key]) for key, common in chosen if not common],
        "CommonPrefixes": [{"Prefix": key} for key, common in chosen if common],
        "ContinuationToken": request.get("ContinuationToken"),
        "NextContinuationToken": token,
    }
    return {name: value for name, value in answer.items() if value is not None}


def resource(_: str, request: JSON, __: str) -> str:
    """What a denial of S3 names."""
    key = f"/{request['Key']}" if request.get("Key") else ""
    return f'"arn:aws:s3:::{request["Bucket"]}{key}"' if request.get("Bucket") else "*"


def _under(sim: Simulation, region: Region, bucket: str, prefix: str) -> list[StoredObject]:
    start = f"s3://{bucket}/{prefix}"
    found = [one for one in inventory.listed(sim, region, StoredObject) if one.uri.startswith(start)]
    return sorted(found, key=lambda one: one.key)


def _entry(key: str, prefix: str, delimiter: str | None) -> tuple[str, bool]:
    """A key as it is listed, or the common prefix that stands for it."""
    rest = key.removeprefix(prefix)
    if delimiter and delimiter in rest:
        return f"{prefix}{rest.partition(delimiter)[0]}{delimiter}", True
    return key, False


def _content(sim: Simulation, one: StoredObject) -> JSON:
    return {
        "Key": one.key,
        "LastModified": sim.now - 30 * DAY,
        "ETag": _tag(one),
        "Size": len(one.content.encode()),
        "StorageClass": "STANDARD",
    }


def _description(sim: Simulation, one: StoredObject) -> JSON:
    return {
        "AcceptRanges": "bytes",
        "LastModified": sim.now - 30 * DAY,
        "ETag": _tag(one),
        "ContentType": "text/x-sh",
        "ServerSideEncryption": "AES256",
        "Metadata": {},
    }


def _tag(one: StoredObject) -> str:
    return f'"{hashlib.md5(one.content.encode(), usedforsecurity=False).hexdigest()}"'


def _bucket(sim: Simulation, region: Region, request: JSON) -> Bucket:
    found = inventory.find(sim, region, Bucket, request["Bucket"])
    if found is None:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", status=404)
    return found


def _object(sim: Simulation, region: Region, request: JSON) -> StoredObject:
    bucket = _bucket(sim, region, request)
    found = inventory.stored_object(sim, region, f"s3://{bucket.name}/{request['Key']}")
    if found is None:
        raise AwsError("NoSuchKey", "The specified key does not exist.", status=404)
    return found


def _range(text: str, size: int) -> tuple[int, int]:
    """First and last byte of `bytes=first-last`, `bytes=first-` or `bytes=-length`."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", text)
    if not found or not (found[1] or found[2]):
        return 0, size - 1
    if not found[1]:
        return max(0, size - int(found[2])), size - 1
    first, last = int(found[1]), min(int(found[2] or size - 1), size - 1)
    if first >= size:
        raise AwsError("InvalidRange", "The requested range is not satisfiable", status=416)
    return first, last
