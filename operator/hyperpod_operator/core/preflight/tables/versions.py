"""Versions that HyperPod works with."""

import re

# [assumption: preflight-eks-versions]
KUBERNETES = ("1.28", "1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35")
"""Kubernetes versions of EKS clusters that a page of AWS has named as supported by HyperPod: 1.28 to 1.32 (July 2025),
1.28 to 1.33, 1.30 to 1.35 (mid-2026). Source: SageMaker developer guide, sagemaker-hyperpod-eks-prerequisites,
"Kubernetes version support"."""
# [assumption: preflight-eks-versions]
KUBERNETES_AS_OF = "2026-07"
# [assumption: preflight-eks-versions]
KUBERNETES_OLDEST = "1.30"
"""The oldest one that the newest of these pages still names."""

# [assumption: preflight-least-versions]
VPC_CNI = "1.18.3"
"""Least version of the VPC CNI plugin (the same page, "Networking")."""
# [assumption: preflight-least-versions]
HEALTH_AGENT_FOR_KARPENTER = "1.0.742.0_1.0.241.0"
"""Least version of the health monitoring agent for autoscaling (SageMaker developer guide,
sagemaker-hyperpod-eks-autoscaling)."""
# [assumption: preflight-eks-versions]
AUTHENTICATION_MODES = ("API", "API_AND_CONFIG_MAP")
"""Authentication modes of EKS clusters that HyperPod supports (the page on prerequisites)."""

# [assumption: preflight-eks-versions]
OTHER_MODES = ("CONFIG_MAP",)
"""The other ones of EKS's API model (AuthenticationMode)."""

_NUMBERS = re.compile(r"[0-9]{1,9}")


def parts(version: str) -> tuple[int, ...]:
    """The numbers of a version up to its first suffix: `v1.18.3-eksbuild.1` is (1, 18, 3)."""
    return tuple(int(number) for number in _NUMBERS.findall(version.lower().lstrip("v").split("-")[0]))


def older(version: str, than: str) -> bool:
    """Whether a version is older than another; one without numbers is not."""
    return bool(parts(version)) and parts(version) < parts(than)
