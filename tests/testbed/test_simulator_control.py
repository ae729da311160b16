"""The control API: the same verbs from another process, and the clock."""

import json
import subprocess
import sys
import urllib.request

import pytest

from hyperpod_testbed.simulator import Fault, SimulatedClock, Simulator, SimulatorClient
from hyperpod_testbed.simulator.client import SimulatorUnreachableError
from hyperpod_testbed.simulator.timeline import Timeline


@pytest.fixture
def over_http() -> bool:
    return True


@pytest.fixture
def remote(sim):
    return SimulatorClient(sim.url)


def test_faults_are_scripted_from_elsewhere(sim, remote, aws, code):
    fault = remote.faults.add(Fault("ListClusters", "error", code="Scripted", times=1))
    assert code(aws.list_clusters)[0] == "Scripted"
    assert remote.faults.struck(fault) == sim.faults.struck(fault) == 1


def test_the_log_is_the_same_from_elsewhere(sim, remote, aws, cluster):
    aws.create_cluster(**cluster())
    assert remote.log.calls(operation="CreateCluster") == sim.log.calls()


def test_waiting_works_from_elsewhere(remote, aws):
    aws.list_clusters()
    assert remote.log.wait_for("ListClusters")[0].code == "OK"
    with pytest.raises(TimeoutError, match="ListClusters OK"):
        remote.log.wait_for("DeleteCluster", timeout=0.05)


def test_the_clock_is_moved_from_elsewhere(sim, remote):
    remote.clock.advance(100.0)
    assert sim.clock.now() == remote.clock.now() == 1_800_000_100.0


def test_world_events_come_from_elsewhere(remote, aws, group):
    remote.world.create_foreign_cluster("ml", tags={"a": "b"})
    remote.world.add_group_out_of_band("ml", group("more", 1))
    remote.world.set_tags("ml", {})
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "Updating"


def test_options_and_timings_are_set_from_elsewhere(remote):
    remote.settings.set_options(omitted_groups="delete")
    remote.settings.set_timings(boot=1.0)
    assert remote.settings.options()["omitted_groups"] == "delete"
    assert remote.settings.timings()["boot"] == 1.0


def test_a_mistake_is_answered_with_what_would_be_right(remote):
    with pytest.raises(ValueError, match=r"no such option: omited_groups; options are .*omitted_groups"):
        remote.settings.set_options(omited_groups="delete")
    with pytest.raises(ValueError, match="no cluster nobody"):
        remote.world.delete_out_of_band("nobody")
    with pytest.raises(TypeError):
        remote.world.limit_capacity("ml")


def test_only_verbs_can_be_called(sim):
    request = urllib.request.Request(f"{sim.url}/_simulator/log.begin", data=b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    with caught.value as error:
        assert error.code == 404
        assert "no verb log.begin" in json.load(error)["error"]


def test_every_verb_is_listed(sim):
    with urllib.request.urlopen(f"{sim.url}/_simulator/health", timeout=5) as answer:
        verbs = json.load(answer)["verbs"]
    assert {"clock.advance", "faults.add", "log.calls", "settings.dump", "world.limit_capacity"} <= set(verbs)


def test_a_reset_forgets_everything_but_the_clock(sim, aws, cluster, remote):
    aws.create_cluster(**cluster())
    sim.faults.add(Fault("*", "throttle"))
    sim.world.limit_capacity("ml", "workers", 0)
    sim.clock.advance(50)
    remote.settings.reset()
    assert (remote.settings.dump(), sim.log.calls()) == ({}, [])
    aws.create_cluster(**cluster())
    sim.clock.advance(1200)
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "InService"


def test_the_dump_has_nodes_and_tags(sim, in_service, cluster):
    in_service(cluster(Tags=[{"Key": "a", "Value": "b"}]))
    found = sim.settings.dump()["us-west-2"]["ml"]
    assert (len(found["Nodes"]), found["Tags"]) == (2, {"a": "b"})


def test_nobody_at_the_address_is_said_so(sim):
    url = sim.url
    sim.stop()
    with pytest.raises(SimulatorUnreachableError, match="Is it running"):
        SimulatorClient(url).clock.now()


def test_a_port_that_is_taken_is_said_so(sim):
    with pytest.raises(RuntimeError, match="did not start"):
        Simulator(port=int(sim.url.rpartition(":")[2])).start()


def test_the_environment_leads_a_process_here(sim):
    environment = sim.environment(region="eu-central-1")
    assert environment["AWS_ENDPOINT_URL_SAGEMAKER"] == environment["AWS_ENDPOINT_URL_STS"] == sim.url
    program = "import boto3; boto3.client('sts').get_caller_identity(); boto3.client('sagemaker').list_clusters()"
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)
    assert [(call.operation, call.region) for call in sim.log.calls()] == [
        ("GetCallerIdentity", "eu-central-1"),
        ("ListClusters", "eu-central-1"),
    ]


def test_the_command_prints_the_environment_and_ends_on_a_signal(connect):
    program = "from hyperpod_testbed.cli import main; main()"
    command = [sys.executable, "-c", program, "simulator", "--speed", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert "ready" in process.stderr.readline()
        lines = [
            process.stdout.readline().strip().removeprefix("export ")
            for _ in range(len(SimulatorClient("").environment()))
        ]
        environment = dict(line.split("=", 1) for line in lines)
        remote = SimulatorClient(environment["AWS_ENDPOINT_URL_SAGEMAKER"])
        assert (remote.environment(), remote.clock.speed()) == (environment, 60.0)
        process.terminate()
        assert process.wait(60) == 0


def test_a_fast_clock_needs_no_one_to_move_it(start_simulator, connect, cluster):
    sim = start_simulator(speed=20000.0)
    aws = connect(sim)
    aws.create_cluster(**cluster())
    sim.log.wait_for("CreateCluster")
    for _ in range(200):
        if aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "InService":
            break
    else:
        pytest.fail("the cluster was not in service after 200 looks")


def test_a_clock_runs_at_its_speed_and_never_backwards():
    clock = SimulatedClock(speed=0.0, start=100.0)
    clock.advance(5)
    assert clock.now() == 105.0
    clock.set_speed(1e9)
    assert clock.now() > 105.0
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="backwards"):
        clock.set_speed(-1)


def test_a_jump_gives_the_same_history_as_small_steps():
    def history(steps):
        clock = SimulatedClock(speed=0.0, start=0.0)
        timeline = Timeline(clock)
        seen = []

        def again():
            seen.append(timeline.now)
            timeline.after(7, again)

        timeline.after(3, again)
        timeline.after(3, lambda: seen.append(-1.0))
        for step in steps:
            clock.advance(step)
            timeline.advance()
        return seen

    assert history([30]) == history([1] * 30) == [3.0, -1.0, 10.0, 17.0, 24.0]
