"""An approval is about one object: of another one with its name, or of one that lost its status, it opens nothing."""

from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_plan import approved, made, plan, sent, wanted

from hyperpod_operator.api.names import APPROVE_PLAN
from hyperpod_operator.core.outcome import Gone


async def test_an_approval_that_stayed_in_git_creates_no_second_cluster(rig: Rig) -> None:
    rig.apply(wanted("ApproveAll"))
    await rig.until("WaitingForApproval")
    given = wanted("ApproveAll", management={"approvedPlan": plan(rig)["digest"]})
    rig.apply(given)
    await rig.rest()
    rig.objects.delete(KEY)
    await rig.until("WaitingForApproval")
    rig.apply(given, annotations={APPROVE_PLAN: plan(rig)["digest"]})
    assert isinstance(await rig.rest(), Gone)
    creations = rig.calls("CreateCluster")
    rig.apply(given)
    for _ in range(5):
        await rig.step()
    assert len(rig.calls("CreateCluster")) == len(creations) == 1
    assert approved(rig)[0] == "False"


async def test_a_copy_of_an_object_has_another_digest(rig: Rig) -> None:
    """Backups have the approval, and not the status that says that it was used."""
    await made(rig)
    given = wanted("ApproveAll", management={"adoptionPolicy": "IfUnowned"}, nodeRecovery="None")
    rig.apply(given)
    await rig.until("WaitingForApproval")
    digest = plan(rig)["digest"]
    del rig.objects._bodies[KEY]
    rig.apply(given, annotations={APPROVE_PLAN: digest})
    for _ in range(30):
        await rig.step()
    assert [name for name in sent(rig) if name != "AddTags"] == []
    assert approved(rig) == ("False", "PlanStale")
