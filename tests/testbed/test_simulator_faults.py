"""Scripted faults and the log that shows what they did."""

import time

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from hyperpod_testbed.simulator import Fault

CLOSED = (ConnectionClosedError, ReadTimeoutError)


@pytest.fixture
def over_http() -> bool:
    return True


def test_an_error_strikes_as_often_as_it_is_told(sim, aws, code):
    fault = sim.faults.add(Fault("ListClusters", "error", code="InternalFailure", times=2))
    assert [code(aws.list_clusters)[0] for _ in range(2)] == ["InternalFailure"] * 2
    aws.list_clusters()
    assert sim.faults.struck(fault) == 2


def test_an_error_has_the_code_text_and_status_it_was_given(sim, raw):
    sim.faults.add(Fault("ListClusters", "error", code="ServiceUnavailable", message="later", status=503))
    status, body, _ = raw("ListClusters", {})
    assert (status, body["__type"], body["message"]) == (503, "ServiceUnavailable", "later")


def test_a_star_strikes_every_operation(sim, aws, code, cluster):
    sim.faults.add(Fault("*", "throttle"))
    assert code(aws.list_clusters)[0] == code(aws.create_cluster, **cluster())[0] == "ThrottlingException"


def test_one_call_can_be_chosen_by_its_index(sim, aws, code):
    sim.faults.add(Fault("ListClusters", "error", call_index=1))
    aws.list_clusters()
    assert code(aws.list_clusters)[0] == "InternalFailure"
    aws.list_clusters()


def test_one_cluster_can_be_chosen_by_name_also_when_called_by_arn(sim, aws, cluster, code):
    arns = {name: aws.create_cluster(**cluster(name))["ClusterArn"] for name in ("good", "bad")}
    sim.faults.add(Fault("DescribeCluster", "error", cluster="bad"))
    aws.describe_cluster(ClusterName="good")
    assert code(aws.describe_cluster, ClusterName=arns["bad"])[0] == "InternalFailure"


def test_chance_is_the_same_for_the_same_seed(start_simulator, connect):
    def strikes(seed):
        sim = start_simulator(seed=seed)
        fault = sim.faults.add(Fault("ListClusters", "delay", probability=0.5))
        aws = connect(sim)
        return [aws.list_clusters() and sim.faults.struck(fault) for _ in range(12)]

    first = strikes(1)
    assert 0 < first[-1] < 12
    assert strikes(1) == first


def test_a_probability_is_a_fraction(sim):
    with pytest.raises(ValueError, match="between 0 and 1"):
        sim.faults.add(Fault("*", "throttle", probability=50))


def test_a_delay_is_in_real_seconds_and_the_call_goes_on(sim, aws):
    sim.faults.add(Fault("ListClusters", "delay", seconds=0.2, times=1))
    began = time.monotonic()
    aws.list_clusters()
    assert time.monotonic() - began >= 0.2


def test_a_dropped_connection_leaves_nothing_done(sim, aws, cluster):
    sim.faults.add(Fault("CreateCluster", "drop", times=1))
    with pytest.raises(CLOSED):
        aws.create_cluster(**cluster())
    assert aws.list_clusters()["ClusterSummaries"] == []
    call = sim.log.calls("CreateCluster")[0]
    assert (call.code, call.committed) == ("ConnectionDropped", False)


def test_an_answer_that_is_lost_leaves_the_work_done(sim, aws, cluster):
    sim.faults.add(Fault("CreateCluster", "commit_then_drop", times=1))
    with pytest.raises(CLOSED):
        aws.create_cluster(**cluster())
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "Creating"
    call = sim.log.calls("CreateCluster")[0]
    assert (call.code, call.committed) == ("ConnectionDropped", True)


def test_a_client_that_repeats_a_lost_creation_finds_the_name_taken(sim, connect, cluster, code):
    sim.faults.add(Fault("CreateCluster", "commit_then_drop", times=1))
    assert code(connect(sim, attempts=2).create_cluster, **cluster())[0] == "ResourceInUse"


def test_a_caller_that_gives_up_does_not_stop_the_work(sim, aws, connect, cluster):
    sim.faults.add(Fault("CreateCluster", "delay", seconds=0.3, times=1))
    with pytest.raises(ReadTimeoutError):
        connect(sim, read_timeout=0.1).create_cluster(**cluster())
    assert sim.log.wait_for("CreateCluster")[0].committed
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "Creating"


def test_faults_are_removed_one_by_one_or_all(sim, aws, code):
    first = sim.faults.add(Fault("ListClusters", "error", code="First"))
    sim.faults.add(Fault("ListClusters", "error", code="Second"))
    assert code(aws.list_clusters)[0] == "First"
    sim.faults.remove(first)
    assert code(aws.list_clusters)[0] == "Second"
    sim.faults.clear()
    aws.list_clusters()


def test_the_log_has_every_call_in_order(sim, aws, connect, cluster, code):
    request = cluster()
    aws.create_cluster(**request)
    code(aws.create_cluster, **request)
    aws.list_clusters()
    connect(sim, service="sts").get_caller_identity()
    calls = sim.log.calls()
    assert [call.operation for call in calls] == ["CreateCluster", "CreateCluster", "ListClusters", "GetCallerIdentity"]
    assert [call.code for call in calls] == ["OK", "ResourceInUse", "OK", "OK"]
    assert [call.index for call in calls] == [0, 1, 2, 3]
    assert [call.mutating for call in calls] == [True, True, False, False]
    assert (calls[0].parameters, calls[0].region, calls[0].access_key) == (request, "us-west-2", "TESTBED")
    assert calls[0].simulated_time == 1_800_000_000.0


