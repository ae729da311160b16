"""What an instance type is made of: family, size, accelerators. Data, and what can be read off a name.

HyperPod's list grows with AWS's releases, so a type that is not in the table still has a family and a size. A count
of accelerators is only given where it is certain; a contract test holds the table to botocore's ClusterInstanceType.

Source: Amazon EC2 instance type pages (accelerated computing); API shape ClusterInstanceType.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

PREFIX = "ml."
_NAME = re.compile(r"ml\.(?P<family>[a-z][a-z0-9-]*)\.(?P<size>[a-z0-9-]+)")

NVIDIA_OR_NEURON = re.compile(r"(p\d|g\d|gr\d|trn\d|inf\d)")
"""Families with accelerators: EC2's P and G families have GPUs, Trn and Inf have Neuron devices."""

_ACCELERATORS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "p4d": ("A100", {"24xlarge": 8}),
    "p4de": ("A100", {"24xlarge": 8}),
    "p5": ("H100", {"4xlarge": 1, "48xlarge": 8}),
    "p5e": ("H200", {"48xlarge": 8}),
    "p5en": ("H200", {"48xlarge": 8}),
    "p6-b200": ("B200", {"48xlarge": 8}),
    "p6-b300": ("B300", {"48xlarge": 8}),
    "p6e-gb200": ("GB200", {"36xlarge": 4}),
    "trn1": ("Trainium", {"32xlarge": 16}),
    "trn1n": ("Trainium", {"32xlarge": 16}),
    "trn2": ("Trainium2", {"3xlarge": 1, "48xlarge": 16}),
    "g4dn": (
        "T4",
        {"xlarge": 1, "2xlarge": 1, "4xlarge": 1, "8xlarge": 1, "12xlarge": 4, "16xlarge": 1},
    ),
    "g5": (
        "A10G",
        {"xlarge": 1, "2xlarge": 1, "4xlarge": 1, "8xlarge": 1, "12xlarge": 4, "16xlarge": 1, "24xlarge": 4,
         "48xlarge": 8},
    ),
    "g6": (
        "L4",
        {"xlarge": 1, "2xlarge": 1, "4xlarge": 1, "8xlarge": 1, "12xlarge": 4, "16xlarge": 1, "24xlarge": 4,
         "48xlarge": 8},
    ),
    "g6e": (
        "L40S",
        {"xlarge": 1, "2xlarge": 1, "4xlarge": 1, "8xlarge": 1, "12xlarge": 4, "16xlarge": 1, "24xlarge": 4,
         "48xlarge": 8},
    ),
    "gr6": ("L4", {"4xlarge": 1, "8xlarge": 1}),
    "g7": ("", {}),
    "g7e": ("", {}),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceType:
    """`accelerator_count` is 0 where it is not known, and on instances without any."""

    family: str
    size: str
    accelerated: bool
    accelerator_name: str = ""
    accelerator_count: int = 0


@lru_cache(maxsize=1024)
def describe(name: str) -> InstanceType | None:
    """What is known of `ml.<family>.<size>`; None for a name of another form."""
    parts = _NAME.fullmatch(name)
    if parts is None:
        return None
    family, size = parts["family"], parts["size"]
    accelerator, counts = _ACCELERATORS.get(family, ("", {}))
    return InstanceType(
        family=family,
        size=size,
        accelerated=family in _ACCELERATORS or NVIDIA_OR_NEURON.match(family) is not None,
        accelerator_name=accelerator,
        accelerator_count=counts.get(size, 0),
    )


def known_families() -> frozenset[str]:
    """Families with accelerators that the table names."""
    return frozenset(_ACCELERATORS)


def known_types() -> frozenset[str]:
    """Every type whose count of accelerators the table gives."""
    return frozenset(f"{PREFIX}{family}.{size}" for family, (_, counts) in _ACCELERATORS.items() for size in counts)
