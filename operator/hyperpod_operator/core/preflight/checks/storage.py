"""Checks of KMS keys and volume sizes of instance groups."""

from collections.abc import Collection, Iterator

from hyperpod_operator.core.preflight.addresses import keys_of
from hyperpod_operator.core.preflight.facts import NOT_GATHERED, KmsKey
from hyperpod_operator.core.preflight.model import (
    Area,
    Check,
    Fact,
    Finding,
    Unread,
    fails,
    passes,
    unheard,
    unknown,
    warns,
)
from hyperpod_operator.core.preflight.subject import ClusterSubject
from hyperpod_operator.core.preflight.tables import quotas, rights

SOURCE = "DOC: SageMaker developer guide, smcluster-cmk"
# [assumption: enums-grow]
USABLE = frozenset({"Enabled", "Updating"})
"""States in which a key encrypts (AWS KMS developer guide, "Key states of AWS KMS keys")."""
# [assumption: enums-grow]
UNUSABLE = frozenset(
    {"Creating", "Disabled", "PendingDeletion", "PendingImport", "PendingReplicaDeletion", "Unavailable"}
)


def _keys(subject: ClusterSubject) -> Iterator[tuple[str, str, Fact[KmsKey | None]]]:
    for group in subject.groups:
        for key in keys_of(group):
            yield group.name, key, subject.facts.keys.get(key, NOT_GATHERED)


def usable_key(group: str, name: str, key: Fact[KmsKey | None]) -> Finding:
    """Whether EBS can encrypt with a key."""
    if isinstance(key, Unread):
        return unknown(key, group=group)
    if key is None:
        return fails(group=group, key=name, problem="does not exist in this Region")
    if key.state in UNUSABLE:
        return fails(group=group, key=name, problem=f"is {key.state}")
    if key.state not in USABLE:
        return unknown(unheard("the state of the key:", key.state), group=group)
    if not key.symmetric or key.usage != "ENCRYPT_DECRYPT":
        return fails(group=group, key=name, problem="is not a symmetric encryption key")
    return passes(group=group)


def granted_key(group: str, name: str, key: Fact[KmsKey | None], principals: frozenset[str]) -> Iterator[Finding]:
    """Whether the key's policy lets a role of the account use it, directly or through IAM."""
    if key is None:
        return
    policy, arn = (key, name) if isinstance(key, Unread) else (key.policy, key.arn)
    if isinstance(policy, Unread):
        yield unknown(policy, group=group)
        return
    ours = {_identity(one) for one in principals}
    accounts = {account for account, _ in ours or {_identity(arn)}}
    reach = ours | {(account, "") for account in accounts}
    mine = [one for one in policy if any(who == "*" or _identity(who) in reach for who in one.principals)]
    if rights.allowed(mine, rights.CREATE_GRANT):
        yield passes(group=group)
    elif any(one.conditional for one in mine):
        yield warns(group=group, key=name)
    else:
        yield _by_grant(group, name, key, reach)


def _by_grant(group: str, name: str, key: Fact[KmsKey | None], reach: Collection[tuple[str, str]]) -> Finding:
    """What a grant gives needs no policy (AWS KMS developer guide, "Grants in AWS KMS")."""
    grantees = key.grantees if isinstance(key, KmsKey) else frozenset[str]()
    if isinstance(grantees, Unread):
        return unknown(grantees, group=group)
    granted = any(_identity(one) in reach for one in grantees)
    return passes(group=group) if granted else fails(group=group, key=name)


def _identity(principal: str) -> tuple[str, str]:
    """Account and identity that a policy or STS names; the identity is empty for the account as a whole.

    Paths are left out: STS names a role without its path, and IAM gives no two roles of an account the same name.
    """
    parts = principal.split(":", 5)
    if len(parts) < 6:
        return principal, ""
    kind, _, rest = parts[5].partition("/")
    if kind == "assumed-role":  # a session of the role
        kind, rest = "role", rest.partition("/")[0]
    return parts[4], "" if kind == "root" else f"{kind}/{rest.rpartition('/')[2]}"


def key_usable(subject: ClusterSubject) -> Iterator[Finding]:
    for group, name, key in _keys(subject):
        yield usable_key(group, name, key)


def key_policy(subject: ClusterSubject) -> Iterator[Finding]:
    roles = {group.name: group.role for group in subject.groups}
    for group, name, key in _keys(subject):
        yield from granted_key(group, name, key, frozenset({roles[group]}))


def volume_size(subject: ClusterSubject) -> Iterator[Finding]:
    sizes = [
        (group.name, size)
        for group in subject.groups
        for one in group.spec.instanceStorageConfigs or []
        if one.ebsVolumeConfig and (size := one.ebsVolumeConfig.volumeSizeInGB)
    ]
    if not sizes:
        return
    listed = subject.facts.quotas
    if isinstance(listed, Unread):
        yield unknown(listed)
        return
    most = listed.get(quotas.VOLUME_SIZE)
    if most is None:
        yield unknown(Unread(why=f"Service Quotas does not list “{quotas.VOLUME_SIZE}”"))
        return
    for group, size in sizes:
        yield fails(group=group, size=size, most=int(most)) if size > most else passes(group=group)


CHECKS = (
    Check(
        name="KMSKeyUsable",
        area=Area.STORAGE,
        what="The KMS keys of root and additional volumes exist and are enabled",
        why="Instances fail to launch when EBS cannot encrypt their volumes.",
        source=SOURCE,
        judge=key_usable,
        reads=("kms:DescribeKey",),
        fail="KMS key {key} {problem}.",
        remedy="Name an enabled symmetric key of this Region.",
    ),
    Check(
        name="KMSKeyPolicy",
        area=Area.STORAGE,
        what="The policies or grants of the KMS keys let the execution roles create grants",
        why="HyperPod's instances decrypt their volumes by grants of the execution role.",
        source=SOURCE,
        judge=key_policy,
        reads=("kms:GetKeyPolicy", "kms:ListGrants"),
        fail="The policy of KMS key {key} allows kms:CreateGrant neither to the execution role nor through IAM, and no "
        "grant of it does.",
        warn="The policy of KMS key {key} allows kms:CreateGrant on conditions that are not evaluated here.",
        remedy="Allow kms:CreateGrant and kms:DescribeKey to the execution role in the key policy.",
    ),
    Check(
        name="VolumeSizeQuota",
        area=Area.STORAGE,
        what="Additional volumes are within the quota for their size",
        why="CreateCluster fails with ResourceLimitExceeded.",
        source="DOC: Service Quotas, Amazon SageMaker",
        judge=volume_size,
        reads=("servicequotas:ListServiceQuotas",),
        fail="volumeSizeInGB is {size}, and the quota of this account is {most}.",
        remedy=f"Ask Service Quotas for more (“{quotas.VOLUME_SIZE}”), or lower volumeSizeInGB.",
    ),
)
