"""Preflight against the simulator's EKS, EC2, IAM, quotas, S3, KMS and FSx: what is wrong is found before creation."""

from collections.abc import Callable
from math import inf
from typing import Any

import pytest
from tests.unit.controllers.rig import Rig
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.api.names import RECONCILE_REQUESTED_AT
from hyperpod_operator.aws.facts.gather import AwsFacts
from hyperpod_operator.controllers.cluster.preflight import Gate
from hyperpod_operator.core.preflight.facts import Facts
from hyperpod_operator.core.preflight.subject import ClusterSubject

KEY = "arn:aws:kms:us-west-2:111122223333:key/0f0f0f0f-1111-2222-3333-444444444444"
FSX = "fs-0123456789abcdef0"
SCRIPT = "s3://sagemaker-x/lifecycle/on_create.sh"
STORAGE = [
    {"ebsVolumeConfig": {"volumeSizeInGB": 500, "volumeKmsKeyId": KEY}},
    {"fsxLustreConfig": {"dnsName": f"{FSX}.fsx.us-west-2.amazonaws.com", "mountName": "abcdefgh"}},
]


def wanted(**members: Any) -> dict[str, Any]:
    groups = [group_spec(count=2, instanceStorageConfigs=STORAGE, **members)]
    return spec(instanceGroups=groups, vpcConfig={"securityGroupIds": ["sg-1"], "subnets": ["subnet-1"]})


