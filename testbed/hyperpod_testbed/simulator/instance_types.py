"""What an instance type brings: cores, memory, accelerators, pods.

Types are many and grow: a family has a row, and the size sets the rest. Pod limits follow the maximum pods table of
AWS's page on HyperPod prerequisites for EKS; the rest are EC2's published sizes, rounded.
"""

import functools
import re
from dataclasses import dataclass

_SIZES = {"medium": 0.25, "large": 0.5, "xlarge": 1.0}
_MEMORY_PER_CORE = {"c": 2, "m": 4, "r": 8, "g": 4, "gr": 8, "p": 8, "trn": 4, "t": 2, "i": 8}
_GRAVITON = re.compile(r"^[cmr]\d+g")

_GPUS = {
    "p4d.24xlarge": 8,
    "p4de.24xlarge": 8,
    "p5.4xlarge": 1,
    "p5.48xlarge": 8,
    "p5e.48xlarge": 8,
    "p5en.48xlarge": 8,
    "p6-b200.48xlarge": 8,
    "p6-b300.48xlarge": 8,
    "p6e-gb200.36xlarge": 4,
}
_GPUS_BY_SIZE = {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8}
_NEURON = {
    "trn1.32xlarge": 16,
    "trn1n.32xlarge": 16,
    "trn2.3xlarge": 1,
    "trn2.48xlarge": 16,
}
_EFA = {
    "p4d.24xlarge": 4,
    "p4de.24xlarge": 4,
    "p5.48xlarge": 32,
    "p5e.48xlarge": 32,
    "p5en.48xlarge": 16,
    "trn1.32xlarge": 8,
    "trn1n.32xlarge": 16,
}
_PODS = ((0.25, 3), (0.5, 9), (2.0, 14), (12.0, 29))
"""Most pods up to a size, by its multiple of xlarge; a larger one has `_MOST_PODS`."""
_MOST_PODS = 49
_OTHER_PODS = {
    "t3.medium": 5,
    "t3.large": 11,
    "g4dn.xlarge": 9,
    "g4dn.2xlarge": 9,
    "g4dn.4xlarge": 9,
    "g4dn.8xlarge": 14,
    "g4dn.16xlarge": 14,
    "g5.12xlarge": 49,
}


_HOURLY = {
    "p4d.24xlarge": "25.9100175600",
    "p5.48xlarge": "66.0480000000",
    "p5en.48xlarge": "75.9552000000",
    "g6e.48xlarge": "37.6600000000",
}
"""On-demand prices of HyperPod as people recorded them from the price list, in USD, us-west-2 and us-east-1."""
_PER_CORE, _PER_ACCELERATOR = 0.0576, 2.5
"""For the types whose price nobody recorded: what ml.m5 costs per vCPU, and the order of an accelerator's price."""
_EFA_SUPPORTED = re.compile(
    r"(p[456].*|trn[12]n?)\..*|(c5n|g4dn|g5|g6|g6e|gr6)\.(8|9|12|16|18|24|48)xlarge|g7e?\.(8|12|24|48)xlarge|"
    r"(c6a|m6a|c6i|m6i|r6i|m7i|r7i|c8g|m8g)\.(24|32|48)xlarge|(c7g|m7g)\.16xlarge|i3en\.(12|24)xlarge"
)
"""Types with an Elastic Fabric Adapter, roughly (EC2 user guide)."""


@dataclass(frozen=True)
class InstanceType:
    """A HyperPod instance type, `ml.` included in its name."""

    name: str
    cores: int
    memory_gib: int
    gpus: int
    neurons: int
    efa: int
    pods: int
    architecture: str

    @property
    def accelerated(self) -> bool:
        """Whether deep health checks and the health monitoring agent cover the type: GPU and Trainium only."""
        return bool(self.gpus or self.neurons)

    @property
    def efa_supported(self) -> bool:
        """Whether EC2 says that the type has an Elastic Fabric Adapter."""
        return bool(self.efa) or _EFA_SUPPORTED.fullmatch(self.name.removeprefix("ml.")) is not None

    @property
    def addresses_per_interface(self) -> int:
        """IPv4 addresses of one interface: one for the node, the rest for pods (HyperPod guide, table of pods)."""
        return self.pods + 1

    @property
    def addresses(self) -> int:
        """IPv4 addresses that an instance takes: those of its first network card and one of each other, 81 for P5
        (HyperPod guide)."""
        return self.addresses_per_interface + max(0, self.efa - 1)

    @property
    def threads_per_core(self) -> int:
        """What AWS fills in for ThreadsPerCore: 1 on types without multithreading."""
        return 1 if self.architecture == "arm64" else 2

    @property
    def capacity(self) -> dict[str, str]:
        """`status.capacity` of the node, with the resource names of the device plugins."""
        resources = {"cpu": str(self.cores), "memory": f"{self.memory_gib}Gi", "pods": str(self.pods)}
        for resource, count in (
            ("nvidia.com/gpu", self.gpus),
            ("aws.amazon.com/neuron", self.neurons),
            ("vpc.amazonaws.com/efa", self.efa),
        ):
            if count:
                resources[resource] = str(count)
        return resources


@functools.cache
def instance_type(name: str) -> InstanceType:
    """The properties of `ml.<family>.<size>`; types nobody has described get those of their size."""
    bare = name.removeprefix("ml.")
    family, _, size = bare.partition(".")
    scale = _scale(size)
    cores = max(1, int(scale * 4))
    kind = re.match(r"[a-z]+", family)
    memory = _MEMORY_PER_CORE.get(kind.group() if kind else "", 4)
    graphics = family.startswith("g") and not _GRAVITON.match(family)
    return InstanceType(
        name=name,
        cores=cores,
        memory_gib=max(1, cores * memory),
        gpus=_GPUS.get(bare, (_GPUS_BY_SIZE.get(size, 1) if graphics else 0)),
        neurons=_NEURON.get(bare, 0),
        efa=_EFA.get(bare, 0),
        pods=_OTHER_PODS.get(bare) or next((pods for most, pods in _PODS if scale <= most), _MOST_PODS),
        architecture="arm64" if _GRAVITON.match(family) or "gb200" in family else "amd64",
    )


def _scale(size: str) -> float:
    if size in _SIZES:
        return _SIZES[size]
    number = size.removesuffix("xlarge")
    return float(number) if number.isdigit() else 1.0


def hourly_price(name: str) -> str:
    """What HyperPod takes for an hour of an instance on demand, in USD, as the price list writes it."""
    recorded = _HOURLY.get(name.removeprefix("ml."))
    if recorded:
        return recorded
    known = instance_type(name)
    return f"{known.cores * _PER_CORE + (known.gpus + known.neurons) * _PER_ACCELERATOR:.10f}"
