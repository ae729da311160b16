"""What the API server does not take is told on the claim, with where and what to do, and is not asked for in a loop."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import published

from hyperpod_operator.api.names import RECONCILE_REQUESTED_AT
from hyperpod_operator.core.outcome import Blocked, Done, Failed, Gone
from hyperpod_operator.core.ports import KubernetesError

Decline = Callable[..., list[Any]]

STEPS = {
    "label": ("labels", "label", "Node hyperpod-i-"),
    "pv": ("publications", "create_persistent_volume", "PersistentVolume evc-"),
    "pvc": ("publications", "create_persistent_volume_claim", "PersistentVolumeClaim team/data"),
    "lease": ("leases", "take", "Lease vol-"),
}


@pytest.fixture
def decline(rig: VolumeRig, monkeypatch: pytest.MonkeyPatch) -> Decline:
    """Have the API server answer a write with this status; the calls that it got are counted."""

    def arrange(port: str, name: str, *, status: int) -> list[Any]:
        calls: list[Any] = []

        async def refused(*args: Any, **arguments: Any) -> None:
            calls.append(arguments)
            raise KubernetesError(status=status, message=f"POST: HTTP {status}: exceeded quota: small. Grant this.")

        monkeypatch.setattr(getattr(rig, port), name, refused)
        return calls

    return arrange


@pytest.mark.parametrize("status", [400, 403, 422])
@pytest.mark.parametrize("step", STEPS)
async def test_a_refused_step_is_told_with_what_where_and_what_to_do(
    rig: VolumeRig, decline: Decline, step: str, status: int
) -> None:
    port, name, subject = STEPS[step]
    decline(port, name, status=status)
    rig.apply(published())
    assert await rig.rest() == Blocked(rig.condition("Ready")["reason"], 300.0)
    ready = rig.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("False", "KubernetesRefused")
    for said in (subject, f"HTTP {status}", "exceeded quota: small", "quota or an admission policy", "5 minutes"):
        assert said in ready["message"]
    assert rig.condition("Stalled")["reason"] == "KubernetesRefused"
    assert rig.reasons().count("KubernetesRefused") == 1


async def test_a_refused_step_is_asked_for_every_five_minutes_however_often_the_claim_is_woken(
    rig: VolumeRig, decline: Decline
) -> None:
    calls = decline("publications", "create_persistent_volume", status=403)
    rig.apply(published())
    await rig.rest()
    status, writes = rig.status, rig.writes()
    for _ in range(20):
        rig.wait(10.0)
        await rig.once()
    assert (len(calls), rig.writes(), rig.status) == (1, writes, status)
    rig.wait(110.0)
    await rig.once()
    assert len(calls) == 2


async def test_a_person_can_ask_for_a_refused_step_at_once(
    rig: VolumeRig, decline: Decline, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rig.publications.create_persistent_volume
    decline("publications", "create_persistent_volume", status=403)
    rig.apply(published())
    await rig.rest()
    monkeypatch.setattr(rig.publications, "create_persistent_volume", whole)
    rig.apply(published(), annotations={RECONCILE_REQUESTED_AT: "now"})
    assert isinstance(await rig.rest(), Done)
    assert not [call for call in rig.status["operations"] if "rejectedAt" in call]
    assert rig.condition("Published")["status"] == "True"


async def test_a_refused_step_of_a_deletion_is_told_and_the_claim_stays(rig: VolumeRig, decline: Decline) -> None:
    rig.apply(published())
    await rig.rest()
    decline("publications", "delete_persistent_volume_claim", status=403)
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "KubernetesRefused"
    assert rig.holder


async def test_what_passes_by_itself_is_told_only_when_it_lasts(rig: VolumeRig, decline: Decline) -> None:
    calls = decline("publications", "create_persistent_volume", status=500)
    rig.apply(published())
    await rig.until("Attaching")
    while len(calls) < 3:
        await rig.step()
    assert "KubernetesError" not in rig.reasons()
    assert isinstance(await rig.once(), Failed)
    assert rig.reason() == "KubernetesError"
    assert "PersistentVolume evc-" in rig.condition("Ready")["message"]
    assert "Reconciling" in {one["type"] for one in rig.status["conditions"]}


async def test_what_may_not_be_read_is_told_and_what_was_known_stands(
    rig: VolumeRig, decline: Decline, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.apply(published())
    await rig.rest()
    whole = rig.users.pods
    decline("users", "pods", status=403)
    assert isinstance(await rig.once(), Blocked)
    assert (rig.condition("Ready")["status"], rig.reason()) == ("Unknown", "KubernetesRefused")
    assert rig.condition("Attached")["status"] == "True"
    monkeypatch.setattr(rig.users, "pods", whole)
    assert isinstance(await rig.once(), Done)


async def test_a_finalizer_that_may_not_be_set_is_told_and_no_volume_is_made(rig: VolumeRig, decline: Decline) -> None:
    decline("claims", "add_finalizer", status=403)
    rig.apply(published())
    await rig.step()  # the first look for a volume of an earlier claim of this name
    assert isinstance(await rig.step(), Blocked)
    assert rig.reason() == "KubernetesRefused"
    assert rig.operations() == []


async def test_a_declined_step_is_counted_by_its_status(rig: VolumeRig, decline: Decline) -> None:
    decline("labels", "label", status=403)
    rig.apply(published())
    await rig.rest()
    assert ("LabelNode", "403") in rig.recorder.steps


async def test_a_claim_whose_label_was_refused_can_be_deleted(rig: VolumeRig, decline: Decline) -> None:
    decline("labels", "label", status=403)
    rig.apply(published())
    await rig.rest()
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
