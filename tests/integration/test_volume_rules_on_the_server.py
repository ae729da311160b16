"""Each CEL rule of EBSVolumeClaim, judged by the real API server: one object that it lets pass, one that it refuses.

Nothing is stored but what a transition starts from: the rest are dry runs, which the server validates in full.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperpod_operator.api.crd import crd
from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.api.names import API_VERSION, GROUP, VOLUME_CLAIM_KIND
from hyperpod_testbed.control_plane import ControlPlane

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("ebsvolumeclaim*.yaml"))
Node = dict[str, Any]

VOLUME, OTHER_VOLUME = "vol-0123456789abcdef0", "vol-0123456789abcdef1"
WORKERS = {"instanceGroupName": "workers"}
LOCAL = {"type": "LocalPV", "persistentVolumeClaim": {"name": "data"}}
DRIVER = {"type": "CSI", "persistentVolumeClaim": {"name": "data"}}
SNAPSHOT = "snap-0123456789abcdef0"


def spec(**members: Any) -> Node:
    """A new volume for a group; None removes a member."""
    made = {
        "clusterRef": {"name": "research"},
        "source": {"create": {}},
        "volume": {"size": 100},
        "attachment": {"target": WORKERS},
        **members,
    }
    return {name: value for name, value in made.items() if value is not None}


def created(**members: Any) -> Node:
    return spec(source={"create": members})


def sized(**members: Any) -> Node:
    return spec(volume={"size": 100, **members})


def tagged(key: str) -> Node:
    return sized(tags=[{"key": key, "value": "x"}])


def attached(**members: Any) -> Node:
    return spec(attachment={"target": WORKERS, **members})


def aimed(**target: Any) -> Node:
    return spec(attachment={"target": target})


def existing(**members: Any) -> Node:
    return spec(**{"source": {"volumeId": VOLUME}, "volume": None, **members})


def left_alone(mode: str, **members: Any) -> Node:
    return existing(attachment={"mode": mode}, **members)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One rule: the node that holds it, how its message begins, and what it decides."""

    where: str
    message: str
    accepted: Node
    refused: Node
    before: Node | None = None
    """What is stored when the rule is about a change."""

    def __str__(self) -> str:
        return f"{self.where}: {self.message[:40]}"


