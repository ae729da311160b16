"""A call that is handed over without a connection ends as the same call over HTTP."""

import functools
import io

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError
from tests.testbed.test_simulator_prerequisites_wire import ASKED

from hyperpod_testbed.simulator import Fault, services
from hyperpod_testbed.simulator.direct import Direct

CALLS = {
    **ASKED,
    ("sagemaker", "ListClusters"): {},
    ("sagemaker", "DescribeCluster"): {"ClusterName": "none"},
    ("ec2", "DescribeVolumes"): {},
    ("sts", "GetCallerIdentity"): {},
}
BODIES = ("html", "empty", "message_only")
FAULTS = {
    "error": Fault("*", "error", status=503, code="ServiceUnavailable"),
    "drop": Fault("*", "drop"),
    "commit_then_drop": Fault("*", "commit_then_drop"),
    "throttle": Fault("*", "throttle"),
    **{f"body {body}": Fault("*", "body", body=body) for body in BODIES},
}


@pytest.fixture
def over_http() -> bool:
    return True


@pytest.fixture
def direct(sim, monkeypatch):
    """Hand calls over from now on; the result says how many went over HTTP."""
    to, over_http, went = Direct(), URLLib3Session.send, []

    def switch():
        def send(session, request):
            return to.send(request, over_http=functools.partial(wire, session))

        def wire(session, request):
            went.append(request.url)
            return over_http(session, request)

        to.serve(sim)
        monkeypatch.setattr(URLLib3Session, "send", send)
        return went

    return switch


def ended(client, operation, asked):
    """The answer with streams read, or how the call failed."""
    names = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    try:
        answer = getattr(client, names[operation])(**asked)
    except ClientError as error:
        return type(error), error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    except ResponseParserError as error:
        return type(error), str(error)
    except BotoCoreError as error:
        return type(error), error.fmt
    answer["ResponseMetadata"] = answer["ResponseMetadata"]["HTTPStatusCode"]
    if "Body" in answer:
        answer["Body"] = answer["Body"].read()
    return answer


@pytest.mark.parametrize(("service", "operation"), sorted(CALLS))
def test_an_answer_is_the_same(sim, connect, direct, service, operation):
    client = connect(sim, service=services.ALL[service].model_name)
    over_http = ended(client, operation, CALLS[service, operation])
    went = direct()
    assert ended(client, operation, CALLS[service, operation]) == over_http
    assert went == []


@pytest.mark.parametrize("service", ["sagemaker", "ec2"])
def test_a_body_that_is_a_file_is_read(sim, connect, direct, service):
    client = connect(sim, service=service)
    client.meta.events.register("before-sign", lambda request, **_: setattr(request, "data", io.BytesIO(request.body)))
    operation = {"sagemaker": "ListClusters", "ec2": "DescribeVolumes"}[service]
    over_http = ended(client, operation, {})
    went = direct()
    assert ended(client, operation, {}) == over_http
    assert went == []


@pytest.mark.parametrize("service", sorted({service for service, _ in CALLS}))
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_ends_the_call_in_the_same_way(sim, connect, direct, service, fault):
    client = connect(sim, service=services.ALL[service].model_name)
    operation = next(name for one, name in sorted(CALLS) if one == service)
    sim.faults.add(FAULTS[fault])
    over_http = ended(client, operation, CALLS[service, operation])
    went = direct()
    assert ended(client, operation, CALLS[service, operation]) == over_http
    assert went == []


def test_every_kind_of_fault_that_does_not_wait_is_tried():
    kinds = set(Fault.__annotations__["kind"].__args__)
    assert {fault.kind for fault in FAULTS.values()} == kinds - {"delay", "commit_late"}


def test_a_call_whose_work_is_done_later_is_dropped_at_once(sim, aws, cluster, direct):
    direct()
    sim.faults.add(Fault("CreateCluster", "commit_late", seconds=30.0))
    assert ended(aws, "CreateCluster", cluster())[0].__name__ == "ConnectionClosedError"
    assert aws.list_clusters()["ClusterSummaries"] == []
    sim.clock.advance(31.0)
    assert len(aws.list_clusters()["ClusterSummaries"]) == 1


@pytest.mark.parametrize(
    "fault", [Fault("ListClusters", "delay", seconds=0.01), Fault("DescribeCluster", "body", body="truncated")]
)
def test_what_makes_a_client_wait_goes_over_http(sim, aws, direct, fault):
    went = direct()
    sim.faults.add(fault)
    aws.list_clusters()
    assert len(went) == 1


def test_a_head_that_fails_has_no_body(sim, connect, direct):
    client, asked = connect(sim, service="s3"), {"Bucket": "sagemaker-scripts"}
    sim.prerequisites.remove("bucket", "sagemaker-scripts")
    over_http = ended(client, "HeadBucket", asked)
    went = direct()
    assert ended(client, "HeadBucket", asked) == over_http
    assert over_http[1]["Code"] == "404"
    assert went == []


def test_a_client_that_is_taken_needs_no_connection_and_its_neighbour_does(sim, connect, monkeypatch):
    def refused(session, request):
        raise EndpointConnectionError(endpoint_url=request.url)

    taken, other, to = connect(sim), connect(sim), Direct()
    to.serve(sim)
    to.take(taken)
    monkeypatch.setattr(URLLib3Session, "send", refused)
    assert taken.list_clusters()["ClusterSummaries"] == []
    with pytest.raises(EndpointConnectionError):
        other.list_clusters()


def test_a_client_that_is_taken_goes_over_http_where_it_has_to_wait(sim, connect):
    taken, to = connect(sim), Direct()
    to.serve(sim)
    to.take(taken)
    sim.faults.add(Fault("ListClusters", "delay", seconds=0.01))
    assert taken.list_clusters()["ClusterSummaries"] == []


def test_a_simulator_that_was_stopped_answers_nobody(sim, aws, direct):
    direct()
    sim.stop()
    with pytest.raises(EndpointConnectionError):
        aws.list_clusters()
