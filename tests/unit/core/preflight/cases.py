"""For each check of a cluster: a subject that it passes, those that it fails or warns of, and one without rights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from tests.unit.core.preflight import world
from tests.unit.core.preflight.world import (
    DENIED,
    FACTS,
    FSX,
    KEY,
    NOW,
    PLAN,
    ROLE,
    SCALING_ROLE,
    SCRIPT,
    group,
    having,
    spec,
    subject,
)

from hyperpod_operator.core.location import Location
from hyperpod_operator.core.preflight.checks.routes import SERVICES
from hyperpod_operator.core.preflight.facts import (
    Access,
    Addon,
    EksCluster,
    Endpoint,
    Facts,
    FileSystem,
    KmsKey,
    Role,
    Route,
    RouteTable,
    Rule,
    Script,
    SecurityGroup,
    Shortage,
    Statement,
    Subnet,
    TrainingPlan,
    TypeFacts,
    Usage,
    Workload,
)
from hyperpod_operator.core.preflight.model import Result
from hyperpod_operator.core.preflight.subject import ClusterSubject, Held
from hyperpod_operator.core.preflight.tables import quotas, rights

FAIL, WARN = Result.FAIL, Result.WARN


@dataclass(frozen=True, kw_only=True)
class Case:
    """`bad` are subjects with the result that the check has of them and a word of its message."""

    good: ClusterSubject
    bad: tuple[tuple[ClusterSubject, Result, str], ...]
    denied: ClusterSubject | None = None


def eks(**members: Any) -> Facts:
    assert isinstance(FACTS.eks, EksCluster)
    return having(eks=replace(FACTS.eks, **members))


def addon(version: str) -> Facts:
    return having(addons={"vpc-cni": Addon(name="vpc-cni", version=version, status="ACTIVE")})


def subnet(**members: Any) -> Facts:
    assert isinstance(FACTS.subnets, Mapping)
    return having(subnets={"subnet-1": replace(FACTS.subnets["subnet-1"], **members)})


def routes(*found: Route) -> Facts:
    return having(route_tables=(RouteTable(vpc_id="vpc-1", main=True, subnets=frozenset(), routes=found),))


def half_of_the_quotas() -> Facts:
    assert isinstance(FACTS.quotas, Mapping)
    return having(quotas={**FACTS.quotas, quotas.FURTHER: 0.0})


IPV6 = Route(destination="::/0", target="igw-6")
ON_G6 = spec(group(instanceType="ml.g6.48xlarge"))
WITH_EFA = {"g6.48xlarge": TypeFacts(efa=True)}
PUBLIC = Route(destination="0.0.0.0/0", target="igw-1")
TO_IT = Route(destination="pl-1", target="vpce-1")
S3 = Endpoint(name="vpce-1", vpc_id="vpc-1", service="com.amazonaws.us-west-2.s3", gateway=True)
EC2 = Endpoint(name="vpce-2", vpc_id="vpc-1", service="com.amazonaws.us-west-2.ec2")
SERVED = tuple(replace(EC2, service=f"com.amazonaws.us-west-2.{word}") for word in SERVICES)


def ends(*found: Endpoint, routes: Sequence[Route] = ()) -> Facts:
    """A VPC with these endpoints alone."""
    table = RouteTable(vpc_id="vpc-1", main=True, subnets=frozenset(), routes=tuple(routes))
    return having(route_tables=(table,), endpoints=frozenset(found))


def security(*rules: Rule, vpc: str = "vpc-1") -> Facts:
    return having(security_groups={"sg-1": SecurityGroup(name="hyperpod", vpc_id=vpc, rules=rules)})


def role(arn: str = ROLE, **members: Any) -> Facts:
    found = FACTS.roles[arn]
    assert isinstance(found, Role)
    return having(roles={**FACTS.roles, arn: replace(found, **members)})


def key(**members: Any) -> Facts:
    found = FACTS.keys[KEY]
    assert isinstance(found, KmsKey)
    return having(keys={KEY: replace(found, **members)})


def plan(**members: Any) -> Facts:
    found = FACTS.plans[PLAN]
    assert isinstance(found, TrainingPlan)
    return having(plans={PLAN: replace(found, **members)})


def fsx(**members: Any) -> Facts:
    found = FACTS.file_systems[FSX]
    assert isinstance(found, FileSystem)
    return having(file_systems={FSX: replace(found, **members)})


def mounted(*rules: Rule, kind: str = "LUSTRE") -> Facts:
    """The file system has a security group of its own with these rules, and the instances' group sends to anywhere."""
    group = SecurityGroup(name="fsx", vpc_id="vpc-1", rules=(*rules, ANYWHERE))
    access = Access(zones=frozenset({"us-west-2b"}), addresses=frozenset({"10.0.0.10"}), groups={"sg-2": group})
    return replace(
        security(INWARD, OUTWARD, ANYWHERE, FROM_ANYWHERE), file_systems=fsx(access=access, kind=kind).file_systems
    )


