"""The operations of the services around HyperPod, by service and by the name on the wire."""

from collections.abc import Mapping

from hyperpod_testbed.simulator.operations import Handler
from hyperpod_testbed.simulator.prerequisites import (
    eks,
    file_systems,
    identity,
    instance_types,
    interfaces,
    keys,
    network,
    prices,
    quotas,
    storage,
    training_plans,
)

SAGEMAKER: Mapping[str, Handler] = {
    "DescribeTrainingPlan": Handler(training_plans.describe_training_plan),
    "ListTrainingPlans": Handler(training_plans.list_training_plans),
}
EC2: Mapping[str, Handler] = {
    "DescribeVpcs": Handler(network.describe_vpcs),
    "DescribeVpcAttribute": Handler(network.describe_vpc_attribute),
    "DescribeSubnets": Handler(network.describe_subnets),
    "DescribeRouteTables": Handler(network.describe_route_tables),
    "DescribeSecurityGroups": Handler(network.describe_security_groups),
    "DescribeVpcEndpoints": Handler(network.describe_vpc_endpoints),
    "DescribeNetworkInterfaces": Handler(interfaces.describe_network_interfaces),
    "DescribeInstanceTypes": Handler(instance_types.describe_instance_types),
    "DescribeInstanceTypeOfferings": Handler(instance_types.describe_offerings),
}
EKS: Mapping[str, Handler] = {
    "DescribeCluster": Handler(eks.describe_cluster),
    "ListClusters": Handler(eks.list_clusters),
    "ListAddons": Handler(eks.list_addons),
    "DescribeAddon": Handler(eks.describe_addon),
    "DescribeAddonVersions": Handler(eks.describe_addon_versions),
    "DescribeClusterVersions": Handler(eks.describe_cluster_versions),
    "ListAccessEntries": Handler(eks.list_access_entries),
    "DescribeAccessEntry": Handler(eks.describe_access_entry),
}
IAM: Mapping[str, Handler] = {
    "GetRole": Handler(identity.get_role),
    "ListAttachedRolePolicies": Handler(identity.list_attached_role_policies),
    "ListRolePolicies": Handler(identity.list_role_policies),
    "GetRolePolicy": Handler(identity.get_role_policy),
    "GetPolicy": Handler(identity.get_policy),
    "GetPolicyVersion": Handler(identity.get_policy_version),
    "SimulatePrincipalPolicy": Handler(identity.simulate_principal_policy),
}
QUOTAS: Mapping[str, Handler] = {
    "ListServiceQuotas": Handler(quotas.list_service_quotas),
    "ListAWSDefaultServiceQuotas": Handler(quotas.list_default_quotas),
    "GetServiceQuota": Handler(quotas.get_service_quota),
    "GetAWSDefaultServiceQuota": Handler(quotas.get_default_quota),
}
S3: Mapping[str, Handler] = {
    "HeadBucket": Handler(storage.head_bucket),
    "HeadObject": Handler(storage.head_object),
    "GetObject": Handler(storage.get_object),
    "ListObjectsV2": Handler(storage.list_objects),
}
KMS: Mapping[str, Handler] = {
    "DescribeKey": Handler(keys.describe_key),
    "GetKeyPolicy": Handler(keys.get_key_policy),
    "ListGrants": Handler(keys.list_grants),
}
PRICING: Mapping[str, Handler] = {"GetProducts": Handler(prices.get_products)}
FSX: Mapping[str, Handler] = {"DescribeFileSystems": Handler(file_systems.describe_file_systems)}

S3_ACTIONS = storage.ACTIONS
eks_resource = eks.resource
iam_resource = identity.resource
kms_resource = keys.resource
s3_resource = storage.resource
