"""What EKS offers: Kubernetes versions with their dates, add-ons with their versions.

Versions and add-ons for HyperPod as one account's DescribeAddonVersions had them in October 2026; the dates are those
of EKS's release calendar.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Addon:
    """An add-on: its versions, newest first, and the Kubernetes versions that each of them runs on."""

    type: str
    versions: tuple[str, ...]
    kubernetes: tuple[str, ...]


def _at(year: int, month: int, day: int) -> float:
    return datetime.datetime(year, month, day, tzinfo=datetime.UTC).timestamp()


VERSIONS: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "1.29": (_at(2024, 1, 23), _at(2025, 3, 23), _at(2026, 3, 23)),
        "1.30": (_at(2024, 5, 23), _at(2025, 7, 23), _at(2026, 7, 23)),
        "1.31": (_at(2024, 9, 26), _at(2025, 11, 26), _at(2026, 11, 26)),
        "1.32": (_at(2025, 1, 23), _at(2026, 3, 23), _at(2027, 3, 23)),
        "1.33": (_at(2025, 5, 29), _at(2026, 7, 29), _at(2027, 7, 29)),
        "1.34": (_at(2025, 10, 2), _at(2026, 12, 2), _at(2027, 12, 2)),
        "1.35": (_at(2026, 1, 27), _at(2027, 3, 27), _at(2028, 3, 27)),
    }
)
"""Version → release, end of standard support, end of extended support."""

_EVERY = tuple(VERSIONS)

ADDONS: Mapping[str, Addon] = MappingProxyType(
    {
        "amazon-cloudwatch-observability": Addon("observability", ("v6.7.0-eksbuild.1",), _EVERY),
        "amazon-sagemaker-hyperpod-inference": Addon("ml", ("v2.1.0-eksbuild.1",), _EVERY[3:]),
        "amazon-sagemaker-hyperpod-observability": Addon("observability", ("v1.2.0-eksbuild.3",), _EVERY[3:]),
        "amazon-sagemaker-hyperpod-taskgovernance": Addon("ml", ("v1.6.1-eksbuild.1",), _EVERY[2:]),
        "amazon-sagemaker-hyperpod-training-operator": Addon("ml", ("v1.3.0-eksbuild.1",), _EVERY[2:]),
        "aws-ebs-csi-driver": Addon("storage", ("v1.50.1-eksbuild.1", "v1.47.0-eksbuild.1"), _EVERY),
        "aws-fsx-csi-driver": Addon("storage", ("v1.10.0-eksbuild.1",), _EVERY),
        "aws-mountpoint-s3-csi-driver": Addon("storage", ("v2.8.0-eksbuild.1",), _EVERY),
        "coredns": Addon("networking", ("v1.12.4-eksbuild.1", "v1.11.4-eksbuild.2"), _EVERY),
        "eks-pod-identity-agent": Addon("security", ("v1.4.0-eksbuild.1", "v1.3.8-eksbuild.2"), _EVERY),
        "kube-proxy": Addon("networking", ("v1.33.3-eksbuild.6",), _EVERY),
        "vpc-cni": Addon("networking", ("v1.20.4-eksbuild.1", "v1.18.3-eksbuild.3", "v1.18.2-eksbuild.1"), _EVERY),
    }
)
