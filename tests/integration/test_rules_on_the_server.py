"""Each CEL rule of the CRD, judged by the real API server: one object that it lets pass, one that it refuses.

Nothing is stored but what a transition starts from: the rest are dry runs, which the server validates in full.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hyperpod_operator.api.crd import crd
from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import API_VERSION, CLUSTER_KIND, GROUP, RESERVED_NODE_KEYS
from hyperpod_testbed.control_plane import ControlPlane

CRDS = Path(__file__).parents[2] / "crds"
Node = dict[str, Any]

ROLE = "arn:aws:iam::111122223333:role/hyperpod"
FOREIGN_ROLE = "arn:aws:iam::444455556666:role/hyperpod"
CHECKS = ["InstanceStress"]
OTHER_ROLE = "arn:aws:iam::111122223333:role/other"
PLAN = "arn:aws:sagemaker:us-west-2:111122223333:training-plan/winter"
EKS = {"eks": {"clusterArn": "arn:aws:eks:us-west-2:111122223333:cluster/ml"}}
OTHER_EKS = {"eks": {"clusterArn": "arn:aws:eks:us-west-2:111122223333:cluster/other"}}
VPC = {"securityGroupIds": ["sg-1", "sg-2"], "subnets": ["subnet-1", "subnet-2"]}
SAME_VPC = {"securityGroupIds": ["sg-2", "sg-1"], "subnets": ["subnet-2", "subnet-1"]}
OTHER_VPC = {"securityGroupIds": ["sg-1"], "subnets": ["subnet-3"]}
EBS = {"ebsVolumeConfig": {"volumeSizeInGB": 100}}
FILE_SYSTEM = "fs-0123456789abcdef0.fsx.us-west-2.amazonaws.com"
ZFS = {"fsxOpenZfsConfig": {"dnsName": FILE_SYSTEM}}
BATCHES = {"rollingUpdatePolicy": {"maximumBatchSize": {"type": "INSTANCE_COUNT", "value": 1}}}


def altered(node: Node, **changes: Any) -> Node:
    """A copy with members replaced; None removes one."""
    return {name: value for name, value in {**copy.deepcopy(node), **changes}.items() if value is not None}


def group(**changes: Any) -> Node:
    return altered(
        {"instanceGroupName": "g", "instanceType": "ml.p5.48xlarge", "instanceCount": 2, "executionRole": ROLE},
        **changes,
    )


def spec(*groups: Node, **changes: Any) -> Node:
    """A spec with these groups (one plain group when there are none)."""
    return altered({"orchestrator": EKS, "vpcConfig": VPC, "instanceGroups": list(groups) or [group()]}, **changes)


def restricted(**changes: Any) -> Node:
    return spec(instanceGroups=None, restrictedInstanceGroups=[group(**changes)])


def flexible(*types: str, **changes: Any) -> Node:
    return group(instanceType=None, instanceRequirements={"instanceTypes": list(types)}, **changes)


def patched(strategy: str, **more: Any) -> Node:
    return spec(group(autoPatchConfig={"patchingStrategy": strategy, **more}))


def stored(**storage: Any) -> Node:
    return spec(group(instanceStorageConfigs=[storage]))


def tagged(key: str) -> Node:
    return spec(tags=[{"key": key, "value": "x"}])


def tainted(key: str, **changes: Any) -> Node:
    return spec(group(kubernetesConfig={"taints": [{"key": key, "effect": "NoSchedule"}]}, **changes))


def scheduled(expression: str) -> Node:
    return spec(group(scheduledUpdateConfig={"scheduleExpression": expression}))


PLACES = (
    ("spec.vpcConfig", lambda vpc: spec(vpcConfig=vpc)),
    ("spec.instanceGroups[].overrideVpcConfig", lambda vpc: spec(group(overrideVpcConfig=vpc))),
)
CONTINUOUS = {"nodeProvisioningMode": "Continuous"}
SCALING = {"autoScaling": {"mode": "Enable"}, "clusterRole": ROLE, "nodeRecovery": "Automatic", **CONTINUOUS}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One rule: the node that holds it, how its message begins, and what it decides."""

    where: str
    message: str
    accepted: Node
    refused: Node
    before: Node | None = None
    """What is stored when the rule is about a change."""
    name: str = "sample"
    """Of the object; a cluster's name defaults to it."""

    def __str__(self) -> str:
        return f"{self.where or 'root'}: {self.message[:50]}"


