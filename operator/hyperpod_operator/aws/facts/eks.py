"""EKS for preflight: the cluster and its add-ons."""

import asyncio
import base64
import binascii
from collections.abc import Mapping

from hyperpod_operator.aws.facts.reader import Ask, Reader, items
from hyperpod_operator.core.preflight.authorities import authorities
from hyperpod_operator.core.preflight.facts import Addon, EksCluster
from hyperpod_operator.core.preflight.model import Fact, Unread

MOST_ADDONS = 6
"""Add-ons that are described: the one that HyperPod needs first."""
FIRST = ("vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent")


def name_of(arn: str) -> str:
    """The cluster's name, which its ARN ends with."""
    return arn.rpartition("/")[2]


async def cluster(reader: Reader, arn: str) -> Fact[EksCluster | None]:
    """eks:DescribeCluster."""
    pages = await reader.ask(
        Ask(
            service="eks",
            operation="DescribeCluster",
            action="eks:DescribeCluster",
            parameters={"name": name_of(arn)},
        )
    )
    if pages is None or isinstance(pages, Unread):
        return pages
    found = pages[0]["cluster"]
    return EksCluster(
        status=found["status"],
        version=found["version"],
        authentication_mode=(found.get("accessConfig") or {}).get("authenticationMode", ""),
        vpc_id=(found.get("resourcesVpcConfig") or {}).get("vpcId", ""),
        ip_family=(found.get("kubernetesNetworkConfig") or {}).get("ipFamily", ""),
        role_arn=found.get("roleArn", ""),
        authorities=_authorities((found.get("certificateAuthority") or {}).get("data", "")),
    )


def _authorities(data: str) -> frozenset[str]:
    """`data` is a text in PEM, in Base64 (Amazon EKS API reference, Certificate)."""
    try:
        return authorities(base64.b64decode(data).decode("ascii"))
    except (binascii.Error, ValueError):
        return frozenset()


async def addons(reader: Reader, arn: str) -> Fact[Mapping[str, Addon]]:
    """eks:ListAddons, and eks:DescribeAddon of those that matter to HyperPod."""
    name = name_of(arn)
    listed = await reader.ask(
        Ask(service="eks", operation="ListAddons", action="eks:ListAddons", parameters={"clusterName": name})
    )
    if isinstance(listed, Unread):
        return listed
    names = [str(one) for one in items(listed, "addons")]
    chosen = sorted(names, key=lambda one: FIRST.index(one) if one in FIRST else len(FIRST))[:MOST_ADDONS]
    described = await asyncio.gather(*(_addon(reader, name, one) for one in chosen))
    unread = next((one for one in described if isinstance(one, Unread)), None)
    if unread is not None:
        return unread
    rest = {one: Addon(name=one, version="", status="ACTIVE") for one in names if one not in chosen}
    return rest | {one.name: one for one in described if isinstance(one, Addon)}


async def _addon(reader: Reader, cluster_name: str, name: str) -> Fact[Addon | None]:
    pages = await reader.ask(
        Ask(
            service="eks",
            operation="DescribeAddon",
            action="eks:DescribeAddon",
            parameters={"clusterName": cluster_name, "addonName": name},
        )
    )
    if pages is None or isinstance(pages, Unread):
        return pages
    found = pages[0]["addon"]
    issues = (found.get("health") or {}).get("issues") or []
    return Addon(
        name=name,
        version=found["addonVersion"],
        status=found["status"],
        issues=tuple(str(issue.get("code", "")) for issue in issues),
    )
