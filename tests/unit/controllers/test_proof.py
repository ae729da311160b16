"""A cluster counts as ours in this process only after its tags said so: status alone proves nothing."""

from typing import Any

from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_cluster_nodes import Ward
from tests.unit.controllers.test_life import two

from hyperpod_operator.controllers.cluster.observe import Proofs
from hyperpod_operator.core.ports import Key

THIEF = Key("thieves", "mine")


async def steal(ward: Ward) -> dict[str, Any]:
    """Another namespace names the cluster and copies its status: no member says that a look at the tags is due."""
    rig = ward.rig
    rig.apply(two())
    await rig.rest()
    rig.objects.apply(THIEF, two(clusterName="research"))
    forged = {**rig.status, "observedGeneration": 1}
    rig.objects.set_status(THIEF, forged)
    await ward.rig.controller.reconcile(THIEF, 0)
    return forged


async def test_a_copied_status_does_not_take_the_nodes_of_another_object(rig: Rig) -> None:
    ward = Ward(rig)
    forged = await steal(ward)
    cluster_id = forged["clusterArn"].rpartition("/")[2]
    member = ward.cache.of(cluster_id)
    assert member is not None
    assert member.key == KEY
    assert ward.cache.get(THIEF) is None


async def test_a_copied_status_is_replaced_by_what_the_tags_say(rig: Rig) -> None:
    await steal(Ward(rig))
    status = rig.objects.status(THIEF)
    assert "instanceGroups" not in status
    assert next(item for item in status["conditions"] if item["type"] == "Stalled")["reason"] == "NotOwned"


async def test_a_restart_reads_the_tags_of_a_settled_cluster_once(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.restart()
    before = len(rig.simulator.log.calls("ListTags"))
    await rig.once()
    await rig.once()
    assert len(rig.simulator.log.calls("ListTags")) == before + 1


async def test_what_was_proved_is_forgotten_with_the_object(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.objects.delete(KEY)
    await rig.rest()
    proofs: Proofs = rig.controller._observer._proofs
    assert len(proofs) == 0
