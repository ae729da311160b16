"""UltraServers: which one an instance is part of. Neighbours of one zone share one, in the order of their launch."""

import zlib
from collections.abc import Mapping

from hyperpod_testbed.simulator.state import JSON, Instance

ULTRASERVERS: Mapping[str, tuple[int, str]] = {
    "ml.p6e-gb200.36xlarge": (18, "ml.u-p6e-gb200x72"),
    "ml.trn2u.48xlarge": (4, "ml.u-trn2x64"),
}
"""Instances in one UltraServer and its type (EC2's pages on P6e and Trn2 UltraServers; how HyperPod names the type of a
Trn2 UltraServer is not known)."""


def info(instance: Instance) -> JSON | None:
    """UltraServerInfo of a node; None on types that come alone."""
    found = ULTRASERVERS.get(instance.type)
    if found is None:
        return None
    size, kind = found
    place = f"{instance.zone.id}-{instance.serial // size}"
    return {"Id": f"us-{zlib.crc32(place.encode()):08x}000000000", "Type": kind}


def labels(instance: Instance) -> dict[str, str]:
    """`topology.k8s.aws/ultraserver-id` on the Nodes of such instances."""
    found = info(instance)
    return {"topology.k8s.aws/ultraserver-id": str(found["Id"])} if found else {}
