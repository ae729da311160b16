"""What AWS or an image says in words that this version does not know: neither passed nor refused."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.preflight.cases import addon, eks
from tests.unit.core.preflight.world import DENIED, FACTS, FSX, KEY, PLAN, group, having, spec, subject

from hyperpod_operator.core.preflight.facts import Addon, Facts, FileSystem, KmsKey, TrainingPlan, Workload
from hyperpod_operator.core.preflight.model import Checked, Result
from hyperpod_operator.core.preflight.run import preflight
from hyperpod_operator.core.preflight.subject import ClusterSubject
from hyperpod_operator.core.preflight.table import CLUSTER

MOUNT = {"fsxLustreConfig": {"dnsName": f"{FSX}.fsx.us-west-2.amazonaws.com", "mountName": "abcdefgh"}}
ENCRYPTED = {"ebsVolumeConfig": {"volumeSizeInGB": 500, "volumeKmsKeyId": KEY}}
KARPENTER: dict[str, Any] = {"autoScaling": {"mode": "Enable", "autoScalerType": "Karpenter"}}


def workload(name: str, tag: str) -> Workload:
    return Workload(namespace="kube-system", name=name, image=f"registry/{name}{tag}")


def without_addon(tag: str) -> Facts:
    return having(addons={}, workloads=(workload("aws-node", tag),))


UNHEARD: dict[str, tuple[str, ClusterSubject]] = {
    "status of EKS": ("EKSClusterActive", subject(facts=eks(status="HIBERNATED"))),
    "authentication mode": ("EKSAuthenticationMode", subject(facts=eks(authentication_mode="API_ONLY"))),
    "status of an add-on": (
        "EKSAddonsHealthy",
        subject(facts=having(addons={"vpc-cni": Addon(name="vpc-cni", version="v1.20.1", status="PAUSED")})),
    ),
    "version of an add-on": ("VPCCNIVersion", subject(facts=addon("latest"))),
    "tag of the CNI": ("VPCCNIVersion", subject(facts=without_addon(":latest"))),
    "tag of the agent": (
        "HealthMonitoringAgentVersion",
        subject(
            spec(**KARPENTER),
            facts=having(workloads=(workload("health-monitoring-agent", ":stable"),)),
        ),
    ),
    "state of a key": (
        "KMSKeyUsable",
        subject(
            spec(group(instanceStorageConfigs=[ENCRYPTED])), facts=having(keys={KEY: KmsKey(arn=KEY, state="Frozen")})
        ),
    ),
    "lifecycle of a file system": (
        "FileSystemReachable",
        subject(
            spec(group(instanceStorageConfigs=[MOUNT])),
            facts=having(file_systems={FSX: FileSystem(lifecycle="PAUSED", vpc_id="vpc-1")}),
        ),
    ),
    "status of a training plan": (
        "TrainingPlanUsable",
        subject(spec(group(trainingPlanArn=PLAN)), facts=having(plans={PLAN: TrainingPlan(status="Paused")})),
    ),
}


def checked(name: str, about: ClusterSubject) -> Checked:
    (found,) = preflight([row for row in CLUSTER if row.name == name], about).checks
    return found


@pytest.mark.parametrize("what", UNHEARD)
def test_a_word_that_is_not_known_neither_passes_nor_fails(what: str) -> None:
    name, about = UNHEARD[what]
    assert checked(name, about).result is Result.UNKNOWN


@pytest.mark.parametrize("known", ["addons", "workloads"])
def test_half_of_what_a_cluster_runs_does_not_show_that_it_has_one_cni(known: str) -> None:
    facts = replace(FACTS, **{"addons": {}, "workloads": (), known: DENIED})
    assert checked("OnlyVPCCNI", subject(facts=facts)).result is Result.UNKNOWN


def test_security_groups_of_an_unknown_vpc_are_not_said_to_be_in_it() -> None:
    assert checked("SecurityGroupsExist", subject(facts=having(eks=DENIED))).result is Result.UNKNOWN


def test_a_key_that_is_updated_is_usable() -> None:
    facts = having(keys={KEY: KmsKey(arn=KEY, state="Updating")})
    about = subject(spec(group(instanceStorageConfigs=[ENCRYPTED])), facts=facts)
    assert checked("KMSKeyUsable", about).result is Result.PASS
