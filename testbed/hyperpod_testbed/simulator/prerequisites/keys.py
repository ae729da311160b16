"""KMS: keys and their policies."""

import hashlib
import json

from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.names import partition
from hyperpod_testbed.simulator.prerequisites import inventory, paging
from hyperpod_testbed.simulator.prerequisites.defaults import DAY
from hyperpod_testbed.simulator.prerequisites.resources import Key
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region


def describe_key(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeKey: by id, ARN or alias."""
    one = _key(sim, region, request)
    metadata = {
        "AWSAccountId": sim.account.id,
        "KeyId": one.id,
        "Arn": one.arn,
        "CreationDate": sim.now - 30 * DAY,
        "Enabled": one.state == "Enabled",
        "Description": "",
        "KeyUsage": one.usage,
        "KeyState": one.state,
        "Origin": "AWS_KMS",
        "KeyManager": one.manager,
        "CustomerMasterKeySpec": one.spec,
        "KeySpec": one.spec,
        "EncryptionAlgorithms": [one.spec] if one.spec == "SYMMETRIC_DEFAULT" else ["RSAES_OAEP_SHA_256"],
        "MultiRegion": one.multi_region,
    }
    if one.state == "PendingDeletion":
        metadata["DeletionDate"] = sim.now + 7 * DAY
    return {"KeyMetadata": metadata}


def get_key_policy(sim: Simulation, region: Region, request: JSON) -> JSON:
    """GetKeyPolicy: `default` is the only one that a key has."""
    one = _key(sim, region, request)
    name = request.get("PolicyName") or "default"
    if name != "default":
        raise AwsError("NotFoundException", "No such policy exists")
    return {"Policy": json.dumps(dict(one.policy), indent=2), "PolicyName": name}


def list_grants(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ListGrants: those of a key, of one grantee where the request names it."""
    one = _key(sim, region, request)
    found = [
        {
            "KeyId": one.arn,
            "GrantId": hashlib.sha256(f"{one.arn}/{who}".encode()).hexdigest(),
            "GranteePrincipal": who,
            "Operations": list(operations),
        }
        for who, operations in one.grants.items()
        if request.get("GranteePrincipal") in {None, who}
    ]
    chosen, token = paging.page(sim, found, request, operation="ListGrants", size=50, style=paging.KMS)
    return {"Grants": chosen, "Truncated": token is not None, **({"NextMarker": token} if token else {})}


def resource(account: str, request: JSON, region: str) -> str:
    """What a denial of KMS names."""
    named = str(request.get("KeyId") or "*")
    return named if named.startswith("arn:") else f"arn:{partition(region)}:kms:{region}:{account}:key/{named}"


def _key(sim: Simulation, region: Region, request: JSON) -> Key:
    found = inventory.find(sim, region, Key, request["KeyId"])
    if found is None:
        named = request["KeyId"]
        arn = named if named.startswith("arn:") else resource(sim.account.id, request, region.name)
        what = "Alias" if "alias/" in named else "Key"
        raise AwsError("NotFoundException", f"{what} '{arn}' does not exist")
    return found
