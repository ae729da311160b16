"""What a HyperPod cluster needs, from one inventory: right by default, set otherwise by options and by the control."""

import json

import pytest
from botocore.exceptions import ClientError

from hyperpod_testbed.simulator import Options, SimulatorClient, profile
from hyperpod_testbed.simulator.prerequisites.resources import KINDS

SUBNET, GROUP, VPC = "subnet-0123456789abcdef0", "sg-0123456789abcdef0", "vpc-0123456789abcdef0"
ROLE = "hyperpod"
ROLE_ARN = f"arn:aws:iam::123456789012:role/{ROLE}"
NAMES = {
    "vpc": VPC,
    "subnet": SUBNET,
    "security_group": GROUP,
    "eks_cluster": "ml",
    "role": ROLE,
    "policy": "arn:aws:iam::123456789012:policy/ours",
    "key": "11111111-2222-3333-4444-555555555555",
    "bucket": "sagemaker-scripts",
    "object": "s3://sagemaker-scripts/on_create.sh",
    "file_system": "fs-0123456789abcdef0",
    "training_plan": "plan",
    "offering": "ml.p5.48xlarge",
}


@pytest.fixture
def ec2(sim, connect):
    return connect(sim, service="ec2")


@pytest.fixture
def eks(sim, connect):
    return connect(sim, service="eks")


@pytest.fixture
def iam(sim, connect):
    return connect(sim, service="iam")


@pytest.fixture
def s3(sim, connect):
    return connect(sim, service="s3")


def subnet(ec2, name=SUBNET):
    return ec2.describe_subnets(SubnetIds=[name])["Subnets"][0]


def routes(ec2, name=SUBNET):
    tables = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [name]}])["RouteTables"]
    return [route for table in tables for route in table["Routes"]]


# The world as it is made.


def test_a_subnet_is_private_in_a_zone_and_has_addresses(ec2):
    one = subnet(ec2)
    assert (one["VpcId"], one["MapPublicIpOnLaunch"], one["AvailabilityZoneId"][:4]) == (VPC, False, "usw2")
    assert one["AvailableIpAddressCount"] == 65_531
    assert not [route for route in routes(ec2) if route.get("GatewayId", "").startswith("igw-")]
    assert [route for route in routes(ec2) if "NatGatewayId" in route]


def test_subnets_do_not_overlap_and_lie_in_every_zone(ec2):
    found = ec2.describe_subnets()["Subnets"]
    assert len({one["CidrBlock"] for one in found}) == len(found)
    assert {one["AvailabilityZone"] for one in found} == {"us-west-2a", "us-west-2b", "us-west-2c"}
    assert {one["CidrBlock"] for one in found} <= {
        item["CidrBlock"] for item in ec2.describe_vpcs()["Vpcs"][0]["CidrBlockAssociationSet"]
    }


def test_a_security_group_admits_itself_both_ways(ec2):
    (one,) = ec2.describe_security_groups(GroupIds=[GROUP])["SecurityGroups"]
    for permissions in (one["IpPermissions"], one["IpPermissionsEgress"]):
        assert any(
            item["IpProtocol"] == "-1" and [pair["GroupId"] for pair in item["UserIdGroupPairs"]] == [GROUP]
            for item in permissions
        )


def test_an_eks_cluster_is_active_with_access_entries_and_a_cni_that_hyperpod_takes(eks):
    one = eks.describe_cluster(name="ml")["cluster"]
    assert (one["status"], one["accessConfig"]["authenticationMode"]) == ("ACTIVE", "API_AND_CONFIG_MAP")
    assert one["resourcesVpcConfig"]["vpcId"] == VPC
    addon = eks.describe_addon(clusterName="ml", addonName="vpc-cni")["addon"]
    assert addon["addonVersion"] >= "v1.18.3"


def test_an_execution_role_trusts_sagemaker_and_may_what_the_guide_asks(iam):
    role = iam.get_role(RoleName=ROLE)["Role"]
    assert role["Arn"] == ROLE_ARN
    assert "sagemaker.amazonaws.com" in role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
    attached = iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["AmazonSageMakerClusterInstanceRolePolicy"]
    assert iam.list_role_policies(RoleName=ROLE)["PolicyNames"] == ["hyperpod-eks", "lifecycle-scripts"]
    document = iam.get_role_policy(RoleName=ROLE, PolicyName="hyperpod-eks")["PolicyDocument"]
    assert "ec2:CreateNetworkInterface" in document["Statement"][0]["Action"]


