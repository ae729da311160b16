"""What the log keeps of an answer that a condition has no room for."""

import logging
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hyperpod_operator.aws.call.caller import Caller, OnCall
from hyperpod_operator.aws.call.classify import POINTER
from hyperpod_operator.aws.call.limiter import Limiter, RateLimit
from hyperpod_operator.aws.call.threads import Threads
from hyperpod_operator.core.errors import CloudError

TYPES = ", ".join(f"ml.p{number}.48xlarge" for number in range(100))


async def failed(message: str, *, on_call: OnCall = lambda **_: None) -> CloudError:
    def refuse(_: object) -> Any:
        raise ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "CreateCluster")

    with closing(Threads(1)) as threads:
        limit = Limiter(RateLimit(rate=0, burst=1), monotonic=lambda: 0.0)
        caller = Caller(
            service="sagemaker", region="us-west-2", make=lambda **_: object(), threads=threads,
            reads=limit, writes=limit, on_call=on_call,
        )  # fmt: skip
        with pytest.raises(CloudError) as caught:
            await caller.write("CreateCluster", refuse, target="research")
    return caught.value


async def test_the_log_has_all_of_what_a_message_points_to(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="hyperpod_operator.aws.call.caller")
    error = await failed(f"ml.x is none of [{TYPES}] for this account")
    assert error.message.endswith(POINTER)
    assert "AWS says about CreateCluster on research: " in caplog.text
    assert TYPES in caplog.text


async def test_a_short_answer_is_in_the_message_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="hyperpod_operator.aws.call.caller")
    error = await failed("ml.x is not offered.")
    assert error.message == "ml.x is not offered."
    assert error.message not in caplog.text


@pytest.mark.parametrize(
    ("message", "counted"),
    [
        ("User: x is not authorized to perform: iam:PassRole on resource: y", "AccessDenied"),
        ("HyperPod - Ec2ErrCode: UnauthorizedOperation : Ec2ErrMsg: No.", "UnauthorizedOperation"),
        ("HyperPod - Ec2ErrCode: VolumeInUse : Ec2ErrMsg: No.", "VolumeInUse"),
        ("ml.x is not offered.", "ValidationException"),
    ],
)
async def test_a_refusal_of_another_service_counts_as_what_it_is(message: str, counted: str) -> None:
    """The alert about missing rights goes by the codes of calls."""
    codes: list[str] = []
    error = await failed(message, on_call=lambda **call: codes.append(call["code"]))
    assert (codes, error.code) == ([counted], "ValidationException")
