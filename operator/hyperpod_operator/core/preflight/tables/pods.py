"""How many pods a HyperPod instance takes, which is how many IP addresses of its subnet it needs.

An instance has one network interface, so the count follows from the addresses that an interface can have.

Source: SageMaker developer guide, sagemaker-hyperpod-eks-prerequisites, table "Maximum number of pods" (types that it
does not list: EC2's Ipv4AddressesPerInterface less one, which all listed rows fit).
[assumption: preflight-addresses-by-type]
"""

from collections.abc import Mapping

_ROWS: Mapping[int, str] = {
    3: "c6g.medium c7g.medium c8g.medium m6g.medium m7g.medium m8g.medium",
    5: "t3.medium",
    11: "t3.large",
    9: "c5.large c5n.large m5.large c6a.large m6a.large c6g.large c7g.large c8g.large m6g.large m7g.large m8g.large "
    "g4dn.xlarge g4dn.2xlarge g4dn.4xlarge",
    14: "c5n.2xlarge g4dn.8xlarge g4dn.16xlarge "
    + " ".join(
        f"{family}.{size}"
        for family in ("c5", "m5", "t3", "g5", "g6", "g6e", "c6a", "m6a", "c6g", "c7g", "c8g", "m6g", "m7g", "m8g")
        for size in ("xlarge", "2xlarge")
    ),
    29: "c5.4xlarge c5.9xlarge c5.12xlarge c5n.4xlarge c5n.9xlarge g5.4xlarge g5.8xlarge g5.16xlarge gr6.4xlarge "
    "gr6.8xlarge g4dn.12xlarge "
    + " ".join(
        f"{family}.{size}"
        for family in ("m5", "g6", "g6e", "c6a", "m6a", "c6g", "c7g", "c8g", "m6g", "m7g", "m8g")
        for size in ("4xlarge", "8xlarge", "12xlarge")
    ),
    49: "p4d.24xlarge p4de.24xlarge p5.48xlarge p5e.48xlarge p6-b300.48xlarge trn1.32xlarge trn1n.32xlarge "
    "r5d.16xlarge g5.12xlarge g5.24xlarge g5.48xlarge c5.18xlarge c5.24xlarge c5n.18xlarge m5.16xlarge m5.24xlarge "
    + " ".join(f"g7e.{size}" for size in ("2xlarge", "4xlarge", "8xlarge", "12xlarge", "24xlarge", "48xlarge"))
    + " "
    + " ".join(f"{family}.{size}" for family in ("g6", "g6e") for size in ("16xlarge", "24xlarge", "48xlarge"))
    + " "
    + " ".join(f"{family}.16xlarge" for family in ("c6g", "c7g", "m6g", "m7g"))
    + " "
    + " ".join(f"{family}.{size}" for family in ("c8g", "m8g") for size in ("16xlarge", "24xlarge", "48xlarge"))
    + " "
    + " ".join(
        f"{family}.{size}" for family in ("c6a", "m6a") for size in ("16xlarge", "24xlarge", "32xlarge", "48xlarge")
    ),
}

PODS: Mapping[str, int] = {f"ml.{name}": pods for pods, names in _ROWS.items() for name in names.split()}
"""Most pods by instance type."""

INTERFACES_OF_EFA: Mapping[str, int] = {"ml.p5.48xlarge": 31, "ml.p5e.48xlarge": 31}
"""Addresses that further EFA interfaces take, besides those of the pods. An ml.p5.48xlarge on EKS takes 81 addresses,
50 on its primary card and 31 on the others (SageMaker developer guide, prerequisites, VPC)."""


def pods(instance_type: str, *, addresses_per_interface: int | None = None) -> int | None:
    """Most pods of a type; None where neither the table nor EC2 tells."""
    if (listed := PODS.get(instance_type)) is not None:
        return listed
    return addresses_per_interface - 1 if addresses_per_interface else None


def addresses(instance_type: str, *, addresses_per_interface: int | None = None) -> int | None:
    """Most addresses of its subnet that an instance takes: for each pod, for itself, and for further EFA cards."""
    most = pods(instance_type, addresses_per_interface=addresses_per_interface)
    return None if most is None else most + own_addresses(instance_type)


def own_addresses(instance_type: str) -> int:
    """Addresses of its subnet that an instance takes without its pods."""
    return 1 + INTERFACES_OF_EFA.get(instance_type, 0)
