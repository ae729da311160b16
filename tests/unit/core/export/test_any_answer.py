"""Whatever DescribeCluster may answer of a cluster that AWS took: its manifest changes nothing.

Answers are drawn from botocore's own shapes, so a member that AWS adds is drawn as soon as botocore has it.
"""

from datetime import UTC, datetime
from typing import Any

import botocore.session
import yaml
from botocore.model import Shape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from tests.unit.core.builders import NOW, resource

from hyperpod_operator.app.export.render import rendered
from hyperpod_operator.aws.sagemaker import translate
from hyperpod_operator.core.cluster.diff import diff
from hyperpod_operator.core.export.cluster import manifest
from hyperpod_operator.core.export.live import source
from hyperpod_operator.core.export.model import Manifest, Source
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.text import plain_lines

Answer = dict[str, Any]
MODEL = botocore.session.get_session().get_service_model("sagemaker")
EKS = "arn:aws:eks:us-west-2:111122223333:cluster/ml"
ROLE = "arn:aws:iam::111122223333:role/hyperpod"
PLAIN = ("yes", "No", "1e3", "0123", "null", "2026-01-01", "0x1f", "gpu")
"""Words that YAML takes for something else, if it is let."""
FREE = (*PLAIN, "a: b #c", " x ", "it's", "é", "a\nb", "${x}", "-", "a\u202egnp.sh", "a\u2028b")
TEXTS: dict[str, tuple[str, ...]] = {
    "ClusterArn": ("arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl",),
    "ClusterName": PLAIN,
    "ClusterInstanceGroupName": PLAIN,
    "RoleArn": (ROLE,),
    "TrainingPlanArn": ("arn:aws:sagemaker:us-west-2:111122223333:training-plan/winter",),
    "S3Uri": ("s3://bucket/folder", "https://bucket/a: #b", "s3://bucket/${x}"),
    "ClusterLifeCycleConfigFileName": FREE,
    "KmsKeyId": ("alias/x", "arn:aws:kms:us-west-2:111122223333:key/1"),
    "ClusterDnsName": ("fs-0123456789abcdef0.fsx.us-west-2.amazonaws.com",),
    "ClusterMountName": ("abc", "1e3", "no"),
    "ClusterFsxMountPath": ("/fsx",),
    "VpcSecurityGroupId": ("sg-1", "sg-1e3"),
    "SecurityGroupId": ("sg-1", "sg-1e3"),
    "SubnetId": ("subnet-1", "subnet-2"),
    "CronScheduleExpression": ("cron(0 4 ? * SUN *)",),
    "AlarmName": (*PLAIN, "a: b #c", "it's", "é"),
    "ImageId": ("ami-0123456789abcdef0", "default"),
    "ImageReleaseVersion": ("1.2.3",),
    "ClusterKubernetesLabelKey": ("a.b/yes", "no", "x"),
    "ClusterKubernetesTaintKey": ("a.b/yes", "no", "x"),
    "ClusterKubernetesTaintValue": ("yes", "1e3", "0123"),
    "ClusterKubernetesLabelValue": ("yes", "1e3", "0123"),
    "InstanceGroupTrainingPlanStatus": ("Active",),
    "EksClusterArn": (EKS,),
    "String": ("words",),
}
ONE_OF = frozenset({"ClusterInstanceStorageConfig", "ClusterCapacityRequirements"})
"""Structures of which AWS fills one member (API reference)."""
ELSEWHERE = frozenset({"SlurmConfig", "Slurm", "ActiveOperations"})
"""Members of Slurm clusters, and a map of what goes on."""
TYPES = ("ml.p5.48xlarge", "ml.g5.xlarge", "ml.trn1.32xlarge")


def drawn(shape: Shape) -> SearchStrategy[Any]:
    """A value of a shape."""
    if shape.type_name == "structure":
        members = {name: drawn(each) for name, each in shape.members.items() if name not in ELSEWHERE}
        if shape.name in ONE_OF:
            return st.one_of(*(st.fixed_dictionaries({name: each}) for name, each in members.items()))
        needed = {name: each for name, each in members.items() if name in shape.required_members}
        return st.fixed_dictionaries(needed, optional={n: each for n, each in members.items() if n not in needed})
    if shape.type_name == "list":
        least = shape.metadata.get("min", 0)
        return st.lists(drawn(shape.member), min_size=least, max_size=max(least, 2))
    if shape.type_name == "map":
        return st.dictionaries(drawn(shape.key), drawn(shape.value), max_size=2)
    if shape.type_name == "integer":
        least = shape.metadata.get("min", 0)
        return st.integers(least, min(shape.metadata.get("max", least + 9), least + 9))
    if shape.type_name == "boolean":
        return st.booleans()
    if shape.type_name == "timestamp":
        return st.just(datetime(2027, 1, 1, tzinfo=UTC))
    if shape.name == "ClusterInstanceType":
        return st.sampled_from(TYPES)
    return st.sampled_from(getattr(shape, "enum", None) or TEXTS[shape.name])


