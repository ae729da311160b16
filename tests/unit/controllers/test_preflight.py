"""Checks before costly calls, in the passes of a cluster: what waits, what is read, and what is said."""

import itertools
from dataclasses import replace
from math import inf
from typing import Any

import pytest
from tests.unit.controllers.rig import Rig
from tests.unit.core.builders import group_spec, resource, snapshot_of, spec
from tests.unit.core.preflight.world import FACTS, having

from hyperpod_operator.controllers.cluster.preflight import Gate
from hyperpod_operator.core.cluster.plan import CreateCluster
from hyperpod_operator.core.location import Location
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.preflight.facts import EksCluster, Facts, Workload
from hyperpod_operator.core.preflight.model import Fact
from hyperpod_operator.core.preflight.subject import ClusterSubject


class Source:
    """Facts as a test wants them; counts how often they were gathered."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.gathered = 0

    async def gather(self, subject: ClusterSubject, *, max_age: float = inf) -> Facts:
        assert subject.here.region == "us-west-2"
        self.gathered += 1
        return self.facts


class Installed:
    def __init__(self, *found: Workload, authorities: frozenset[str] = frozenset()) -> None:
        self._found = found
        self._authorities = authorities

    async def authorities(self) -> frozenset[str]:
        return self._authorities

    async def workloads(self) -> Fact[tuple[Workload, ...]]:
        return self._found


WRONG = having(subnets={}, roles={}, quotas={}, scripts={}, keys={})
RIGHT = Facts()
"""Nothing read: everything is Unknown, and nothing fails."""


@pytest.fixture
def source(rig: Rig) -> Source:
    made = Source(RIGHT)
    rig.preflight = Gate(facts=lambda _: made)
    rig.restart()
    return made


def checks(rig: Rig) -> dict[str, str]:
    return {check["name"]: check["result"] for check in rig.status["preflight"]["checks"]}


async def test_a_wrong_cluster_is_not_created_and_says_why(rig: Rig, source: Source) -> None:
    source.facts = WRONG
    rig.apply(spec())
    await rig.rest()
    assert rig.operations() == []
    ready = rig.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("False", "PreflightFailed")
    assert "CreateCluster is not sent" in ready["message"]
    assert "EC2 has no subnet subnet-1" in ready["message"]
    assert rig.condition("Stalled")["reason"] == "PreflightFailed"
    assert rig.condition("PreflightPassed")["status"] == "False"
    assert checks(rig)["SubnetsExist"] == "Fail"


async def test_nothing_is_written_on_the_object_but_status_while_a_check_fails(rig: Rig, source: Source) -> None:
    source.facts = WRONG
    rig.apply(spec())
    await rig.rest()
    assert not rig.has_finalizer


async def test_a_cluster_that_cannot_be_checked_is_created(rig: Rig, source: Source) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    assert rig.operations()[0] == "CreateCluster"
    assert rig.condition("PreflightPassed")["status"] == "True"
    assert rig.status["preflight"]["failures"] == 0


async def test_a_settled_cluster_reads_nothing(rig: Rig, source: Source) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    gathered = source.gathered
    await rig.idle(7200)
    assert (source.gathered, gathered) == (1, 1)


async def test_a_settled_cluster_is_not_written_to(rig: Rig, source: Source) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    await rig.idle(1200)
    rig.objects.writes.clear()
    await rig.idle(3600)
    assert rig.objects.writes == []


async def test_checks_run_again_with_growing_pauses_while_they_fail(rig: Rig, source: Source) -> None:
    source.facts = WRONG
    rig.apply(spec())
    moments = []
    for _ in range(40):
        before = source.gathered
        await rig.step()
        if source.gathered > before:
            moments.append(rig.clock.monotonic())
    pauses = [round(after - before) for before, after in itertools.pairwise(moments)]
    assert pauses[:5] == [120, 240, 480, 960, 1800]


async def test_a_pass_within_the_pause_reads_and_writes_nothing(rig: Rig, source: Source) -> None:
    source.facts = WRONG
    rig.apply(spec())
    await rig.once()
    await rig.once()
    rig.objects.writes.clear()
    await rig.once()
    assert (source.gathered, rig.objects.writes) == (1, [])


async def test_a_restart_within_the_pause_reads_nothing(rig: Rig, source: Source) -> None:
    source.facts = WRONG
    rig.apply(spec())
    await rig.rest()
    rig.restart()
    await rig.once()
    assert source.gathered == 1


async def test_the_cluster_is_created_when_the_cause_is_gone(rig: Rig, source: Source) -> None:
    source.facts = WRONG
    rig.apply(spec())
    await rig.rest()
    source.facts = RIGHT
    rig.simulator.clock.advance(60)
    await rig.until("ClusterReady")
    assert rig.condition("PreflightPassed")["status"] == "True"


async def test_an_annotation_checks_again_at_once(rig: Rig, source: Source) -> None:
    source.facts = WRONG
    rig.apply(spec())
    await rig.rest()
    rig.apply(spec(), annotations={"hyperpod-operator.dev/reconcile-requested-at": "now"})
    await rig.once()
    assert source.gathered == 2


async def test_an_edit_checks_again_at_once(rig: Rig, source: Source) -> None:
    source.facts = WRONG
    rig.apply(spec())
    await rig.rest()
    rig.apply(spec(nodeRecovery="None"))
    await rig.once()
    assert source.gathered == 2


async def until_created(rig: Rig) -> None:
    while "CreateCluster" not in rig.operations():
        await rig.step()
    await rig.step()


async def test_warn_creates_and_reports(rig: Rig, source: Source) -> None:
    source.facts = WRONG
    rig.apply(spec(management={"preflight": "Warn"}))
    await until_created(rig)
    assert rig.condition("PreflightPassed")["reason"] == "PreflightFailed"
    await rig.until("ClusterReady")
    assert (rig.condition("PreflightPassed"), "preflight" in rig.status) == ({}, False)
    assert rig.status["actor"] == "-"


async def test_off_reads_nothing_and_says_nothing(rig: Rig, source: Source) -> None:
    source.facts = WRONG
    rig.apply(spec(management={"preflight": "Off"}))
    await rig.until("ClusterReady")
    assert (source.gathered, "preflight" in rig.status, rig.condition("PreflightPassed")) == (0, False, {})


async def test_the_default_of_the_installation_counts(rig: Rig, source: Source) -> None:
    source.facts = WRONG
    rig.preflight = Gate(facts=lambda _: source, mode="Off")
    rig.restart()
    rig.apply(spec())
    await rig.until("ClusterReady")
    assert source.gathered == 0


def with_new(**members: Any) -> dict[str, Any]:
    wanted = spec(**members)
    wanted["instanceGroups"].append(group_spec("new", 1))
    return wanted


async def test_a_wrong_group_is_not_added(rig: Rig, source: Source) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    source.facts = WRONG
    rig.apply(with_new())
    await rig.rest()
    assert rig.condition("Ready")["reason"] == "PreflightFailed"
    assert "UpdateCluster" not in rig.operations()


async def test_a_wrong_group_holds_up_no_other_change(rig: Rig, source: Source) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    source.facts = WRONG
    wanted = with_new()
    wanted["instanceGroups"][1]["instanceCount"] = 3
    rig.apply(wanted)
    await rig.rest()
    sent = [call.parameters for call in rig.calls("UpdateCluster")]
    assert [[group["InstanceGroupName"] for group in one["InstanceGroups"]] for one in sent] == [["gpu", "cpu"]]
    assert sent[0]["InstanceGroups"][1]["InstanceCount"] == 3
    assert rig.condition("Ready")["reason"] == "PreflightFailed"
    assert source.gathered >= 2


async def test_a_group_is_added_when_the_cause_is_gone(rig: Rig, source: Source) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    source.facts = WRONG
    rig.apply(with_new())
    await rig.rest()
    source.facts = RIGHT
    rig.simulator.clock.advance(60)
    await rig.until("ClusterReady")
    assert [group["instanceGroupName"] for group in rig.status["instanceGroups"]] == ["cpu", "gpu", "new"]


def larger(count: int = 7, **members: Any) -> dict[str, Any]:
    wanted = spec(**members)
    wanted["instanceGroups"][0]["instanceCount"] = count
    return wanted


async def until_sent(rig: Rig) -> None:
    for _ in range(20):
        await rig.step()
        if "UpdateCluster" in rig.operations():
            return
    raise AssertionError("UpdateCluster is not sent")


async def test_a_scale_out_that_would_fail_is_sent_and_says_why(rig: Rig, source: Source) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    source.facts = WRONG
    rig.apply(larger())
    await until_sent(rig)
    said = rig.condition("PreflightPassed")
    assert (said["status"], said["reason"]) == ("False", "PreflightFailed")
    assert said["message"].startswith("Checks of UpdateCluster: +3 in gpu fail. ")
    assert rig.status["preflight"]["call"] == "UpdateCluster: +3 in gpu"


async def test_what_failed_of_a_scale_out_is_no_longer_said_when_the_nodes_are_there(rig: Rig, source: Source) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    source.facts = WRONG
    rig.apply(larger())
    await until_sent(rig)
    await rig.until("ClusterReady")
    assert (rig.condition("PreflightPassed"), "preflight" in rig.status) == ({}, False)


async def test_a_scale_out_is_checked_once_and_nothing_when_settled(rig: Rig, source: Source) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    rig.apply(larger())
    await until_sent(rig)
    await rig.until("ClusterReady")
    await rig.idle(7200)
    assert source.gathered == 2


async def test_a_scale_in_is_not_checked(rig: Rig, source: Source) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    rig.apply(larger(1))
    await until_sent(rig)
    await rig.until("ClusterReady")
    assert source.gathered == 1


WAITS = {"management": {"changePolicy": "ApproveAll"}}
PLANS = {"management": {"changePolicy": "PlanOnly"}}
PAUSED = {"management": {"paused": True}}


@pytest.mark.parametrize("policy", [WAITS, PLANS, PAUSED], ids=["ApproveAll", "PlanOnly", "paused"])
async def test_a_plan_that_waits_says_which_call_would_fail(rig: Rig, source: Source, policy: dict[str, Any]) -> None:
    source.facts = WRONG
    rig.apply(spec(**policy))
    await rig.once()
    (action,) = rig.status["plan"]["actions"]
    assert action["call"] == "CreateCluster"
    assert any("EC2 has no subnet subnet-1" in words for words in action["wouldFail"])
    assert rig.operations() == []


@pytest.mark.parametrize("policy", [WAITS, PLANS, PAUSED], ids=["ApproveAll", "PlanOnly", "paused"])
async def test_a_scale_out_that_waits_says_that_it_would_fail(rig: Rig, source: Source, policy: dict[str, Any]) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    source.facts = WRONG
    rig.apply(larger(**policy))
    await rig.once()
    await rig.once()
    assert rig.status["plan"]["actions"][0]["wouldFail"]
    assert rig.condition("PreflightPassed")["reason"] == "PreflightFailed"
    assert rig.condition("Ready")["reason"] != "PreflightFailed"
    rig.apply(spec())
    await rig.until("ClusterReady")
    assert rig.condition("PreflightPassed") == {}


async def test_a_plan_that_waits_and_passes_is_read_about_once(rig: Rig, source: Source) -> None:
    rig.apply(spec(**WAITS))
    await rig.rest()
    await rig.idle(7200)
    assert source.gathered == 1


async def test_a_plan_that_waits_and_fails_is_read_about_with_pauses(rig: Rig, source: Source) -> None:
    source.facts = WRONG
    rig.apply(spec(**WAITS))
    await rig.rest()
    await rig.idle(7200)
    assert 4 <= source.gathered <= 9


async def test_a_plan_that_waits_is_written_once(rig: Rig, source: Source) -> None:
    source.facts = WRONG
    rig.apply(spec(**PLANS))
    await rig.once()
    rig.objects.writes.clear()
    await rig.once()
    assert rig.objects.writes == []


async def test_a_group_that_would_fail_says_so_in_the_plan(rig: Rig, source: Source) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    source.facts = WRONG
    rig.apply(with_new())
    await rig.rest()
    assert rig.status["plan"]["actions"][0]["wouldFail"]


async def test_a_group_that_is_wrong_and_given_up_is_no_longer_said(rig: Rig, source: Source) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    source.facts = WRONG
    rig.apply(with_new())
    await rig.rest()
    rig.apply(spec())
    await rig.until("ClusterReady")
    assert rig.condition("PreflightPassed") == {}


async def test_a_deletion_is_not_checked(rig: Rig, source: Source) -> None:
    rig.apply(spec())
    await rig.until("ClusterReady")
    source.facts = WRONG
    rig.objects.delete(next(iter(rig.objects._bodies)))
    await rig.rest()
    assert (source.gathered, "DeleteCluster" in rig.operations()) == (1, True)


async def test_what_kubernetes_runs_is_checked_too(rig: Rig, source: Source) -> None:
    cilium = Workload(namespace="kube-system", name="cilium", image="cilium:1")
    rig.preflight = Gate(facts=lambda _: source, workloads=Installed(cilium))
    rig.restart()
    rig.apply(spec())
    await rig.rest()
    assert checks(rig)["OnlyVPCCNI"] == "Warn"


@pytest.mark.parametrize(("own", "result"), [("us-west-2", "Warn"), ("eu-west-1", "Unknown")])
async def test_what_runs_in_another_kubernetes_cluster_is_not_checked(source: Source, own: str, result: str) -> None:
    """The EKS cluster of another Region is not the one that the operator runs in."""
    cilium = Workload(namespace="kube-system", name="cilium", image="cilium:1")
    gate = Gate(facts=lambda _: source, workloads=Installed(cilium), region=own)
    here = Location(partition="aws", region="us-west-2", account="111122223333")
    about = replace(snapshot_of(resource(spec=spec(region="us-west-2")), Observed(cluster=None)), here=here)
    status, _ = await gate.check(about, CreateCluster(request={}))
    assert status is not None
    assert {one.name: one.result for one in status.checks or ()}["OnlyVPCCNI"] == result


@pytest.mark.parametrize(
    ("ours", "theirs", "result"),
    [
        ({"a"}, {"a"}, "Warn"),
        ({"a", "old"}, {"a"}, "Warn"),
        ({"a"}, {"b"}, "Unknown"),
        (set(), {"b"}, "Warn"),
        ({"a"}, set(), "Warn"),
    ],
)
async def test_what_runs_in_another_eks_cluster_of_the_region_is_not_checked(
    source: Source, ours: set[str], theirs: set[str], result: str
) -> None:
    """One operator may serve the HyperPod clusters of several EKS clusters, and runs in one of them."""
    source.facts = having(eks=EksCluster(status="ACTIVE", version="1.34", authorities=frozenset(theirs)))
    cilium = Workload(namespace="kube-system", name="cilium", image="cilium:1")
    gate = Gate(facts=lambda _: source, workloads=Installed(cilium, authorities=frozenset(ours)), region="us-west-2")
    here = Location(partition="aws", region="us-west-2", account="111122223333")
    about = replace(snapshot_of(resource(spec=spec()), Observed(cluster=None)), here=here)
    status, _ = await gate.check(about, CreateCluster(request={}))
    assert status is not None
    assert {one.name: one.result for one in status.checks or ()}["OnlyVPCCNI"] == result


async def test_right_facts_let_the_cluster_be_created(rig: Rig, source: Source) -> None:
    source.facts = replace(FACTS, known_types=frozenset())
    rig.apply(spec(management={"preflight": "Warn"}))
    await until_created(rig)
    assert rig.status["preflight"]["passed"] > 10
    await rig.until("ClusterReady")
