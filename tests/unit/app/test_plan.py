"""The command `plan`: what it reads, what it shows, and how it exits."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from click.testing import CliRunner, Result
from tests.unit.core.export.payloads import cluster, group

from hyperpod_operator import cli
from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.app.plan import run
from hyperpod_operator.app.plan.show import MARKDOWN_MOST
from hyperpod_operator.core.ports import Key, KubernetesError, StoredObject
from hyperpod_operator.core.preview.server import ServerCheck
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.simulator.faults import Fault

ROOT = Path(__file__).parents[3]
CLAIM = {
    "apiVersion": "hyperpod-operator.dev/v1alpha1",
    "kind": "EBSVolumeClaim",
    "metadata": {"name": "data", "namespace": "team"},
    "spec": {
        "clusterRef": {"name": "research"},
        "source": {"create": {"availabilityZone": "us-west-2b"}},
        "volume": {"size": 100},
        "attachment": {"target": {"instanceGroupName": "gpu"}},
    },
}


def manifest(name: str = "research", *, count: int = 1, **members: Any) -> dict[str, Any]:
    eks = f"arn:aws:eks:us-west-2:111122223333:cluster/{name}"
    return {
        "apiVersion": "hyperpod-operator.dev/v1alpha1",
        "kind": "HyperPodCluster",
        "metadata": {"name": name, "namespace": "team"},
        "spec": {
            "clusterName": name,
            "orchestrator": {"eks": {"clusterArn": eks}},
            "vpcConfig": {"securityGroupIds": ["sg-0a1b2c3d4e5f60718"], "subnets": ["subnet-0a1b2c3d4e5f60718"]},
            "instanceGroups": [
                {
                    "instanceGroupName": "gpu",
                    "instanceType": "ml.c5.xlarge",
                    "instanceCount": count,
                    "executionRole": "arn:aws:iam::111122223333:role/hyperpod-execution",
                }
            ],
            "management": {"adoptionPolicy": "IfUnowned"},
            **members,
        },
    }


def said(*args: str | Path, text: str | None = None, checked: bool = False) -> Result:
    """What the command says; with the checks of preflight where a test is about these, since they take seconds."""
    checks = "--preflight" if checked else "--no-preflight"
    return CliRunner().invoke(cli.main, ["plan", checks, *(str(arg) for arg in args)], input=text)


def of(*documents: Any) -> str:
    return yaml.safe_dump_all(documents)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    simulator = Simulator(account="111122223333", speed=0).start()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")
    for name, value in simulator.environment().items():
        monkeypatch.setenv(name, value)
    yield simulator
    simulator.stop()


def create(simulator: Simulator, *names: str, count: int = 1, tags: dict[str, str] | None = None) -> None:
    client = boto3.client("sagemaker", region_name="us-west-2")
    for name in names:
        eks = f"arn:aws:eks:us-west-2:111122223333:cluster/{name}"
        request = cluster(name, group("gpu", "ml.c5.xlarge", count), Orchestrator={"Eks": {"ClusterArn": eks}})
        made = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
        client.create_cluster(**request, **({"Tags": made} if made else {}))
    client.close()
    simulator.clock.advance(7200)
    simulator.log.clear()


def owned(name: str = "research") -> dict[str, str]:
    return {
        "hyperpod-operator.dev/owner": f"team/{name}",
        "hyperpod-operator.dev/owner-uid": "uid-1",
        "hyperpod-operator.dev/eks-cluster": f"arn:aws:eks:us-west-2:111122223333:cluster/{name}",
        "hyperpod-operator.dev/adopted": "true",
    }


def test_nothing_to_change_exits_with_0(aws: Simulator) -> None:
    create(aws, "research", tags=owned())
    done = said("-f", "-", "--detailed", text=of(manifest()))
    assert done.exit_code == 0, done.output
    assert "HyperPodCluster team/research (research in us-west-2): no changes" in done.output
    assert "  unchanged: gpu: 1/1 nodes" in done.output
    assert not [call for call in aws.log.calls() if call.mutating]


def test_changes_exit_with_2(aws: Simulator) -> None:
    create(aws, "research", tags=owned())
    done = said("-f", "-", text=of(manifest(count=3)))
    assert done.exit_code == 2, done.output
    assert "  UpdateCluster (Adds, 2 nodes)\n    instanceGroups[gpu].instanceCount: 1 -> 3" in done.output
    assert "Plan: 1 of 1 clusters change; calls: 1 Adds." in done.output


def test_a_new_cluster_is_a_creation(aws: Simulator) -> None:
    done = said("-f", "-", text=of(manifest()))
    assert done.exit_code == 2
    assert "CreateCluster (Adds, 1 node)" in done.output


def test_several_documents_lists_and_both_kinds(aws: Simulator, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(of({"apiVersion": "v1", "kind": "List", "items": [manifest("a"), CLAIM]}))
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b.json").write_text(json.dumps(manifest("b")))
    (tmp_path / "other.yaml").write_text("apiVersion: v1\nkind: ConfigMap\n")
    done = said("-f", tmp_path)
    assert done.exit_code == 2, done.output
    assert "EBSVolumeClaim team/data (research in " in done.output
    assert "Plan: 2 of 2 clusters change; 0 of 1 claims change" in done.output


def test_a_claim_shows_its_steps_in_aws_and_what_is_not_read(aws: Simulator) -> None:
    create(aws, "research", tags=owned())
    done = said("-f", "-", text=of(manifest(), CLAIM))
    assert done.exit_code == 2, done.output
    assert "EBSVolumeClaim team/data (research in us-west-2): 2 calls" in done.output
    assert "CreateVolume (Adds)\n    volume: create 100 GiB (gp3) in us-west-2b" in done.output
    assert "attachment: attach the new volume to a node of instanceGroupName=gpu" in done.output
    assert "note: Nodes, pods, Leases and PersistentVolumes are not read" in done.output
    assert not [call for call in aws.log.calls() if call.mutating]


def test_a_claim_of_a_cluster_that_nothing_names_is_unknown(aws: Simulator) -> None:
    done = said("-f", "-", text=of(CLAIM))
    assert done.exit_code == 2
    assert "unknown: which cluster HyperPodCluster research is" in done.output


def test_volumes_that_may_not_be_read_are_unknown(aws: Simulator) -> None:
    create(aws, "research", tags=owned())
    aws.faults.add(Fault(operation="DescribeVolumes", kind="error", code="UnauthorizedOperation", status=403))
    done = said("-f", "-", text=of(manifest(), CLAIM))
    assert done.exit_code == 2, done.output
    assert "unknown: what AWS has of it: DescribeVolumes: UnauthorizedOperation" in done.output


def test_an_operation_is_validated_and_says_how_to_see_its_nodes(aws: Simulator) -> None:
    operation = yaml.safe_load((ROOT / "examples" / "hyperpodnodeoperation-reboot.yaml").read_text())
    done = said("-f", "-", text=of(operation))
    assert "valid; a preview does not choose nodes: apply it with spec.dryRun: true to see them" in done.output


def test_forty_clusters_of_a_directory(aws: Simulator, tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(40)]
    create(aws, *names[:20])
    for name in names:
        (tmp_path / f"{name}.yaml").write_text(of(manifest(name)))
    done = said("-f", tmp_path, "-o", "json")
    assert done.exit_code == 2, done.output
    made = json.loads(done.stdout)["resources"]
    calls = {one["name"]: [action["call"] for action in one["actions"]] for one in made}
    assert calls == {name: ["AddTags" if name in names[:20] else "CreateCluster"] for name in names}


def test_json_has_all(aws: Simulator) -> None:
    create(aws, "research", tags=owned())
    done = said("-f", "-", "-o", "json", "--detailed", text=of(manifest(count=3), CLAIM))
    made = json.loads(done.stdout)
    assert made["summary"] == "1 of 1 clusters change; 1 of 1 claims change; calls: 3 Adds."
    assert made["resources"][0] == {
        "kind": "HyperPodCluster",
        "namespace": "team",
        "name": "research",
        "file": "standard input",
        "result": "1 call",
        "checkedByServer": False,
        "notCheckedBecause": "no API server is configured (--kubeconfig)",
        "warnings": [],
        "clusterName": "research",
        "region": "us-west-2",
        "exists": True,
        "actions": [
            {
                "call": "UpdateCluster",
                "effect": "Adds",
                "nodeCount": 2,
                "changes": ["instanceGroups[gpu].instanceCount: 1 -> 3"],
                "waits": False,
            }
        ],
        "cost": "+0.46 USD/h",
        "wouldFail": [],
        "blocked": None,
        "unknown": [],
        "notes": [],
        "unchanged": [],
    }
    assert [one["call"] for one in made["resources"][1]["actions"]] == ["CreateVolume", "AttachClusterNodeVolume"]


NO_SUBNET = "would fail: Group gpu: EC2 has no subnet subnet-0a1b2c3d4e5f60718 in this Region and account."


def take_subnet(simulator: Simulator) -> None:
    simulator.prerequisites.remove("subnet", "subnet-0a1b2c3d4e5f60718")


def test_a_creation_that_would_fail_says_so_before_anything_is_applied(aws: Simulator) -> None:
    take_subnet(aws)
    done = said("-f", "-", text=of(manifest()), checked=True)
    assert (done.exit_code, NO_SUBNET in done.output) == (2, True), done.output


def test_a_scale_out_that_would_fail_says_so_before_anything_is_applied(aws: Simulator) -> None:
    create(aws, "research", tags=owned())
    take_subnet(aws)
    done = said("-f", "-", text=of(manifest(count=3)), checked=True)
    assert (done.exit_code, NO_SUBNET in done.output) == (2, True), done.output


def test_a_plan_without_new_instances_checks_nothing(aws: Simulator) -> None:
    create(aws, "research", tags=owned())
    take_subnet(aws)
    done = said("-f", "-", text=of(manifest(tags=[{"key": "team", "value": "a"}])), checked=True)
    assert "would fail" not in done.output
    assert aws.log.calls("DescribeSubnets") == []


def test_a_tag_that_only_the_api_server_can_tell_is_named(aws: Simulator) -> None:
    create(aws, "research")
    done = said("-f", "-", text=of(manifest(management={"adoptionPolicy": "IfUnowned"})))
    assert "owner-uid]: unset -> the uid that the object gets" in done.output
    assert not [line for line in done.output.splitlines() if line.endswith("-> ")]


def test_checks_that_may_not_be_made_are_counted(aws: Simulator) -> None:
    """Without a word, nothing would seem to fail."""
    allowed = said("-f", "-", text=of(manifest()), checked=True).output
    aws.access.deny("DescribeSubnets")
    denied = said("-f", "-", text=of(manifest()), checked=True).output
    few, many = (re.search(r"note: (\d+) of \d+ checks could not be made", one) for one in (allowed, denied))
    assert few is not None
    assert many is not None
    assert int(many[1]) > int(few[1])
    assert "docs/iam/operator-preflight.json" in denied


def test_a_plan_that_brings_no_instances_counts_no_checks(aws: Simulator) -> None:
    create(aws, "research")
    assert "could not be made" not in said("-f", "-", text=of(manifest()), checked=True).output


@pytest.mark.parametrize(
    ("checked", "members"),
    [(False, {}), (True, {"management": {"preflight": "Off"}})],
    ids=["by flag", "by spec"],
)
def test_checks_can_be_left_out(aws: Simulator, checked: bool, members: dict[str, Any]) -> None:
    take_subnet(aws)
    assert "would fail" not in said("-f", "-", text=of(manifest(**members)), checked=checked).output


def test_prices_of_a_plan_come_from_a_file(aws: Simulator, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("{currency: EUR, regions: {us-west-2: {ml.c5.xlarge: 2}}}")
    done = said("-f", "-", f"--price-file={tmp_path / 'prices.yaml'}", text=of(manifest(count=3)))
    assert "+6.00 EUR/h" in done.output
    assert aws.log.calls("GetProducts") == []


def test_calls_that_wait_are_marked(aws: Simulator) -> None:
    create(aws, "research", tags=owned())
    waits, sent = of(manifest(count=3, management={"changePolicy": "ApproveAll"})), of(manifest(count=3))
    assert "UpdateCluster (Adds, 2 nodes); waits" in said("-f", "-", text=waits).output
    assert "| UpdateCluster, waits |" in said("-f", "-", "-o", "markdown", text=waits).output
    assert "waits" not in said("-f", "-", text=sent).output


def test_markdown_is_a_comment(aws: Simulator) -> None:
    create(aws, "research", tags=owned())
    done = said("-f", "-", "-o", "markdown", text=of(manifest(count=3)))
    assert done.stdout.startswith("### HyperPod plan: 1 of 1 clusters change; calls: 1 Adds.\n")
    assert "| Adds | UpdateCluster | instanceGroups\\[gpu\\].instanceCount: 1 -&gt; 3 | 2 |" in done.stdout


def test_markdown_fits_into_a_comment_and_counts_the_rest(aws: Simulator, tmp_path: Path) -> None:
    for number in range(40):
        tags = [{"key": f"{'k' * 100}{index}", "value": "v" * 200} for index in range(40)]
        (tmp_path / f"{number}.yaml").write_text(of(manifest(f"c{number}", tags=tags, paused=1, nodeRecovery="None")))
    done = said("-f", tmp_path, "-o", "markdown")
    assert len(done.stdout) < MARKDOWN_MOST + 500


def test_markdown_of_a_tenant_is_text(aws: Simulator) -> None:
    name = "@team|<script>`x`![a](b)"
    broken = manifest() | {"metadata": {"name": name}}
    done = said("-f", "-", "-o", "markdown", text=of(broken))
    assert "<script>" not in done.stdout
    assert "@team" not in done.stdout
    assert "\\|" in done.stdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spec": {"instanceGroups": 3}}, "spec.orchestrator: Field required"),
        ({"kind": "HyperPodMeal"}, "HyperPodMeal is no kind of hyperpod-operator.dev"),
        ({"metadata": {}}, "metadata.name is missing"),
        (
            manifest(autoScaling={"mode": "Enable"}),
            "spec.autoScaling: autoScaling needs nodeProvisioningMode: Continuous and clusterRole",
        ),
        (
            {**manifest("a", clusterName=None), "metadata": {"name": "my.name"}},
            "the name of this object does not fit as a SageMaker cluster name",
        ),
    ],
)
def test_an_invalid_resource_fails_and_the_others_are_planned(
    aws: Simulator, change: dict[str, Any], words: str
) -> None:
    done = said("-f", "-", text=of({**manifest("a"), **change}, manifest("b")))
    assert done.exit_code == 1
    assert f"error: invalid: {words}" in done.output or words in done.output
    assert "team/b (b in us-west-2): 1 call" in done.output


def test_a_version_that_the_api_server_does_not_serve_fails(aws: Simulator) -> None:
    done = said("-f", "-", text=of({**manifest(), "apiVersion": "hyperpod-operator.dev/v9"}))
    assert done.exit_code == 1
    assert "apiVersion hyperpod-operator.dev/v9 is none that this version knows" in done.output


def test_a_member_that_this_version_does_not_know_fails(aws: Simulator) -> None:
    done = said("-f", "-", text=of(manifest(brightness=3)))
    assert done.exit_code == 1
    assert "this version has no spec.brightness" in done.output


def test_what_the_operator_would_refuse_exits_with_1(aws: Simulator) -> None:
    create(aws, "research", tags={**owned("other"), "hyperpod-operator.dev/eks-cluster": "x"})
    done = said("-f", "-", text=of(manifest()))
    assert done.exit_code == 1
    assert "  blocked: A cluster named research exists" in done.output


def test_manifests_for_another_account_are_not_looked_up(aws: Simulator) -> None:
    """However many: whose credentials these are is known before the first of them."""
    bodies = of(*(manifest(name) for name in ("a", "b", "c")))
    done = said("-f", "-", text=bodies.replace("111122223333", "999999999999"))
    assert done.exit_code == 1
    assert done.output.count("account 111122223333: another account") == 3
    assert not [call for call in aws.log.calls() if call.operation == "DescribeCluster"]


def test_the_wrong_region_is_told(aws: Simulator) -> None:
    done = said("-f", "-", "--region", "us-east-1", text=of(manifest()))
    assert done.exit_code == 1
    assert "another Region" in done.output


def test_without_a_region_nothing_is_read(aws: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    done = said("-f", "-", text=of(manifest()))
    assert done.exit_code == 1
    assert "team/research names no Region, and none is configured" in done.output


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ThrottlingException", "try again in a minute"),
        ("AccessDeniedException", "docs/iam/export-and-plan.json"),
        ("ExpiredTokenException", "aws sso login"),
    ],
)
def test_a_cluster_that_cannot_be_read_fails_and_the_others_are_planned(aws: Simulator, code: str, words: str) -> None:
    aws.faults.add(Fault(operation="DescribeCluster", kind="error", code=code, status=400, cluster="a", message="no"))
    done = said("-f", "-", text=of(manifest("a"), manifest("b")))
    assert done.exit_code == 1
    assert f"DescribeCluster: {code}: no. " in done.output
    assert words in done.output
    assert "team/b (b in us-west-2): 1 call" in done.output


def test_tags_that_may_not_be_read_are_unknown(aws: Simulator) -> None:
    create(aws, "research", tags=owned())
    aws.faults.add(Fault(operation="ListTags", kind="error", code="AccessDeniedException", status=400, message="no"))
    done = said("-f", "-", text=of(manifest()))
    assert done.exit_code == 2, done.output
    assert "  unknown: who owns the cluster, and which of its tags differ: ListTags: AccessDenied" in done.output


def test_no_credentials_fail(aws: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    done = said("-f", "-", text=of(manifest()))
    assert done.exit_code == 1
    assert "aws sso login" in done.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no resource of hyperpod-operator.dev in -"),
        ("a: [", "standard input, line 2"),
        ("a: &a [x]\n" + "\n".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]"
                                    for i in range(9)), "once its aliases are expanded"),
        (of(manifest(), manifest()), "HyperPodCluster team/research stands in the files twice"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read_fail(text: str, words: str) -> None:
    done = said("-f", "-", text=text)
    assert done.exit_code == 1
    assert words in done.output


class Server:
    """The API server with one object or none, or one that cannot be read; what it says to a manifest is `check`."""

    def __init__(
        self,
        status: dict[str, Any] | None = None,
        *,
        unreadable: str = "",
        check: ServerCheck | None = None,
        deleting: bool = False,
        management: dict[str, Any] | None = None,
    ) -> None:
        self._deleting, self._management = deleting, management
        self._status, self._unreadable, self._check = status, unreadable, check or ServerCheck()
        self.problem = ""
        self.asked: list[tuple[str, Key]] = []

    async def check(self, kind: Kind, *, key: Key, **_: Any) -> ServerCheck:
        self.asked.append((kind.name, key))
        return self._check

    async def read(self, _kind: Kind, key: Key) -> StoredObject | None:
        if self._unreadable:
            raise KubernetesError(status=403, message=self._unreadable)
        if self._status is None:
            return None
        stored = manifest(management=self._management) if self._management else manifest()
        body = {**stored, "status": self._status}
        return StoredObject(
            key=key, uid="uid-1", resource_version="1", generation=1, deleting=self._deleting, finalizers=(),
            annotations={},
            body=body,
        )  # fmt: skip

    async def close(self) -> None: ...


def with_server(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    async def found(_asked: run.Asked) -> Server:
        return server

    monkeypatch.setattr(run, "_server", found)


def test_the_status_of_the_object_is_memory(aws: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    create(aws, "research", count=4, tags=owned())
    lowered = of(manifest(count=2))
    blind = said("-f", "-", text=lowered)
    assert blind.exit_code == 2
    assert "unknown: instanceCount of group gpu" in blind.output
    recorded = {
        "instanceGroups": [{"instanceGroupName": "gpu", "memory": {"appliedInstanceCount": 4, "origin": "Adopted"}}]
    }
    with_server(monkeypatch, Server(recorded))
    sighted = said("-f", "-", text=lowered)
    assert sighted.exit_code == 2
    assert "UpdateCluster (Destroys, 2 nodes)" in sighted.output
    assert "unknown" not in sighted.output


def test_an_object_that_may_not_be_read_leaves_the_memory_unknown(
    aws: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(aws, "research", tags=owned())
    server = Server(unreadable="GET /x: HTTP 403: forbidden.")
    with_server(monkeypatch, server)
    done = said("-f", "-", text=of(manifest()))
    assert done.exit_code == 2
    assert "unknown: what the status of the object remembers: GET /x: HTTP 403: forbidden" in done.output
    assert "Not checked by the API server" in done.output
    assert not server.asked


def test_the_api_server_checks_resources_of_every_kind(aws: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    create(aws, "research", tags=owned())
    server = Server({})
    with_server(monkeypatch, server)
    done = said("-f", "-", text=of(manifest(), CLAIM))
    assert [(kind, str(key)) for kind, key in server.asked] == [
        ("HyperPodCluster", "team/research"),
        ("EBSVolumeClaim", "team/data"),
    ]
    assert "Not checked" not in done.output


def test_what_the_api_server_rejects_fails(aws: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    create(aws, "research", tags=owned())
    with_server(monkeypatch, Server(check=ServerCheck(rejected="spec.clusterName is immutable.")))
    done = said("-f", "-", text=of(manifest(count=2)))
    assert done.exit_code == 1
    assert "error: invalid: the API server rejects it: spec.clusterName is immutable (standard input)" in done.output
    assert "UpdateCluster" not in done.output


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_warnings_of_the_api_server_are_shown(aws: Simulator, monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    create(aws, "research", tags=owned())
    with_server(monkeypatch, Server({}, check=ServerCheck(warnings=("This removes group gpu",))))
    done = said("-f", "-", "-o", output, text=of(manifest()))
    assert "This removes group gpu" in done.output
    assert done.exit_code == 0


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_without_an_api_server_it_is_said_once_what_is_not_checked(
    aws: Simulator, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    create(aws, "a", "b", tags=owned("a"))
    done = said("-f", "-", "-o", output, text=of(manifest("a"), manifest("b")))
    assert "no API server is configured" in done.output
    if output != "json":
        assert done.output.count("Not checked by the API server (rules about edits, admission policies)") == 1
    monkeypatch.setenv("KUBECONFIG", "/nonexistent/config")
    assert "--no-kubernetes was given" in said("-f", "-", "--no-kubernetes", text=of(manifest("a"))).output


def test_a_kubeconfig_that_cannot_be_read_is_no_crash(aws: Simulator, tmp_path: Path) -> None:
    done = said("-f", "-", "--kubeconfig", tmp_path / "absent", text=of(manifest()))
    assert done.exit_code == 2, done.output
    assert "unknown: what the status of the object remembers" in done.output


def test_the_api_server_is_left_alone_if_asked(aws: Simulator, tmp_path: Path) -> None:
    done = said("-f", "-", "--no-kubernetes", "--kubeconfig", tmp_path / "absent", text=of(manifest()))
    assert "what the status of the object remembers" not in done.output


def test_an_object_that_is_being_deleted_is_not_said_to_be_created_or_changed(
    aws: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(aws, "research", tags=owned())
    with_server(monkeypatch, Server({}, deleting=True))
    done = said("-f", "-", text=of(manifest(count=3, management={"deletionPolicy": "Delete"})))
    assert "DeleteCluster (Destroys" in done.output
    assert "UpdateCluster" not in done.output
    assert "the object is being deleted, and applying the manifest does not stop that" in done.output


def test_a_pause_that_the_manifest_does_not_name_is_noted(aws: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    create(aws, "research", tags=owned())
    with_server(monkeypatch, Server({}, management={"paused": True, "changePolicy": "ApproveAll"}))
    done = said("-f", "-", text=of(manifest(count=3)))
    assert "note: spec.management.paused is true in the stored object" in done.output
    assert "note: spec.management.changePolicy is ApproveAll in the stored object" in done.output
