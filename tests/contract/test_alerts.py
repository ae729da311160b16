"""The alerts ask for what exists, and miss no failure of the kind that they are about."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import exceptions as botocore_exceptions
from tests.contract.test_metrics_document import ALERTS, TABLE

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.metrics.clusters import STATUSES
from hyperpod_operator.api.names import Reason
from hyperpod_operator.aws.call.caller import Purpose
from hyperpod_operator.aws.call.classify import CODES, CREDENTIAL_FAULTS, DENIED_BY_WORDS
from hyperpod_operator.core.errors import TREATMENTS, ErrorKind
from hyperpod_operator.core.outcome import Outcome

RULES = {rule["alert"]: rule for group in ALERTS["groups"] for rule in group["rules"]}
BY_NAME = {one.name: one for one in TABLE}
OF_THE_TARGET = {"job", "instance", "namespace"}
"""Labels that Prometheus adds."""
MATCHER = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')
BY_ONE_OBJECT = {
    "AttachmentLimitExceeded",
    "InsufficientVolumeCapacity",
    "SnapshotCreationPerVolumeRateExceeded",
    "VolumeModificationRateExceeded",
}
"""Codes that say nothing about the account: a node has no slot, a zone no capacity, a volume was changed too often."""
ALLOWED: dict[str, set[str]] = {
    "type": {row.type for row in CLUSTER.conditions},
    "status": set(STATUSES),
    "outcome": {one.__name__ for one in Outcome.__args__},  # type: ignore[attr-defined]
    "reason": set(Reason),
    "purpose": set(Purpose),
}
"""The values that a label may have, where these are ours; codes are looked at one by one."""


def matchers(expression: str) -> Iterator[tuple[str, str, str, str]]:
    """(metric, label, operator, value) of every selector."""
    for name, selector in re.findall(r"(hyperpod_\w+)\s*\{([^}]*)\}", expression):
        yield from ((name, *found) for found in MATCHER.findall(selector))


def codes_of(alert: str) -> re.Pattern[str]:
    (found,) = {value for _, label, _, value in matchers(RULES[alert]["expr"]) if label == "code"}
    return re.compile(found)


def of_kinds(*kinds: ErrorKind) -> set[str]:
    return {code for code, kind in CODES.items() if kind in kinds}


def named(*faults: type[BaseException]) -> set[str]:
    """What a failure without an answer has for a code: the name of its exception."""
    return {fault.__name__ for fault in faults} | {name for one in faults for name in named(*one.__subclasses__())}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_an_alert_asks_for_labels_and_values_that_exist(rule: dict[str, Any]) -> None:
    expression = rule["expr"]
    assert set(re.findall(r"hyperpod_\w+", expression)) <= BY_NAME.keys()
    for metric, label, operator, value in matchers(expression):
        assert label in BY_NAME[metric].labels
        assert label == "code" or set(value.split("|") if operator == "=~" else (value,)) <= ALLOWED[label]
    grouped = re.findall(r"\b(?:by|on) \(([^)]*)\)", expression)
    asked = {label.strip() for inside in grouped for label in inside.split(",")}
    known = {label for name in re.findall(r"hyperpod_\w+", expression) for label in BY_NAME[name].labels}
    assert asked <= known | OF_THE_TARGET


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_an_alert_names_only_labels_that_it_has(rule: dict[str, Any]) -> None:
    shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    kept = {label.strip() for inside in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in inside.split(",")}
    assert shown <= kept


def test_a_right_or_credentials_that_lack_are_denials_whatever_aws_or_botocore_calls_them() -> None:
    about = of_kinds(ErrorKind.DENIED, ErrorKind.CREDENTIALS, ErrorKind.CLOCK) | named(*CREDENTIAL_FAULTS)
    everything = {*CODES, *named(botocore_exceptions.BotoCoreError), "OK", "Unknown"}
    found = codes_of("HyperPodOperatorDeniedByAWS")
    assert found.fullmatch(DENIED_BY_WORDS)
    assert {code for code in everything if found.fullmatch(code)} == about


def test_each_code_of_throttling_counts() -> None:
    found = codes_of("HyperPodOperatorThrottledByAWS")
    assert {code for code in CODES if found.fullmatch(code)} == of_kinds(ErrorKind.THROTTLED) - BY_ONE_OBJECT


def test_each_quota_of_the_account_counts() -> None:
    found = codes_of("HyperPodQuotaExhausted")
    assert {code for code in CODES if found.fullmatch(code)} == of_kinds(ErrorKind.QUOTA) - BY_ONE_OBJECT


def test_every_failure_that_lasts_for_all_objects_has_an_alert_of_the_operator() -> None:
    """What ends in backoff is about the connection to AWS, not about one object."""
    (reasons,) = (one[3] for one in matchers(RULES["HyperPodOperatorWithoutAWS"]["expr"]) if one[1] == "reason")
    by_code = {Reason.THROTTLED, Reason.CREDENTIALS_INVALID}
    backing_off = {means.reason for means in TREATMENTS.values() if means.after is None}
    assert {*reasons.split("|")} | by_code == backing_off
