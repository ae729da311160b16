"""EKS: clusters, add-ons, access entries, versions."""

import hashlib
from typing import Any

from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.names import partition
from hyperpod_testbed.simulator.prerequisites import catalogue, inventory, paging
from hyperpod_testbed.simulator.prerequisites.resources import EksCluster
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

SERVICE_ROLE = "role/aws-service-role/hyperpod.sagemaker.amazonaws.com/AWSServiceRoleForSageMakerHyperPod"
"""HyperPod's service-linked role, to which HyperPod gives an access entry."""


def describe_cluster(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeCluster."""
    return {"cluster": _cluster(region, _required(sim, region, request["name"]))}


def list_clusters(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ListClusters: names in alphabetical order."""
    names = sorted(one.name for one in inventory.listed(sim, region, EksCluster))
    return _page(sim, names, request, operation="eks:ListClusters", member="clusters")


def list_addons(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ListAddons: names in alphabetical order."""
    names = sorted(_addons(_required(sim, region, request["clusterName"])))
    return _page(sim, names, request, operation="ListAddons", member="addons")


def describe_addon(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeAddon."""
    cluster, name = _required(sim, region, request["clusterName"]), request["addonName"]
    if name not in _addons(cluster):
        raise _not_found(f"No addon: {name} found in cluster: {cluster.name}")
    addon = {
        "addonName": name,
        "clusterName": cluster.name,
        "status": cluster.cni_status if name == "vpc-cni" else "ACTIVE",
        "addonVersion": _addons(cluster)[name],
        "health": {"issues": []},
        "addonArn": f"{cluster.arn.replace(':cluster/', ':addon/')}/{name}/{_digest(cluster.name, name)}",
        "createdAt": cluster.created_at,
        "modifiedAt": cluster.created_at,
    }
    return {"addon": addon}


def describe_addon_versions(sim: Simulation, _: Region, request: JSON) -> JSON:
    """DescribeAddonVersions: the catalogue, for all add-ons or one, for all Kubernetes versions or one."""
    wanted, kubernetes = request.get("addonName"), request.get("kubernetesVersion")
    found = [_catalogued(name) for name in sorted(catalogue.ADDONS) if wanted in {None, name}]
    if kubernetes is not None:
        for addon in found:
            addon["addonVersions"] = [
                {
                    **one,
                    "compatibilities": [
                        item for item in one["compatibilities"] if item["clusterVersion"] == kubernetes
                    ],
                }
                for one in addon["addonVersions"]
            ]
            addon["addonVersions"] = [one for one in addon["addonVersions"] if one["compatibilities"]]
        found = [addon for addon in found if addon["addonVersions"]]
    return _page(sim, found, request, operation="DescribeAddonVersions", member="addons")


def describe_cluster_versions(sim: Simulation, _: Region, request: JSON) -> JSON:
    """DescribeClusterVersions, newest first."""
    wanted = request.get("clusterVersions")
    newest = max(catalogue.VERSIONS)
    found = [
        {
            "clusterVersion": version,
            "clusterType": "eks",
            "defaultVersion": version == newest,
            "releaseDate": release,
            "endOfStandardSupportDate": standard,
            "endOfExtendedSupportDate": extended,
            "versionStatus": _support(sim.now, standard, extended),
        }
        for version, (release, standard, extended) in sorted(catalogue.VERSIONS.items(), reverse=True)
        if wanted is None or version in wanted
    ]
    if request.get("versionStatus"):
        found = [one for one in found if one["versionStatus"] == request["versionStatus"]]
    return _page(sim, found, request, operation="DescribeClusterVersions", member="clusterVersions")


def list_access_entries(sim: Simulation, region: Region, request: JSON) -> JSON:
    """ListAccessEntries: ARNs of the principals."""
    principals = sorted(_entries(sim, region, _with_entries(sim, region, request)))
    return _page(sim, principals, request, operation="ListAccessEntries", member="accessEntries")


def describe_access_entry(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeAccessEntry."""
    cluster, principal = _with_entries(sim, region, request), request["principalArn"]
    entries = _entries(sim, region, cluster)
    if principal not in entries:
        raise _not_found("The specified principalArn could not be found.")
    kind = entries[principal]
    name = principal.rpartition("/")[2]
    account = principal.split(":")[4]
    nodes = {"EC2_LINUX", "HYPERPOD_LINUX"}
    entry = {
        "clusterName": cluster.name,
        "principalArn": principal,
        "kubernetesGroups": ["system:nodes"] if kind in nodes else [],
        "accessEntryArn": f"{cluster.arn.replace(':cluster/', ':access-entry/')}/role/{account}/{name}/"
        f"{_digest(cluster.name, principal)}",
        "createdAt": cluster.created_at,
        "modifiedAt": cluster.created_at,
        "username": "system:node:{{SessionName}}" if kind in nodes else principal,
        "type": kind,
    }
    return {"accessEntry": entry}


def resource(account: str, request: JSON, region: str) -> str:
    """What a denial of EKS names."""
    name = request.get("name") or request.get("clusterName")
    return f"arn:{partition(region)}:eks:{region}:{account}:cluster/{name}" if name else "*"


def _cluster(region: Region, one: EksCluster) -> JSON:
    number = _digest(one.arn).replace("-", "").upper()
    issuer = f"https://oidc.eks.{region.name}.amazonaws.com/id/{number}"
    network: JSON = {"ipFamily": one.ip_family}
    if one.ip_family == "ipv6":
        network["serviceIpv6Cidr"] = "fd00:1234::/108"
    else:
        network["serviceIpv4Cidr"] = "172.20.0.0/16"
    return {
        "name": one.name,
        "arn": one.arn,
        "createdAt": one.created_at,
        "version": one.version,
        "endpoint": f"https://{number}.gr7.{region.name}.eks.amazonaws.com",
        "roleArn": one.role,
        "resourcesVpcConfig": {
            "subnetIds": list(one.subnets),
            "securityGroupIds": list(one.security_groups),
            "clusterSecurityGroupId": f"sg-{_digest(one.name).replace('-', '')[:17]}",
            "vpcId": one.vpc,
            "endpointPublicAccess": one.public_endpoint,
            "endpointPrivateAccess": one.private_endpoint,
            "publicAccessCidrs": ["0.0.0.0/0"] if one.public_endpoint else [],
        },
        "kubernetesNetworkConfig": network,
        "logging": {"clusterLogging": [{"types": ["api", "audit"], "enabled": False}]},
        "identity": {"oidc": {"issuer": issuer}},
        "status": one.status,
        "certificateAuthority": {"data": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="},
        "platformVersion": "eks.15",
        "health": {"issues": []},
        "accessConfig": {"authenticationMode": one.authentication_mode},
        "upgradePolicy": {"supportType": "EXTENDED"},
        "deletionProtection": False,
    }


def _addons(cluster: EksCluster) -> dict[str, str]:
    return {**cluster.addons, **({"vpc-cni": cluster.cni} if cluster.cni else {})}


def _catalogued(name: str) -> JSON:
    return {
        "addonName": name,
        "type": catalogue.ADDONS[name].type,
        "publisher": "eks",
        "owner": "aws",
        "addonVersions": [
            {
                "addonVersion": version,
                "architecture": ["amd64", "arm64"],
                "compatibilities": [
                    {"clusterVersion": one, "platformVersions": ["*"], "defaultVersion": number == 0}
                    for one in catalogue.ADDONS[name].kubernetes
                ],
                "requiresConfiguration": False,
                "requiresIamPermissions": False,
            }
            for number, version in enumerate(catalogue.ADDONS[name].versions)
        ],
    }


def _support(now: float, standard: float, extended: float) -> str:
    if now < standard:
        return "STANDARD_SUPPORT"
    return "EXTENDED_SUPPORT" if now < extended else "UNSUPPORTED"


def _entries(sim: Simulation, region: Region, cluster: EksCluster) -> dict[str, str]:
    """Those that people made, and those that HyperPod makes with each cluster (HyperPod guide, IAM)."""
    found = dict(cluster.access_entries)
    for hyperpod in region.clusters.values():
        if hyperpod.eks_arn == cluster.arn:
            found[f"arn:{partition(region.name)}:iam::{sim.account.id}:{SERVICE_ROLE}"] = "STANDARD"
            found |= {group.spec["ExecutionRole"]: "HYPERPOD_LINUX" for group in hyperpod.groups.values()}
    return found


def _with_entries(sim: Simulation, region: Region, request: JSON) -> EksCluster:
    cluster = _required(sim, region, request["clusterName"])
    if cluster.authentication_mode == "CONFIG_MAP":
        raise AwsError(
            "InvalidRequestException",
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
            "operation.",
        )
    return cluster


def _required(sim: Simulation, region: Region, name: str) -> EksCluster:
    found = None if name.startswith("arn:") else inventory.eks_cluster(sim, region, name)
    if found is None:
        raise _not_found(f"No cluster found for name: {name}.")
    return found


def _not_found(message: str) -> AwsError:
    return AwsError("ResourceNotFoundException", message, status=404)


def _page(sim: Simulation, items: list[Any], request: JSON, *, operation: str, member: str) -> JSON:
    chosen, token = paging.page(sim, items, request, operation=operation, style=paging.EKS)
    return {member: chosen, **({"nextToken": token} if token else {})}


def _digest(*parts: str) -> str:
    """A number in the form of a UUID, the same for the same parts."""
    text = hashlib.sha256("/".join(parts).encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"
