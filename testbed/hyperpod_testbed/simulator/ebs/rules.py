"""What a volume may be like: sizes, IOPS and throughput by type (API reference of CreateVolume)."""

from dataclasses import dataclass
from typing import Any

from hyperpod_testbed.simulator.ebs.errors import combination, invalid, missing
from hyperpod_testbed.simulator.errors import AwsError


@dataclass(frozen=True)
class VolumeType:
    """The ranges of a type. Ratios are per GiB of size, and MiB/s per IOPS."""

    sizes: tuple[int, int]
    iops: tuple[int, int] | None = None
    default_iops: int | None = None
    iops_per_gib: int = 0
    throughput: tuple[int, int] | None = None
    default_throughput: int | None = None


TYPES = {
    "gp3": VolumeType((1, 65536), (3000, 80000), 3000, 500, (125, 2000), 125),
    "io2": VolumeType((4, 65536), (100, 256000), None, 1000),
    "io1": VolumeType((4, 16384), (100, 64000), None, 50),
    "gp2": VolumeType((1, 16384)),
    "st1": VolumeType((125, 16384)),
    "sc1": VolumeType((125, 16384)),
    "standard": VolumeType((1, 1024)),
}
THROUGHPUT_PER_IOPS = 0.25
BASE_IOPS = 3000
"""IOPS that gp3 has at any size: the ratio to the size is asked above it only."""


def check(name: str, *, size: int, iops: int | None, throughput: int | None) -> tuple[int | None, int | None]:
    """IOPS and throughput of a volume of this type and size; refuses what EC2 refuses."""
    kind = TYPES[name]
    low, high = kind.sizes
    if not low <= size <= high:
        edge = f"small; minimum is {low}GiB" if size < low else f"big; maximum is {high}GiB"
        raise invalid(f"Volume of {size}GiB is too {edge}.")
    return _iops(name, kind, size=size, iops=iops), _throughput(name, kind, iops=iops, throughput=throughput)


def check_multi_attach(name: str, *, wanted: bool) -> None:
    """Multi-Attach is for io1 and io2."""
    if wanted and name not in {"io1", "io2"}:
        raise combination(f"Multi-Attach is not supported for {name} volumes.")


def performance(name: str, *, iops: int | None, throughput: int | None) -> dict[str, Any]:
    """What a modification to another type leaves of IOPS and throughput that are not given: the defaults."""
    kind = TYPES[name]
    base = BASE_IOPS if kind.iops else None
    return {
        "iops": iops if iops is not None else base,
        "throughput": throughput if throughput is not None else kind.default_throughput,
    }


def _iops(name: str, kind: VolumeType, *, size: int, iops: int | None) -> int | None:
    if kind.iops is None:
        if iops is not None:
            raise combination(f"The parameter iops is not supported for {name} volumes.")
        # What gp2 has follows from its size; the magnetic types tell none.
        return min(16000, max(100, 3 * size)) if name == "gp2" else None
    if iops is None:
        if kind.default_iops is None:
            raise missing("iops")
        return kind.default_iops
    low, high = kind.iops
    if iops > high:
        raise invalid(f"Volume iops of {iops} is too high; maximum is {high}.")
    if iops < low:
        raise invalid(f"Volume iops of {iops} is too low; minimum is {low}.")
    if iops > kind.iops_per_gib * size and iops > (kind.default_iops or 0):
        ratio = kind.iops_per_gib
        raise invalid(f"Iops to volume size ratio of {iops / size:.6f} is too high; maximum is {ratio}.")
    return iops


def _throughput(name: str, kind: VolumeType, *, iops: int | None, throughput: int | None) -> int | None:
    if kind.throughput is None:
        if throughput is not None:
            raise combination(f"The parameter throughput is not supported for {name} volumes.")
        return None
    if throughput is None:
        return kind.default_throughput
    low, high = kind.throughput
    if not low <= throughput <= high:
        raise invalid(f"Volume throughput of {throughput}MiB/s must be between {low} and {high}.")
    if throughput > THROUGHPUT_PER_IOPS * (iops or kind.default_iops or 0):
        raise invalid(f"Throughput to iops ratio is too high; maximum is {THROUGHPUT_PER_IOPS} MiB/s per iops.")
    return throughput


def quota_exceeded(limit: int) -> AwsError:
    """VolumeLimitExceeded."""
    return AwsError("VolumeLimitExceeded", f"You have exceeded your limit of {limit} volumes in this Region.")