def test_a_lifecycle_script_has_unix_line_ends(s3):
    script = s3.get_object(Bucket="sagemaker-scripts", Key="on_create.sh")
    assert script["ContentLength"] == s3.head_object(Bucket="sagemaker-scripts", Key="on_create.sh")["ContentLength"]
    assert b"\r" not in script["Body"].read()


def test_a_role_keeps_the_path_of_its_arn(iam, sim, aws, cluster, group):
    arn = "arn:aws:iam::123456789012:role/team/a/nodes"
    aws.create_cluster(**cluster("ml", group(ExecutionRole=arn)))
    role = iam.get_role(RoleName="nodes")["Role"]
    assert (role["Arn"], role["Path"]) == (arn, "/team/a/")


# One truth: what CreateCluster uses is what the services show.


def test_instances_take_addresses_of_their_subnet(ec2, sim, in_service, cluster, group):
    in_service(cluster("ml", group(InstanceType="ml.p5.48xlarge", count=2)))
    assert subnet(ec2)["AvailableIpAddressCount"] == 65_531 - 2 * 81
    sim.world.delete_out_of_band("ml", at_once=True)
    assert subnet(ec2)["AvailableIpAddressCount"] == 65_531


def test_a_subnet_never_has_less_than_no_address(ec2, sim, in_service, cluster):
    in_service(cluster())
    sim.prerequisites.change("subnet", SUBNET, free=3)
    assert subnet(ec2)["AvailableIpAddressCount"] == 0


def test_nodes_are_in_the_zone_of_their_subnet(ec2, sim, aws, in_service, cluster):
    sim.prerequisites.change("subnet", SUBNET, zone="us-west-2c")
    in_service(cluster())
    node = aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"][0]["InstanceId"]
    found = aws.describe_cluster_node(ClusterName="ml", NodeId=node)["NodeDetails"]["Placement"]
    assert found["AvailabilityZone"] == subnet(ec2)["AvailabilityZone"] == "us-west-2c"


def test_hyperpod_makes_access_entries_for_its_roles(eks, aws, cluster):
    before = eks.list_access_entries(clusterName="eks-ml")["accessEntries"]
    aws.create_cluster(**cluster())
    entries = set(eks.list_access_entries(clusterName="eks-ml")["accessEntries"]) - set(before)
    assert {one.rpartition("/")[2] for one in entries} == {ROLE, "AWSServiceRoleForSageMakerHyperPod"}
    entry = eks.describe_access_entry(clusterName="eks-ml", principalArn=ROLE_ARN)["accessEntry"]
    assert entry["type"] == "HYPERPOD_LINUX"


@pytest.mark.parametrize(("region", "quota"), [("us-west-2", 3), ("eu-central-1", 3)])
def test_service_quotas_shows_what_refuses_a_cluster(sim, connect, cluster, code, region, quota):
    sim.settings.set_options(instance_quotas={"ml.g5.8xlarge": quota})
    aws, quotas = connect(sim, region=region), connect(sim, service="service-quotas", region=region)
    pages = quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    found = {one["QuotaName"]: one for page in pages for one in page["Quotas"]}
    shown = found["ml.g5.8xlarge for cluster usage"]
    assert shown["Value"] == quota
    assert quotas.get_service_quota(ServiceCode="sagemaker", QuotaCode=shown["QuotaCode"])["Quota"] == shown
    aws.create_cluster(**cluster())
    error, message = code(aws.create_cluster, **cluster("second"))
    assert (error, f"'{shown['QuotaName']}' is {quota} Instances" in message) == ("ResourceLimitExceeded", True)
    assert "utilization of 2 Instances and a request delta of 2 Instances" in message


@pytest.mark.parametrize(
    ("problem", "members"), [("trust", {"services": ["ec2.amazonaws.com"]}), ("nothing trusted", {"services": []})]
)
def test_a_role_that_does_not_trust_sagemaker_cannot_be_assumed(sim, aws, cluster, code, problem, members):
    sim.prerequisites.change("role", ROLE_ARN, **members)
    error, message = code(aws.create_cluster, **cluster())
    assert (error, "cannot assume the execution role" in message) == ("ValidationException", True), problem
    sim.prerequisites.restore("role", ROLE)
    aws.create_cluster(**cluster())


def test_a_role_without_the_right_stops_the_teardown(sim, aws, in_service, cluster):
    in_service(cluster())
    sim.prerequisites.change("role", ROLE, inline={})
    aws.delete_cluster(ClusterName="ml")
    sim.clock.advance(3600)
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "Deleting"
    sim.prerequisites.restore("role", ROLE)
    sim.clock.advance(3600)
    assert aws.list_clusters()["ClusterSummaries"] == []


