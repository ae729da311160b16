"""What a Node that goes on changing costs a claim that waits for it."""

from types import SimpleNamespace
from typing import cast

import pytest

from hyperpod_operator.app.operator import Operator
from hyperpod_operator.aws.cloud import AwsCloud
from hyperpod_operator.controllers.volume.controller import VolumeController
from hyperpod_operator.core.ports import Key
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.runtime.clock import SystemClock
from hyperpod_operator.runtime.metrics import PrometheusMetrics
from hyperpod_operator.runtime.quarantine import Quarantine
from hyperpod_operator.settings import Settings

KEY = Key("team", "data")


async def test_a_node_that_goes_on_changing_gets_a_waiting_claim_few_passes_and_one_after_its_last_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(VolumeController, "node_changed", lambda *_: (KEY,))
    operator = Operator(
        Settings(health_probe_address=None, metrics_address=None),
        api=cast(ApiServer, SimpleNamespace(credentials=None)),
        cloud=cast(AwsCloud, SimpleNamespace(region="us-west-2", prices=None, training_plans=None)),
        metrics=PrometheusMetrics(),
        clock=SystemClock(),
        quarantine=Quarantine(),
    )
    queue = next(one.queue for one in operator._runtimes if one.plural == "ebsvolumeclaims")
    passes = 0
    for _ in range(100):
        operator._node_changed("hyperpod-i-00000001")
        while queue.depth:
            queue.done(await queue.get())
            passes += 1
    assert 1 <= passes <= 5
    assert queue.delayed == 1