def test_the_log_can_be_filtered(sim, aws, cluster, code):
    aws.create_cluster(**cluster())
    since = sim.log.size()
    code(aws.describe_cluster, ClusterName="nobody")
    aws.list_clusters()
    assert [call.operation for call in sim.log.calls(mutating=True)] == ["CreateCluster"]
    assert [call.operation for call in sim.log.calls(since=since)] == ["DescribeCluster", "ListClusters"]
    assert [call.operation for call in sim.log.calls(code="ResourceNotFound")] == ["DescribeCluster"]
    assert sim.log.calls(region="eu-central-1") == []


def test_waiting_for_a_call_says_what_came_instead(sim, aws):
    aws.list_clusters()
    assert sim.log.wait_for("ListClusters")[0].operation == "ListClusters"
    with pytest.raises(TimeoutError, match=r"0 of 1 calls of DeleteCluster.*ListClusters OK"):
        sim.log.wait_for("DeleteCluster", timeout=0.05)


@pytest.mark.parametrize(("body", "status"), [("html", 503), ("empty", 500), ("message_only", 400)])
def test_a_strange_body_is_answered_before_anything_happened(sim, connect, raw_bytes, cluster, body, status):
    sim.faults.add(Fault("CreateCluster", "body", body=body, status=status, message="Forbidden by the proxy", times=1))
    found, content = raw_bytes("CreateCluster", cluster())
    expected = {"html": b"<html>", "empty": b"", "message_only": b'{"message": "Forbidden by the proxy"}'}[body]
    assert (found, content[: len(expected)], bool(content)) == (status, expected, body != "empty")
    assert connect(sim).list_clusters()["ClusterSummaries"] == []
    assert sim.log.calls("CreateCluster")[0].code == "StrangeBody"


def test_half_an_answer_leaves_the_work_done(sim, raw_bytes, aws, cluster):
    sim.faults.add(Fault("CreateCluster", "body", body="truncated", times=1))
    status, content = raw_bytes("CreateCluster", cluster())
    assert (status, content.startswith(b'{"ClusterArn"'), content.endswith(b"}")) == (200, True, False)
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "Creating"
    assert sim.log.calls("CreateCluster")[0].committed


def test_a_burst_strikes_the_first_calls_of_each_round(sim, aws, outcome):
    sim.faults.add(Fault("ListClusters", "throttle", burst=2, every=4))
    codes = [outcome(aws.list_clusters) for _ in range(8)]
    assert codes == (["ThrottlingException"] * 2 + ["OK"] * 2) * 2


@pytest.mark.parametrize(("seconds", "word"), [(-600, "expired"), (600, "not yet current")])
def test_a_clock_that_is_off_spoils_signatures(sim, aws, code, seconds, word):
    sim.access.skew_clock(seconds)
    error, message = code(aws.list_clusters)
    assert (error, f"Signature {word}" in message) == ("InvalidSignatureException", True)
    sim.access.skew_clock(299)
    aws.list_clusters()


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("implicit", "because no identity-based policy allows the sagemaker:ListClusters action"),
        ("explicit", "with an explicit deny in an identity-based policy"),
        ("scp", "with an explicit deny in a service control policy"),
        ("boundary", "because no permissions boundary allows"),
        ("vpc_endpoint", "because no VPC endpoint policy allows"),
        ("encoded", "Encoded authorization failure message: "),
    ],
)
def test_a_denial_says_what_denies(sim, aws, code, why, words):
    sim.access.deny("ListClusters", why=why)
    error, message = code(aws.list_clusters)
    assert (error, words in message) == ("AccessDeniedException", True)


ELSEWHERE = pytest.mark.parametrize(
    "action",
    [
        "iam:PassRole",
        "eks:DescribeCluster",
        "eks:CreateAccessEntry",
        "eks:DescribeAccessEntry",
        "eks:AssociateAccessPolicy",
    ],
)


@ELSEWHERE
def test_rights_elsewhere_are_asked_of_the_caller_of_an_update(account, outcome, action):
    it = account()
    it.create()
    it.sim.access.deny(action)
    assert outcome(it.update, it.group(count=3)) == "AccessDeniedException"
    it.sim.access.allow(action)
    assert outcome(it.update, it.group(count=3)) == "OK"


@ELSEWHERE
def test_rights_elsewhere_are_asked_of_the_caller(sim, aws, code, cluster, action):
    sim.access.deny(action)
    error, message = code(aws.create_cluster, **cluster())
    assert (error, f"not authorized to perform: {action} on resource: arn:aws:" in message) == (
        "AccessDeniedException",
        True,
    )
    sim.access.allow(action)
    aws.create_cluster(**cluster())


def test_ec2_denies_in_its_own_words(sim, connect, code):
    sim.access.deny("ec2:DescribeVolumes", why="encoded")
    error, message = code(connect(sim, service="ec2").describe_volumes)
    assert error == "UnauthorizedOperation"
    assert message.startswith("You are not authorized to perform this operation. User: ")
    assert "Encoded authorization failure message: " in message