def test_the_world_that_breaks_is_the_world_that_is_shown(sim, ec2, eks, iam, code):
    sim.world.remove_role(ROLE_ARN)
    assert code(iam.get_role, RoleName=ROLE) == ("NoSuchEntity", f"The role with name {ROLE} cannot be found.")
    sim.world.remove_network(SUBNET)
    assert code(ec2.describe_subnets, SubnetIds=[SUBNET])[0] == "InvalidSubnetID.NotFound"
    sim.world.remove_network(GROUP)
    assert code(ec2.describe_security_groups, GroupIds=[GROUP])[0] == "InvalidGroup.NotFound"
    arn = "arn:aws:eks:us-west-2:123456789012:cluster/ml"
    sim.world.break_eks(arn, "authentication")
    assert eks.describe_cluster(name="ml")["cluster"]["accessConfig"]["authenticationMode"] == "CONFIG_MAP"
    assert code(eks.list_access_entries, clusterName="ml")[0] == "InvalidRequestException"
    sim.world.restore_eks(arn)
    sim.world.break_eks(arn, "creating")
    assert eks.describe_cluster(name="ml")["cluster"]["status"] == "CREATING"
    sim.world.break_eks(arn, "missing")
    assert code(eks.describe_cluster, name="ml") == ("ResourceNotFoundException", "No cluster found for name: ml.")


# Options and control.


@pytest.mark.parametrize(("answer", "expected"), [({}, "OK"), ({"*": {"*": None}}, "ValidationException")])
def test_prerequisites_that_nobody_declared(account, outcome, answer, expected):
    it = account(prerequisites=answer)
    assert outcome(it.create) == expected
    it.sim.prerequisites.change("role", ROLE)
    it.sim.prerequisites.change("eks_cluster", "eks-ml")
    assert outcome(it.create) in {"OK", "ResourceInUse"}


def test_undeclared_resources_are_not_there_when_only_declared_ones_are(start_simulator, connect, code):
    sim = start_simulator(options=Options(prerequisites={"*": {"*": None}}))
    assert code(connect(sim, service="ec2").describe_subnets, SubnetIds=["subnet-0a"])[0] == "InvalidSubnetID.NotFound"
    assert code(connect(sim, service="kms").describe_key, KeyId="k")[0] == "NotFoundException"
    assert code(connect(sim, service="fsx").describe_file_systems, FileSystemIds=["fs-0123456789abcdef1"])[0] == (
        "FileSystemNotFound"
    )
    assert code(connect(sim).describe_training_plan, TrainingPlanName="x")[0] == "ResourceNotFound"
    assert code(connect(sim, service="s3").get_object, Bucket="other", Key="k")[0] == "NoSuchBucket"
    assert sim.settings.broken_responses() == []


@pytest.mark.parametrize("name", ["vpc-0123456789abcdef0", "ml", "default"])
def test_a_name_that_no_subnet_can_have_is_no_subnet(ec2, aws, cluster, code, name):
    assert code(ec2.describe_subnets, SubnetIds=[name])[0] == "InvalidSubnetID.NotFound"
    wrong = {"SecurityGroupIds": [GROUP], "Subnets": [name]}
    assert code(aws.create_cluster, **cluster(VpcConfig=wrong))[0] == "ValidationException"


def test_a_group_name_is_no_security_group(ec2, aws, cluster, code):
    assert code(ec2.describe_security_groups, GroupIds=["default"])[0] == "InvalidGroupId.Malformed"
    wrong = {"SecurityGroupIds": ["default"], "Subnets": [SUBNET]}
    assert code(aws.create_cluster, **cluster(VpcConfig=wrong))[0] == "ValidationException"


