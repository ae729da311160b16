"""Which members of answers facts rest on, beyond those that the API models require: by service and operation.

An answer without one of them is Unread as a whole: what is missing is neither "there is none" nor a zero. A list that
AWS answers empty is a value.
"""

from collections.abc import Mapping

from hyperpod_operator.aws.call.answers import Member, listed, number, structure, text

_RULES = ("SecurityGroups[].IpPermissions", "SecurityGroups[].IpPermissionsEgress")

# [assumption: required-members-present]
RESTS_ON: Mapping[tuple[str, str], tuple[Member, ...]] = {
    ("eks", "DescribeCluster"): (structure("cluster"), text("cluster.status"), text("cluster.version")),
    ("eks", "ListAddons"): (listed("addons"),),
    ("eks", "DescribeAddon"): (structure("addon"), text("addon.addonVersion"), text("addon.status")),
    ("sagemaker", "DescribeCluster"): (
        number("InstanceGroups[].TargetCount"),
        number("RestrictedInstanceGroups[].TargetCount"),
    ),
    ("sagemaker", "ListClusterEvents"): (listed("Events"), text("Events[].EventId")),
    ("ec2", "DescribeSubnets"): (
        listed("Subnets"),
        text("Subnets[].SubnetId"),
        text("Subnets[].VpcId"),
        text("Subnets[].AvailabilityZone"),
        text("Subnets[].AvailabilityZoneId"),
        number("Subnets[].AvailableIpAddressCount"),
    ),
    ("ec2", "DescribeRouteTables"): (
        listed("RouteTables"),
        text("RouteTables[].VpcId"),
        listed("RouteTables[].Associations"),
        listed("RouteTables[].Routes"),
    ),
    ("ec2", "DescribeVpcEndpoints"): (
        listed("VpcEndpoints"),
        text("VpcEndpoints[].ServiceName"),
        text("VpcEndpoints[].VpcId"),
    ),
    ("ec2", "DescribeSecurityGroups"): (
        listed("SecurityGroups"),
        text("SecurityGroups[].GroupId"),
        text("SecurityGroups[].VpcId"),
        *(listed(name) for name in _RULES),
        *(text(f"{name}[].IpProtocol") for name in _RULES),
        *(listed(f"{name}[].UserIdGroupPairs") for name in _RULES),
        *(text(f"{name}[].UserIdGroupPairs[].GroupId") for name in _RULES),
        *(listed(f"{name}[].IpRanges") for name in _RULES),
    ),
    ("ec2", "DescribeNetworkInterfaces"): (
        listed("NetworkInterfaces"),
        text("NetworkInterfaces[].NetworkInterfaceId"),
        listed("NetworkInterfaces[].Groups"),
        text("NetworkInterfaces[].Groups[].GroupId"),
    ),
    ("ec2", "DescribeInstanceTypeOfferings"): (
        listed("InstanceTypeOfferings"),
        text("InstanceTypeOfferings[].InstanceType"),
        text("InstanceTypeOfferings[].Location"),
    ),
    ("ec2", "DescribeInstanceTypes"): (listed("InstanceTypes"), text("InstanceTypes[].InstanceType")),
    ("ec2", "DescribeAvailabilityZones"): (
        listed("AvailabilityZones"),
        text("AvailabilityZones[].ZoneName"),
        text("AvailabilityZones[].ZoneId"),
    ),
    ("ec2", "DescribeVolumes"): (listed("Volumes"), number("Volumes[].Size")),
    ("ec2", "DescribeSnapshots"): (
        listed("Snapshots"),
        text("Snapshots[].SnapshotId"),
        text("Snapshots[].State"),
        number("Snapshots[].VolumeSize"),
    ),
    ("iam", "ListAttachedRolePolicies"): (
        listed("AttachedPolicies"),
        text("AttachedPolicies[].PolicyName"),
        text("AttachedPolicies[].PolicyArn"),
    ),
    ("iam", "GetPolicy"): (structure("Policy"), text("Policy.DefaultVersionId")),
    ("iam", "GetPolicyVersion"): (structure("PolicyVersion"),),
    ("iam", "SimulatePrincipalPolicy"): (listed("EvaluationResults"),),
    ("service-quotas", "ListServiceQuotas"): (listed("Quotas"),),
    ("service-quotas", "ListAWSDefaultServiceQuotas"): (listed("Quotas"),),
    ("kms", "DescribeKey"): (structure("KeyMetadata"), text("KeyMetadata.KeyState"), text("KeyMetadata.Arn")),
    ("kms", "GetKeyPolicy"): (text("Policy"),),
    ("kms", "ListGrants"): (listed("Grants"),),
    ("pricing", "GetProducts"): (listed("PriceList"),),
    ("fsx", "DescribeFileSystems"): (
        listed("FileSystems"),
        text("FileSystems[].FileSystemType"),
        text("FileSystems[].Lifecycle"),
        text("FileSystems[].VpcId"),
    ),
}
