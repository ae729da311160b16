"""The checks of an EBSVolumeClaim: each passes, finds what is wrong, and is Unknown without rights."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.preflight.mutations import MUTATIONS, applies, noticed
from tests.unit.core.preflight.world import DENIED, KEY

from hyperpod_operator.api.volume.resource import EBSVolumeClaimSpec
from hyperpod_operator.core.preflight.facts import KmsKey, Statement
from hyperpod_operator.core.preflight.model import Check, Checked, Result
from hyperpod_operator.core.preflight.run import preflight
from hyperpod_operator.core.preflight.volume import LIMITS, QUOTA_NAMES, ClaimSubject, Slots, SnapshotFacts, Stored
from hyperpod_operator.core.preflight.volume import VolumeFacts as Facts
from hyperpod_operator.core.preflight.volume_table import CLAIM

OPERATOR = "arn:aws:iam::111122223333:role/operator"
GRANT = Statement(allow=True, actions=("kms:*",), principals=(OPERATOR,))
"""Lets the operator's role use a key."""
THEIRS = replace(GRANT, principals=("arn:aws:iam::111122223333:role/other",))
DENYING = Statement(allow=False, actions=("kms:*",), principals=("*",), conditional=True)
FACTS = Facts(
    zones=frozenset({"us-west-2b", "usw2-az2", "us-west-2a"}),
    target_zones=frozenset({"us-west-2b", "usw2-az2"}),
    key=KmsKey(arn=KEY, state="Enabled", policy=(GRANT,)),
    caller=OPERATOR,
    snapshot=SnapshotFacts(state="completed", size=100),
    quotas=dict.fromkeys(QUOTA_NAMES.values(), 50.0),
    stored=Stored(size=10_000),
    slots=Slots(limit=28, free=3),
)
SOURCE = {"availabilityZone": "us-west-2b", "snapshotId": "snap-0123abcd", "kmsKeyId": KEY, "encrypted": True}


def claim(facts: Facts = FACTS, *, source: dict[str, Any] | None = None, **volume: Any) -> ClaimSubject:
    spec = {
        "clusterRef": {"name": "research"},
        "source": {"create": {**SOURCE, **(source or {})}},
        "volume": {"size": 500, "iops": 6000, "throughput": 500, **volume},
        "attachment": {"target": {"instanceGroupName": "gpu"}},
    }
    return ClaimSubject(spec=EBSVolumeClaimSpec.model_validate(spec), facts=facts)


def having(**members: Any) -> ClaimSubject:
    return claim(replace(FACTS, **members))


BAD = {
    "VolumeZone": [
        (claim(source={"availabilityZone": "us-west-2d"}), Result.FAIL, "no zone"),
        (claim(source={"availabilityZone": "us-west-2a"}), Result.FAIL, "no node"),
    ],
    "VolumeKMSKey": [
        (having(key=None), Result.FAIL, "does not exist"),
        (having(key=KmsKey(arn=KEY, state="Disabled")), Result.FAIL, "Disabled"),
    ],
    "VolumeKMSKeyPolicy": [
        (having(key=KmsKey(arn=KEY, state="Enabled", policy=(THEIRS,), grantees=frozenset())), Result.FAIL, "no grant"),
        (having(key=KmsKey(arn=KEY, state="Enabled", policy=(DENYING,))), Result.WARN, "under conditions"),
    ],
    "VolumeSnapshot": [
        (having(snapshot=None), Result.FAIL, "does not exist"),
        (having(snapshot=SnapshotFacts(state="error", size=1)), Result.FAIL, "error"),
        (having(snapshot=SnapshotFacts(state="completed", size=501)), Result.FAIL, "501 GiB"),
    ],
    "VolumeSize": [
        (claim(volumeType="st1", size=124), Result.FAIL, "125"),
        (claim(size=65_537), Result.WARN, "65536"),
    ],
    "VolumeIOPS": [
        (claim(size=10, iops=5_001), Result.FAIL, "5000 at most"),
        (claim(iops=2_999), Result.FAIL, "3000 at least"),
        (claim(iops=80_001), Result.WARN, "80000"),
    ],
    "VolumeThroughput": [
        (claim(throughput=124), Result.FAIL, "125"),
        (claim(throughput=1_501), Result.FAIL, "6004 IOPS"),
        (claim(throughput=2_001, iops=20_000), Result.WARN, "2000"),
    ],
    "VolumeQuota": [
        (claim(size=51_201, iops=6000), Result.FAIL, "50 TiB of gp3"),
        (having(stored=Stored(size=50_701)), Result.WARN, "type gp3 in this Region have 50701 GiB"),
        (having(stored=Stored(size=50_701, complete=False)), Result.WARN, "50 TiB in all"),
    ],
    "AttachmentSlots": [(having(slots=Slots(limit=28, free=0)), Result.WARN, "28 volumes")],
}
DENIED_CASES = {
    "VolumeZone": having(zones=DENIED),
    "VolumeKMSKey": having(key=DENIED),
    "VolumeKMSKeyPolicy": having(key=KmsKey(arn=KEY, state="Enabled", policy=DENIED)),
    "VolumeSnapshot": having(snapshot=DENIED),
    "VolumeQuota": having(stored=DENIED),
    "AttachmentSlots": having(slots=DENIED),
}


def of(name: str, about: ClaimSubject) -> Checked:
    return next(check for check in preflight(CLAIM, about).checks if check.name == name)


