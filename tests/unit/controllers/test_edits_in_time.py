"""A call that waits for its turn is not sent once a person asks for something else."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_protection import CPU, GPU, wanted

from hyperpod_operator.api.names import APPROVE_PLAN
from hyperpod_operator.aws.call.caller import Caller
from hyperpod_operator.core.outcome import Again
from hyperpod_operator.core.ports import Key, KubernetesError, StoredObject


@pytest.fixture
def at_its_turn(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], Awaitable[None] | None]], None]:
    """Something happens once while this call waits for the rate limit."""

    def arrange(operation: str, happens: Callable[[], Awaitable[None] | None]) -> None:
        run, told = Caller._run, []

        async def waited(self: Caller, name: str, call: Any, **how: Any) -> Any:
            if name == operation and not told:
                told.append(name)
                if (done := happens()) is not None:
                    await done
            return await run(self, name, call, **how)

        monkeypatch.setattr(Caller, "_run", waited)

    return arrange


@pytest.mark.parametrize(
    "edit",
    [{"deletionProtection": True}, {"deletionPolicy": "Retain"}, {"paused": True}, {"changePolicy": "ApproveAll"}],
    ids=lambda edit: next(iter(edit)),
)
async def test_a_deletion_that_is_taken_back_is_not_sent(rig: Rig, at_its_turn: Any, edit: dict[str, Any]) -> None:
    rig.apply(wanted(GPU, CPU))
    await rig.rest()
    at_its_turn("DeleteCluster", lambda: rig.apply(wanted(GPU, CPU, **edit)))
    rig.objects.delete(KEY)
    assert isinstance(await rig.once(), Again)
    assert "DeleteCluster" not in rig.operations()


async def test_a_group_that_is_put_back_is_not_removed(rig: Rig, at_its_turn: Any) -> None:
    rig.apply(wanted(GPU, CPU))
    await rig.rest()
    at_its_turn("UpdateCluster", lambda: rig.apply(wanted(GPU, CPU)))
    rig.apply(wanted(GPU))
    await rig.rest()
    assert "UpdateCluster" not in rig.operations()


async def test_a_creation_that_is_paused_is_not_sent_and_made_when_it_goes_on(rig: Rig, at_its_turn: Any) -> None:
    """Its intent was stored; it is taken back, for the call was provably not sent."""
    at_its_turn("CreateCluster", lambda: rig.apply(wanted(GPU, paused=True)))
    rig.apply(wanted(GPU))
    await rig.until("Paused")
    assert (rig.operations(), rig.status.get("operations")) == ([], None)
    rig.apply(wanted(GPU))
    await rig.rest()
    assert rig.operations() == ["CreateCluster"]


@pytest.mark.parametrize("operation", ["CreateCluster", "UpdateCluster", "DeleteCluster"])
async def test_what_another_installation_sent_meanwhile_is_not_sent_late(
    rig: Rig, at_its_turn: Any, operation: str
) -> None:
    """Two that watch one namespace: the second finds the intent of the first, whose call waits, and acts on it."""
    if operation != "CreateCluster":
        rig.apply(wanted(GPU, CPU))
        await rig.rest()
    first, sent = rig.controller, len(rig.calls())

    async def second_acts() -> None:
        rig.restart()
        while not rig.calls(operation):
            await rig.step()
        rig.controller = first

    at_its_turn(operation, second_acts)
    if operation == "DeleteCluster":
        rig.objects.delete(KEY)
    else:
        rig.apply(wanted(GPU))
    await rig.rest()
    assert rig.operations()[sent:] == [operation]


async def test_a_request_for_a_pass_holds_up_no_call(rig: Rig, at_its_turn: Any) -> None:
    """Only what a person asks for counts: an annotation in a loop would keep calls from being made."""
    asked = {"hyperpod-operator.dev/reconcile-requested-at": "now"}
    at_its_turn("CreateCluster", lambda: rig.apply(wanted(GPU), annotations=asked))
    rig.apply(wanted(GPU))
    await rig.once()
    assert rig.operations() == ["CreateCluster"]


async def test_an_update_does_not_reach_another_cluster_of_the_name(rig: Rig, at_its_turn: Any) -> None:
    """UpdateCluster goes by name."""

    def made_anew() -> None:
        rig.simulator.world.delete_out_of_band("research", at_once=True)
        rig.simulator.world.create_foreign_cluster("research")

    rig.apply(wanted(GPU, CPU))
    await rig.rest()
    at_its_turn("UpdateCluster", made_anew)
    rig.apply(wanted(GPU))
    for _ in range(5):
        await rig.step()
    assert "UpdateCluster" not in rig.operations()


async def test_a_count_that_somebody_else_changes_meanwhile_is_looked_at_anew(rig: Rig, at_its_turn: Any) -> None:
    """The pass decided that 2 nodes become 3; AWS has 8 by then, and sending 3 unseen would end five of them."""
    rig.apply(wanted(GPU, CPU))
    await rig.rest()
    at_its_turn("UpdateCluster", lambda: rig.simulator.world.scale_out_of_band("research", "cpu", 8))
    rig.apply(wanted(GPU, {**CPU, "instanceCount": 3}))
    assert isinstance(await rig.once(), Again)
    assert "UpdateCluster" not in rig.operations()


async def test_a_group_that_somebody_else_scales_meanwhile_is_not_removed_unseen(rig: Rig, at_its_turn: Any) -> None:
    rig.apply(wanted(GPU, {**CPU, "instanceCount": 0}))
    await rig.rest()
    at_its_turn("UpdateCluster", lambda: rig.simulator.world.scale_out_of_band("research", "cpu", 8))
    rig.apply(wanted(GPU))
    assert isinstance(await rig.once(), Again)
    assert "UpdateCluster" not in rig.operations()


def unread_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The result has the next read of the object fail."""
    read, fails = rig.objects.read, list[None]()

    async def failing(key: Key) -> StoredObject | None:
        if fails:
            fails.pop()
            raise KubernetesError(status=0, message="no answer")
        return await read(key)

    monkeypatch.setattr(rig.objects, "read", failing)
    return lambda: fails.append(None)


async def test_a_call_whose_object_cannot_be_read_again_leaves_no_intent(
    rig: Rig, at_its_turn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_its_turn("CreateCluster", unread_once(rig, monkeypatch))
    rig.apply(wanted(GPU))
    assert isinstance(await rig.once(), Again)
    assert (rig.operations(), rig.status.get("operations")) == ([], None)
    await rig.once()
    assert rig.operations() == ["CreateCluster"]


async def test_an_approved_call_whose_object_cannot_be_read_again_stays_approved(
    rig: Rig, at_its_turn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.apply(wanted(GPU, CPU))
    await rig.rest()
    given = wanted(GPU, {**CPU, "instanceCount": 3}, changePolicy="ApproveAll")
    rig.apply(given)
    await rig.rest()
    at_its_turn("UpdateCluster", unread_once(rig, monkeypatch))
    rig.apply(given, annotations={APPROVE_PLAN: rig.status["plan"]["digest"]})
    assert isinstance(await rig.once(), Again)
    assert rig.operations() == ["CreateCluster"]
    await rig.rest()
    assert rig.operations() == ["CreateCluster", "UpdateCluster"]
