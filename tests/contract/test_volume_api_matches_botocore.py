"""The members of EBSVolumeClaim that mirror EC2 and SageMaker, against botocore's models.

Every member of CreateVolume and ModifyVolume is ours under the same name or stands in a table with its reason: when
AWS adds one, this fails, and somebody looks and decides. EC2's model has no bounds, so only names, types and enums
are compared; SageMaker's patterns are compared as text.
"""

from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel, Shape

from hyperpod_operator.api.crd import crd
from hyperpod_operator.api.kinds import VOLUME_CLAIM

Node = dict[str, Any]

UNDER_VOLUME = ("Size", "VolumeType", "Iops", "Throughput")
UNDER_CREATE = (
    "AvailabilityZone",
    "AvailabilityZoneId",
    "Encrypted",
    "KmsKeyId",
    "SnapshotId",
    "VolumeInitializationRate",
)
CREATE_LEFT_OUT = {
    "ClientToken": "the operator's, from the claim's uid",
    "DryRun": "not a state",
    "MultiAttachEnabled": "mode Direct does not serve it; an adopted volume that has it is refused there",
    "Operator": "for AWS's own managed resources",
    "OutpostArn": "HyperPod has no nodes on Outposts",
    "TagSpecifications": "spec.volume.tags and the operator's own",
}
MODIFY_LEFT_OUT = {
    "DryRun": "not a state",
    "MultiAttachEnabled": "as for CreateVolume",
    "VolumeId": "status.volumeId",
}
TYPES = {"string": "string", "integer": "integer", "boolean": "boolean"}


@pytest.fixture(scope="module")
def ec2() -> ServiceModel:
    return botocore.session.get_session().get_service_model("ec2")


@pytest.fixture(scope="module")
def sagemaker() -> ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker")


@pytest.fixture(scope="module")
def spec() -> Node:
    found: Node = crd(VOLUME_CLAIM)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def lowered(name: str) -> str:
    return name[0].lower() + name[1:]


def members(model: ServiceModel, operation: str) -> dict[str, Shape]:
    found: dict[str, Shape] = dict(model.operation_model(operation).input_shape.members)
    return found


def anchored(shape: Shape) -> str:
    return "^" + str(shape.metadata["pattern"]).replace("(?:", "(").removeprefix("^").removesuffix("$") + "$"


def test_every_member_of_create_volume_is_ours_or_named_here(ec2: ServiceModel) -> None:
    assert set(members(ec2, "CreateVolume")) == {*UNDER_VOLUME, *UNDER_CREATE, *CREATE_LEFT_OUT}


def test_every_member_of_modify_volume_is_ours_or_named_here(ec2: ServiceModel) -> None:
    assert set(members(ec2, "ModifyVolume")) == {*UNDER_VOLUME, *MODIFY_LEFT_OUT}


def test_ours_have_the_names_and_types_of_ec2_and_nothing_else(ec2: ServiceModel, spec: Node) -> None:
    volume = spec["properties"]["volume"]["properties"]
    create = spec["properties"]["source"]["properties"]["create"]["properties"]
    assert set(volume) - {"tags"} == {lowered(name) for name in UNDER_VOLUME}
    assert set(create) == {lowered(name) for name in UNDER_CREATE}
    theirs = members(ec2, "CreateVolume")
    for name in (*UNDER_VOLUME, *UNDER_CREATE):
        assert {**volume, **create}[lowered(name)]["type"] == TYPES[theirs[name].type_name]


def test_volume_types_are_those_of_ec2(ec2: ServiceModel, spec: Node) -> None:
    ours = spec["properties"]["volume"]["properties"]["volumeType"]["enum"]
    assert sorted(ours) == sorted(ec2.shape_for("VolumeType").enum)


def test_tags_have_the_members_of_ec2s(ec2: ServiceModel, spec: Node) -> None:
    ours = spec["properties"]["volume"]["properties"]["tags"]["items"]["properties"]
    assert set(ours) == {lowered(name) for name in ec2.shape_for("Tag").members}


@pytest.mark.parametrize(
    ("member", "path"),
    [
        ("ClusterArn", ("clusterRef", "clusterArn")),
        ("NodeId", ("attachment", "target", "instanceId")),
        ("VolumeId", ("source", "volumeId")),
    ],
)
def test_what_the_attach_call_takes_has_its_pattern(
    sagemaker: ServiceModel, spec: Node, member: str, path: tuple[str, ...]
) -> None:
    theirs, node = members(sagemaker, "AttachClusterNodeVolume")[member], spec
    for name in path:
        node = node["properties"][name]
    assert node["pattern"] == anchored(theirs).replace("[a-f0-9]{8}(?:", "[a-f0-9]{8}(")
    assert node["maxLength"] <= theirs.metadata["max"]


def test_the_words_of_ec2_that_decisions_compare_still_exist(ec2: ServiceModel, sagemaker: ServiceModel) -> None:
    assert {"available", "in-use", "creating", "deleting", "deleted", "error"} <= set(ec2.shape_for("VolumeState").enum)
    assert {"attaching", "attached", "detaching", "detached", "busy"} <= set(
        ec2.shape_for("VolumeAttachmentState").enum
    )
    assert {"modifying", "optimizing", "completed", "failed"} == set(ec2.shape_for("VolumeModificationState").enum)
    assert {"pending", "completed", "error"} <= set(ec2.shape_for("SnapshotState").enum)
    assert {"Running", "ShuttingDown", "NotFound"} <= set(sagemaker.shape_for("ClusterInstanceStatus").enum)


def test_attachments_tell_about_hyperpod_nodes_what_decisions_need(ec2: ServiceModel) -> None:
    needed = {"AssociatedResource", "InstanceOwningService", "InstanceId", "State", "DeleteOnTermination", "AttachTime"}
    assert needed <= set(ec2.shape_for("VolumeAttachment").members)
