"""Operations on nodes of a cluster whose changePolicy asks for approvals."""

from typing import Any

import pytest
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, KEY, OperationRig

from hyperpod_operator.api.names import APPROVE_PLAN


def guard(rig: OperationRig, policy: str) -> None:
    spec: dict[str, Any] = rig.clusters._bodies[CLUSTER_KEY]["spec"]
    rig.clusters.apply(CLUSTER_KEY, {**spec, "management": {"changePolicy": policy}})


@pytest.mark.parametrize("policy", ["ApproveDisruptive", "ApproveAll", "PlanOnly"])
async def test_nothing_happens_before_the_approval(rig: OperationRig, policy: str) -> None:
    guard(rig, policy)
    rig.apply("Reboot", rig.ids[:1])
    for _ in range(5):
        await rig.step()
    assert (rig.calls(), rig.marks.writes, rig.states()) == ([], 0, ["Pending"])
    assert rig.condition("PlanApproved")["status"] == "False"


async def test_the_digest_of_the_message_approves(rig: OperationRig) -> None:
    guard(rig, "ApproveDisruptive")
    rig.apply("Replace", rig.ids[:1])
    await rig.step()
    digest = rig.condition("PlanApproved")["message"].rpartition("=")[2]
    spec = rig.operations._bodies[KEY]["spec"]
    rig.operations.apply(KEY, spec, annotations={APPROVE_PLAN: digest})
    await rig.rest()
    assert rig.states() == ["Succeeded"]


async def test_an_approval_of_something_else_does_not_count(rig: OperationRig) -> None:
    guard(rig, "ApproveDisruptive")
    rig.apply("Reboot", rig.ids[:1])
    rig.operations.apply(KEY, rig.operations._bodies[KEY]["spec"], annotations={APPROVE_PLAN: "sha256:" + "0" * 64})
    for _ in range(3):
        await rig.step()
    assert rig.calls() == []
    assert rig.condition("PlanApproved")["reason"] == "PlanStale"