CASES = [
    Case(
        where="spec.clusterRef.clusterName",
        message="use dashes instead of underscores",
        accepted=spec(clusterRef={"clusterName": "a-b"}),
        refused=spec(clusterRef={"clusterName": "a_b"}),
    ),
    Case(
        where="spec.attachment.target.instanceGroupName",
        message="use dashes instead of underscores",
        accepted=aimed(instanceGroupName="gpu-a"),
        refused=aimed(instanceGroupName="gpu_a"),
    ),
    # What never changes.
    Case(
        where="spec.clusterRef",
        message="clusterRef cannot change",
        before=spec(),
        accepted=spec(),
        refused=spec(clusterRef={"name": "other"}),
    ),
    Case(
        where="spec.source",
        message="source cannot change",
        before=existing(),
        accepted=existing(),
        refused=existing(source={"volumeId": OTHER_VOLUME}),
    ),
    Case(
        where="spec.attachment",
        message="attachment.mode cannot change",
        before=existing(),
        accepted=existing(attachment={"mode": "Direct", "target": WORKERS}),
        refused=left_alone("CSI"),
    ),
    Case(
        where="spec",
        message="publish cannot change",
        before=spec(publish=LOCAL),
        accepted=spec(publish=LOCAL, volume={"size": 200}),
        refused=spec(),
    ),
    Case(
        where="spec.volume",
        message="size cannot shrink",
        before=sized(),
        accepted=spec(volume={"size": 101}),
        refused=spec(volume={"size": 99}),
    ),
    # Exactly one of.
    Case(
        where="spec.clusterRef",
        message="clusterRef names",
        accepted=spec(clusterRef={"clusterName": "research"}),
        refused=spec(clusterRef={"name": "a", "clusterName": "b"}),
    ),
    Case(
        where="spec.source",
        message="a claim has exactly one source",
        accepted=existing(),
        refused=spec(source={"volumeId": VOLUME, "create": {}}),
    ),
    Case(
        where="spec.attachment.target",
        message="a target is named",
        accepted=aimed(instanceId="i-0123456789abcdef0"),
        refused=aimed(instanceId="i-0123456789abcdef0", nodeName="n"),
    ),
    # Creation.
    Case(
        where="spec.source.create",
        message="the zone is named",
        accepted=created(availabilityZoneId="usw2-az2"),
        refused=created(availabilityZone="us-west-2b", availabilityZoneId="usw2-az2"),
    ),
    Case(
        where="spec.source.create",
        message="kmsKeyId needs",
        accepted=created(encrypted=True, kmsKeyId="alias/data"),
        refused=created(kmsKeyId="alias/data"),
    ),
    Case(
        where="spec.source.create",
        message="volumeInitializationRate",
        accepted=created(snapshotId=SNAPSHOT, volumeInitializationRate=200),
        refused=created(volumeInitializationRate=200),
    ),
    Case(
        where="spec",
        message="a new volume needs a size",
        accepted=spec(source={"create": {"snapshotId": SNAPSHOT}}, volume=None),
        refused=spec(volume=None),
    ),
    Case(
        where="spec",
        message="without a target node",
        accepted=spec(source={"create": {"availabilityZone": "us-west-2b"}}, attachment={"mode": "None"}),
        refused=spec(attachment={"mode": "CSI"}),
    ),
    # Types.
    Case(
        where="spec.volume",
        message="io1 and io2",
        accepted=sized(volumeType="io2", iops=500),
        refused=sized(volumeType="io2"),
    ),
    Case(
        where="spec.volume",
        message="iops can be chosen",
        accepted=sized(volumeType="gp3", iops=4000),
        refused=sized(volumeType="gp2", iops=4000),
    ),
    Case(
        where="spec.volume",
        message="throughput can be chosen",
        accepted=sized(volumeType="gp3", throughput=250),
        refused=sized(volumeType="io2", iops=500, throughput=250),
    ),
    Case(
        where="spec.volume.tags[]",
        message="tag keys that start with aws:",
        accepted=tagged("awsome"),
        refused=tagged("AWS:x"),
    ),
    Case(
        where="spec.volume.tags[]",
        message=f"tags under {GROUP}/",
        accepted=tagged("owner"),
        refused=tagged("EBS.csi.aws.com/cluster"),
    ),
    # Who attaches, and where.
    Case(
        where="spec.attachment.target",
        message="nodeSelector narrows",
        accepted=aimed(instanceGroupName="workers", nodeSelector={"rack": "a"}),
        refused=aimed(nodeName="n", nodeSelector={"rack": "a"}),
    ),
    Case(
        where="spec.attachment.target",
        message="a key of nodeSelector is",
        accepted=aimed(instanceGroupName="workers", nodeSelector={"example.com/rack": "a"}),
        refused=aimed(instanceGroupName="workers", nodeSelector={"kubernetes.io/hostname!=x,!foo,a in (b,c),d": "e"}),
    ),
    Case(
        where="spec.attachment",
        message="mode Direct",
        accepted=attached(mode="Direct"),
        refused=spec(attachment={}),
    ),
    Case(
        where="spec.attachment",
        message="target, followNode",
        accepted=left_alone("CSI"),
        refused=existing(attachment={"mode": "CSI", "suspend": True}),
    ),
    Case(
        where="spec",
        message="publish.type does not fit",
        accepted=left_alone("CSI", publish=DRIVER),
        refused=left_alone("None", publish=LOCAL),
    ),
    Case(
        where="spec.publish",
        message="type None publishes",
        accepted=spec(publish={"type": "None"}),
        refused=spec(publish={"type": "None", "fsType": "xfs"}),
    ),
    Case(
        where="spec.publish",
        message="a PersistentVolume is reserved",
        accepted=spec(publish=LOCAL),
        refused=spec(publish={"type": "LocalPV"}),
    ),
    Case(
        where="spec.publish",
        message="a raw block device",
        accepted=spec(publish={**LOCAL, "volumeMode": "Block"}),
        refused=spec(publish={**LOCAL, "volumeMode": "Block", "fsType": "xfs"}),
    ),
    # Texts in another form.
    *(
        Case(where=where, message=message, accepted=accepted, refused=refused)
        for where, message, accepted, refused in (
            (
                "spec.clusterRef.name",
                "names in Kubernetes have",
                spec(clusterRef={"name": "research.gpu"}),
                spec(clusterRef={"name": "team-b/research"}),
            ),
            (
                "spec.clusterRef.clusterName",
                "names in SageMaker have",
                spec(clusterRef={"clusterName": "a-b"}),
                spec(clusterRef={"clusterName": "a.b"}),
            ),
            (
                "spec.clusterRef.clusterArn",
                "give the ARN of the HyperPod cluster",
                spec(clusterRef={"clusterArn": "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl"}),
                spec(clusterRef={"clusterArn": "arn:aws:eks:us-west-2:111122223333:cluster/research"}),
            ),
            (
                "spec.source.volumeId",
                "give the id of the volume",
                existing(),
                existing(source={"volumeId": f"arn:aws:ec2:us-west-2:111122223333:volume/{VOLUME}"}),
            ),
            (
                "spec.source.create.snapshotId",
                "give the id of the snapshot",
                created(snapshotId=SNAPSHOT),
                created(snapshotId=VOLUME),
            ),
            (
                "spec.source.create.availabilityZone",
                "a zone has the name",
                created(availabilityZone="us-west-2b"),
                created(availabilityZone="usw2-az2"),
            ),
            (
                "spec.source.create.availabilityZoneId",
                "give the id of a zone",
                created(availabilityZoneId="usw2-az2"),
                created(availabilityZoneId="usw2_az2"),
            ),
            (
                "spec.source.create.kmsKeyId",
                "give the id, the alias",
                created(encrypted=True, kmsKeyId="alias/data"),
                created(encrypted=True, kmsKeyId="alias/my data"),
            ),
            (
                "spec.attachment.target.instanceGroupName",
                "names in SageMaker have",
                aimed(instanceGroupName="workers"),
                aimed(instanceGroupName="workers "),
            ),
            (
                "spec.attachment.target.instanceId",
                "an instance has an id",
                aimed(instanceId="i-0123456789abcdef0"),
                aimed(instanceId="hyperpod-i-0123456789abcdef0"),
            ),
            (
                "spec.attachment.target.nodeName",
                "names in Kubernetes have",
                aimed(nodeName="hyperpod-i-0123456789abcdef0"),
                aimed(nodeName="Hyperpod-i-0123456789abcdef0"),
            ),
            (
                "spec.source.create.availabilityZone",
                "this is a Region",
                created(availabilityZone="us-east-1-wl1-bos-wlz-1"),
                created(availabilityZone="us-west-2"),
            ),
            (
                "spec.source.create.availabilityZoneId",
                "this is the name of a zone",
                created(availabilityZoneId="usw2-lax1-az1"),
                created(availabilityZoneId="us-gov-west-1a"),
            ),
            (
                "spec.attachment.target.nodeName",
                "this is the id of an instance",
                aimed(nodeName="i-0123456789abcdef0.us-west-2.compute.internal"),
                aimed(nodeName="i-0123456789abcdef0"),
            ),
            (
                "spec.attachment.detachTimeout",
                "a duration is one whole number",
                attached(detachTimeout="90m"),
                attached(detachTimeout="1h30m"),
            ),
            (
                "spec.publish.persistentVolumeClaim.name",
                "names in Kubernetes have",
                spec(publish=LOCAL),
                spec(publish={"type": "LocalPV", "persistentVolumeClaim": {"name": "team-b/data"}}),
            ),
            (
                "spec.publish.storageClassName",
                "names in Kubernetes have",
                spec(publish={**LOCAL, "storageClassName": "gp3"}),
                spec(publish={**LOCAL, "storageClassName": "GP3"}),
            ),
            (
                "spec.publish.mountOptions[]",
                "each item is one mount option",
                spec(publish={**LOCAL, "mountOptions": ["noatime", "commit=30"]}),
                spec(publish={**LOCAL, "mountOptions": ["noatime,commit=30"]}),
            ),
            ("spec.volume.tags[].key", "tags have letters", tagged("équipe"), tagged("a,b")),
            (
                "spec.volume.tags[].value",
                "tags have letters",
                sized(tags=[{"key": "team", "value": "a b"}]),
                sized(tags=[{"key": "team", "value": "a;b"}]),
            ),
        )
    ),
]


