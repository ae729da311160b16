"""What S3, KMS, FSx, training plans, prices, instance types and IAM's evaluation answer, and what follows for nodes."""

import json
from pathlib import Path

import pytest
import yaml

from hyperpod_testbed.simulator import Options

ROOT = Path(__file__).parents[2]
SUBNET, VPC = "subnet-0123456789abcdef0", "vpc-0123456789abcdef0"
ROLE = "arn:aws:iam::123456789012:role/hyperpod"
SCRIPT = "s3://sagemaker-scripts/on_create.sh"
PLAN = "arn:aws:sagemaker:us-west-2:123456789012:training-plan/winter"
NO_DEFAULTS = {"*": {"*": None}}


@pytest.fixture
def client(sim, connect):
    return lambda service: connect(sim, service=service)


# The examples.


EXAMPLES = [
    one
    for path in sorted((ROOT / "examples").glob("*.yaml"))
    for one in yaml.safe_load_all(path.read_text())
    if one["kind"] == "HyperPodCluster"
]


@pytest.mark.parametrize("example", EXAMPLES, ids=[one["metadata"]["name"] for one in EXAMPLES])
def test_a_cluster_of_the_examples_finds_all_that_it_names(start_simulator, connect, example):
    sim = start_simulator(options=Options(prerequisites=NO_DEFAULTS))
    spec = json.loads(json.dumps(example["spec"]).replace("111122223333", "123456789012"))
    shown = sim.prerequisites.show
    eks = shown("eks_cluster", spec["orchestrator"]["eks"]["clusterArn"])
    assert (eks["status"], eks["vpc"]) == ("ACTIVE", VPC)
    assert {shown("subnet", one)["vpc"] for one in spec["vpcConfig"]["subnets"]} == {VPC}
    assert {shown("security_group", one)["vpc"] for one in spec["vpcConfig"]["securityGroupIds"]} == {VPC}
    for group in spec["instanceGroups"]:
        assert shown("role", group["executionRole"])
        config = group["lifeCycleConfig"]
        assert "\r" not in shown("object", f"{config['sourceS3Uri'].rstrip('/')}/{config['onCreate']}")["content"]
        assert shown("offering", group["instanceType"])["hourly"]
        if "trainingPlanArn" in group:
            plan = shown("training_plan", group["trainingPlanArn"])
            assert (plan["instance_type"], plan["instances"] >= group["instanceCount"]) == (group["instanceType"], True)
        for storage in group.get("instanceStorageConfigs", []):
            if "fsxLustreConfig" in storage:
                found = shown("file_system", storage["fsxLustreConfig"]["dnsName"].partition(".")[0])
                assert (found["vpc"], found["mount_name"]) == (VPC, storage["fsxLustreConfig"]["mountName"])


# S3.


def test_a_script_can_have_the_line_ends_of_windows(sim, client):
    sim.prerequisites.change("object", SCRIPT, content="#!/bin/bash\r\necho\r\n")
    assert b"\r\n" in client("s3").get_object(Bucket="sagemaker-scripts", Key="on_create.sh")["Body"].read()


def test_an_object_that_is_not_there(sim, client, code):
    sim.prerequisites.remove("object", SCRIPT)
    asked = {"Bucket": "sagemaker-scripts", "Key": "on_create.sh"}
    assert code(client("s3").get_object, **asked) == ("NoSuchKey", "The specified key does not exist.")
    assert code(client("s3").head_object, **asked) == ("404", "Not Found")
    sim.prerequisites.remove("bucket", "sagemaker-scripts")
    assert code(client("s3").get_object, **asked)[0] == "NoSuchBucket"
    assert code(client("s3").head_bucket, Bucket="sagemaker-scripts")[0] == "404"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("bytes=0-1", b"#!"),
        ("bytes=-2", b"X\n"),
        ("bytes=7-", b"sh\nX\n"),
        ("bytes=0-999", b"#!/bin/sh\nX\n"),
        ("lines=1", b"#!/bin/sh\nX\n"),
    ],
)
def test_a_part_of_an_object(sim, client, wanted, expected):
    sim.prerequisites.change("object", SCRIPT, content="#!/bin/sh\nX\n")
    answer = client("s3").get_object(Bucket="sagemaker-scripts", Key="on_create.sh", Range=wanted)
    assert answer["Body"].read() == expected
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_a_part_behind_the_end_of_an_object(client, code):
    asked = {"Bucket": "sagemaker-scripts", "Key": "on_create.sh", "Range": "bytes=9000-"}
    assert code(client("s3").get_object, **asked)[0] == "InvalidRange"


