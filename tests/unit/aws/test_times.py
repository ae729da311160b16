"""Timestamps are what botocore makes of them, whatever form they have."""

from datetime import datetime

import pytest
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.aws.call import times
from hyperpod_operator.aws.call.times import timestamp


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-30T05:04:53Z",
        "2026-11-30T05:04:53.000Z",
        "2026-11-30T05:04:53.123456Z",
        "2026-11-30T05:04:53+01:00",
        "2026-11-30T05:04:53",
        "2026-11-30",
        "20261130T050453Z",
        "Mon, 30 Nov 2026 05:04:53 GMT",
        "1796015093",
        "1796015093.5",
        "17000000",
        1796015093,
        1796015093.5,
    ],
)
def test_a_timestamp_is_what_botocore_makes_of_it(value: str | float) -> None:
    expected = parse_timestamp(value)
    assert timestamp(value) == expected
    assert timestamp(value).utcoffset() == expected.utcoffset()


@given(st.datetimes(min_value=datetime.fromisoformat("2006-01-01")))  # EC2 is no older
def test_every_moment_that_ec2_can_write_is_read_alike(moment: object) -> None:
    value = f"{moment:%Y-%m-%dT%H:%M:%S.%f}"[:23].zfill(23) + "Z"
    assert timestamp(value) == parse_timestamp(value)


@pytest.mark.parametrize("value", ["", "yesterday", "2026-13-30T05:04:53Z", "2026-11-30T25:04:53Z"])
def test_what_is_no_timestamp_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        timestamp(value)


def test_what_ec2_writes_needs_no_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "parse_timestamp", None)
    assert timestamp("2026-11-30T05:04:53.000Z").year == 2026