def let_in(first: int, last: int, *, protocol: str = "tcp", groups: frozenset[str] = frozenset({"sg-1"})) -> Rule:
    return Rule(egress=False, protocol=protocol, groups=groups, ports=(first, last))


def small(count: int) -> ClusterSubject:
    """Instances that take three pods, and so many DaemonSets on every node."""
    found = tuple(Workload(namespace="kube-system", name=f"d{number}", image="x") for number in range(count))
    return subject(spec(group(instanceType="ml.c6g.medium")), facts=having(workloads=found))


def without(part: str) -> Facts:
    assert isinstance(FACTS.workloads, tuple)
    return having(workloads=tuple(one for one in FACTS.workloads if part not in one.name))


def agent(tag: str) -> Facts:
    workload = Workload(namespace="aws-hyperpod", name="health-monitoring-agent", image=f"hma:{tag}")
    return having(workloads=(workload,))


def flexible(count: int) -> dict[str, Any]:
    """A group that takes instances of two types."""
    made = group(count=count, instanceRequirements={"instanceTypes": [world.P5, world.M5]})
    return {name: value for name, value in made.items() if name != "instanceType"}


CHECKED = {"onStartDeepHealthChecks": ["InstanceStress", "InstanceConnectivity"]}
KARPENTER = {"autoScaling": {"mode": "Enable"}, "clusterRole": SCALING_ROLE}
LUSTRE = {"environmentConfig": {"fSxLustreConfig": {"sizeInGiB": 2400, "perUnitStorageThroughput": 250}}}
LARGE_LUSTRE = {"environmentConfig": {"fSxLustreConfig": {"sizeInGiB": 12_000, "perUnitStorageThroughput": 250}}}
ODD_LUSTRE = {"environmentConfig": {"fSxLustreConfig": {"sizeInGiB": 1300, "perUnitStorageThroughput": 250}}}
RESTRICTED = {"instanceGroupName": "rig", "instanceCount": 1, "instanceType": world.P5, "executionRole": ROLE}
SPOT = spec(group(capacityRequirements={"spot": {}}))
SPOT_QUOTAS = {quotas.of_type(world.P5, spot=True): 8.0}
OF_P5 = Held(types=(world.P5,), count=3)
OF_BOTH = Held(types=(world.P5, world.M5), count=25)
ALL_SPOT = {quotas.of_type(world.P5, spot=True): 8.0, quotas.of_type(world.M5, spot=True): 20.0, quotas.ALL_SPOT: 9.0}
GROWING: dict[str, Any] = {"new": False, "grows": {"gpu": 3}}
WITH_NEW = spec(group(), group("new"))
ADDING: dict[str, Any] = {"new": False, "adds": frozenset({"new"})}
PLANNED = spec(group(trainingPlanArn=PLAN))
BOTH_PLANNED = spec(group(trainingPlanArn=PLAN), group("new", trainingPlanArn=PLAN))
SELF = frozenset({"sg-1"})
INWARD = Rule(egress=False, protocol="-1", groups=SELF)
OUTWARD = Rule(egress=True, protocol="-1", groups=SELF)
ANYWHERE = Rule(egress=True, protocol="-1", cidrs=frozenset({"0.0.0.0/0"}))
FROM_ANYWHERE = Rule(egress=False, protocol="-1", cidrs=frozenset({"10.0.0.0/16"}))
CILIUM, AWS_NODE = (Workload(namespace="kube-system", name=name, image="x") for name in ("cilium", "aws-node"))
SHORT = Shortage(at=NOW - timedelta(hours=1), group="gpu", types=(world.P5,))
OLD_CLUSTER = {"new": False, "adds": frozenset({"rig"}), "created_at": NOW.replace(year=2025, month=7, day=1)}
NEW_CLUSTER = {**OLD_CLUSTER, "created_at": NOW}
WITH_RIG = spec(restrictedInstanceGroups=[{**RESTRICTED, **LUSTRE}])
TWO_ZONES = having(
    subnets={
        "subnet-1": Subnet(vpc_id="vpc-1", zone="us-west-2b", zone_id="usw2-az2", free=4000),
        "subnet-2": Subnet(vpc_id="vpc-1", zone="us-west-2a", zone_id="usw2-az1", free=4000),
    }
)
IN_TWO_ZONES = spec(vpcConfig={"securityGroupIds": ["sg-1"], "subnets": ["subnet-1", "subnet-2"]})
NODE_POLICIES = frozenset({rights.EKS_NODE_POLICY, rights.MANAGED_POLICY})
MAY_NOT_ATTACH = {**dict.fromkeys(rights.ROLE_ACTIONS, True), "ec2:CreateNetworkInterface": False}
MAY_NOT_PULL = {**dict.fromkeys(rights.ROLE_ACTIONS, True), "ecr:BatchGetImage": False}
ONLY_ADMINS = (Statement(allow=True, actions=("kms:*",), principals=("arn:aws:iam::111122223333:role/admin",)),)
ON_CONDITION = (Statement(allow=False, actions=("kms:*",), principals=("*",), conditional=True),)