def test_every_check_has_cases() -> None:
    assert set(BAD) == {check.name for check in CLAIM}
    assert set(DENIED_CASES) == {check.name for check in CLAIM if check.reads}


@pytest.mark.parametrize(
    ("name", "about"), [("VolumeIOPS", claim(iops=100)), ("VolumeThroughput", claim(throughput=1))]
)
def test_nobody_is_told_to_lower_what_is_too_low(name: str, about: ClaimSubject) -> None:
    said = of(name, about).message
    assert "at least" in said
    assert "Lower" not in said


@pytest.mark.parametrize("name", BAD)
def test_a_check_passes(name: str) -> None:
    assert of(name, claim()).result is Result.PASS


@pytest.mark.parametrize(
    ("name", "about", "result", "word"), [(name, *case) for name, cases in BAD.items() for case in cases]
)
def test_a_check_finds_what_is_wrong(name: str, about: ClaimSubject, result: Result, word: str) -> None:
    found = of(name, about)
    assert (found.result, word in found.message) == (result, True), found


@pytest.mark.parametrize("check", CLAIM, ids=lambda check: check.name)
def test_each_result_that_a_check_has_words_for_has_a_case(check: Any) -> None:
    results = {result for _, result, _ in BAD[check.name]}
    assert results == {result for result, text in ((Result.FAIL, check.fail), (Result.WARN, check.warn)) if text}


@pytest.mark.parametrize(
    "check", [one for one in CLAIM if one.name in {"VolumeZone", "VolumeKMSKey", "VolumeSnapshot"}]
)
def test_what_cannot_be_edited_is_not_said_to_be_corrected_in_place(check: Check) -> None:
    """The API server refuses an edit of `source`."""
    assert "delete it and apply it again" in check.remedy


@pytest.mark.parametrize("name", DENIED_CASES)
def test_a_check_without_rights_is_unknown(name: str) -> None:
    assert of(name, DENIED_CASES[name]).result is Result.UNKNOWN


@pytest.mark.parametrize("change", MUTATIONS)
@pytest.mark.parametrize("check", CLAIM, ids=lambda check: check.name)
def test_a_changed_row_is_noticed_by_its_cases(check: Check, change: str) -> None:
    denied = DENIED_CASES.get(check.name)
    about = [claim(), *(bad for bad, _, _ in BAD[check.name]), *([denied] if denied is not None else [])]
    assert noticed(check, about, change) is applies(check, change, denied=denied is not None)


def keyed(*policy: Statement, caller: Any = OPERATOR, **members: Any) -> Result:
    key = KmsKey(arn=KEY, state="Enabled", policy=policy, **{"grantees": frozenset(), **members})
    return of("VolumeKMSKeyPolicy", having(key=key, caller=caller)).result


def test_a_key_that_leaves_it_to_iam_is_usable() -> None:
    account = KEY.split(":")[4]
    assert keyed(replace(GRANT, principals=(f"arn:aws:iam::{account}:root",))) is Result.PASS


@pytest.mark.parametrize(
    ("principal", "result"),
    [
        ("arn:aws:iam::111122223333:role/platform/eu/operator", Result.PASS),
        ("arn:aws:sts::111122223333:assumed-role/operator/session", Result.PASS),
        ("111122223333", Result.PASS),
        ("arn:aws:iam::111122223333:user/operator", Result.FAIL),
        ("arn:aws:iam::444455556666:role/operator", Result.FAIL),
        ("arn:aws:iam::444455556666:root", Result.FAIL),
    ],
)
def test_a_role_is_known_by_its_account_and_name_whatever_its_path(principal: str, result: Result) -> None:
    """STS names the caller's role without its path."""
    assert keyed(replace(GRANT, principals=(principal,))) is result


def test_a_denial_of_another_account_is_not_ours() -> None:
    other = replace(GRANT, allow=False, principals=("arn:aws:iam::444455556666:root",))
    assert keyed(GRANT, other) is Result.PASS


def test_the_policy_of_a_key_of_aws_is_not_judged() -> None:
    assert keyed(THEIRS, aws_managed=True) is Result.PASS


def test_a_caller_that_is_not_known_may_be_the_one_that_the_policy_names() -> None:
    assert keyed(THEIRS, caller=DENIED) is Result.UNKNOWN


def test_every_volume_type_has_limits_and_a_quota() -> None:
    assert set(LIMITS) == set(QUOTA_NAMES)


def test_a_volume_that_exists_is_not_checked_for_its_creation() -> None:
    spec = claim().spec.model_copy(update={"source": claim().spec.source.model_copy(update={"create": None})})
    names = {check.name for check in preflight(CLAIM, ClaimSubject(spec=spec, facts=FACTS)).checks}
    assert names == {"AttachmentSlots"}


def test_a_quota_that_is_not_listed_is_unknown() -> None:
    about = claim()
    assert of("VolumeQuota", replace(about, facts=replace(about.facts, quotas={}))).result is Result.UNKNOWN


def test_without_the_right_to_list_quotas_the_storage_is_unknown() -> None:
    assert of("VolumeQuota", having(quotas=DENIED)).result is Result.UNKNOWN


def test_what_just_fits_beside_the_accounts_volumes_passes() -> None:
    assert of("VolumeQuota", having(stored=Stored(size=50_700))).result is Result.PASS


def test_more_volumes_than_are_read_leave_it_unknown() -> None:
    assert of("VolumeQuota", having(stored=Stored(size=10, complete=False))).result is Result.UNKNOWN