def taken(answer: Answer) -> Answer:
    """The answer as one of a cluster that CreateCluster takes: at rest, with members that go together."""
    answer |= {"ClusterStatus": "InService", "Orchestrator": {"Eks": {"ClusterArn": EKS}}}
    answer |= {"VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}}
    answer["ClusterName"] = answer.get("ClusterName", "research")
    if "AutoScaling" in answer:
        answer["AutoScaling"]["Mode"] = "Disable"
    shared = (answer.get("RestrictedInstanceGroupsConfig") or {}).get("SharedEnvironmentConfig")
    if shared is not None:
        shared["CurrentFSxLustreConfig"] = {"SizeInGiB": 1200, "PerUnitStorageThroughput": 125}
        shared["CurrentFSxLustreDeletionPolicy"] = "Keep"
    groups = [*answer["InstanceGroups"], *answer.get("RestrictedInstanceGroups", [])]
    for number, group in enumerate(groups):
        fitting(group)
        group["InstanceGroupName"] = f"{group.get('InstanceGroupName', 'group')}-{number}"
    for group in answer["InstanceGroups"]:
        if "InstanceRequirements" in group:
            group["InstanceRequirements"] = {"CurrentInstanceTypes": list(TYPES)}
            del group["InstanceType"]
    if any("InstanceRequirements" in group or group.get("MinCount") for group in groups):
        answer["NodeProvisioningMode"] = "Continuous"
    return answer


def fitting(group: Answer) -> None:
    group |= {"Status": "InService", "ExecutionRole": ROLE, "InstanceType": TYPES[0]}
    group["TargetCount"] = max(group.get("TargetCount", 0), group.get("MinCount", 0))
    if "OnStartDeepHealthChecks" in group:
        group.pop("KubernetesConfig", None)
    if "TrainingPlanArn" in group:
        group.pop("CapacityRequirements", None)
    kubernetes = group.get("KubernetesConfig") or {}
    for side in ("CurrentTaints", "DesiredTaints"):
        named = {(one["Key"], one["Effect"]): one for one in kubernetes.get(side, [])}
        kubernetes |= {side: list(named.values())} if side in kubernetes else {}
    if "AutoPatchConfig" in group:
        patch = group["AutoPatchConfig"]
        patch.setdefault("PatchingStrategy", "WhenIdle")
        if patch["PatchingStrategy"] == "DrainFirst":
            size = {"Type": "INSTANCE_COUNT", "Value": 1}
            patch.setdefault("DeploymentConfig", {})["RollingUpdatePolicy"] = {"MaximumBatchSize": size}
    for storage in group.get("InstanceStorageConfigs", []):
        if "EbsVolumeConfig" in storage:
            storage["EbsVolumeConfig"] = {"VolumeSizeInGB": 20, "VolumeKmsKeyId": "alias/x"} | storage[
                "EbsVolumeConfig"
            ]


def answers() -> SearchStrategy[Answer]:
    shape = MODEL.operation_model("DescribeCluster").output_shape
    one = st.lists(drawn(shape.members["InstanceGroups"].member), min_size=1, max_size=2)
    return st.builds(lambda answer, groups: taken(answer | {"InstanceGroups": groups}), drawn(shape), one)


@given(answers())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_cluster_that_aws_took_is_exported_whole_and_left_as_it_is(answer: Answer) -> None:
    observed = translate.cluster(model=MODEL, response=answer)
    found = source(observed, tags={})
    assert isinstance(found, Source)
    made = manifest(found)
    assert isinstance(made, Manifest)
    assert made.complete, [str(note) for note in made.notes if note.to_do]
    shown = rendered(made.named("research"), namespace="team")
    assert plain_lines(shown) == shown
    written = yaml.safe_load(shown)["spec"]
    assert written == made.spec
    gaps = diff(resource=resource(spec=written), observed=Observed(cluster=observed, tags={}), now=NOW)
    assert gaps.none, gaps.lines()
    assert not gaps.unknown_groups
    assert not gaps.scaled_outside