CASES: Mapping[str, Case] = {
    "SameRegion": Case(
        good=subject(),
        bad=(
            (subject(spec(orchestrator={"eks": {"clusterArn": world.EKS.replace("us-west-2", "us-east-1")}})), FAIL,
             "us-east-1"),
            (subject(spec(group(executionRole=ROLE.replace("arn:aws:", "arn:aws-us-gov:")))), FAIL, "aws-us-gov"),
        ),
    ),
    "SameAccount": Case(
        good=subject(),
        bad=(
            (subject(spec(group(executionRole=ROLE.replace("1111", "4444", 1)))), FAIL, "executionRole"),
            (subject(spec(orchestrator={"eks": {"clusterArn": world.EKS.replace("1111", "4444", 1)}})), FAIL, "eks"),
        ),
        denied=subject(here=Location(partition="aws", region="us-west-2")),
    ),
    "InstanceTypeKnown": Case(
        good=subject(),
        bad=(
            (subject(spec(group(instanceType="ml.p5.48xlarg"))), FAIL, "Did you mean ml.p5.48xlarge"),
            (subject(spec(group(instanceType="ml.p5.48xlarg")), facts=having(quotas=DENIED)), WARN, "ml.p5.48xlarge"),
            (subject(spec(group(instanceType="ml.p9.48xlarge")), facts=half_of_the_quotas()), WARN, "ml.p9.48xlarge"),
        ),
    ),
    "DeepHealthChecksSupported": Case(
        good=subject(spec(group(**CHECKED))),
        bad=((subject(spec(group(**CHECKED, instanceType=world.M5))), FAIL, "ml.m5.4xlarge"),),
    ),
    "ConnectivityNeedsTwoNodes": Case(
        good=subject(spec(group(**CHECKED))), bad=((subject(spec(group(count=1, **CHECKED))), WARN, "one instance"),)
    ),
    "KarpenterGroupsStartEmpty": Case(
        good=subject(spec(group(count=0), **KARPENTER)), bad=((subject(spec(**KARPENTER)), WARN, "instanceCount is 2"),)
    ),
    "GroupsWithinQuota": Case(
        good=subject(spec(*(group(f"g{number}") for number in range(15)))),
        bad=((subject(spec(*(group(f"g{number}") for number in range(21)))), WARN, "21 groups"),),
    ),
    "RestrictedFileSystemSize": Case(
        good=subject(WITH_RIG),
        bad=((subject(spec(restrictedInstanceGroups=[{**RESTRICTED, **ODD_LUSTRE}])), WARN, "1300"),),
    ),
    "RestrictedGroupsSupported": Case(
        good=subject(WITH_RIG, **NEW_CLUSTER),
        bad=((subject(WITH_RIG, **OLD_CLUSTER), FAIL, "2025-07-01"),),
        denied=subject(WITH_RIG, **{**OLD_CLUSTER, "created_at": None}),
    ),
    "EKSClusterActive": Case(
        good=subject(),
        bad=(
            (subject(facts=having(eks=None)), FAIL, world.EKS),
            (subject(facts=eks(status="CREATING")), FAIL, "CREATING"),
            (subject(facts=eks(status="UPDATING")), WARN, "is being updated"),
        ),
        denied=subject(facts=having(eks=DENIED)),
    ),
    "EKSVersionSupported": Case(
        good=subject(),
        bad=(
            (subject(facts=eks(version="1.27")), FAIL, "1.27"),
            (subject(facts=eks(version="1.29")), WARN, "1.29"),
            (subject(facts=eks(version="1.99")), WARN, "1.99"),
        ),
        denied=subject(facts=having(eks=DENIED)),
    ),
    "EKSAuthenticationMode": Case(
        good=subject(),
        bad=((subject(facts=eks(authentication_mode="CONFIG_MAP")), FAIL, "CONFIG_MAP"),),
        denied=subject(facts=having(eks=DENIED)),
    ),
    "VPCCNIVersion": Case(
        good=subject(),
        bad=(
            (subject(facts=addon("v1.18.2-eksbuild.1")), FAIL, "v1.18.2"),
            (subject(facts=having(addons={}, workloads=())), FAIL, "not installed"),
        ),
        denied=subject(facts=having(addons=DENIED, workloads=DENIED)),
    ),
    "OnlyVPCCNI": Case(
        good=subject(),
        bad=(
            (subject(facts=having(addons={}, workloads=(CILIUM,))), FAIL, "cilium"),
            (subject(facts=having(workloads=(CILIUM,))), WARN, "unless it only enforces network policies"),
            (subject(facts=having(addons={}, workloads=(CILIUM, AWS_NODE))), WARN, "kube-system/cilium"),
            (subject(facts=having(addons=DENIED, workloads=(CILIUM,))), WARN, "kube-system/cilium"),
        ),
        denied=subject(facts=having(addons=DENIED, workloads=DENIED)),
    ),
    "EKSAddonsHealthy": Case(
        good=subject(),
        bad=(
            (subject(facts=having(addons={"coredns": Addon(name="coredns", version="v1", status="DEGRADED")})), WARN,
             "coredns"),
        ),
        denied=subject(facts=having(addons=DENIED)),
    ),
    "OneHyperPodClusterPerEKSCluster": Case(
        good=subject(),
        bad=((subject(facts=having(usage=Usage(of_eks="other"))), WARN, "other"),),
        denied=subject(facts=having(usage=DENIED)),
    ),
    "SubnetsExist": Case(
        good=subject(),
        bad=((subject(facts=having(subnets={})), FAIL, "subnet-1"),),
        denied=subject(facts=having(subnets=DENIED)),
    ),
    "SubnetsInVPC": Case(
        good=subject(),
        bad=((subject(facts=subnet(vpc_id="vpc-2")), FAIL, "vpc-2"),),
        denied=subject(facts=having(subnets=DENIED)),
    ),
    "SubnetsPrivate": Case(
        good=subject(),
        bad=(
            (subject(facts=routes(Route(destination="0.0.0.0/0", target="igw-1"))), FAIL, "sends 0.0.0.0/0 to igw-1"),
            (subject(facts=routes(IPV6, Route(destination="0.0.0.0/0", target="igw-1"))), FAIL, "sends 0.0.0.0/0"),
            (subject(facts=routes(IPV6, Route(destination="0.0.0.0/0", target="nat-1"))), WARN, "for IPv6: its route"),
            (subject(facts=ends(S3, *SERVED, routes=[TO_IT, PUBLIC])), WARN, "endpoints for what instances call: its"),
            (subject(facts=ends(S3, *SERVED, routes=[PUBLIC])), FAIL, "is public: its route table"),
            (subject(facts=ends(S3, *SERVED[1:], routes=[TO_IT, PUBLIC])), FAIL, "is public: its route table"),
            (subject(facts=replace(ends(routes=[PUBLIC]), endpoints=DENIED)), WARN, "is public: its route table"),
        ),
        denied=subject(facts=having(route_tables=DENIED)),
    ),
    "AddressesFree": Case(
        good=subject(facts=replace(eks(ip_family="ipv6"), subnets=subnet(free=64).subnets)),
        bad=(
            (subject(facts=subnet(free=1)), FAIL, "1 free"),
            (subject(facts=subnet(free=161)), WARN, "162"),
            (subject(**GROWING, facts=subnet(free=2)), FAIL, "fewer than the 3 instances that come."),
            (subject(spec(group("a"), group("b")), facts=subnet(free=3)), FAIL, "4 instances that come of groups a, b"),
            (subject(WITH_NEW, **ADDING, grows={"gpu": 2}, facts=subnet(free=3)), FAIL, "of groups gpu, new together"),
        ),
        denied=subject(facts=having(subnets=DENIED)),
    ),
    "AddressFamily": Case(
        good=subject(facts=eks(ip_family="ipv6")),
        bad=(
            (subject(facts=replace(eks(ip_family="ipv6"), subnets=subnet(ipv6=False).subnets)), FAIL, "subnet-1"),
        ),
        denied=subject(facts=having(eks=DENIED)),
    ),
    "S3Reachable": Case(
        good=subject(facts=ends(S3, routes=[Route(destination="pl-1", target="vpce-1")])),
        bad=(
            (subject(facts=routes()), WARN, "subnet-1"),
            (subject(facts=ends(S3)), WARN, "subnet-1"),
            (subject(facts=routes(Route(destination="::/0", target="eigw-1"))), WARN, "a default route of IPv4 nor"),
            (subject(facts=ends(replace(S3, service="com.amazonaws.us-west-2.dynamodb"), routes=[TO_IT])), WARN, "S3"),
            (subject(facts=ends(replace(S3, vpc_id="vpc-2", gateway=False))), WARN, "subnet-1"),
        ),
        denied=subject(facts=having(endpoints=DENIED)),
    ),
    "ServicesReachable": Case(
        good=subject(),
        bad=(
            (subject(facts=ends(EC2)), WARN, "no endpoint for ec2messages, ecr.api"),
            (subject(facts=routes(Route(destination="::/0", target="eigw-1"))), WARN, "no default route of IPv4"),
            (subject(facts=ends(replace(EC2, vpc_id="vpc-2"))), WARN, "no endpoint for ec2, ec2messages"),
        ),
        denied=subject(facts=having(endpoints=DENIED)),
    ),
    "VPCNames": Case(
        good=subject(),
        bad=((subject(facts=having(dns={"vpc-1": frozenset({"enableDnsSupport", "enableDnsHostnames"})})), WARN,
              "VPC vpc-1 has enableDnsHostnames and enableDnsSupport off"),),
        denied=subject(facts=having(dns=DENIED)),
    ),
    "SecurityGroupsExist": Case(
        good=subject(),
        bad=(
            (subject(facts=having(security_groups={})), FAIL, "do not exist"),
            (subject(facts=security(vpc="vpc-2")), WARN, "not created in the cluster's VPC vpc-1"),
        ),
        denied=subject(facts=having(security_groups=DENIED)),
    ),
    "EFASelfReference": Case(
        good=subject(),
        bad=(
            (subject(facts=security(INWARD)), FAIL, "sg-1"),
            (subject(facts=security(OUTWARD)), FAIL, "sg-1"),
            (subject(facts=security(INWARD, ANYWHERE)), FAIL, "sg-1"),
            (subject(ON_G6, facts=replace(security(INWARD), types=WITH_EFA)), WARN, "can have EFA"),
        ),
        denied=subject(facts=having(security_groups=DENIED)),
    ),
    "EFAOpenEgress": Case(
        good=subject(),
        bad=((subject(facts=security(INWARD, OUTWARD, ANYWHERE)), WARN, "0.0.0.0/0"),),
        denied=subject(facts=having(security_groups=DENIED)),
    ),
    "OneZone": Case(
        good=subject(),
        bad=((subject(IN_TWO_ZONES, facts=TWO_ZONES), WARN, "us-west-2a, us-west-2b"),),
        denied=subject(facts=having(subnets=DENIED)),
    ),
    "TypeOfferedInZone": Case(
        good=subject(),
        bad=(
            (subject(facts=having(offerings={"p5.48xlarge": frozenset({"usw2-az3"})})), WARN, "usw2-az3"),
            (subject(facts=having(offerings={})), WARN, "names no zone"),
        ),
        denied=subject(facts=having(offerings=DENIED)),
    ),
    "ExecutionRoleTrust": Case(
        good=subject(),
        bad=(
            (subject(facts=having(roles={ROLE: None})), FAIL, "does not exist"),
            (subject(facts=role(trusts=frozenset({"ec2.amazonaws.com"}))), FAIL, "does not trust"),
        ),
        denied=subject(facts=having(roles={ROLE: DENIED})),
    ),
    "ExecutionRoleManagedPolicy": Case(
        good=subject(),
        bad=((subject(facts=role(attached=frozenset())), WARN, rights.MANAGED_POLICY),),
        denied=subject(facts=role(attached=DENIED)),
    ),
    "ExecutionRolePermissions": Case(
        good=subject(),
        bad=(
            (subject(facts=role(may=MAY_NOT_ATTACH)), FAIL, "ec2:CreateNetworkInterface"),
            (subject(facts=role(may=MAY_NOT_PULL)), WARN, "ecr:BatchGetImage"),
            (subject(facts=role(may=DENIED, statements=())), FAIL, "ec2:DescribeVpcs"),
            (subject(facts=role(unproved=frozenset({"ec2:DescribeVpcs"}))), WARN, "ec2:DescribeVpcs on all resources"),
        ),
        denied=subject(facts=role(may=DENIED, statements=DENIED)),
    ),
    "ExecutionRoleNotNodeRole": Case(
        good=subject(),
        bad=((subject(facts=role(attached=NODE_POLICIES)), WARN, "If nodes of EKS"),),
        denied=subject(facts=role(attached=DENIED)),
    ),
    "AutoscalingRoleTrust": Case(
        good=subject(spec(**KARPENTER)),
        bad=(
            (subject(spec(**KARPENTER), facts=role(SCALING_ROLE, trusts=frozenset())), FAIL, "does not trust"),
            (subject(spec(**KARPENTER), facts=having(roles={SCALING_ROLE: None})), FAIL, "does not exist"),
        ),
        denied=subject(spec(**KARPENTER), facts=having(roles={SCALING_ROLE: DENIED})),
    ),
    "PassRole": Case(
        good=subject(),
        bad=((subject(facts=having(pass_role={ROLE: False})), FAIL, ROLE),),
        denied=subject(facts=having(pass_role=DENIED)),
    ),
    "LifecycleScriptDeclared": Case(
        good=subject(), bad=((subject(spec(group(lifeCycleConfig=None))), WARN, "names no script"),)
    ),
    "LifecycleScriptExists": Case(
        good=subject(),
        bad=((subject(facts=having(scripts={SCRIPT: None})), FAIL, SCRIPT),),
        denied=subject(facts=having(scripts={SCRIPT: DENIED})),
    ),
    "LifecycleScriptLineEnds": Case(
        good=subject(),
        bad=(
            (subject(facts=having(scripts={SCRIPT: Script(crlf=True)})), FAIL, "CR LF"),
            (subject(facts=having(scripts={SCRIPT: Script(crlf=False, crlf_within=True)})), WARN,
             "after its first line"),
            (subject(facts=having(scripts={SCRIPT: Script(crlf=False, shebang=False)})), WARN, "#!"),
        ),
        denied=subject(facts=having(scripts={SCRIPT: DENIED})),
    ),
    "LifecycleBucketName": Case(
        good=subject(),
        bad=(
            (subject(spec(group(lifeCycleConfig={"sourceS3Uri": "s3://mine/x", "onCreate": "a.sh"}))), WARN, "mine"),
        ),
    ),
    "KMSKeyUsable": Case(
        good=subject(),
        bad=(
            (subject(facts=having(keys={KEY: None})), FAIL, "does not exist"),
            (subject(facts=key(state="PendingDeletion")), FAIL, "PendingDeletion"),
            (subject(facts=key(usage="SIGN_VERIFY")), FAIL, "symmetric"),
            (subject(facts=key(symmetric=False)), FAIL, "symmetric"),
        ),
        denied=subject(facts=having(keys={KEY: DENIED})),
    ),
    "KMSKeyPolicy": Case(
        good=subject(),
        bad=(
            (subject(facts=key(policy=ONLY_ADMINS)), FAIL, "kms:CreateGrant"),
            (subject(facts=key(policy=ONLY_ADMINS, grantees=frozenset({SCALING_ROLE}))), FAIL, "and no grant of it"),
            (subject(facts=key(policy=ON_CONDITION)), WARN, "conditions"),
        ),
        denied=subject(facts=key(policy=DENIED)),
    ),
    "VolumeSizeQuota": Case(
        good=subject(),
        bad=(
            (subject(spec(group(instanceStorageConfigs=[{"ebsVolumeConfig": {"volumeSizeInGB": size}}
                                                        for size in (2000, 100)]))), FAIL, "2000"),
        ),
        denied=subject(facts=having(quotas=DENIED)),
    ),
    "FileSystemReachable": Case(
        good=subject(),
        bad=(
            (subject(facts=having(file_systems={FSX: None})), WARN, "is none of this account and Region"),
            (subject(facts=fsx(lifecycle="FAILED")), FAIL, "FAILED"),
            (subject(facts=fsx(vpc_id="vpc-2")), WARN, "vpc-2"),
            (subject(facts=fsx(mount_name="other")), FAIL, "mountName"),
        ),
        denied=subject(facts=having(file_systems={FSX: DENIED})),
    ),
    "FileSystemZone": Case(
        good=subject(),
        bad=(
            (
                subject(
                    facts=replace(
                        TWO_ZONES, file_systems=fsx(subnets=frozenset({"subnet-2"})).file_systems
                    )
                ),
                WARN,
                "us-west-2a",
            ),
        ),
        denied=subject(facts=having(subnets=DENIED)),
    ),
    "FileSystemAccess": Case(
        good=subject(),
        bad=(
            (subject(facts=mounted(let_in(988, 988, groups=frozenset({"sg-9"})))), FAIL,
             "no rule of the security groups sg-2 lets TCP 988 in from sg-1"),
            (subject(facts=mounted(let_in(988, 1023, protocol="udp"))), FAIL, "lets TCP 988 in"),
            (subject(facts=replace(mounted(let_in(988, 1023)), security_groups=security(INWARD).security_groups)), FAIL,
             "no rule of the security groups sg-1 lets TCP 988 out to sg-2"),
            (subject(facts=mounted(let_in(988, 988))), WARN, "lets TCP 1018 to 1023 in from sg-1"),
            (subject(facts=replace(mounted(let_in(988, 1023)),
                                   security_groups=security(OUTWARD, ANYWHERE).security_groups)), WARN,
             "no rule of the security groups sg-1 lets TCP 988 in from sg-2"),
            (subject(facts=mounted(let_in(988, 1023), kind="OPENZFS")), FAIL, "TCP 2049"),
        ),
        denied=subject(facts=fsx(access=DENIED)),
    ),
    "InstanceQuota": Case(
        good=subject(),
        bad=(
            (subject(spec(group(count=9))), FAIL, "quota is 8"),
            (subject(spec(group(count=7))), WARN, "other clusters have 2"),
            (subject(spec(group("a", 5), group("b", 4))), FAIL, "adds 9 ml.p5.48xlarge"),
            (subject(**GROWING, holds=(OF_P5, OF_P5)), FAIL, "adds 3 ml.p5.48xlarge, this cluster has 6"),
            (subject(**GROWING, holds=(replace(OF_P5, count=4),)), WARN, "adds 3 ml.p5.48xlarge, this cluster has 4"),
            (subject(WITH_NEW, **ADDING, holds=(OF_P5,), grows={"gpu": 4}), FAIL,
             "adds 2 ml.p5.48xlarge, this cluster has 7"),
            (subject(spec(flexible(29))), FAIL, "The plan adds 29 ml.m5.4xlarge or ml.p5.48xlarge"),
            (subject(spec(flexible(25), group("a", 4))), FAIL, "adds 29 ml.m5.4xlarge or ml.p5.48xlarge"),
            (subject(spec(flexible(15), {**flexible(14), "instanceGroupName": "b"})), FAIL, "adds 29 ml.m5"),
            (subject(spec(flexible(4)), new=False, adds=frozenset({"gpu"}), holds=(OF_BOTH,)), FAIL,
             "adds 4 ml.m5.4xlarge or ml.p5.48xlarge, this cluster has 25"),
        ),
        denied=subject(facts=having(quotas=DENIED)),
    ),
    "SpotQuota": Case(
        good=subject(SPOT),
        bad=(
            (subject(spec(group(count=9, capacityRequirements={"spot": {}}))), FAIL, "as Spot"),
            (subject(SPOT, facts=having(usage=Usage(spot={world.P5: 7}))), WARN, "other clusters have 7"),
            (subject(SPOT, **GROWING, holds=(replace(OF_P5, spot=True, count=6),)), FAIL, "this cluster has 6"),
            (subject(SPOT, facts=having(quotas={**SPOT_QUOTAS, quotas.ALL_SPOT: 1.0})), FAIL, "quota is 1"),
            (subject(spec({**flexible(10), "capacityRequirements": {"spot": {}}}), facts=having(quotas=ALL_SPOT)), FAIL,
             "adds 10 instances as Spot"),
            (subject(SPOT, facts=having(quotas=ALL_SPOT, usage=Usage(spot={world.M5: 8}))), WARN,
             "adds 2 instances as Spot, this cluster has 0, other clusters have 8, and the quota is 9"),
        ),
        denied=subject(SPOT, facts=having(quotas=DENIED)),
    ),
    "ReservedQuota": Case(
        good=subject(PLANNED),
        bad=(
            (subject(spec(group(count=9, trainingPlanArn=PLAN))), WARN, "adds 9 ml.p5.48xlarge from training plans"),
            (subject(PLANNED, **GROWING, holds=(replace(OF_P5, plan=PLAN, count=6),)), WARN, "this cluster has 6"),
        ),
        denied=subject(PLANNED, facts=having(quotas=DENIED)),
    ),
    "RestrictedFileSystemQuota": Case(
        good=subject(WITH_RIG),
        bad=((subject(spec(restrictedInstanceGroups=[{**RESTRICTED, **LARGE_LUSTRE}])), FAIL, "12000 GiB"),),
        denied=subject(WITH_RIG, facts=having(quotas=DENIED)),
    ),
    "ClusterSizeQuota": Case(
        good=subject(),
        bad=(
            (subject(spec(group(count=21))), FAIL, "21 instances"),
            (subject(**GROWING, holds=(replace(OF_P5, count=18),)), FAIL, "21 instances"),
        ),
        denied=subject(facts=having(quotas=DENIED)),
    ),
    "AccountQuota": Case(
        good=subject(),
        bad=(
            (subject(spec(group(count=31))), FAIL, "31 instances"),
            (subject(spec(group(count=25))), WARN, "other clusters have 6"),
            (subject(**GROWING, holds=(replace(OF_P5, count=28),)), FAIL, "31 instances"),
        ),
        denied=subject(facts=having(usage=DENIED)),
    ),
    "TrainingPlanUsable": Case(
        good=subject(PLANNED),
        bad=(
            (subject(PLANNED, facts=having(plans={PLAN: None})), FAIL, "does not exist"),
            (subject(PLANNED, facts=plan(status="Expired")), FAIL, "Expired"),
            (subject(PLANNED, facts=plan(end=NOW)), FAIL, "ended"),
            (subject(PLANNED, facts=plan(targets=frozenset({"training-job"}))), FAIL, "training-job"),
        ),
        denied=subject(PLANNED, facts=having(plans={PLAN: DENIED})),
    ),
    "TrainingPlanFits": Case(
        good=subject(PLANNED),
        bad=(
            (subject(spec(group(trainingPlanArn=PLAN, instanceType=world.M5))), FAIL, "holds ml.p5.48xlarge"),
            (subject(PLANNED, facts=replace(plan(), subnets=subnet(zone_id="usw2-az1").subnets)), FAIL, "usw2-az1"),
            (subject(spec(group(count=5, trainingPlanArn=PLAN))), FAIL, "4 instances left"),
            (subject(PLANNED, **{**GROWING, "grows": {"gpu": 5}}), FAIL, "4 instances left"),
            (subject(BOTH_PLANNED, **ADDING, grows={"gpu": 3}), FAIL, "has 4 instances left, and 5 are asked for"),
            (subject(PLANNED, facts=plan(available=1)), WARN, "has 1 free instance now, and 2 are asked for"),
            (subject(PLANNED, facts=plan(available=1, total=None)), WARN, "has 1 free instance now"),
            (subject(BOTH_PLANNED, **ADDING, holds=(replace(OF_P5, plan=PLAN),), facts=plan(available=0)), FAIL,
             "has 1 instance left, and 2"),
            (subject(BOTH_PLANNED, **ADDING, holds=(replace(OF_P5, plan=PLAN),),
                     facts=plan(status="Scheduled", available=0, total=4)), FAIL, "has 1 instance left, and 2"),
        ),
        denied=subject(PLANNED, facts=having(plans={PLAN: DENIED})),
    ),
    "TrainingPlanWindow": Case(
        good=subject(PLANNED),
        bad=(
            (subject(PLANNED, facts=plan(start=NOW + timedelta(days=1))), WARN, "starts at"),
            (subject(PLANNED, facts=plan(end=NOW + timedelta(days=13))), WARN, "ends at"),
        ),
        denied=subject(PLANNED, facts=having(plans={PLAN: DENIED})),
    ),
    "CapacityHistory": Case(
        good=subject(new=False, adds=frozenset({"gpu"})),
        bad=(
            (subject(new=False, adds=frozenset({"gpu"}), facts=having(shortages=(SHORT,))), WARN,
             "capacity for ml.p5.48xlarge in a zone of this group's subnets at 2026-11-23T11:00:00+00:00 (group gpu)"),
            (subject(**GROWING, holds=(replace(OF_P5, name="gpu"),),
                     facts=having(shortages=(replace(SHORT, types=()),))), WARN, "no capacity for ml.p5"),
        ),
        denied=subject(**GROWING, facts=having(shortages=DENIED)),
    ),
    "HealthMonitoringAgent": Case(
        good=subject(),
        bad=(
            (subject(facts=without("health")), WARN, "repairs and autoscales no node"),
            (subject(spec(**KARPENTER), facts=without("health")), WARN, "autoscales no node"),
            (subject(spec(group(**CHECKED)), facts=without("health")), FAIL, "need"),
        ),
        denied=subject(facts=having(workloads=DENIED)),
    ),
    "HealthMonitoringAgentVersion": Case(
        good=subject(spec(**KARPENTER)),
        bad=((subject(spec(**KARPENTER), facts=agent("1.0.700.0_1.0.1.0")), FAIL, "1.0.700.0"),),
        denied=subject(spec(**KARPENTER), facts=having(workloads=DENIED)),
    ),
    "PodsFit": Case(
        good=subject(), bad=((small(3), WARN, "takes 3 pods"),), denied=subject(facts=having(workloads=DENIED))
    ),
    "DevicePlugins": Case(
        good=subject(),
        bad=((subject(facts=without("nvidia")), WARN, "nvidia-device-plugin"),),
        denied=subject(facts=having(workloads=DENIED)),
    ),
}  # fmt: skip
