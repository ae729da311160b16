"""The documented policies are enough for every life, no statement is idle, and they end at this EKS cluster."""

from dataclasses import replace
from typing import Any

import pytest
from tests.contract.iam.policies import Asked, Policies, documented, listed
from tests.contract.iam.questions import asked
from tests.unit.controllers.conftest import MakeSimulator
from tests.unit.controllers.permissions.lives import LIVES, observed

from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.simulator.api import Api
from hyperpod_testbed.simulator.errors import AwsError

pytestmark = pytest.mark.slow

DOCUMENTS = ("operator-full", "operator-volumes")
THEIRS = "arn:aws:eks:us-west-2:111122223333:cluster/theirs"
READS = ("Describe", "List")
IDLE = {"PassAutoscalingRole"}
"""docs/iam.md: to be removed where no cluster has `spec.clusterRole`; it is PassExecutionRoles for another role."""


DENIAL = "User: arn:aws:sts::111122223333:assumed-role/operator/x is not authorized to perform: {0} on resource: {1} "
DENIAL += "because no identity-based policy allows the {0} action"
TOLD_OTHERWISE = {"ListClusters"}
"""Statements whose absence has another reason: EKSClusterInUse names the action (test_eks_in_use.py)."""
REMOVABLE = ("AdoptUnownedClusters", "AdoptUnownedVolumes", "AdoptReleasedVolumes")
"""docs/iam.md: to be removed where nothing is adopted."""


def policies(name: str) -> Policies:
    """For a life: what nobody needs who adopts nothing is removed, as the document says."""
    eks, _ = LIVES[name]
    found = documented(
        *DOCUMENTS,
        REGION="us-west-2",
        ACCOUNT_ID="111122223333",
        EKS_CLUSTER_NAME=eks.rpartition("/")[2],
        EXECUTION_ROLE_NAME="*",
        CLUSTER_ROLE_NAME="hyperpod-autoscaling",
    )
    if name.startswith("adopted"):
        return found
    return Policies(tuple(one for one in found.statements if one["Sid"] not in REMOVABLE))


class Account:
    """IAM before the simulator: what the policies do not allow is denied."""

    def __init__(self, make: MakeSimulator, patch: pytest.MonkeyPatch) -> None:
        self._make = make
        self.questions: list[Asked] = []
        self.denied: list[str] = []
        self._policies = Policies(())
        before = Api._permit

        def permit(api: Api, sim: Any, who: Any, service: Any, name: str, request: Any) -> None:
            before(api, sim, who, service, name, request)
            for question in asked(sim, sim.account.region(who.region), service.name, name, request):
                self.questions.append(question)
                if not self._policies.allow(question):
                    self.denied.append(f"{name}: {question.action} on {question.resource} with {question.context}")
                    raise AwsError("AccessDeniedException", DENIAL.format(question.action, question.resource))

        patch.setattr(Api, "_permit", permit)

    async def live(self, name: str, *, without: str = "") -> Simulator:
        _, life = LIVES[name]
        self._policies = Policies(tuple(one for one in policies(name).statements if one["Sid"] != without))
        simulator = self._make()
        await life(simulator)
        return simulator

    def observe(self) -> None:
        """From here on the operator may only read."""
        self._policies = documented("operator-observe", REGION="us-west-2", ACCOUNT_ID="111122223333")


@pytest.fixture
def account(make_simulator: MakeSimulator, monkeypatch: pytest.MonkeyPatch) -> Account:
    return Account(make_simulator, monkeypatch)


@pytest.mark.parametrize("name", LIVES)
async def test_the_policies_are_enough(account: Account, name: str) -> None:
    try:
        await account.live(name)
    finally:
        assert account.denied == []


@pytest.mark.parametrize("name", LIVES)
async def test_no_change_reaches_what_another_eks_cluster_has(account: Account, name: str) -> None:
    """The same questions, with the other's ARN wherever a tag, a role's context or a resource names the EKS cluster."""
    await account.live(name)
    eks, _ = LIVES[name]
    allowed = policies(name)
    for question in account.questions:
        theirs = replace(
            question,
            resource=question.resource.replace(eks.rpartition(":")[2], THEIRS.rpartition(":")[2]).replace(
                f"access-entry/{eks.rpartition('/')[2]}/", "access-entry/theirs/"
            ),
            context={key: THEIRS if value == eks else value for key, value in question.context.items()},
        )
        if theirs != question and not question.action.partition(":")[2].startswith(READS):
            assert not allowed.allow(theirs), theirs


async def test_every_statement_and_every_action_is_asked_for(account: Account) -> None:
    needed: set[str] = set()
    actions: set[str] = set()
    for name in LIVES:
        account.questions.clear()
        await account.live(name)
        for question in account.questions:
            actions.add(question.action)
            sids = set(policies(name).allowing(question))
            needed |= sids if len(sids) == 1 else set()
    written = policies("adopted-cluster").statements
    assert {str(one["Sid"]) for one in written} - needed == IDLE
    assert {action for one in written for action in listed(one["Action"])} == actions


@pytest.mark.parametrize(
    "sid", sorted({str(one["Sid"]) for one in policies("adopted-cluster").statements} - IDLE - TOLD_OTHERWISE)
)
async def test_without_a_statement_the_resource_names_it_and_the_action(account: Account, sid: str) -> None:
    """In the first life that the statement alone makes possible."""
    name, action = await needing(account, sid)
    with pytest.raises(AssertionError) as ended:
        await account.live(name, without=sid)
    said = str(ended.value)
    assert "PermissionDenied" in said
    assert f"Grant the operator's role {action}: statement" in said
    assert sid in said


async def test_observing_needs_the_reading_policy_alone(account: Account) -> None:
    """A paused cluster with an open change, whose groups lack nodes, and a paused claim."""
    simulator = await account.live("short-cluster")
    account.observe()
    account.questions.clear()
    await observed(simulator)
    assert account.denied == []
    assert {"sagemaker:ListClusterEvents", "sagemaker:ListTags", "ec2:DescribeVolumes"} <= {
        question.action for question in account.questions
    }


ASKED: dict[str, tuple[Asked, ...]] = {}
"""What a life asks, once it was lived."""


async def needing(account: Account, sid: str) -> tuple[str, str]:
    for name in LIVES:
        if name not in ASKED:
            account.questions.clear()
            await account.live(name)
            ASKED[name] = tuple(account.questions)
        for question in ASKED[name]:
            if set(policies(name).allowing(question)) == {sid}:
                return name, question.action
    raise AssertionError(f"no life needs {sid}")