class Counting:
    """What reads AWS, with the calls that each preflight took."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.calls: list[int] = []

    async def gather(self, subject: ClusterSubject, *, max_age: float = inf) -> Facts:
        facts = await self._rig.cloud.facts(region="").gather(subject, max_age=max_age)
        self.calls.append(facts.calls)
        return facts


@pytest.fixture
def checked(make_rig: Callable[..., Rig]) -> Callable[..., tuple[Rig, Counting]]:
    def make(**prerequisites: Any) -> tuple[Rig, Counting]:
        rig = make_rig(prerequisites=prerequisites)
        source = Counting(rig)
        rig.preflight = Gate(facts=lambda _: source)
        rig.restart()
        return rig, source

    return make


WRONG = {
    "no such subnet": ({"subnet": {"subnet-1": None}}, "EC2 has no subnet subnet-1"),
    "a public subnet": (
        {"subnet": {"subnet-1": {"route": "internet"}}, "vpc": {"*": {"interface_endpoints": []}}},
        "Subnet subnet-1 is public",
    ),
    "a full subnet": ({"subnet": {"subnet-1": {"free": 1}}}, "1 free address, fewer than the 2 instances"),
    "no such security group": ({"security_group": {"sg-1": None}}, "Security groups sg-1 do not exist"),
    "EFA without itself": (
        {"security_group": {"sg-1": {"self_egress": False}}},
        "allows all traffic from and to itself",
    ),
    "no EKS cluster": ({"eks_cluster": {"ml": None}}, "There is no active EKS cluster"),
    "an EKS cluster that is not active": ({"eks_cluster": {"ml": {"status": "CREATING"}}}, "(CREATING)"),
    "an old EKS cluster": ({"eks_cluster": {"ml": {"version": "1.27"}}}, "Kubernetes 1.27"),
    "CONFIG_MAP": ({"eks_cluster": {"ml": {"authentication_mode": "CONFIG_MAP"}}}, "authentication mode"),
    "an old CNI": ({"eks_cluster": {"ml": {"cni": "v1.18.2-eksbuild.1"}}}, "v1.18.2-eksbuild.1"),
    "no role": ({"role": {"hyperpod-execution": None}}, "does not exist"),
    "a role that trusts others": ({"role": {"hyperpod-execution": {"services": ["ec2.amazonaws.com"]}}}, "trust"),
    "a role without rights": ({"role": {"hyperpod-execution": {"inline": {}, "managed": []}}}, "may not ec2:"),
    "no script": ({"object": {SCRIPT: None}}, f"S3 has no object {SCRIPT}"),
    "Windows line ends": ({"object": {SCRIPT: {"content": "#!/bin/bash\r\necho\r\n"}}}, "CR LF"),
    "a file system behind closed ports": (
        {"file_system": {FSX: {"security_groups": ["sg-fsx"]}}, "security_group": {"sg-fsx": {"file_systems": False}}},
        "no rule of the security groups sg-fsx lets TCP 988 in from sg-1",
    ),
    "instances that may not call a file system": (
        {
            "file_system": {FSX: {"security_groups": ["sg-fsx"]}},
            "security_group": {"sg-1": {"file_systems": False}},
        },
        "no rule of the security groups sg-1 lets TCP 988 out to sg-fsx",
    ),
    "another mount name": ({"file_system": {FSX: {"mount_name": "other"}}}, "mountName other"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("prerequisites", "words"), WRONG.values(), ids=WRONG.keys())
async def test_what_is_wrong_holds_the_creation_and_is_named(
    checked: Callable[..., tuple[Rig, Counting]], prerequisites: dict[str, Any], words: str
) -> None:
    rig, source = checked(**prerequisites)
    rig.apply(wanted())
    await rig.rest()
    assert "CreateCluster" not in rig.operations()
    assert rig.condition("Ready")["reason"] == "PreflightFailed"
    assert words in rig.condition("PreflightPassed")["message"]
    assert max(source.calls) <= 40


async def test_a_right_world_passes_within_the_budget_and_is_read_once(
    checked: Callable[..., tuple[Rig, Counting]],
) -> None:
    rig, source = checked()
    rig.apply(wanted())
    await rig.until("ClusterReady")
    assert rig.status["preflight"]["failures"] == 0
    assert rig.condition("PreflightPassed")["status"] == "True"
    await rig.idle(7200)
    assert len(source.calls) == 1
    assert 10 < source.calls[0] <= 40


async def test_a_right_world_leaves_nothing_unknown_that_aws_tells(
    checked: Callable[..., tuple[Rig, Counting]],
) -> None:
    rig, _ = checked()
    rig.apply(wanted())
    await rig.until("ClusterReady")
    checks = rig.status["preflight"].get("checks", [])
    unknown = {check["name"] for check in checks if check["result"] == "Unknown"}
    assert unknown <= {"HealthMonitoringAgent", "DevicePlugins", "OnlyVPCCNI", "PodsFit", "KMSKeyPolicy"}


@pytest.mark.parametrize(
    "operation",
    [
        "eks:DescribeCluster",
        "DescribeSubnets",
        "GetRole",
        "ListServiceQuotas",
        "GetObject",
        "DescribeKey",
        "ListClusters",
    ],
)
async def test_a_right_that_is_missing_blocks_nothing_and_is_named(
    checked: Callable[..., tuple[Rig, Counting]], operation: str
) -> None:
    rig, _ = checked()
    rig.simulator.access.deny(operation)
    if operation == "eks:DescribeCluster":
        rig.apply({**wanted(), "management": {"preflight": "Warn"}})
        await rig.step()
    else:
        rig.apply(wanted())
        await rig.until("ClusterReady")
    words = " ".join(check.get("message", "") for check in rig.status["preflight"]["checks"])
    assert rig.status["preflight"]["failures"] == 0
    assert operation.rpartition(":")[2] in words


REPAIRED: dict[str, tuple[Callable[[Rig], None], Callable[[Rig], None]]] = {
    "the right to pass the role": (
        lambda rig: rig.simulator.access.deny("iam:PassRole"),
        lambda rig: rig.simulator.access.allow("iam:PassRole"),
    ),
    "the quota": (
        lambda rig: rig.simulator.settings.set_options(instance_quotas={"ml.p5.48xlarge": 0}),
        lambda rig: rig.simulator.settings.set_options(instance_quotas={"ml.p5.48xlarge": 100}),
    ),
    "the subnet": (
        lambda rig: rig.simulator.prerequisites.change("subnet", "subnet-1", free=1),
        lambda rig: rig.simulator.prerequisites.change("subnet", "subnet-1", free=200),
    ),
}


@pytest.mark.parametrize("what", REPAIRED)
async def test_a_request_for_a_pass_asks_aws_anew_whatever_was_answered_before(
    checked: Callable[..., tuple[Rig, Counting]], what: str
) -> None:
    """Who has mended the cause asks at once, and would read that it is still there."""
    rig, _ = checked()
    broken, mended = REPAIRED[what]
    broken(rig)
    rig.apply(wanted())
    await rig.until("PreflightFailed")
    mended(rig)
    rig.apply(wanted(), annotations={RECONCILE_REQUESTED_AT: "now"})
    await rig.once()
    assert rig.operations() == ["CreateCluster"]


@pytest.mark.parametrize("what", REPAIRED)
async def test_checks_that_failed_are_not_repeated_with_the_answers_that_failed_them(
    checked: Callable[..., tuple[Rig, Counting]], what: str
) -> None:
    """Quotas stand for an hour where nothing fails; who raised one, and asks for nothing, waits a minute."""
    rig, _ = checked()
    rig.cloud._facts["us-west-2"] = AwsFacts(
        caller=lambda service: rig.cloud._caller(service, "us-west-2"),
        identity=rig.cloud._caller_arn,
        monotonic=rig.clock.monotonic,
    )
    broken, mended = REPAIRED[what]
    broken(rig)
    rig.apply(wanted())
    await rig.until("PreflightFailed")
    mended(rig)
    await rig.idle(61)
    assert rig.operations() == ["CreateCluster"]


async def test_a_scale_out_beyond_the_quota_is_sent_and_names_quota_and_counts(
    checked: Callable[..., tuple[Rig, Counting]],
) -> None:
    rig, source = checked()
    rig.simulator.settings.set_options(instance_quotas={"ml.p5.48xlarge": 3})
    rig.apply(wanted())
    await rig.until("ClusterReady")
    larger = wanted()
    larger["instanceGroups"][0]["instanceCount"] = 5
    rig.apply(larger)
    for _ in range(20):
        await rig.step()
        if rig.calls("UpdateCluster"):
            break
    assert rig.calls("UpdateCluster")[0].code == "ResourceLimitExceeded"
    said = rig.condition("PreflightPassed")["message"]
    assert "The plan adds 3 ml.p5.48xlarge, this cluster has 2, other clusters have 0, and the quota is 3." in said
    assert max(source.calls) <= 40


@pytest.mark.parametrize(("zone", "expected"), [("us-west-2b", "Warn"), ("us-west-2c", "Pass")])
async def test_a_type_that_was_short_in_a_zone_is_said_before_the_same_is_asked_for_there(
    checked: Callable[..., tuple[Rig, Counting]], zone: str, expected: str
) -> None:
    """The shortage is over when the group is added, so that no pass reads the cluster's events for another reason."""
    rig, source = checked(subnet={"subnet-1": {"zone": "us-west-2b"}, "subnet-2": {"zone": zone}})
    rig.simulator.world.limit_capacity("research", "gpu", 1)
    rig.apply(wanted())
    await rig.until("CapacityShortage")
    rig.simulator.world.restore_capacity("research", "gpu")
    await rig.until("ClusterReady")
    more = wanted()
    network = {"securityGroupIds": ["sg-1"], "subnets": ["subnet-2"]}
    more["instanceGroups"].append(group_spec("more", count=1, overrideVpcConfig=network))
    rig.apply(more)
    for _ in range(5):
        await rig.step()
    said = [one for one in rig.status["preflight"].get("checks", []) if one["name"] == "CapacityHistory"]
    assert ([one["result"] for one in said] or ["Pass"], max(source.calls) <= 40) == ([expected], True), said
    words = "no capacity for ml.p5.48xlarge in a zone of this group's subnets"
    assert expected == "Pass" or words in said[0]["message"]