def test_prerequisites_by_name_and_for_all(start_simulator, connect, code):
    text = json.dumps(
        {
            "options": {
                "prerequisites": {
                    "subnet": {"*": {"free": 7}, SUBNET: {"route": "internet"}},
                    "eks_cluster": {"ml": {"cni": "v1.17.1-eksbuild.1"}},
                    "role": {"gone": None},
                }
            }
        }
    )
    told = profile.read(text)
    assert profile.read(profile.write(told)) == told
    sim = start_simulator(options=told.options)
    ec2, eks, iam = (connect(sim, service=name) for name in ("ec2", "eks", "iam"))
    assert {one["AvailableIpAddressCount"] for one in ec2.describe_subnets()["Subnets"]} == {7}
    assert [route for route in routes(ec2) if route.get("GatewayId", "").startswith("igw-")]
    assert eks.describe_addon(clusterName="ml", addonName="vpc-cni")["addon"]["addonVersion"] == "v1.17.1-eksbuild.1"
    assert code(iam.get_role, RoleName="gone")[0] == "NoSuchEntity"
    sim.prerequisites.change("subnet", SUBNET, free=9)
    assert subnet(ec2)["AvailableIpAddressCount"] == 9


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_is_shown_removed_and_restored(sim, kind):
    name = NAMES[kind]
    before = sim.prerequisites.show(kind, name)
    assert before
    sim.prerequisites.remove(kind, name)
    assert sim.prerequisites.show(kind, name) is None
    sim.prerequisites.restore(kind, name)
    assert sim.prerequisites.show(kind, name) == before


@pytest.mark.parametrize(
    ("kind", "name", "members", "told"),
    [
        ("castle", "x", {}, "no such kind: castle; kinds are bucket, eks_cluster"),
        ("subnet", SUBNET, {"colour": "red"}, "a subnet has no colour; it has cidr, free"),
        ("subnet", "vpc-1", {"free": 1}, "no subnet can be called vpc-1"),
        ("eks_cluster", "arn:aws:eks:us-west-2:999999999999:cluster/x", {}, "is no eks_cluster of account"),
    ],
)
def test_a_change_that_makes_no_sense_says_why(sim, kind, name, members, told):
    with pytest.raises(ValueError, match=told):
        sim.prerequisites.change(kind, name, **members)


def test_the_control_works_from_another_process(sim, ec2):
    remote = SimulatorClient(sim.url)
    remote.prerequisites.change("subnet", SUBNET, route="internet", free=4)
    assert remote.prerequisites.show("subnet", SUBNET)["route"] == "internet"
    assert subnet(ec2)["AvailableIpAddressCount"] == 4
    sim.settings.reset()
    assert subnet(ec2)["AvailableIpAddressCount"] == 65_531


def test_page_limit(start_simulator, connect):
    sim = start_simulator(options=Options(page_limit=1))
    iam = connect(sim, service="iam")
    sim.prerequisites.change(
        "role",
        ROLE,
        managed=["arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"],
    )
    first = iam.list_attached_role_policies(RoleName=ROLE, MaxItems=100)
    assert (len(first["AttachedPolicies"]), first["IsTruncated"]) == (1, True)
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=ROLE)
    assert len([one for page in pages for one in page["AttachedPolicies"]]) == 2


def test_service_quotas_without_an_applied_value_and_with_another(start_simulator, connect, code):
    name = "Maximum size of EBS volume in GB for a SageMaker HyperPod cluster instance"
    sim = start_simulator(options=Options(service_quotas={f"sagemaker/{name}": None}))
    quotas = connect(sim, service="service-quotas")
    asked = {"ServiceCode": "sagemaker", "QuotaCode": "L-E13DF72A"}
    assert code(quotas.get_service_quota, **asked)[0] == "NoSuchResourceException"
    assert quotas.get_aws_default_service_quota(**asked)["Quota"]["Value"] == 1024
    sim.settings.set_options(service_quotas={f"sagemaker/{name}": 2048})
    assert quotas.get_service_quota(**asked)["Quota"]["Value"] == 2048


def test_a_volume_above_its_quota_is_refused(account, outcome):
    name = "Maximum size of EBS volume in GB for a SageMaker HyperPod cluster instance"
    it = account(service_quotas={f"sagemaker/{name}": None})
    storage = [{"EbsVolumeConfig": {"VolumeSizeInGB": 1025}}]
    assert outcome(it.create, it.group(InstanceStorageConfigs=storage)) == "ResourceLimitExceeded"
    storage[0]["EbsVolumeConfig"]["VolumeSizeInGB"] = 1024
    assert outcome(it.create, it.group(InstanceStorageConfigs=storage)) == "OK"


def test_a_caller_that_does_not_page_sees_a_part_only(sim, connect):
    quotas = connect(sim, service="service-quotas")
    first = quotas.list_service_quotas(ServiceCode="sagemaker")
    assert (len(first["Quotas"]), "NextToken" in first) == (100, True)
    with pytest.raises(ClientError, match="InvalidPaginationTokenException"):
        quotas.list_service_quotas(ServiceCode="ebs", NextToken=first["NextToken"])
