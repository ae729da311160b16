"""FSx for preflight, with the network interfaces and security groups of each file system."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hyperpod_operator.aws.facts import network
from hyperpod_operator.aws.facts.reader import Ask, Reader, items
from hyperpod_operator.core.preflight.facts import Access, FileSystem, SecurityGroup
from hyperpod_operator.core.preflight.model import Fact, Unread

MOST_INTERFACES = 4
"""Interfaces of a file system that are read: one for each server, and all of them with the same security groups."""


async def file_systems(reader: Reader, names: Sequence[str]) -> Mapping[str, Fact[FileSystem | None]]:
    """fsx:DescribeFileSystems of each, and for all of them together ec2:DescribeNetworkInterfaces and
    ec2:DescribeSecurityGroups."""
    read = await asyncio.gather(*(_file_system(reader, name) for name in names))
    ids = sorted({one for found in read if isinstance(found, FileSystem) for one in found.interfaces})
    if not ids:
        return dict(zip(names, read, strict=True))
    interfaces = await network.interfaces(reader, ids)
    groups: Fact[Mapping[str, SecurityGroup]] = {}
    if not isinstance(interfaces, Unread) and any(one.groups for one in interfaces.values()):
        groups = await network.security_groups(
            reader, sorted({name for one in interfaces.values() for name in one.groups})
        )
    return {
        name: replace(found, access=_access(found, interfaces, groups)) if isinstance(found, FileSystem) else found
        for name, found in zip(names, read, strict=True)
    }


async def _file_system(reader: Reader, name: str) -> Fact[FileSystem | None]:
    parameters = {"FileSystemIds": [name]}
    ask = Ask(service="fsx", operation="DescribeFileSystems", action="fsx:DescribeFileSystems", parameters=parameters)
    pages = await reader.ask(ask)
    if pages is None or isinstance(pages, Unread):
        return pages
    found: list[Mapping[str, Any]] = items(pages, "FileSystems")
    if not found:
        return None
    return FileSystem(
        lifecycle=found[0]["Lifecycle"],
        vpc_id=found[0]["VpcId"],
        kind=found[0]["FileSystemType"],
        mount_name=(found[0].get("LustreConfiguration") or {}).get("MountName", ""),
        subnets=frozenset(str(one) for one in found[0].get("SubnetIds") or []),
        interfaces=tuple(str(one) for one in found[0].get("NetworkInterfaceIds") or [])[:MOST_INTERFACES],
    )


def _access(
    system: FileSystem, interfaces: Fact[Mapping[str, network.Interface]], groups: Fact[Mapping[str, SecurityGroup]]
) -> Fact[Access]:
    if isinstance(interfaces, Unread):
        return interfaces
    if isinstance(groups, Unread):
        return groups
    mine = [interfaces[name] for name in system.interfaces if name in interfaces]
    names = frozenset[str]().union(*(one.groups for one in mine))
    if not mine or not names <= set(groups):
        return Unread(why="EC2 does not show the network interfaces of the file system, or not their security groups")
    return Access(
        zones=frozenset(one.zone for one in mine if one.zone),
        addresses=frozenset(one.address for one in mine if one.address),
        groups={name: groups[name] for name in sorted(names)},
    )
