"""Calls that name nodes against the simulator: what each method sends and what it makes of the answer."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import botocore.session
import pytest

from hyperpod_operator.aws import cloud as cloud_module
from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.aws.sagemaker.clusters import SageMaker
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.nodes.batch import BatchAnswer
from hyperpod_operator.core.nodes.ports import NodeBatches
from hyperpod_testbed.simulator import Fault, Simulator

GONE = "i-0123456789abcdef0"
ROLE = "arn:aws:iam::111122223333:role/hyperpod-execution"


def group(name: str, count: int) -> dict[str, Any]:
    return {
        "InstanceGroupName": name,
        "InstanceType": "ml.g5.8xlarge",
        "InstanceCount": count,
        "LifeCycleConfig": {"SourceS3Uri": "s3://scripts", "OnCreate": "on_create.sh"},
        "ExecutionRole": ROLE,
    }


class Site:
    """A continuous cluster of somebody: nodes in the group gpu, none in spare."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        request = {"NodeProvisioningMode": "Continuous", "InstanceGroups": [group("gpu", 3), group("spare", 0)]}
        self.arn = simulator.world.create_foreign_cluster("ml", request=request)
        self.ids = tuple(node["InstanceId"] for node in simulator.settings.dump()["us-west-2"]["ml"]["Nodes"])

    def sent(self) -> dict[str, Any]:
        (call,) = self.simulator.log.calls(mutating=True)
        request: dict[str, Any] = call.parameters
        return request


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(account="111122223333", speed=0) as running:
        yield running


@pytest.fixture
def site(simulator: Simulator) -> Site:
    return Site(simulator)


@pytest.fixture(scope="module")
def botocore_session() -> Any:
    return botocore.session.Session()


@pytest.fixture
def sagemaker(simulator: Simulator, botocore_session: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SageMaker]:
    monkeypatch.setattr(cloud_module, "Session", lambda: botocore_session)
    for name, value in simulator.environment().items():
        monkeypatch.setenv(name, value)
    cloud = AwsCloud(settings=CloudSettings(region="us-west-2"), on_call=lambda **_: None)
    yield cloud.clusters(region="")
    cloud.close()


NAMED = ("BatchRebootClusterNodes", "BatchReplaceClusterNodes", "BatchDeleteClusterNodes")
"""Operations that take a cluster and nodes, and nothing else."""


async def call(sagemaker: SageMaker, operation: str, *, arn: str, ids: tuple[str, ...]) -> BatchAnswer:
    methods: dict[str, Callable[..., Awaitable[BatchAnswer]]] = {
        "BatchRebootClusterNodes": sagemaker.reboot_nodes,
        "BatchReplaceClusterNodes": sagemaker.replace_nodes,
        "BatchDeleteClusterNodes": sagemaker.delete_nodes,
    }
    return await methods[operation](arn=arn, instance_ids=ids)


async def move(sagemaker: SageMaker, site: Site, *ids: str, token: str = "once") -> BatchAnswer:
    return await sagemaker.move_nodes(
        arn=site.arn, group="gpu", target_arn=site.arn, target_group="spare", instance_ids=ids, token=token
    )


async def refused(work: Awaitable[Any]) -> CloudError:
    with pytest.raises(CloudError) as caught:
        await work
    return caught.value


def test_the_edge_is_what_decisions_ask_for(sagemaker: SageMaker) -> None:
    edge: NodeBatches = sagemaker
    assert edge is sagemaker


