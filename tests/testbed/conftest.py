"""Fixtures of the simulator's tests: a simulator whose clock stands still, boto3 clients that lead to it, requests."""

import copy
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from hyperpod_testbed.simulator import Options, Simulator
from hyperpod_testbed.simulator.direct import Direct
from hyperpod_testbed.simulator.node_objects import NodeView
from hyperpod_testbed.simulator.node_views import NodeViews

START = 1_800_000_000.0
REGION = "us-west-2"
ACCOUNT = "123456789012"

Connect = Callable[..., Any]


@pytest.fixture(scope="session")
def boto3_session() -> boto3.Session:
    """One session for all: loading the service model is what takes time."""
    return boto3.Session(botocore_session=botocore.session.Session())


@pytest.fixture
def start_simulator() -> Iterator[Callable[..., Simulator]]:
    """Start simulators with a clock that stands still unless a speed is given; they end with the test."""
    with ExitStack() as stack:

        def start(**arguments: Any) -> Simulator:
            return stack.enter_context(Simulator(ACCOUNT, **{"speed": 0.0, "start": START, **arguments}))

        yield start


@pytest.fixture
def sim(start_simulator: Callable[..., Simulator]) -> Simulator:
    """A simulator as most tests want it."""
    return start_simulator()


@pytest.fixture
def over_http() -> bool:
    """Whether clients need connections: tests of what goes over one say so."""
    return False


@pytest.fixture
def connect(boto3_session: boto3.Session, over_http: bool) -> Iterator[Connect]:
    """Make boto3 clients that do not retry; they are closed with the test."""
    direct = Direct()
    with ExitStack() as stack:

        def client(
            sim: Simulator,
            *,
            service: str = "sagemaker",
            region: str = REGION,
            access_key: str = "TESTBED",
            attempts: int = 1,
            read_timeout: float = 10.0,
        ) -> Any:
            made = boto3_session.client(
                service,
                region_name=region,
                endpoint_url=sim.url,
                aws_access_key_id=access_key,
                aws_secret_access_key="testbed",
                config=Config(retries={"mode": "standard", "total_max_attempts": attempts}, read_timeout=read_timeout),
            )
            stack.callback(made.close)
            if not over_http:
                direct.serve(sim)
                direct.take(made)
            return made

        yield client


@pytest.fixture
def aws(sim: Simulator, connect: Connect) -> Any:
    """A SageMaker client of the test's simulator."""
    return connect(sim)


@pytest.fixture
def group() -> Callable[..., dict[str, Any]]:
    """Make an instance group specification."""

    def make(name: str = "workers", count: int = 2, **members: Any) -> dict[str, Any]:
        specification = {
            "InstanceGroupName": name,
            "InstanceCount": count,
            "InstanceType": "ml.g5.8xlarge",
            "ExecutionRole": f"arn:aws:iam::{ACCOUNT}:role/hyperpod",
            "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-scripts/", "OnCreate": "on_create.sh"},
            **members,
        }
        return {key: value for key, value in specification.items() if value is not None}

    return make


@pytest.fixture
def cluster(group: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Make a CreateCluster request; members with the value None are left out."""

    def make(name: str = "ml", *groups: dict[str, Any], **members: Any) -> dict[str, Any]:
        request = {
            "ClusterName": name,
            "InstanceGroups": list(groups) or [group()],
            "Orchestrator": {"Eks": {"ClusterArn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/eks-{name}"}},
            "VpcConfig": {"SecurityGroupIds": ["sg-0123456789abcdef0"], "Subnets": ["subnet-0123456789abcdef0"]},
            **members,
        }
        return copy.deepcopy({key: value for key, value in request.items() if value is not None})

    return make


@pytest.fixture
def in_service(sim: Simulator, aws: Any) -> Callable[..., Any]:
    """Create a cluster from a request and wait, in simulated time, until it is complete."""

    def make(request: dict[str, Any], *, seconds: float = 1200.0) -> Any:
        aws.create_cluster(**request)
        sim.clock.advance(seconds)
        return aws.describe_cluster(ClusterName=request["ClusterName"])

    return make


@pytest.fixture
def code() -> Callable[..., tuple[str, str]]:
    """Make a call that is refused, and return the code and the message of the error."""

    def refused(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            call(**parameters)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    return refused


class Account:
    """A simulator with options, its client, and short ways to what tests of options do."""

    def __init__(self, sim: Simulator, aws: Any, cluster: Callable[..., Any], group: Callable[..., Any]) -> None:
        self.sim, self.aws, self.cluster, self.group = sim, aws, cluster, group

    def create(self, *groups: dict[str, Any], seconds: float = 1200.0, **members: Any) -> None:
        self.aws.create_cluster(**self.cluster("ml", *groups, **members))
        self.sim.clock.advance(seconds)

    def update(self, *groups: dict[str, Any], seconds: float = 1200.0, **members: Any) -> None:
        given = {"InstanceGroups": list(groups)} if groups else {}
        self.aws.update_cluster(ClusterName="ml", **given, **members)
        self.sim.clock.advance(seconds)

    def describe(self) -> Any:
        return self.aws.describe_cluster(ClusterName="ml")

    def groups(self) -> dict[str, Any]:
        return {one["InstanceGroupName"]: one for one in self.describe()["InstanceGroups"]}

    def nodes(self, **parameters: Any) -> Any:
        return self.aws.list_cluster_nodes(ClusterName="ml", **parameters)["ClusterNodeSummaries"]

    def views(self) -> list[NodeView]:
        """The Nodes in Kubernetes."""
        return list(NodeViews(self.sim.core).now().values())


@pytest.fixture
def account(
    start_simulator: Callable[..., Simulator],
    connect: Connect,
    cluster: Callable[..., dict[str, Any]],
    group: Callable[..., dict[str, Any]],
) -> Callable[..., Account]:
    """Make an account with options."""

    def make(**options: Any) -> Account:
        sim = start_simulator(options=Options(**options))
        return Account(sim, connect(sim), cluster, group)

    return make


@pytest.fixture
def outcome() -> Callable[..., str]:
    """Make a call and return OK, or the code of the error."""

    def code_of(call: Callable[..., Any], *args: Any, **parameters: Any) -> str:
        try:
            call(*args, **parameters)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "OK"

    return code_of


Answer = tuple[int, bytes, dict[str, str]]


@pytest.fixture
def raw_bytes(sim: Simulator) -> Callable[..., tuple[int, bytes]]:
    """Send any JSON to an operation: HTTP status and body as it came."""

    def send(operation: str, parameters: object) -> tuple[int, bytes]:
        status, body, _ = _send(sim, operation, parameters, authorization="", target="SageMaker")
        return status, body

    return send


@pytest.fixture
def raw(sim: Simulator) -> Callable[..., tuple[int, dict[str, Any], dict[str, str]]]:
    """Send any JSON to an operation, past botocore's own checks: HTTP status, body, headers."""

    def send(
        operation: str, parameters: object, *, authorization: str | None = "", target: str = "SageMaker"
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        status, body, headers = _send(sim, operation, parameters, authorization=authorization, target=target)
        return status, json.loads(body), headers

    return send


def _send(sim: Simulator, operation: str, parameters: object, *, authorization: str | None, target: str) -> Answer:
    headers = {"X-Amz-Target": f"{target}.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    if authorization is not None:
        headers["Authorization"] = authorization or (
            f"AWS4-HMAC-SHA256 Credential=RAW/20270115/{REGION}/sagemaker/aws4_request, "
            "SignedHeaders=host, Signature=00"
        )
    request = urllib.request.Request(sim.url, data=json.dumps(parameters).encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)
