"""What names and images of DaemonSets say, and what they do not say."""

from typing import Any

import pytest
from tests.unit.core.preflight.cases import KARPENTER
from tests.unit.core.preflight.world import group, having, spec, subject

from hyperpod_operator.core.preflight.checks.eks import only_cni, vpc_cni
from hyperpod_operator.core.preflight.checks.kubernetes import health_agent_version
from hyperpod_operator.core.preflight.facts import Workload
from hyperpod_operator.core.preflight.model import Finding, Result

CNI = "602401143452.dkr.ecr.us-west-2.amazonaws.com:443/amazon-k8s-cni"
DIGEST = "@sha256:1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f809"


def judged(check: Any, name: str, image: str) -> Result:
    facts = having(addons={}, workloads=(Workload(namespace="kube-system", name=name, image=image),))
    findings: list[Finding] = [*check(subject(spec(group(), **KARPENTER), facts=facts))]
    return findings[0].result


@pytest.mark.parametrize(
    ("image", "result"),
    [
        (f"{CNI}:v1.19.0-eksbuild.1", Result.PASS),
        (f"{CNI}:v1.19.0-eksbuild.1{DIGEST}", Result.PASS),
        (f"{CNI}:v1.18.2", Result.FAIL),
        (f"{CNI}:v1.18.2{DIGEST}", Result.FAIL),
        (f"{CNI}{DIGEST}", Result.UNKNOWN),
        (CNI, Result.UNKNOWN),
    ],
)
def test_a_digest_is_no_version_of_the_cni_plugin(image: str, result: Result) -> None:
    assert judged(vpc_cni, "aws-node", image) is result


@pytest.mark.parametrize(
    ("image", "result"),
    [
        ("ecr/hma:1.0.1892.0_1.0.424.0", Result.PASS),
        (f"ecr/hma:1.0.1892.0_1.0.424.0{DIGEST}", Result.PASS),
        ("ecr/hma:1.0.1.0_1.0.1.0", Result.FAIL),
        (f"ecr/hma{DIGEST}", Result.UNKNOWN),
    ],
)
def test_a_digest_is_no_version_of_the_health_monitoring_agent(image: str, result: Result) -> None:
    assert judged(health_agent_version, "health-monitoring-agent", image) is result


@pytest.mark.parametrize("name", ["cilium", "cilium-agent", "calico-node", "weave-net", "kube-flannel-ds", "canal"])
def test_other_cni_plugins_are_known_by_name(name: str) -> None:
    assert judged(only_cni, name, "x") is Result.FAIL


@pytest.mark.parametrize("name", ["weave-scope-agent", "canalyzer", "aws-node", "tetragon"])
def test_what_has_a_part_of_such_a_name_is_none(name: str) -> None:
    assert judged(only_cni, name, "x") is Result.PASS