@pytest.mark.parametrize("operation", NAMED)
async def test_nodes_are_named_by_id_and_the_cluster_by_arn(sagemaker: SageMaker, site: Site, operation: str) -> None:
    answer = await call(sagemaker, operation, arn=site.arn, ids=site.ids[:2])
    assert (answer.successful, answer.failed, answer.unanswered) == (set(site.ids[:2]), (), frozenset())
    assert site.sent() == {"ClusterName": site.arn, "NodeIds": list(site.ids[:2])}


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("BatchRebootClusterNodes", "InstanceIdNotFound"),
        ("BatchReplaceClusterNodes", "InstanceIdNotFound"),
        ("BatchDeleteClusterNodes", "NodeIdNotFound"),
    ],
)
async def test_one_refused_node_does_not_hide_the_others(
    sagemaker: SageMaker, site: Site, operation: str, code: str
) -> None:
    answer = await call(sagemaker, operation, arn=site.arn, ids=(site.ids[0], GONE))
    assert answer.successful == {site.ids[0]}
    assert [(one.instance_id, one.code) for one in answer.failed] == [(GONE, code)]
    assert "does not exist" in answer.failed[0].message


@pytest.mark.parametrize("operation", NAMED)
async def test_a_call_of_which_every_node_fails_may_be_an_error_as_a_whole(
    sagemaker: SageMaker, site: Site, operation: str
) -> None:
    site.simulator.settings.set_options(batch_all_failed="error")
    error = await refused(call(sagemaker, operation, arn=site.arn, ids=(GONE,)))
    assert error.kind is ErrorKind.INVALID


async def test_more_deletions_than_aws_takes_are_rejected_as_a_whole(sagemaker: SageMaker, site: Site) -> None:
    site.simulator.settings.set_options(batch_delete_limit=1)
    error = await refused(call(sagemaker, "BatchDeleteClusterNodes", arn=site.arn, ids=site.ids[:2]))
    assert error.kind is ErrorKind.INVALID
    assert len(await sagemaker.nodes(name=site.arn)) == len(site.ids)


async def test_a_moved_node_joins_the_other_group(sagemaker: SageMaker, site: Site) -> None:
    answer = await move(sagemaker, site, site.ids[0])
    assert answer.successful == {site.ids[0]}
    site.simulator.clock.advance(3600)
    assert {node.group for node in await sagemaker.nodes(name=site.arn) if node.instance_id == site.ids[0]} == {"spare"}


async def test_a_move_with_the_same_token_repeats_its_answer(sagemaker: SageMaker, site: Site) -> None:
    first = await move(sagemaker, site, site.ids[0])
    assert await move(sagemaker, site, site.ids[0]) == first


async def test_a_health_check_names_instances_by_group(sagemaker: SageMaker, site: Site) -> None:
    await sagemaker.check_nodes(arn=site.arn, groups={"gpu": site.ids[:2]}, checks=("InstanceStress",))
    configuration = {
        "InstanceGroupName": "gpu",
        "InstanceIds": list(site.ids[:2]),
        "DeepHealthChecks": ["InstanceStress"],
    }
    assert site.sent() == {"ClusterName": site.arn, "DeepHealthCheckConfigurations": [configuration]}


async def test_a_health_check_of_a_node_that_is_gone_is_refused_as_a_whole(sagemaker: SageMaker, site: Site) -> None:
    error = await refused(
        sagemaker.check_nodes(arn=site.arn, groups={"gpu": (GONE, site.ids[0])}, checks=("InstanceStress",))
    )
    assert error.kind is ErrorKind.NOT_FOUND


@pytest.mark.parametrize("operation", NAMED)
async def test_a_lost_answer_leaves_the_outcome_open_and_is_not_repeated(
    sagemaker: SageMaker, site: Site, operation: str
) -> None:
    site.simulator.faults.add(Fault(operation, "commit_then_drop", times=1))
    error = await refused(call(sagemaker, operation, arn=site.arn, ids=site.ids[:1]))
    assert error.kind is ErrorKind.UNKNOWN_OUTCOME
    assert len(site.simulator.log.calls(operation)) == 1


@pytest.mark.parametrize("operation", NAMED)
async def test_another_clusters_arn_is_not_found(sagemaker: SageMaker, site: Site, operation: str) -> None:
    error = await refused(call(sagemaker, operation, arn=f"{site.arn[:-12]}abcdefghijkl", ids=site.ids[:1]))
    assert error.kind is ErrorKind.NOT_FOUND
