"""Each invariant of the soak breaks when it is broken: without this a quiet soak would prove nothing."""

import os
import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest

from hyperpod_testbed.custom_objects import CustomObjects
from hyperpod_testbed.simulator import Call, Options, Simulator
from hyperpod_testbed.soak import convergence, vitals
from hyperpod_testbed.soak.fleet import Fleet, Life
from hyperpod_testbed.soak.invariants import CALLS_A_MINUTE, EKS_CLUSTER, OWNER, OWNER_UID, Invariants
from hyperpod_testbed.soak.vitals import Sample
from hyperpod_testbed.stack import OperatorProcess

OWNED = {OWNER_UID: "uid-1", OWNER: "ns/one", EKS_CLUSTER: "arn:aws:eks:us-west-2:111122223333:cluster/ml"}
GROUP = {"instanceGroupName": "workers", "instanceCount": 1}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(options=Options.crowded(), speed=0.0) as running:
        yield running


@pytest.fixture
def fleet() -> Fleet:
    """One living object `one` with uid-1."""
    objects = cast(CustomObjects, SimpleNamespace(namespace="ns"))
    made = Fleet(objects, names=["one"], chance=random.Random(0))
    made.present["one"] = made.lives["uid-1"] = Life(
        name="one", uid="uid-1", continuous=True, groups={"workers": GROUP}
    )
    return made


@pytest.fixture
def invariants(simulator: Simulator, fleet: Fleet) -> Invariants:
    return Invariants(simulator, fleet)


@pytest.fixture
def sagemaker(simulator: Simulator) -> Iterator[Any]:
    values = simulator.environment()
    client = boto3.client(
        "sagemaker",
        endpoint_url=simulator.url,
        region_name=values["AWS_REGION"],
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
    )
    yield client
    client.close()


def rules(invariants: Invariants) -> list[str]:
    invariants.look()
    return [breach.rule for breach in invariants.breaches]


def created(simulator: Simulator) -> None:
    """A CreateCluster with the owner's tags that took effect, as the log has it."""
    tags = [{"Key": key, "Value": value} for key, value in OWNED.items()]
    called(simulator, "CreateCluster", {"ClusterName": "one", "Tags": tags}, mutating=True)


def called(simulator: Simulator, operation: str, parameters: dict[str, Any], *, mutating: bool) -> None:
    call = Call(
        index=-1,
        wall_time=time.time(),
        simulated_time=0.0,
        operation=operation,
        region="us-west-2",
        access_key="TESTBED",
        parameters=parameters,
        mutating=mutating,
        request_id="r",
    )
    simulator.log.end(simulator.log.begin(call), code="OK", committed=True)


def test_an_owned_cluster_breaks_nothing(simulator: Simulator, invariants: Invariants) -> None:
    created(simulator)
    simulator.world.create_foreign_cluster("one", tags=OWNED)
    assert rules(invariants) == []


@pytest.mark.parametrize("key", [OWNER_UID, OWNER, EKS_CLUSTER])
def test_a_missing_owner_tag_is_seen(simulator: Simulator, invariants: Invariants, key: str) -> None:
    simulator.world.create_foreign_cluster("one", tags={name: value for name, value in OWNED.items() if name != key})
    assert rules(invariants) == ["a cluster without the tags of its owner"]


def test_a_second_creation_is_seen(simulator: Simulator, invariants: Invariants) -> None:
    created(simulator)
    assert rules(invariants) == []
    created(simulator)
    assert rules(invariants) == ["a second CreateCluster for one object"]


def test_a_deletion_that_nobody_asked_for_is_seen(simulator: Simulator, invariants: Invariants, sagemaker: Any) -> None:
    arn = simulator.world.create_foreign_cluster("one", tags=OWNED)
    invariants.look()
    sagemaker.delete_cluster(ClusterName=arn)
    assert rules(invariants) == ["DeleteCluster although the object lives"]


def test_a_deletion_that_was_asked_for_is_fine(
    simulator: Simulator, fleet: Fleet, invariants: Invariants, sagemaker: Any
) -> None:
    arn = simulator.world.create_foreign_cluster("one", tags=OWNED)
    fleet.present["one"].deleted = True
    sagemaker.delete_cluster(ClusterName=arn)
    assert rules(invariants) == []


def test_a_change_for_a_paused_object_is_seen(
    simulator: Simulator, fleet: Fleet, invariants: Invariants, sagemaker: Any
) -> None:
    arn = simulator.world.create_foreign_cluster("one", tags=OWNED)
    fleet.present["one"].paused = True
    paused = {"type": "Paused", "status": "True"}
    reported = {
        "metadata": {"uid": "uid-1", "generation": 2},
        "status": {"observedGeneration": 2, "conditions": [paused]},
    }
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "before", "Value": "1"}])
    invariants.paused([reported])
    assert rules(invariants) == []
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "after", "Value": "1"}])
    assert rules(invariants) == ["a change for a paused object"]


def test_a_hot_loop_is_seen(simulator: Simulator, invariants: Invariants) -> None:
    for _ in range(CALLS_A_MINUTE):
        called(simulator, "DescribeCluster", {"ClusterName": "one"}, mutating=False)
    assert rules(invariants) == []
    called(simulator, "DescribeCluster", {"ClusterName": "one"}, mutating=False)
    assert set(rules(invariants)) == {"too many calls"}