def test_a_list_of_objects_has_prefixes_and_begins_anywhere(sim, client):
    for key in ("a/1", "a/2", "a/b/3", "c"):
        sim.prerequisites.change("object", f"s3://sagemaker-scripts/{key}")
    s3 = client("s3")
    found = s3.list_objects_v2(Bucket="sagemaker-scripts", Prefix="a/", Delimiter="/")
    assert [one["Key"] for one in found["Contents"]] == ["a/1", "a/2"]
    assert ([one["Prefix"] for one in found["CommonPrefixes"]], found["KeyCount"]) == (["a/b/"], 3)
    found = s3.list_objects_v2(Bucket="sagemaker-scripts", StartAfter="a/2")
    assert [one["Key"] for one in found["Contents"]] == ["a/b/3", "c"]


def test_a_folder_that_nobody_described_holds_a_script(start_simulator, connect, client):
    asked = {"Bucket": "sagemaker-hyperpod-123456789012", "Prefix": "other/"}
    assert [one["Key"] for one in client("s3").list_objects_v2(**asked)["Contents"]] == ["other/on_create.sh"]
    sim = start_simulator(options=Options(prerequisites=NO_DEFAULTS))
    assert "Contents" not in connect(sim, service="s3").list_objects_v2(**asked)


def test_a_bucket_says_where_it_is(sim, client):
    sim.prerequisites.change("bucket", "sagemaker-scripts", region="eu-central-1")
    assert client("s3").head_bucket(Bucket="sagemaker-scripts")["BucketRegion"] == "eu-central-1"


# KMS, FSx, training plans.


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_a_key_that_is_not_enabled_fails_the_volume_that_uses_it(sim, client, state):
    arn = "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555"
    sim.prerequisites.change("key", arn, state=state)
    shown = client("kms").describe_key(KeyId=arn)["KeyMetadata"]
    assert (shown["Arn"], shown["KeyState"], shown["Enabled"]) == (arn, state, False)
    volume = client("ec2").create_volume(AvailabilityZone="us-west-2a", Size=1, Encrypted=True, KmsKeyId=arn)
    sim.clock.advance(60)
    assert sim.ebs.volumes()[volume["VolumeId"]]["State"] == "error"


def test_the_policy_of_a_key(sim, client, code):
    kms = client("kms")
    assert json.loads(kms.get_key_policy(KeyId="alias/ours")["Policy"])["Statement"][0]["Action"] == "kms:*"
    sim.prerequisites.change("key", "alias/ours", policy={"Version": "2012-10-17", "Statement": []})
    assert json.loads(kms.get_key_policy(KeyId="alias/ours")["Policy"])["Statement"] == []
    assert code(kms.get_key_policy, KeyId="alias/ours", PolicyName="other")[0] == "NotFoundException"


def test_a_file_system_can_be_in_another_vpc(sim, client):
    sim.prerequisites.change("file_system", "fs-0123456789abcdef0", vpc="vpc-0123456789abcdef1", type="OPENZFS")
    (found,) = client("fsx").describe_file_systems(FileSystemIds=["fs-0123456789abcdef0"])["FileSystems"]
    assert (found["VpcId"], found["FileSystemType"]) == ("vpc-0123456789abcdef1", "OPENZFS")


