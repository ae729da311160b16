"""An edit that meets a DescribeCluster without an optional member: the update still carries the spec's."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import cluster, group, group_spec, recorded, resource, spec, with_group
from tests.unit.core.test_requests import sent, update

from hyperpod_operator.api.cluster.resource import InstanceGroup
from hyperpod_operator.core.cluster.diff import SOFTWARE_MEMBERS

ROLLING = {"rollingUpdatePolicy": {"maximumBatchSize": {"type": "INSTANCE_COUNT", "value": 1}}}
OPTIONAL: dict[str, Any] = {
    "minInstanceCount": 1,
    "instanceType": "ml.p5.48xlarge",
    "instanceRequirements": {"instanceTypes": ["ml.p5.48xlarge", "ml.p5en.48xlarge"]},
    "lifeCycleConfig": {"sourceS3Uri": "s3://sagemaker-x/lifecycle", "onCreate": "on_create.sh"},
    "threadsPerCore": 2,
    "instanceStorageConfigs": [{"ebsVolumeConfig": {"volumeSizeInGB": 100}}],
    "onStartDeepHealthChecks": ["InstanceStress"],
    "trainingPlanArn": "arn:aws:sagemaker:us-west-2:111122223333:training-plan/plan",
    "overrideVpcConfig": {"securityGroupIds": ["sg-9"], "subnets": ["subnet-9"]},
    "scheduledUpdateConfig": {"scheduleExpression": "cron(0 4 ? * SUN *)", "deploymentConfig": ROLLING},
    "autoPatchConfig": {"patchingStrategy": "WhenIdle"},
    "kubernetesConfig": {"labels": {"tier": "gold"}, "taints": [{"key": "k", "effect": "NoSchedule"}]},
    "capacityRequirements": {"spot": {}},
    "networkInterface": {"interfaceType": "efa"},
}
ELSEWHERE = SOFTWARE_MEMBERS | {"management"}
"""UpdateClusterSoftware changes images, and `management` is not AWS's."""


def wanted(member: str) -> dict[str, Any]:
    made = group_spec(count=6, **{member: OPTIONAL[member]})
    if member == "instanceRequirements":
        del made["instanceType"]
    return made


@pytest.mark.parametrize("member", OPTIONAL)
def test_a_member_that_an_answer_leaves_out_is_sent_as_the_spec_has_it(member: str) -> None:
    asked = wanted(member)
    groups = [asked, group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]
    shown = group({name: value for name, value in asked.items() if name != member} | {"instanceCount": 4})
    held = {name: value for name, value in shown.members.items() if name != member}
    odd = with_group(cluster(), replace(shown, members=held))
    owner = resource(spec=spec(instanceGroups=groups), status=recorded())
    assert member not in (odd.group("gpu") or shown).members
    made = sent(update(owner, odd), "gpu")
    assert (made["instanceCount"], made[member]) == (6, asked[member])


def test_every_optional_member_of_a_group_is_tried() -> None:
    optional = {name for name, field in InstanceGroup.model_fields.items() if not field.is_required()}
    assert optional - ELSEWHERE == OPTIONAL.keys()