def change(where: str, message: str, before: Node, *, accepted: Node, refused: Node) -> Case:
    return Case(where=where, message=message, before=before, accepted=accepted, refused=refused)


def check(where: str, message: str, *, accepted: Node, refused: Node, name: str = "sample") -> Case:
    return Case(where=where, message=message, accepted=accepted, refused=refused, name=name)


IG, RIG = "spec.instanceGroups[]", "spec.restrictedInstanceGroups[]"
STORAGE = f"{IG}.instanceStorageConfigs[]"

CASES = [
    # The name in AWS.
    check("", "the name of this object", name="a.b", accepted=spec(clusterName="a-b"), refused=spec()),
    change(
        "", "spec.clusterName cannot change", spec(), accepted=spec(clusterName="sample"), refused=spec(clusterName="b")
    ),
    # What stays as it was.
    change("spec.orchestrator", "orchestrator cannot", spec(), accepted=spec(), refused=spec(orchestrator=OTHER_EKS)),
    change(
        "spec.vpcConfig",
        "vpcConfig cannot",
        spec(),
        accepted=spec(vpcConfig=SAME_VPC),
        refused=spec(vpcConfig=OTHER_VPC),
    ),
    change(
        "spec",
        "region cannot change",
        spec(region="us-west-2"),
        accepted=spec(region="us-west-2", nodeRecovery="None"),
        refused=spec(region="eu-central-1"),
    ),
    check("spec", "region is not that of", accepted=spec(region="us-west-2"), refused=spec(region="us-east-1")),
    check(
        "spec",
        "an executionRole, or clusterRole, is of another account",
        accepted=spec(clusterRole=OTHER_ROLE),
        refused=spec(group(executionRole=FOREIGN_ROLE)),
    ),
    change("spec", "nodeProvisioningMode cannot", spec(**CONTINUOUS), accepted=spec(**CONTINUOUS), refused=spec()),
    # Groups that exist.
    change(
        IG,
        "instanceType of an existing group",
        spec(group()),
        accepted=spec(group(instanceCount=3)),
        refused=spec(group(instanceType="ml.p4d.24xlarge")),
    ),
    change(
        IG,
        "executionRole of an existing group",
        spec(group()),
        accepted=spec(group(), group(instanceGroupName="new", executionRole=OTHER_ROLE)),
        refused=spec(group(executionRole=OTHER_ROLE)),
    ),
    change(
        IG,
        "a group cannot switch",
        spec(group(), **CONTINUOUS),
        accepted=spec(group(), flexible("ml.p5.48xlarge", instanceGroupName="new"), **CONTINUOUS),
        refused=spec(flexible("ml.p5.48xlarge"), **CONTINUOUS),
    ),
    change(
        IG,
        "threadsPerCore of",
        spec(group(threadsPerCore=1)),
        accepted=spec(group(threadsPerCore=1, instanceCount=0)),
        refused=spec(group()),
    ),
    change(
        IG,
        "overrideVpcConfig of",
        spec(group(overrideVpcConfig=VPC)),
        accepted=spec(group(overrideVpcConfig=SAME_VPC)),
        refused=spec(group(overrideVpcConfig=OTHER_VPC)),
    ),
    change(
        IG,
        "instanceStorageConfigs of",
        spec(group(instanceStorageConfigs=[EBS, ZFS])),
        accepted=spec(group(instanceStorageConfigs=[ZFS, EBS])),
        refused=spec(group(instanceStorageConfigs=[EBS])),
    ),
    change(
        IG,
        "trainingPlanArn of",
        spec(group(trainingPlanArn=PLAN)),
        accepted=spec(group(trainingPlanArn=PLAN, instanceCount=1)),
        refused=spec(group(trainingPlanArn=PLAN + "2")),
    ),
    change(
        IG,
        "capacityRequirements of",
        spec(group(capacityRequirements={"spot": {}})),
        accepted=spec(group(capacityRequirements={"spot": {}}, instanceCount=1)),
        refused=spec(group(capacityRequirements={"onDemand": {}})),
    ),
    change(
        RIG,
        "instanceType of an existing group",
        restricted(),
        accepted=restricted(instanceCount=1),
        refused=restricted(instanceType="ml.p4d.24xlarge"),
    ),
    change(RIG, "executionRole of", restricted(), accepted=restricted(), refused=restricted(executionRole=OTHER_ROLE)),
    change(
        RIG,
        "threadsPerCore of",
        restricted(threadsPerCore=2),
        accepted=restricted(threadsPerCore=2),
        refused=restricted(threadsPerCore=1),
    ),
    change(
        RIG,
        "overrideVpcConfig of",
        restricted(overrideVpcConfig=VPC),
        accepted=restricted(overrideVpcConfig=VPC),
        refused=restricted(),
    ),
    change(
        RIG,
        "instanceStorageConfigs of",
        restricted(instanceStorageConfigs=[EBS]),
        accepted=restricted(instanceStorageConfigs=[EBS]),
        refused=restricted(instanceStorageConfigs=[ZFS]),
    ),
    change(
        RIG,
        "trainingPlanArn of",
        restricted(trainingPlanArn=PLAN),
        accepted=restricted(trainingPlanArn=PLAN),
        refused=restricted(),
    ),
    # Exactly one of.
    check(IG, "set exactly one of instanceType", accepted=spec(group()), refused=spec(group(instanceType=None))),
    check(
        f"{IG}.capacityRequirements",
        "set exactly one of spot",
        accepted=spec(group(capacityRequirements={"spot": {}})),
        refused=spec(group(capacityRequirements={"spot": {}, "onDemand": {}})),
    ),
    check(STORAGE, "set exactly one of ebsVolumeConfig", accepted=stored(**EBS), refused=stored(**EBS, **ZFS)),
    check(
        f"{STORAGE}.ebsVolumeConfig",
        "rootVolume: true",
        accepted=stored(ebsVolumeConfig={"rootVolume": True, "volumeKmsKeyId": "alias/a"}),
        refused=stored(ebsVolumeConfig={"rootVolume": True, "volumeKmsKeyId": "alias/a", "volumeSizeInGB": 9}),
    ),
    check(
        f"{STORAGE}.ebsVolumeConfig",
        "set volumeSizeInGB",
        accepted=stored(**EBS),
        refused=stored(ebsVolumeConfig={"volumeKmsKeyId": "alias/a"}),
    ),
    # What does not go together in a group.
    check(
        IG,
        "minInstanceCount cannot be larger",
        accepted=spec(group(minInstanceCount=2), **CONTINUOUS),
        refused=spec(group(minInstanceCount=3), **CONTINUOUS),
    ),
    check(
        IG,
        "HyperPod does not run deep health checks",
        accepted=spec(group(onStartDeepHealthChecks=["InstanceStress"], kubernetesConfig={"labels": {"a": "b"}})),
        refused=tainted("a", onStartDeepHealthChecks=["InstanceStress"]),
    ),
    *(
        check(where, "deep health checks run on instances", accepted=accepted, refused=refused)
        for where, accepted, refused in (
            (
                IG,
                spec(flexible("ml.p5.48xlarge", "ml.trn1.32xlarge", onStartDeepHealthChecks=CHECKS), **CONTINUOUS),
                spec(flexible("ml.p5.48xlarge", "ml.m5.large", onStartDeepHealthChecks=CHECKS), **CONTINUOUS),
            ),
            (
                RIG,
                restricted(onStartDeepHealthChecks=CHECKS),
                restricted(onStartDeepHealthChecks=CHECKS, instanceType="ml.c5.18xlarge"),
            ),
        )
    ),
    check(
        IG,
        "a training plan is reserved",
        accepted=spec(group(trainingPlanArn=PLAN, capacityRequirements={"onDemand": {}})),
        refused=spec(group(trainingPlanArn=PLAN, capacityRequirements={"spot": {}})),
    ),
    check(
        f"{IG}.instanceRequirements",
        "each instance type",
        accepted=spec(flexible("ml.g5.xlarge", "ml.g6.xlarge"), **CONTINUOUS),
        refused=spec(flexible("ml.g5.xlarge", "ml.g5.xlarge"), **CONTINUOUS),
    ),
    check(
        f"{IG}.kubernetesConfig",
        "labels under sagemaker",
        accepted=spec(group(kubernetesConfig={"labels": {"example.com/pool": "gpu"}})),
        refused=spec(group(kubernetesConfig={"labels": {"sagemaker.amazonaws.com/pool": "gpu"}})),
    ),
    check(
        f"{IG}.kubernetesConfig",
        "a label key is",
        accepted=spec(group(kubernetesConfig={"labels": {"example.com/A_b.c": "gpu"}})),
        refused=spec(group(kubernetesConfig={"labels": {"Example.com/pool": "gpu"}})),
    ),
    check(
        f"{IG}.kubernetesConfig.taints[]",
        "taints under sagemaker",
        accepted=spec(group(kubernetesConfig={"taints": [{"key": "a", "effect": "NoSchedule"}]})),
        refused=spec(
            group(kubernetesConfig={"taints": [{"key": "sagemaker.amazonaws.com/a", "effect": "NoSchedule"}]})
        ),
    ),
    check(
        f"{IG}.kubernetesConfig.taints[]",
        "a taint key is",
        accepted=tainted("example.com/" + "a" * 63),
        refused=tainted("example.com/" + "a" * 64),
    ),
    check(
        f"{IG}.autoPatchConfig",
        "patchingStrategy DrainFirst",
        accepted=patched("DrainFirst", deploymentConfig=BATCHES),
        refused=patched("DrainFirst", deploymentConfig={"waitIntervalInSeconds": 60}),
    ),
    check(
        f"{IG}.autoPatchConfig",
        "drainPolicy works",
        accepted=patched("DrainFirst", deploymentConfig=BATCHES, drainPolicy={"onDrainTimeout": "Skip"}),
        refused=patched("WhenIdle", drainPolicy={"onDrainTimeout": "Skip"}),
    ),
    check(
        f"{IG}.autoPatchConfig",
        "idleWaitWindowInSeconds works",
        accepted=patched("WhenAllIdle", idleWaitWindowInSeconds=3600),
        refused=patched("DrainFirst", deploymentConfig=BATCHES, idleWaitWindowInSeconds=3600),
    ),
    # What does not go together in a cluster.
    check("spec", "a cluster needs at least one group", accepted=spec(), refused=spec(instanceGroups=None)),
    check(
        "spec",
        "a group name stands in both",
        accepted=spec(restrictedInstanceGroups=[group(instanceGroupName="r")]),
        refused=spec(restrictedInstanceGroups=[group()]),
    ),
    check(
        "spec",
        "minInstanceCount needs",
        accepted=spec(group(minInstanceCount=1), **CONTINUOUS),
        refused=spec(group(minInstanceCount=1)),
    ),
    check(
        "spec",
        "instanceRequirements needs",
        accepted=spec(flexible("ml.g5.xlarge"), **CONTINUOUS),
        refused=spec(flexible("ml.g5.xlarge")),
    ),
    check(
        "spec",
        "autoScaling needs",
        accepted=spec(**altered(SCALING, nodeRecovery=None)),
        refused=spec(**{**SCALING, "nodeRecovery": "None"}),
    ),
    check(
        f"{IG}.instanceType",
        "put ml. in front",
        accepted=spec(group(instanceType="ml.p5.48xlarge")),
        refused=spec(group(instanceType="p5.48xlarge")),
    ),
    check(
        f"{IG}.instanceRequirements.instanceTypes[]",
        "put ml. in front",
        accepted=spec(flexible("ml.g5.xlarge"), **CONTINUOUS),
        refused=spec(flexible("g5.xlarge"), **CONTINUOUS),
    ),
    *(
        check(
            f"{where}.subnets[]",
            "give ids of subnets",
            accepted=placed({"securityGroupIds": ["sg-1"], "subnets": ["subnet-1"]}),
            refused=placed({"securityGroupIds": ["sg-1"], "subnets": ["vpc-0123456789abcdef0"]}),
        )
        for where, placed in PLACES
    ),
    *(
        check(
            f"{where}.securityGroupIds[]",
            "give the id of the security group",
            accepted=placed({"securityGroupIds": ["sg-1"], "subnets": ["subnet-1"]}),
            refused=placed({"securityGroupIds": ["default"], "subnets": ["subnet-1"]}),
        )
        for where, placed in PLACES
    ),
    check(
        f"{IG}.executionRole",
        "give the ARN of the role",
        accepted=spec(group(executionRole=OTHER_ROLE)),
        refused=spec(group(executionRole="hyperpod")),
    ),
    check(
        "spec.clusterRole",
        "give the ARN of the role",
        accepted=spec(clusterRole=ROLE),
        refused=spec(clusterRole="hyperpod-autoscaling-role"),
    ),
    check(
        f"{IG}.trainingPlanArn",
        "give the ARN of the training plan",
        accepted=spec(group(trainingPlanArn=PLAN)),
        refused=spec(group(trainingPlanArn="winter")),
    ),
    check(
        f"{IG}.lifeCycleConfig.sourceS3Uri",
        "give the place in Amazon S3",
        accepted=spec(group(lifeCycleConfig={"sourceS3Uri": "s3://sagemaker-a/b"})),
        refused=spec(group(lifeCycleConfig={"sourceS3Uri": "sagemaker-a/b"})),
    ),
    *(
        check(
            f"{STORAGE}.{member}.dnsName",
            "give the DNS name of the file system",
            accepted=stored(**{member: {**more, "dnsName": FILE_SYSTEM}}),
            refused=stored(**{member: {**more, "dnsName": "fs-0123456789abcdef0"}}),
        )
        for member, more in (("fsxLustreConfig", {"mountName": "abcd"}), ("fsxOpenZfsConfig", {}))
    ),
    check(
        "spec.orchestrator.eks.clusterArn",
        "give the ARN of the EKS cluster",
        accepted=spec(),
        refused=spec(orchestrator={"eks": {"clusterArn": "ml"}}),
    ),
    check(
        "spec.clusterName",
        "use dashes instead of underscores",
        accepted=spec(clusterName="my-cluster"),
        refused=spec(clusterName="my_cluster"),
    ),
    check(
        f"{IG}.instanceGroupName",
        "use dashes instead of underscores",
        accepted=spec(group(instanceGroupName="gpu-a")),
        refused=spec(group(instanceGroupName="gpu_a")),
    ),
    *(
        check(where, message, accepted=accepted, refused=refused)
        for where, message, accepted, refused in (
            ("spec.clusterName", "names in SageMaker have", spec(clusterName="a-b"), spec(clusterName="a.b")),
            ("spec.region", "a Region is given by", spec(region="us-west-2"), spec(region="us-west-2a")),
            (
                f"{IG}.instanceGroupName",
                "names in SageMaker have",
                spec(group(instanceGroupName="Gpu-1")),
                spec(group(instanceGroupName="gpu ")),
            ),
            (
                f"{IG}.instanceType",
                "instance types are in lower case",
                spec(group(instanceType="ml.u7i-12tb.224xlarge")),
                spec(group(instanceType="ML.P5.48XLARGE")),
            ),
            (
                f"{IG}.instanceRequirements.instanceTypes[]",
                "instance types are in lower case",
                spec(flexible("ml.g5.xlarge"), **CONTINUOUS),
                spec(flexible("ml.g5.xlarge "), **CONTINUOUS),
            ),
            (
                f"{IG}.instanceType",
                "HyperPod has no bare metal",
                spec(group(instanceType="ml.g5.48xlarge")),
                spec(group(instanceType="ml.g5.metal-24xl")),
            ),
            (
                f"{IG}.instanceRequirements.instanceTypes[]",
                "HyperPod has no bare metal",
                spec(flexible("ml.g5.xlarge"), **CONTINUOUS),
                spec(flexible("g5.metal"), **CONTINUOUS),
            ),
            (
                f"{IG}.autoPatchConfig.patchSchedule.nextPatchDate",
                "give date, time and offset",
                patched("WhenIdle", patchSchedule={"nextPatchDate": "2028-02-29T04:00:00Z"}),
                patched("WhenIdle", patchSchedule={"nextPatchDate": "2026-02-29T04:00:00Z"}),
            ),
            (
                f"{IG}.imageId",
                "give the id of the AMI",
                spec(group(imageId="default")),
                spec(group(imageId="Default")),
            ),
            (
                f"{IG}.imageReleaseVersion",
                "a release is",
                spec(group(imageReleaseVersion="1.2.3")),
                spec(group(imageReleaseVersion="v1.2.3")),
            ),
            (
                f"{STORAGE}.ebsVolumeConfig.volumeKmsKeyId",
                "give the id, the alias",
                stored(ebsVolumeConfig={"volumeSizeInGB": 9, "volumeKmsKeyId": "alias/my-key"}),
                stored(ebsVolumeConfig={"volumeSizeInGB": 9, "volumeKmsKeyId": "alias/my key"}),
            ),
            *(
                (
                    f"{STORAGE}.{member}.mountPath",
                    "a mount path begins",
                    stored(**{member: {**more, "dnsName": FILE_SYSTEM, "mountPath": "/fsx"}}),
                    stored(**{member: {**more, "dnsName": FILE_SYSTEM, "mountPath": "fsx"}}),
                )
                for member, more in (("fsxLustreConfig", {"mountName": "abcd"}), ("fsxOpenZfsConfig", {}))
            ),
            ("spec.tags[].key", "tags have letters", tagged("équipe"), tagged("a,b")),
            (
                "spec.tags[].value",
                "tags have letters",
                spec(tags=[{"key": "team", "value": "a b"}]),
                spec(tags=[{"key": "team", "value": "a;b"}]),
            ),
        )
    ),
    check(
        f"{IG}.scheduledUpdateConfig.scheduleExpression",
        "give an AWS cron expression",
        accepted=scheduled("cron(30 3 1 * ? *)"),
        refused=scheduled("0 4 * * 0"),
    ),
    check(
        "spec",
        "autoScaling does not work with",
        accepted=spec(**SCALING),
        refused=spec(group(trainingPlanArn=PLAN), **SCALING),
    ),
    check("spec.tags[]", "tag keys that start with aws:", accepted=tagged("awsome"), refused=tagged("AWS:x")),
    check(
        "spec.tags[]", f"tags under {GROUP}/", accepted=tagged("owner"), refused=tagged("HyperPod-Operator.dev/owner")
    ),
]