def test_a_file_system_has_an_interface_in_its_subnet_with_its_security_groups(sim, client):
    sim.prerequisites.change("file_system", "fs-0123456789abcdef0", security_groups=["sg-0123456789abcdef5"])
    (system,) = client("fsx").describe_file_systems(FileSystemIds=["fs-0123456789abcdef0"])["FileSystems"]
    ec2 = client("ec2")
    named = [{"Name": "network-interface-id", "Values": system["NetworkInterfaceIds"]}]
    (found,) = ec2.describe_network_interfaces(Filters=named)["NetworkInterfaces"]
    (subnet,) = ec2.describe_subnets(SubnetIds=system["SubnetIds"])["Subnets"]
    assert (found["SubnetId"], found["AvailabilityZone"]) == (subnet["SubnetId"], subnet["AvailabilityZone"])
    assert [one["GroupId"] for one in found["Groups"]] == ["sg-0123456789abcdef5"]


def test_an_instance_has_an_interface_with_the_security_groups_of_its_group(client, in_service, cluster):
    in_service(cluster("ml"))
    mine = [{"Name": "description", "Values": ["*SageMaker*"]}]
    found = client("ec2").describe_network_interfaces(Filters=mine)["NetworkInterfaces"]
    assert found
    assert all(one["Groups"] and one["PrivateIpAddress"] for one in found)


def test_an_interface_that_is_not_there(sim, client, code):
    sim.prerequisites.remove("file_system", "fs-0123456789abcdef9")
    assert code(client("ec2").describe_network_interfaces, NetworkInterfaceIds=["eni-0123456789abcdef9"])[0] == (
        "InvalidNetworkInterfaceID.NotFound"
    )


def test_a_security_group_can_be_closed_to_file_systems(sim, client):
    def ports():
        (found,) = client("ec2").describe_security_groups(GroupIds=["sg-0123456789abcdef0"])["SecurityGroups"]
        return {one.get("FromPort") for one in found["IpPermissions"]}

    assert {988, 1018, 2049} <= ports()
    sim.prerequisites.change("security_group", "sg-0123456789abcdef0", file_systems=False)
    assert not {988, 1018, 2049} & ports()


def test_a_training_plan_shows_what_groups_use(aws, in_service, cluster, group):
    in_service(cluster("ml", group(TrainingPlanArn=PLAN)))
    plan = aws.describe_training_plan(TrainingPlanName=PLAN)
    assert (plan["InUseInstanceCount"], plan["AvailableInstanceCount"]) == (2, plan["TotalInstanceCount"] - 2)
    (capacity,) = plan["ReservedCapacitySummaries"]
    node = aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"][0]["InstanceId"]
    place = aws.describe_cluster_node(ClusterName="ml", NodeId=node)["NodeDetails"]["Placement"]
    assert {name: capacity[name] for name in place} == place
    by_name = aws.describe_training_plan(TrainingPlanName="winter")
    assert by_name["TrainingPlanArn"] == PLAN
    listed = aws.list_training_plans(Filters=[{"Name": "Status", "Value": "Active"}])["TrainingPlanSummaries"]
    assert {"winter", "p5-winter"} == {one["TrainingPlanName"] for one in listed}
    assert aws.list_training_plans(Filters=[{"Name": "Status", "Value": "Expired"}])["TrainingPlanSummaries"] == []


# What follows for nodes.


CONTINUOUS = {"NodeProvisioningMode": "Continuous"}


def causes(aws):
    """The messages of all failed launches."""
    events = [
        one["EventId"] for one in aws.list_cluster_events(ClusterName="ml")["Events"] if one["EventLevel"] == "Error"
    ]
    details = [aws.describe_cluster_event(ClusterName="ml", EventId=one)["EventDetails"] for one in events]
    parts = [part for one in details for part in one["EventDetails"]["EventMetadata"].values()]
    return " ".join(part.get("FailureMessage", "") for part in parts)