@pytest.fixture(scope="module")
def server(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with our CRDs served."""
    control_plane.install_crds(ROOT / "crds")
    return control_plane


def made(spec: Node | None) -> Node:
    return {"apiVersion": API_VERSION, "kind": VOLUME_CLAIM_KIND, "metadata": {"name": "sample"}, "spec": spec}


@pytest.mark.parametrize("case", [case for case in CASES if case.before is None], ids=str)
def test_a_new_claim_passes_or_is_refused_with_advice(server: ControlPlane, case: Case) -> None:
    accepted, refused = (server.api.judge_new(made(one)) for one in (case.accepted, case.refused))
    assert (accepted.refused, accepted.words) == (False, "")
    assert refused.refused
    assert case.message in refused.words


@pytest.mark.parametrize("case", [case for case in CASES if case.before is not None], ids=str)
def test_a_change_passes_or_is_refused_with_advice(server: ControlPlane, namespace: str, case: Case) -> None:
    server.api.create(made(case.before), namespace=namespace)
    accepted, refused = (
        server.api.judge_change(made(one), namespace=namespace) for one in (case.accepted, case.refused)
    )
    assert (accepted.refused, accepted.words) == (False, "")
    assert refused.refused
    assert case.message in refused.words


@pytest.mark.parametrize("key", ["a" * 64, f"{'a' * 254}/b", f"example.com/{'a' * 64}"], ids=["name", "prefix", "both"])
def test_a_key_that_no_label_can_have_is_refused(server: ControlPlane, key: str) -> None:
    """The API server takes no selector with it, and the claim could never choose a node."""
    refused = server.api.judge_new(made(aimed(instanceGroupName="workers", nodeSelector={key: "x"})))
    assert "a key of nodeSelector is a label's key" in refused.words


def test_the_longest_key_of_a_label_is_taken(server: ControlPlane) -> None:
    key = f"{'a' * 253}/{'b' * 63}"
    accepted = server.api.judge_new(made(aimed(instanceGroupName="workers", nodeSelector={key: "x"})))
    assert (accepted.refused, accepted.words) == (False, "")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(aimed(nodeName="hyperpod-i-0123456789abcdef0"), id="another target"),
        pytest.param(spec(publish=LOCAL), id="publish is added"),
    ],
)
def test_what_can_be_edited(server: ControlPlane, namespace: str, change: Node) -> None:
    server.api.create(made(spec()), namespace=namespace)
    edited = server.api.judge_change(made(change), namespace=namespace)
    assert (edited.refused, edited.words) == (False, "")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_accepted_as_they_stand(server: ControlPlane, namespace: str, path: Path) -> None:
    server.kubectl("create", "--namespace", namespace, "--validate=strict", "-f", str(path))
    name = yaml.safe_load(path.read_text())["metadata"]["name"]
    assert name in server.kubectl("get", "evc", "--namespace", namespace).stdout


def test_kubectl_shows_the_columns_in_their_order(server: ControlPlane, namespace: str) -> None:
    server.api.create(made(spec()), namespace=namespace)
    head = server.kubectl("get", "evc", "--namespace", namespace).stdout.splitlines()[0].split()
    assert head == ["NAME", "READY", "PHASE", "SIZE", "ACTOR", "MESSAGE", "AGE"]


def test_the_category_lists_claims(server: ControlPlane, namespace: str) -> None:
    server.api.create(made(spec()), namespace=namespace)
    listed = server.kubectl("get", "hyperpod", "--namespace", namespace, "-o", "name").stdout
    assert listed.split() == [f"{VOLUME_CLAIM_KIND.lower()}.{GROUP}/sample"]


def rules_of(node: Node, path: str) -> Iterator[tuple[str, str]]:
    for each in node.get("x-kubernetes-validations", []):
        yield path, each["message"]
    for name, child in node.get("properties", {}).items():
        yield from rules_of(child, f"{path}.{name}".lstrip("."))
    if "items" in node:
        yield from rules_of(node["items"], f"{path}[]")


def test_no_rule_is_without_a_case() -> None:
    schema = crd(VOLUME_CLAIM)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    rules = set(rules_of(schema, ""))
    tried = {
        (path, message)
        for path, message in rules
        if any(case.where == path and message.startswith(case.message) for case in CASES)
    }
    assert rules - tried == set()
    assert len(CASES) == len(rules)
