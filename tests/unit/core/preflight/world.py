"""A cluster for which all is well: a spec that every check applies to somewhere, and the facts that let it pass."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.core.location import Location
from hyperpod_operator.core.preflight.facts import (
    Access,
    Addon,
    Capacity,
    EksCluster,
    Facts,
    FileSystem,
    KmsKey,
    Role,
    Route,
    RouteTable,
    Rule,
    Script,
    SecurityGroup,
    Statement,
    Subnet,
    TrainingPlan,
    TypeFacts,
    Usage,
    Workload,
)
from hyperpod_operator.core.preflight.model import Unread
from hyperpod_operator.core.preflight.subject import ClusterSubject
from hyperpod_operator.core.preflight.tables import quotas, rights

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
HERE = Location(partition="aws", region="us-west-2", account="111122223333")
EKS = "arn:aws:eks:us-west-2:111122223333:cluster/ml"
ROLE = "arn:aws:iam::111122223333:role/hyperpod-execution"
SCALING_ROLE = "arn:aws:iam::111122223333:role/hyperpod-autoscaling"
PLAN = "arn:aws:sagemaker:us-west-2:111122223333:training-plan/research"
KEY = "arn:aws:kms:us-west-2:111122223333:key/0f0f0f0f-1111-2222-3333-444444444444"
SCRIPT = "s3://sagemaker-x/lifecycle/on_create.sh"
FSX = "fs-0123456789abcdef0"
DENIED = Unread(why="AccessDenied", action="test:Action")
P5, M5 = "ml.p5.48xlarge", "ml.m5.4xlarge"


def group(name: str = "gpu", count: int = 2, **members: Any) -> dict[str, Any]:
    return {
        "instanceGroupName": name,
        "instanceCount": count,
        "instanceType": P5,
        "executionRole": ROLE,
        "lifeCycleConfig": {"sourceS3Uri": "s3://sagemaker-x/lifecycle", "onCreate": "on_create.sh"},
        "instanceStorageConfigs": [
            {"ebsVolumeConfig": {"volumeSizeInGB": 500, "volumeKmsKeyId": KEY}},
            {"fsxLustreConfig": {"dnsName": f"{FSX}.fsx.us-west-2.amazonaws.com", "mountName": "abcd"}},
        ],
        **members,
    }


def spec(*groups: dict[str, Any], **members: Any) -> HyperPodClusterSpec:
    return HyperPodClusterSpec.model_validate(
        {
            "orchestrator": {"eks": {"clusterArn": EKS}},
            "vpcConfig": {"securityGroupIds": ["sg-1"], "subnets": ["subnet-1"]},
            "nodeProvisioningMode": "Continuous",
            "instanceGroups": list(groups) or [group()],
            **members,
        }
    )


ITSELF = frozenset({"sg-1"})
GROUP = SecurityGroup(
    name="hyperpod",
    vpc_id="vpc-1",
    rules=(Rule(egress=False, protocol="-1", groups=ITSELF), Rule(egress=True, protocol="-1", groups=ITSELF)),
)
FACTS = Facts(
    known_types=frozenset({P5, M5, "ml.g5.xlarge"}),
    eks=EksCluster(status="ACTIVE", version="1.33", authentication_mode="API", vpc_id="vpc-1", ip_family="ipv4"),
    addons={"vpc-cni": Addon(name="vpc-cni", version="v1.20.1-eksbuild.1", status="ACTIVE")},
    subnets={
        "subnet-1": Subnet(
            vpc_id="vpc-1", zone="us-west-2b", zone_id="usw2-az2", free=4000, ipv6=True, cidr="10.0.0.0/20"
        )
    },
    route_tables=(
        RouteTable(
            vpc_id="vpc-1",
            main=True,
            subnets=frozenset(),
            routes=(Route(destination="0.0.0.0/0", target="nat-1"), Route(destination="10.0.0.0/16", target="local")),
        ),
    ),
    endpoints=frozenset(),
    dns={"vpc-1": frozenset()},
    security_groups={"sg-1": GROUP},
    offerings={"p5.48xlarge": frozenset({"usw2-az2"}), "m5.4xlarge": frozenset({"usw2-az2"})},
    types={"p5.48xlarge": TypeFacts(efa=True, addresses_per_interface=50, attachments=64)},
    roles={
        ROLE: Role(
            trusts=frozenset({rights.TRUSTED}),
            attached=frozenset({rights.MANAGED_POLICY}),
            may=dict.fromkeys(rights.ROLE_ACTIONS, True),
        ),
        SCALING_ROLE: Role(trusts=frozenset({rights.TRUSTED_FOR_SCALING})),
    },
    pass_role={ROLE: True},
    scripts={SCRIPT: Script(crlf=False)},
    keys={
        KEY: KmsKey(
            arn=KEY,
            state="Enabled",
            policy=(Statement(allow=True, actions=("kms:*",), principals=("arn:aws:iam::111122223333:root",)),),
            grantees=frozenset(),
        )
    },
    quotas={
        quotas.of_type(P5): 8.0,
        quotas.of_type(P5, spot=True): 8.0,
        quotas.of_type(M5): 20.0,
        quotas.reserved(P5): 8.0,
        quotas.CLUSTER_SIZE: 20.0,
        quotas.ALL_CLUSTERS: 30.0,
        quotas.VOLUME_SIZE: 1024.0,
        quotas.RESTRICTED_STORAGE: 10.0,
    },
    usage=Usage(instances={P5: 2}, total=6, clusters=1),
    shortages=(),
    plans={
        PLAN: TrainingPlan(
            status="Active",
            start=NOW - timedelta(days=1),
            end=NOW + timedelta(days=30),
            available=4,
            total=4,
            targets=frozenset({"hyperpod-cluster"}),
            capacities=(Capacity(instance_type=P5, zone_id="usw2-az2", count=4),),
        )
    },
    file_systems={
        FSX: FileSystem(
            lifecycle="AVAILABLE",
            vpc_id="vpc-1",
            mount_name="abcd",
            subnets=frozenset({"subnet-1"}),
            access=Access(zones=frozenset({"us-west-2b"}), addresses=frozenset({"10.0.0.10"}), groups={"sg-1": GROUP}),
        )
    },
    workloads=(
        Workload(namespace="kube-system", name="aws-node", image="602401143452.dkr.ecr/amazon-k8s-cni:v1.20.1"),
        Workload(namespace="aws-hyperpod", name="health-monitoring-agent", image="hma:1.0.1892.0_1.0.424.0"),
        Workload(namespace="kube-system", name="dependencies-nvidia-device-plugin", image="nvidia:0.16.1"),
    ),
)


def subject(wanted: HyperPodClusterSpec | None = None, *, facts: Facts = FACTS, **members: Any) -> ClusterSubject:
    return ClusterSubject(spec=wanted or spec(), here=members.pop("here", HERE), facts=facts, now=NOW, **members)


def having(facts: Facts = FACTS, **members: Any) -> Facts:
    return replace(facts, **members)
