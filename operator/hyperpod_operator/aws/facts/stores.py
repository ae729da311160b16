"""S3 and KMS for preflight."""

import codecs
import re

from hyperpod_operator.aws.facts.policies import statements
from hyperpod_operator.aws.facts.reader import BEGINNING, Ask, Reader, items
from hyperpod_operator.core.location import location_of
from hyperpod_operator.core.preflight.addresses import bucket_of, key_of
from hyperpod_operator.core.preflight.facts import KmsKey, Script, Statement
from hyperpod_operator.core.preflight.model import Fact, Unread
from hyperpod_operator.core.preflight.tables.rights import CREATE_GRANT, allowed
from hyperpod_operator.core.text import shortened

GET_OBJECT = "s3:GetObject, or s3:ListBucket of a bucket without the object"
"""What is missing where S3 denies an object: without s3:ListBucket it also denies one that does not exist (Amazon S3
API reference, GetObject)."""
GRANT_PAGES = 5
"""Pages of a key's grants that are read: 50 on each (AWS KMS API reference, ListGrants)."""
NAME_MOST = 120
"""Characters of a name that a message shows."""


_BUCKET = re.compile(r"(?!.*--x-s3\Z)[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
"""Names of buckets, old ones of us-east-1 included (S3 user guide, "General purpose bucket naming rules")."""


async def script(reader: Reader, address: str) -> Fact[Script | None]:
    """s3:GetObject of the beginning of a lifecycle script.

    In place of a bucket botocore takes the ARN of an access point, and calls the Region, the account and the service
    that it names: whoever writes a spec would choose whom the operator's credentials are shown to.
    """
    bucket = bucket_of(address)
    if not _BUCKET.fullmatch(bucket):
        return Unread(why=f"{shortened(bucket, NAME_MOST)} is no name of a bucket of the Region")
    parameters = {"Bucket": bucket, "Key": key_of(address), "Range": f"bytes=0-{BEGINNING - 1}"}
    ask = Ask(service="s3", operation="GetObject", action=GET_OBJECT, parameters=parameters)
    pages = await reader.ask(ask)
    if pages is None or isinstance(pages, Unread):
        return pages
    text: bytes = pages[0].get("Read", b"")
    first, _, rest = text.partition(b"\n")
    return Script(
        crlf=first.endswith(b"\r"),
        crlf_within=b"\r\n" in rest,
        shebang=text.removeprefix(codecs.BOM_UTF8).startswith(b"#!"),
    )


async def key(reader: Reader, name: str) -> Fact[KmsKey | None]:
    """kms:DescribeKey, of a customer's key kms:GetKeyPolicy, and kms:ListGrants where the policy leaves nothing to
    IAM."""
    ask = Ask(service="kms", operation="DescribeKey", action="kms:DescribeKey", parameters={"KeyId": name})
    pages = await reader.ask(ask)
    if pages is None or isinstance(pages, Unread):
        return pages
    found = pages[0]["KeyMetadata"]
    managed = found.get("KeyManager") == "AWS"
    policy: Fact[tuple[Statement, ...]] = Unread(why="it is a key of AWS, whose policy is not ours to judge")
    if not managed:
        policy = await _policy(reader, found["Arn"])
    return KmsKey(
        arn=found["Arn"],
        state=found["KeyState"],
        usage=found.get("KeyUsage", "ENCRYPT_DECRYPT"),
        symmetric=found.get("KeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT",
        aws_managed=managed,
        policy=policy,
        grantees=await _grantees(reader, found["Arn"]) if _closed(policy, found["Arn"]) else frozenset(),
    )


def _closed(policy: Fact[tuple[Statement, ...]], arn: str) -> bool:
    """Whether a policy gives kms:CreateGrant neither to everybody nor, through IAM, to the key's account."""
    if isinstance(policy, Unread):
        return False
    at = location_of(arn)
    root = {"*", at.account, f"arn:{at.partition}:iam::{at.account}:root"}
    return not allowed([one for one in policy if root & set(one.principals)], CREATE_GRANT)


async def _grantees(reader: Reader, arn: str) -> Fact[frozenset[str]]:
    """The principals that grants of the key let create grants. EBS makes one for each volume, so that a key in use has
    thousands; those are of services, and grants to roles may be behind them."""
    ask = Ask(
        service="kms", operation="ListGrants", action="kms:ListGrants", parameters={"KeyId": arn}, pages=GRANT_PAGES
    )
    pages = await reader.ask(ask)
    if pages is None or isinstance(pages, Unread):
        return pages or Unread(why="the key is gone")
    held = (one for one in items(pages, "Grants") if "CreateGrant" in (one.get("Operations") or []))
    return frozenset(str(one.get("GranteePrincipal", "")) for one in held)


async def _policy(reader: Reader, arn: str) -> Fact[tuple[Statement, ...]]:
    parameters = {"KeyId": arn, "PolicyName": "default"}
    ask = Ask(service="kms", operation="GetKeyPolicy", action="kms:GetKeyPolicy", parameters=parameters)
    pages = await reader.ask(ask)
    if pages is None or isinstance(pages, Unread):
        return pages or Unread(why="the key has no policy")
    try:
        return statements(pages[0]["Policy"])
    except ValueError as error:
        return Unread(why=f"the key's policy cannot be read: {error}")
