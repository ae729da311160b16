"""What people write by mistake and the API server refuses: the answer names the field and says what to write.

One part of the answer is the schema's own; a rule in words is judged only where the text is not too long for it.
"""

import copy
from typing import Any

import pytest
import yaml

from hyperpod_operator.api.names import API_VERSION
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.stack import ROOT

Json = dict[str, Any]

ARN = "arn:aws:ec2:us-west-2:111122223333:"
NODE = "hyperpod-i-0123456789abcdef0"
CLUSTER = yaml.safe_load((ROOT / "examples" / "minimal.yaml").read_text())["spec"]
CLAIM = yaml.safe_load((ROOT / "examples" / "ebsvolumeclaim-new.yaml").read_text())["spec"]
OPERATION = yaml.safe_load((ROOT / "examples" / "hyperpodnodeoperation-reboot.yaml").read_text())["spec"]


def group(**members: Any) -> Json:
    first = {**CLUSTER["instanceGroups"][0], **members}
    return {**CLUSTER, "instanceGroups": [first, *CLUSTER["instanceGroups"][1:]]}


def placed(**members: Any) -> Json:
    return {**CLUSTER, "vpcConfig": {**CLUSTER["vpcConfig"], **members}}


def created(**members: Any) -> Json:
    return {**CLAIM, "source": {"create": members}}


CASES: dict[str, tuple[str, Json, str, str]] = {
    "the ARN of a security group": (
        "HyperPodCluster",
        placed(securityGroupIds=[f"{ARN}security-group/sg-0123456789abcdef0"]),
        "spec.vpcConfig.securityGroupIds[0]",
        "give the id of the security group",
    ),
    "the ARN of a subnet": (
        "HyperPodCluster",
        placed(subnets=[f"{ARN}subnet/subnet-0123456789abcdef0"]),
        "spec.vpcConfig.subnets[0]",
        "give ids of subnets",
    ),
    "an id of a subnet that is too long for AWS": (
        "HyperPodCluster",
        placed(subnets=["subnet-" + "0" * 26]),
        "spec.vpcConfig.subnets[0]",
        "give ids of subnets",
    ),
    "the ARN of an image": (
        "HyperPodCluster",
        group(imageId="arn:aws:ec2:us-west-2::image/ami-0123456789abcdef0"),
        "imageId",
        "give the id of the AMI",
    ),
    "bare metal": ("HyperPodCluster", group(instanceType="g5.metal"), "instanceType", "no bare metal instances"),
    "the ARN of a snapshot": (
        "EBSVolumeClaim",
        created(snapshotId="arn:aws:ec2:us-west-2::snapshot/snap-0123456789abcdef0"),
        "spec.source.create.snapshotId",
        "give the id of the snapshot",
    ),
    "a duration in prose": (
        "EBSVolumeClaim",
        {**CLAIM, "attachment": {**CLAIM["attachment"], "detachTimeout": "10 minutes"}},
        "spec.attachment.detachTimeout",
        "write it as 90s or 10m",
    ),
    "mount options as fstab has them": (
        "EBSVolumeClaim",
        {
            **CLAIM,
            "publish": {
                "type": "LocalPV",
                "persistentVolumeClaim": {"name": "data"},
                "mountOptions": ["defaults,noatime,nodiratime,commit=30"],
            },
        },
        "spec.publish.mountOptions[0]",
        "each item is one mount option",
    ),
    "the name of a Node for an instance": (
        "HyperPodNodeOperation",
        {**OPERATION, "nodes": {"instanceIds": [NODE]}},
        "spec.nodes.instanceIds[0]",
        "set names for the names of Nodes",
    ),
    **{
        f"the time {moment}": (
            "HyperPodNodeOperation",
            {**OPERATION, "notBefore": moment},
            "spec.notBefore",
            "must be of type string" if isinstance(moment, list) else "give date, time and offset from UTC",
        )
        for moment in (
            *("tomorrow", "2026-11-30t04:00:00z", "2026-11-30T04:00:00+24:00", "0000-01-01T00:00:00Z"),
            *("2026-02-30T04:00:00Z", [], ["2026-11-30T04:00:00Z"]),
        )
    },
}


@pytest.mark.parametrize("case", CASES)
def test_the_answer_names_the_field_and_says_what_to_write(control_plane: ControlPlane, case: str) -> None:
    kind, spec, field, words = CASES[case]
    control_plane.install_crds(ROOT / "crds")
    manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "mistake"}, "spec": copy.deepcopy(spec)}
    answer = control_plane.kubectl(
        *("create", "--dry-run=server", "-n", "default", "-f", "-"), input=yaml.safe_dump(manifest), check=False
    )
    assert answer.returncode != 0
    assert field in answer.stderr
    assert words in answer.stderr