def test_a_call_that_is_answered_later_is_judged_once(simulator: Simulator, invariants: Invariants) -> None:
    tags = [{"Key": key, "Value": value} for key, value in OWNED.items()]
    open_call = simulator.log.begin(
        Call(
            index=-1,
            wall_time=time.time(),
            simulated_time=0.0,
            operation="CreateCluster",
            region="us-west-2",
            access_key="TESTBED",
            parameters={"ClusterName": "one", "Tags": tags},
            mutating=True,
            request_id="r",
        )
    )
    called(simulator, "DescribeCluster", {"ClusterName": "one"}, mutating=False)
    invariants.look()
    assert invariants.calls == {"DescribeCluster": 1}
    simulator.log.end(open_call, code="OK", committed=True)
    invariants.look()
    invariants.look()
    assert invariants.calls == {"DescribeCluster": 1, "CreateCluster": 1}


class TestVitals:
    """A slope over a life, with noise."""

    @staticmethod
    def life(*, leak_an_hour: float = 0.0, minutes: float = 40.0, spike: float = 0.0) -> list[Sample]:
        chance = random.Random(1)
        seconds = [float(at) for at in range(0, int(minutes * 60), 5)]
        return [
            Sample(
                at=at,
                rss_mib=100.0 + leak_an_hour * at / 3600.0 + chance.uniform(-2, 2) + (spike if 300 < at < 400 else 0),
                descriptors=20.0 + chance.randint(0, 6),
                connections=30.0,
                threads=15.0,
                queued=12.0,
            )
            for at in seconds
        ]

    def test_noise_and_a_peak_are_flat(self) -> None:
        found = vitals.trends(self.life(spike=80.0), warm_up=60.0)
        assert [trend.flat for trend in found] == [True] * len(vitals.ALLOWANCES)

    def test_a_leak_is_not(self) -> None:
        rss = vitals.trends(self.life(leak_an_hour=30.0), warm_up=60.0)[0]
        assert not rss.flat
        assert rss.an_hour == pytest.approx(30.0, rel=0.2)

    def test_a_client_that_is_made_in_the_first_minutes_is_no_leak_and_in_an_hour_the_same_rise_is(self) -> None:
        short, long = (
            vitals.trends(self.life(leak_an_hour=20.0 * 60.0 / minutes, minutes=minutes), warm_up=0.0)[0]
            for minutes in (5.0, 60.0)
        )
        assert [trend.rise for trend in (short, long)] == pytest.approx([20.0, 20.0], rel=0.2)
        assert [trend.flat for trend in (short, long)] == [True, False]

    def test_descriptors_that_leak_are_told_from_connections(self) -> None:
        here = cast(OperatorProcess, SimpleNamespace(child=SimpleNamespace(pid=os.getpid()), get=lambda _: (0, "")))
        with ExitStack() as opened:
            aws = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=8))
            port = aws.getsockname()[1]
            before = vitals.sample(here, at=0.0, ports={port})
            for _ in range(3):
                opened.enter_context(socket.create_connection(("127.0.0.1", port)))
            opened.enter_context(Path(os.devnull).open())
            after = vitals.sample(here, at=1.0, ports={port})
        assert before
        assert after
        assert (after.connections - before.connections, after.descriptors - before.descriptors) == (3.0, 1.0)

    def test_what_fills_in_the_first_half_of_a_life_is_no_growth_and_what_rises_in_the_second_is(self) -> None:
        filling = [replace(one, rss_mib=100.0 + min(one.at, 1000.0) / 50.0) for one in self.life()]
        leaking = [replace(one, threads=10.0 + one.at // 600.0) for one in filling]
        rss, *_, threads, _ = vitals.growth(leaking)
        assert (rss.quantity, rss.last - rss.first) == ("rss_mib", 0.0)
        assert (threads.quantity, threads.last - threads.first) == ("threads", 1.0)
        assert str(threads) == "threads +1.00 in the last 20 min (13.0)"

    def test_a_life_of_a_few_samples_has_no_growth(self) -> None:
        assert vitals.growth(self.life(minutes=0.5)) == []

    def test_a_life_too_short_to_tell_has_no_trend(self) -> None:
        assert vitals.trends(self.life(minutes=1.0), warm_up=60.0) == []


class TestConvergence:
    """What counts as open."""

    @staticmethod
    def item(*, ready: str = "True", observed: int = 1) -> dict[str, Any]:
        conditions = [{"type": "Ready", "status": ready, "reason": "R", "message": "m"}]
        return {
            "metadata": {"uid": "uid-1", "name": "one", "generation": 1},
            "status": {"observedGeneration": observed, "conditions": conditions},
        }

    @staticmethod
    def dump(count: int = 1, **tags: str) -> dict[str, Any]:
        groups = [{"InstanceGroupName": "workers", "TargetCount": count}]
        return {"us-west-2": {"one": {"InstanceGroups": groups, "Tags": {**OWNED, **tags}}}}

    def test_ready_and_as_asked_for_is_closed(self, fleet: Fleet) -> None:
        assert convergence.open_ends(fleet, [self.item()], self.dump()) == []

    @pytest.mark.parametrize(
        ("item", "dump", "words"),
        [
            ({"ready": "False"}, {}, "is not ready"),
            ({"observed": 0}, {}, "is not ready"),
            ({}, {"count": 2}, "AWS holds"),
            ({}, {"stray": "1"}, "asked for tags"),
        ],
    )
    def test_a_difference_is_open(self, fleet: Fleet, item: dict[str, Any], dump: dict[str, Any], words: str) -> None:
        found = convergence.open_ends(fleet, [self.item(**item)], self.dump(**dump))
        assert len(found) == 1
        assert words in found[0]

    def test_a_cluster_that_nothing_asks_for_is_open(self, fleet: Fleet) -> None:
        fleet.present.clear()
        assert convergence.open_ends(fleet, [], self.dump()) == ["one is in AWS and nothing asks for it"]

    def test_a_deleted_object_that_stays_is_open(self, fleet: Fleet) -> None:
        fleet.present["one"].deleted = True
        assert "deleted and still there" in convergence.open_ends(fleet, [self.item()], self.dump())[0]