def statuses(aws):
    """The statuses of all nodes."""
    return {one["InstanceStatus"]["Status"] for one in aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"]}


@pytest.mark.parametrize(
    ("kind", "name", "members", "told"),
    [
        ("subnet", SUBNET, {"free": 29}, "not enough free IP addresses"),
        ("object", SCRIPT, {"content": "#!/bin/bash\r\n"}, "Lifecycle scripts did not run successfully"),
        ("role", ROLE, {"inline": {}}, "does not have permission to perform ec2:CreateNetworkInterface"),
        ("training_plan", PLAN, {"status": "Expired"}, "it is Expired"),
        ("training_plan", PLAN, {"instances": 0}, "all 0 instances are in use"),
        ("training_plan", PLAN, {"zone": "us-west-2a"}, "No subnets in the capacity AZ"),
    ],
)
def test_what_is_wrong_around_a_cluster_keeps_its_nodes_away_until_it_is_right(
    sim, aws, cluster, group, kind, name, members, told
):
    sim.prerequisites.change("subnet", SUBNET, zone="us-west-2c")
    aws.create_cluster(**cluster("ml", group(TrainingPlanArn=PLAN), **CONTINUOUS))
    sim.prerequisites.change(kind, name, **members)
    sim.clock.advance(1200)
    assert told in causes(aws)
    assert "Running" not in statuses(aws)
    sim.prerequisites.restore(kind, name)
    sim.clock.advance(2400)
    assert statuses(aws) == {"Running"}


def test_rights_that_options_take_away_are_missed_at_the_next_launch(sim, aws, in_service, cluster, group):
    in_service(cluster(**CONTINUOUS))
    sim.settings.set_options(prerequisites={"role": {"hyperpod": {"inline": {}}}})
    aws.update_cluster(ClusterName="ml", InstanceGroups=[group(count=3)])
    sim.clock.advance(1200)
    assert "does not have permission to perform ec2:CreateNetworkInterface" in causes(aws)


def test_a_subnet_with_addresses_for_one_node_gets_one(sim, aws, cluster):
    sim.prerequisites.change("subnet", SUBNET, free=30)
    aws.create_cluster(**cluster(**CONTINUOUS))
    sim.clock.advance(1200)
    assert len(aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"]) == 1


def test_a_role_that_may_not_read_the_script_fails_it(sim, aws, cluster, group):
    config = {"SourceS3Uri": "s3://elsewhere/scripts", "OnCreate": "on_create.sh"}
    rights = sim.prerequisites.show("role", ROLE)["inline"]
    sim.prerequisites.change("role", ROLE, inline={"hyperpod-eks": rights["hyperpod-eks"]})
    aws.create_cluster(**cluster("ml", group(LifeCycleConfig=config), **CONTINUOUS))
    sim.clock.advance(1200)
    assert "Lifecycle scripts did not run successfully" in causes(aws)


# Instance types, zones, prices.


def test_an_instance_type_says_what_pods_and_addresses_follow_from(client):
    found = client("ec2").describe_instance_types(InstanceTypes=["p5.48xlarge", "m5.2xlarge"])["InstanceTypes"]
    by_name = {one["InstanceType"]: one for one in found}
    p5, m5 = by_name["p5.48xlarge"], by_name["m5.2xlarge"]
    assert (p5["NetworkInfo"]["Ipv4AddressesPerInterface"], p5["NetworkInfo"]["MaximumNetworkCards"]) == (50, 32)
    assert (p5["NetworkInfo"]["EfaSupported"], p5["GpuInfo"]["Gpus"][0]["Count"]) == (True, 8)
    assert (m5["NetworkInfo"]["Ipv4AddressesPerInterface"], m5["VCpuInfo"]["DefaultVCpus"]) == (15, 8)
    assert (m5["NetworkInfo"]["EfaSupported"], "GpuInfo" in m5) == (False, False)


def test_an_instance_type_is_offered_where_the_account_says(sim, client):
    sim.prerequisites.change("offering", "ml.p5.48xlarge", zones=["us-west-2b"])
    asked = {
        "LocationType": "availability-zone-id",
        "Filters": [{"Name": "instance-type", "Values": ["p5.48xlarge", "m5.xlarge"]}],
    }
    found = client("ec2").describe_instance_type_offerings(**asked)["InstanceTypeOfferings"]
    where = {(one["InstanceType"], one["Location"]) for one in found}
    assert where == {("p5.48xlarge", "usw2-az2"), *(("m5.xlarge", f"usw2-az{number}") for number in (1, 2, 3))}
    sim.prerequisites.change("offering", "ml.p5.48xlarge", zones=[])
    found = client("ec2").describe_instance_type_offerings(Filters=asked["Filters"])["InstanceTypeOfferings"]
    assert {one["InstanceType"] for one in found} == {"m5.xlarge"}


def price(products):
    (product,) = products
    (term,) = json.loads(product)["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    return dimension["pricePerUnit"]["USD"]


def test_prices_are_of_a_region_and_a_part_of_sagemaker(sim, client):
    asked = {"ServiceCode": "AmazonSageMaker"}
    filters = [
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-west-2"},
        {"Type": "TERM_MATCH", "Field": "instanceName", "Value": "ml.p4d.24xlarge"},
    ]
    pricing = client("pricing")
    assert len(pricing.get_products(**asked, Filters=filters)["PriceList"]) == 3
    cluster = [*filters, {"Type": "CONTAINS", "Field": "usagetype", "Value": "-Cluster:"}]
    assert price(pricing.get_products(**asked, Filters=cluster)["PriceList"]) == "25.9100175600"
    sim.prerequisites.change("offering", "ml.p4d.24xlarge", hourly=None)
    assert pricing.get_products(**asked, Filters=cluster)["PriceList"] == []


def test_prices_of_another_service_are_not_here(client, code):
    assert code(client("pricing").get_products, ServiceCode="AmazonEC2")[0] == "NotFoundException"


# IAM's evaluation.


ALL, IN_BUCKET, OBJECT = "*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k"
ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}
INTERFACE = "ec2:CreateNetworkInterface"


@pytest.mark.parametrize(
    ("statement", "action", "resource", "expected"),
    [
        ({**ALLOW, "Action": "ec2:*"}, "ec2:RunInstances", ALL, "allowed"),
        ({**ALLOW, "Action": ["EC2:run*"], "Resource": ["*"]}, "ec2:RunInstances", ALL, "allowed"),
        ({**ALLOW, "Action": "ec2:RunInstance?"}, "ec2:RunInstances", ALL, "allowed"),
        ({**ALLOW, "Action": "s3:*"}, "ec2:RunInstances", ALL, "implicitDeny"),
        ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, "ec2:RunInstances", ALL, "allowed"),
        ({"Effect": "Allow", "Action": "*", "NotResource": IN_BUCKET}, "s3:GetObject", OBJECT, "implicitDeny"),
        ({**ALLOW, "Resource": IN_BUCKET}, "s3:GetObject", ALL, "implicitDeny"),
        ({**ALLOW, "Resource": IN_BUCKET}, "s3:GetObject", OBJECT, "allowed"),
        ({"Effect": "Deny", "Action": INTERFACE, "Resource": "*"}, INTERFACE, ALL, "explicitDeny"),
    ],
)
def test_a_role_may_what_its_policies_say(sim, client, statement, action, resource, expected):
    rights = sim.prerequisites.show("role", ROLE)["inline"]
    inline = {**(rights if statement["Effect"] == "Deny" else {}), "mine": {"Statement": statement}}
    sim.prerequisites.change("role", ROLE, inline=inline, managed=[])
    asked = {"PolicySourceArn": ROLE, "ActionNames": [action], "ResourceArns": [resource]}
    (result,) = client("iam").simulate_principal_policy(**asked)["EvaluationResults"]
    assert (result["EvalActionName"], result["EvalResourceName"], result["EvalDecision"]) == (
        action,
        resource,
        expected,
    )


def test_a_request_can_say_in_which_context_it_asks(sim, client):
    entry = {"ContextKeyName": "iam:PassedToService", "ContextKeyValues": ["a", "b"], "ContextKeyType": "string"}
    asked = {"PolicySourceArn": ROLE, "ActionNames": ["iam:PassRole"], "ContextEntries": [entry]}
    client("iam").simulate_principal_policy(**asked)
    assert sim.log.calls("SimulatePrincipalPolicy")[0].parameters == asked


def test_a_boundary_limits_a_role(sim, client):
    arn = "arn:aws:iam::123456789012:policy/boundary"
    sim.prerequisites.change(
        "policy", arn, document={"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    )
    sim.prerequisites.change("role", ROLE, boundary=arn)
    iam = client("iam")
    (result,) = iam.simulate_principal_policy(PolicySourceArn=ROLE, ActionNames=["ec2:CreateNetworkInterface"])[
        "EvaluationResults"
    ]
    assert result["EvalDecision"] == "implicitDeny"
    assert iam.get_role(RoleName="hyperpod")["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn


def test_the_callers_own_role_is_denied_what_its_calls_are_denied(sim, client):
    own = "arn:aws:iam::123456789012:role/hyperpod-testbed"
    asked = {"PolicySourceArn": own, "ActionNames": ["iam:PassRole", "sagemaker:CreateCluster"]}
    iam = client("iam")
    assert {one["EvalDecision"] for one in iam.simulate_principal_policy(**asked)["EvaluationResults"]} == {"allowed"}
    sim.access.deny("iam:PassRole", why="explicit")
    sim.access.deny("CreateCluster")
    decisions = [one["EvalDecision"] for one in iam.simulate_principal_policy(**asked)["EvaluationResults"]]
    assert decisions == ["explicitDeny", "implicitDeny"]


ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
SESSION = "arn:aws:sts::123456789012:assumed-role/a/b"


@pytest.mark.parametrize(
    ("call", "asked", "expected"),
    [
        ("get_role_policy", {"RoleName": "hyperpod", "PolicyName": "x"}, "NoSuchEntity"),
        ("get_policy", {"PolicyArn": "arn:aws:iam::aws:policy/NoSuchPolicy"}, "NoSuchEntity"),
        ("get_policy_version", {"PolicyArn": ADMINISTRATOR, "VersionId": "v9"}, "NoSuchEntity"),
        ("simulate_principal_policy", {"PolicySourceArn": SESSION, "ActionNames": ["s3:Get*"]}, "InvalidInput"),
    ],
)
def test_what_iam_does_not_have(client, code, call, asked, expected):
    assert code(getattr(client("iam"), call), **asked)[0] == expected


# Network.


@pytest.mark.parametrize(("route", "target"), [("internet", "GatewayId"), ("nat", "NatGatewayId"), ("none", None)])
def test_a_route_table_leads_where_the_subnet_does(sim, client, route, target):
    sim.prerequisites.change("subnet", SUBNET, route=route)
    asked = [{"Name": "association.subnet-id", "Values": [SUBNET]}]
    (table,) = client("ec2").describe_route_tables(Filters=asked)["RouteTables"]
    out = [one for one in table["Routes"] if one.get("DestinationCidrBlock") == "0.0.0.0/0"]
    assert [target in one for one in out] == ([True] if target else [])


def test_a_subnet_without_a_route_table_is_in_the_main_one(sim, client):
    sim.prerequisites.change("subnet", SUBNET, route="main")
    ec2 = client("ec2")
    asked = [{"Name": "association.subnet-id", "Values": [SUBNET]}]
    assert ec2.describe_route_tables(Filters=asked)["RouteTables"] == []
    main = [{"Name": "vpc-id", "Values": [VPC]}, {"Name": "association.main", "Values": ["true"]}]
    assert len(ec2.describe_route_tables(Filters=main)["RouteTables"]) == 1


def test_ipv6_shows_at_vpc_and_subnet(sim, client):
    sim.prerequisites.change("vpc", VPC, ipv6_cidr="2600:1f14::/56")
    sim.prerequisites.change("subnet", SUBNET, ipv6_cidr="2600:1f14::/64")
    sim.prerequisites.change("eks_cluster", "ml", ip_family="ipv6")
    ec2 = client("ec2")
    (one,) = ec2.describe_subnets(SubnetIds=[SUBNET])["Subnets"]
    assert one["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"] == "2600:1f14::/64"
    assert ec2.describe_vpcs(VpcIds=[VPC])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
    assert client("eks").describe_cluster(name="ml")["cluster"]["kubernetesNetworkConfig"]["ipFamily"] == "ipv6"


def test_endpoints_and_dns_of_a_vpc_can_be_missing(sim, client):
    ec2 = client("ec2")
    asked = [{"Name": "service-name", "Values": ["com.amazonaws.us-west-2.s3"]}]
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=asked)["VpcEndpoints"]
    assert endpoint["VpcEndpointType"] == "Gateway"
    sim.prerequisites.change("vpc", VPC, s3_endpoint=False, dns_support=False)
    assert ec2.describe_vpc_endpoints(Filters=asked)["VpcEndpoints"] == []
    assert ec2.describe_vpc_attribute(VpcId=VPC, Attribute="enableDnsSupport")["EnableDnsSupport"] == {"Value": False}


def test_an_addon_can_be_missing(sim, client, code):
    sim.prerequisites.change("eks_cluster", "ml", cni=None)
    eks = client("eks")
    assert "vpc-cni" not in eks.list_addons(clusterName="ml")["addons"]
    assert code(eks.describe_addon, clusterName="ml", addonName="vpc-cni") == (
        "ResourceNotFoundException", "No addon: vpc-cni found in cluster: ml",
    )  # fmt: skip


def test_a_lag_of_its_own_holds_for_a_read_of_these_services_too(sim, client, in_service, cluster):
    sim.settings.set_options(read_lag={"DescribeSubnets": 60.0})
    in_service(cluster())
    sim.prerequisites.change("subnet", SUBNET, free=500)
    sim.clock.advance(30)
    ec2 = client("ec2")
    assert ec2.describe_subnets(SubnetIds=[SUBNET])["Subnets"][0]["AvailableIpAddressCount"] > 500
    sim.clock.advance(61)
    assert ec2.describe_subnets(SubnetIds=[SUBNET])["Subnets"][0]["AvailableIpAddressCount"] == 500 - 2 * 30


def test_the_storage_of_volumes_has_a_quota(sim, client, code):
    name = "Storage for General Purpose SSD (gp3) volumes, in TiB"
    sim.settings.set_options(service_quotas={f"ebs/{name}": 1})
    ec2 = client("ec2")
    first = ec2.create_volume(AvailabilityZone="us-west-2a", Size=1000, VolumeType="gp3")["VolumeId"]
    assert code(ec2.create_volume, AvailabilityZone="us-west-2a", Size=25, VolumeType="gp3")[0] == "MaxStorageExceeded"
    ec2.create_volume(AvailabilityZone="us-west-2a", Size=25, VolumeType="gp2")
    sim.clock.advance(60)
    assert code(ec2.modify_volume, VolumeId=first, Size=1025)[0] == "MaxStorageExceeded"
    ec2.modify_volume(VolumeId=first, Size=1024)