@pytest.fixture(scope="module")
def server(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with our CRD served."""
    control_plane.install_crds(CRDS)
    return control_plane


def made(spec: Node | None, *, name: str) -> Node:
    return {"apiVersion": API_VERSION, "kind": CLUSTER_KIND, "metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize("case", [case for case in CASES if case.before is None], ids=str)
def test_a_new_object_passes_or_is_refused_with_advice(server: ControlPlane, case: Case) -> None:
    accepted, refused = (server.api.judge_new(made(one, name=case.name)) for one in (case.accepted, case.refused))
    assert (accepted.refused, accepted.words) == (False, "")
    assert refused.refused
    assert case.message in refused.words


@pytest.mark.parametrize("prefix", RESERVED_NODE_KEYS)
@pytest.mark.parametrize("kind", ["labels", "taints"])
def test_nodes_get_no_label_and_no_taint_by_which_the_operator_works(
    server: ControlPlane, kind: str, prefix: str
) -> None:
    """A node with the label of a volume gets the pods, and what they write."""
    key = f"{prefix}vol-0e6c52a85d5c4b2f9e8f0d2b9f1f7a11"
    config = {"labels": {key: "attached"}} if kind == "labels" else {"taints": [{"key": key, "effect": "NoSchedule"}]}
    refused = server.api.judge_new(made(spec(group(kubernetesConfig=config)), name="thief"))
    assert "belong to HyperPod and to the operator" in refused.words


@pytest.mark.parametrize("case", [case for case in CASES if case.before is not None], ids=str)
def test_a_change_passes_or_is_refused_with_advice(server: ControlPlane, namespace: str, case: Case) -> None:
    server.api.create(made(case.before, name=case.name), namespace=namespace)
    accepted, refused = (
        server.api.judge_change(made(one, name=case.name), namespace=namespace) for one in (case.accepted, case.refused)
    )
    assert (accepted.refused, accepted.words) == (False, "")
    assert refused.refused
    assert case.message in refused.words


def rules_of(node: Node, path: str) -> Iterator[tuple[str, str]]:
    for each in node.get("x-kubernetes-validations", []):
        yield path, each["message"]
    for name, child in node.get("properties", {}).items():
        yield from rules_of(child, f"{path}.{name}".lstrip("."))
    if "items" in node:
        yield from rules_of(node["items"], f"{path}[]")


def test_no_rule_is_without_a_case() -> None:
    """Models that both kinds of group share are tried in one of them."""
    schema = crd(CLUSTER)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    rules = {(path.replace(f"{RIG}.", f"{IG}."), message) for path, message in rules_of(schema, "")}
    tried = {
        (path, message)
        for path, message in rules
        if any(case.where == path and message.startswith(case.message) for case in CASES)
    }
    assert rules - tried == set()
    assert len(CASES) == len(rules)
