"""Both answers to every open question about AWS.

Each option has a test whose name has the option's in it; the last test of this file holds that together. The lags and
limits among the options are in test_simulator_limits.py.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from hyperpod_testbed import simulator
from hyperpod_testbed.simulator import Options

UNKNOWN = "i-0000000000000dead"


@pytest.mark.parametrize(("answer", "left"), [("keep", {"workers", "second"}), ("delete", {"second"})])
def test_omitted_groups(account, answer, left):
    it = account(omitted_groups=answer)
    it.create()
    it.update(it.group("second"))
    assert set(it.groups()) == left


@pytest.mark.parametrize(("answer", "left"), [("keep", True), ("unset", False)])
def test_omitted_members(account, answer, left):
    it = account(omitted_members=answer)
    it.create(it.group(KubernetesConfig={"Labels": {"a": "b"}}))
    it.update(it.group())
    assert ("KubernetesConfig" in it.groups()["workers"]) is left


@pytest.mark.parametrize(
    ("answer", "storage", "kind"),
    [
        ("inferred", "ValidationException", "ValidationException"),
        ("documented", "OK", "ValidationException"),
        ("none", "OK", "OK"),
    ],
)
def test_immutables(account, outcome, answer, storage, kind):
    it = account(immutables=answer)
    it.create()
    volumes = [{"EbsVolumeConfig": {"VolumeSizeInGB": 10}}]
    assert outcome(it.update, it.group(InstanceStorageConfigs=volumes)) == storage
    assert outcome(it.update, it.group(InstanceType="ml.p5.48xlarge")) == kind


@pytest.mark.parametrize(("answer", "expected"), [(True, "OK"), (False, "ValidationException")])
def test_new_group_may_be_empty(account, outcome, answer, expected):
    it = account(new_group_may_be_empty=answer)
    it.create()
    assert outcome(it.update, it.group("empty", 0)) == expected


@pytest.mark.parametrize(("answer", "expected"), [(True, "ValidationException"), (False, "OK")])
def test_lifecycle_config_required(account, outcome, answer, expected):
    it = account(lifecycle_config_required=answer)
    assert outcome(it.create, it.group(LifeCycleConfig=None)) == expected


@pytest.mark.parametrize(("answer", "expected"), [(True, "OK"), (False, "ValidationException")])
def test_continuous_can_be_switched_on(account, outcome, answer, expected):
    it = account(continuous_can_be_switched_on=answer)
    it.create()
    assert outcome(it.update, NodeProvisioningMode="Continuous") == expected


@pytest.mark.parametrize("answer", ["Automatic", "None"])
def test_node_recovery_default(account, answer):
    it = account(node_recovery_default=answer)
    it.create()
    assert it.describe()["NodeRecovery"] == answer


@pytest.mark.parametrize(("answer", "expected"), [("accept", "OK"), ("conflict", "ConflictException")])
def test_update_when_failed(account, outcome, answer, expected):
    it = account(update_when_failed=answer)
    it.sim.world.fail_creation("ml", "no")
    it.create()
    assert outcome(it.update, it.group(count=1)) == expected


@pytest.mark.parametrize(("answer", "expected"), [("accept", "OK"), ("conflict", "ConflictException")])
def test_update_when_rolling_back(account, outcome, answer, expected):
    it = account(update_when_rolling_back=answer)
    it.create()
    it.sim.world.limit_capacity("ml", "workers", 2)
    it.update(it.group(count=3), seconds=100)
    assert it.describe()["ClusterStatus"] == "RollingBack"
    assert outcome(it.update, it.group(count=1)) == expected


@pytest.mark.parametrize("answer", ["InService", "Failed"])
def test_failed_update_ends(account, answer):
    it = account(failed_update_ends=answer)
    it.create()
    it.sim.world.limit_capacity("ml", "workers", 2)
    it.update(it.group(count=3))
    assert it.describe()["ClusterStatus"] == answer


@pytest.mark.parametrize(("answer", "expected"), [("accept", "OK"), ("conflict", "ConflictException")])
def test_delete_when_creating(account, outcome, answer, expected):
    it = account(delete_when_creating=answer)
    it.create(seconds=0)
    assert outcome(it.aws.delete_cluster, ClusterName="ml") == expected


@pytest.mark.parametrize("answer", ["ValidationException", "ConflictException"])
def test_deep_check_update_error(account, outcome, answer):
    it = account(deep_check_update_error=answer)
    it.create(it.group(OnStartDeepHealthChecks=["InstanceStress"]))
    assert outcome(it.update, it.group(count=3)) == answer


EKS = "arn:aws:eks:us-west-2:123456789012:cluster/eks-ml"


@pytest.mark.parametrize(("answer", "expected"), [("many", "OK"), ("one", "ValidationException")])
def test_clusters_per_eks(account, outcome, answer, expected):
    it = account(clusters_per_eks=answer)
    it.create()
    another = it.cluster("another", Orchestrator={"Eks": {"ClusterArn": EKS}})
    assert outcome(it.aws.create_cluster, **another) == expected


def test_an_eks_cluster_is_free_when_the_former_cluster_is_gone_and_its_lag_is_over(account, code, outcome):
    it = account()
    it.sim.settings.set_timings(eks_release=60.0)
    it.create()
    another = it.cluster("another", Orchestrator={"Eks": {"ClusterArn": EKS}})
    it.aws.delete_cluster(ClusterName="ml")
    text = f"Specified cluster external resource id {EKS} already in use"
    assert code(it.aws.create_cluster, **another) == ("ValidationException", text)
    while outcome(it.describe) == "OK":
        it.sim.clock.advance(10)
    assert code(it.aws.create_cluster, **another)[1] == text
    it.sim.clock.advance(60)
    assert outcome(it.aws.create_cluster, **another) == "OK"


@pytest.mark.parametrize("answer", ["ConflictException", "ValidationException"])
def test_busy_code(account, outcome, answer):
    it = account(busy_code=answer)
    it.create(seconds=0)
    assert outcome(it.update, it.group(count=3)) == answer
    assert outcome(it.aws.delete_cluster, ClusterName="ml") == answer
    assert outcome(it.aws.update_cluster_software, ClusterName="ml") == answer


def failing_update(account, **options):
    it = account(**options)
    it.create(it.group(ImageId="ami-0123456789abcdef0"))
    it.sim.world.fail_software_update("ml", "workers")
    it.aws.update_cluster_software(ClusterName="ml", ImageId="ami-0fedcba9876543210")
    return it


@pytest.mark.parametrize("answer", ["Failed", "RollbackComplete"])
def test_failed_software_update_ends(account, answer):
    it = failing_update(account, failed_software_update_ends=answer)
    it.sim.clock.advance(7200)
    group = it.groups()["workers"]
    assert (group["SoftwareUpdateStatus"], group["Status"]) == (answer, "InService")
    assert {one["InstanceStatus"]["Status"] for one in it.nodes()} == {"Running"}


@pytest.mark.parametrize("answer", ["sticky", "cleared"])
def test_software_messages(account, answer):
    it = failing_update(account, software_messages=answer)
    it.sim.clock.advance(1000)
    statuses = [one["InstanceStatus"] for one in it.nodes()]
    assert {one["Status"] for one in statuses} == {"SystemUpdating"}
    assert {"Message" in one for one in statuses} == {answer == "sticky"}
    it.sim.clock.advance(7200)
    assert not any("Message" in one["InstanceStatus"] for one in it.nodes())


@pytest.mark.parametrize(("answer", "same"), [("requested", True), ("other", False)])
def test_software_desired_image(account, answer, same):
    it = account(software_desired_image=answer)
    it.create(it.group(ImageId="ami-0123456789abcdef0"))
    it.aws.update_cluster_software(ClusterName="ml", ImageId="ami-0fedcba9876543210")
    assert (it.groups()["workers"]["DesiredImageId"] == "ami-0fedcba9876543210") is same
    it.sim.clock.advance(1200)
    assert it.groups()["workers"]["DesiredImageId"] == "ami-0fedcba9876543210"


@pytest.mark.parametrize(("answer", "seen"), [("nodes_first", (1, 3)), ("count_first", (3, 1))])
def test_scale_in(account, answer, seen):
    it = account(scale_in=answer)
    it.create(it.group(count=3), NodeProvisioningMode="Continuous")
    it.update(it.group(count=1), seconds=60)
    assert (len(it.nodes()), it.groups()["workers"]["CurrentCount"]) == seen
    it.sim.clock.advance(600)
    assert (len(it.nodes()), it.groups()["workers"]["CurrentCount"]) == (1, 1)


def test_an_echoed_empty_list_can_be_sent_back(account, outcome):
    it = account()
    it.create()
    assert outcome(it.update, it.group(count=3, InstanceStorageConfigs=[])) == "OK"


@pytest.mark.parametrize("answer", [True, False])
def test_empty_storage_echoed(account, answer):
    it = account(empty_storage_echoed=answer)
    it.create()
    assert it.groups()["workers"].get("InstanceStorageConfigs") == ([] if answer else None)


@pytest.mark.parametrize(("answer", "mode"), [("none", None), ("Continuous", "Continuous")])
def test_provisioning_mode_default(account, answer, mode):
    it = account(provisioning_mode_default=answer)
    it.create()
    assert it.describe().get("NodeProvisioningMode") == mode


@pytest.mark.parametrize(("answer", "expected"), [("accept", "OK"), ("refuse", "ValidationException")])
def test_restricted_beside_groups(account, outcome, answer, expected):
    it = account(restricted_beside_groups=answer)
    restricted = it.group("nova", InstanceType="ml.p5.48xlarge", LifeCycleConfig=None, EnvironmentConfig={})
    assert outcome(it.create, RestrictedInstanceGroups=[restricted]) == expected


def test_tiered_storage_is_echoed_late(account):
    it = account()
    it.create(seconds=1, TieredStorageConfig={"Mode": "Enable"})
    assert "TieredStorageConfig" not in it.describe()
    it.sim.clock.advance(60)
    assert it.describe()["TieredStorageConfig"] == {"Mode": "Enable"}


@pytest.mark.parametrize("answer", ["SystemUpdating", "Updating"])
def test_software_update_status(account, answer):
    it = account(software_update_status=answer)
    it.create()
    it.aws.update_cluster_software(ClusterName="ml")
    assert it.describe()["ClusterStatus"] == answer
    it.sim.clock.advance(1200)
    assert it.describe()["ClusterStatus"] == "InService"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("ConflictException",) * 2, ("ValidationException",) * 2, ("items", "OK")],
)
def test_blocked_batch_error(account, outcome, answer, expected):
    it = account(blocked_batch_error=answer)
    it.create()
    node = it.nodes()[0]["InstanceId"]
    it.update(it.group(count=3), seconds=100)
    assert outcome(it.aws.batch_delete_cluster_nodes, ClusterName="ml", NodeIds=[node]) == expected
    if answer == "items":
        failed = it.aws.batch_delete_cluster_nodes(ClusterName="ml", NodeIds=[node])["Failed"]
        assert failed[0]["Code"] == "InvalidNodeStatus"


@pytest.mark.parametrize(("answer", "expected"), [("error", "ValidationException"), ("items", "OK")])
def test_batch_all_failed(account, outcome, answer, expected):
    it = account(batch_all_failed=answer)
    it.create(NodeProvisioningMode="Continuous")
    assert outcome(it.aws.batch_delete_cluster_nodes, ClusterName="ml", NodeIds=[UNKNOWN]) == expected
    wanted = [{"InstanceGroupName": "nobody", "IncrementTargetCountBy": 1}]
    assert outcome(it.aws.batch_add_cluster_nodes, ClusterName="ml", NodesToAdd=wanted) == expected


@pytest.mark.parametrize("answer", [50, 99, 3000])
def test_batch_delete_limit(account, outcome, answer):
    it = account(batch_delete_limit=answer)
    it.create()
    many = [f"i-{number:017x}" for number in range(answer + 1)]
    assert outcome(it.aws.batch_delete_cluster_nodes, ClusterName="ml", NodeIds=many[:-1]) == "OK"
    assert outcome(it.aws.batch_delete_cluster_nodes, ClusterName="ml", NodeIds=many) == "ValidationException"


@pytest.mark.parametrize(("answer", "target"), [(True, 1), (False, 2)])
def test_batch_delete_lowers_target(account, answer, target):
    it = account(batch_delete_lowers_target=answer)
    it.create(NodeProvisioningMode="Continuous")
    gone = it.nodes()[0]["InstanceId"]
    it.aws.batch_delete_cluster_nodes(ClusterName="ml", NodeIds=[gone])
    it.sim.clock.advance(1200)
    group = it.groups()["workers"]
    assert (group["TargetCount"], group["CurrentCount"]) == (target, target)
    assert gone not in {node["InstanceId"] for node in it.nodes()}


@pytest.mark.parametrize("answer", [True, False])
def test_replace_keeps_logical_id(account, answer):
    it = account(replace_keeps_logical_id=answer)
    it.create(it.group(count=1), NodeProvisioningMode="Continuous")
    before = it.nodes(IncludeNodeLogicalIds=True)[0]
    it.aws.batch_replace_cluster_nodes(ClusterName="ml", NodeIds=[before["InstanceId"]])
    it.sim.clock.advance(1200)
    after = it.nodes(IncludeNodeLogicalIds=True)[0]
    assert after["InstanceId"] != before["InstanceId"]
    assert (after["NodeLogicalId"] == before["NodeLogicalId"]) is answer


@pytest.mark.parametrize("answer", ["empty", "omit"])
def test_pending_instance_id(account, answer):
    it = account(pending_instance_id=answer)
    it.create(NodeProvisioningMode="Continuous", seconds=121)
    node = it.nodes(IncludeNodeLogicalIds=True)[0]
    assert (node.get("InstanceId"), "LaunchTime" in node) == (("", True) if answer == "empty" else (None, False))


@pytest.mark.parametrize("answer", ["Failure", "Failed"])
def test_failed_node_status(account, answer):
    it = account(failed_node_status=answer)
    it.create()
    it.sim.world.fail_node("ml", it.nodes()[0]["InstanceId"])
    assert {node["InstanceStatus"]["Status"] for node in it.nodes()} == {"Running", answer}


@pytest.mark.parametrize(("answer", "expected"), [("error", "ValidationException"), ("empty", "OK")])
def test_events_without_continuous(account, outcome, answer, expected):
    it = account(events_without_continuous=answer)
    it.create()
    assert outcome(it.aws.list_cluster_events, ClusterName="ml") == expected


@pytest.mark.parametrize(("answer", "expected"), [(True, "ValidationException"), (False, "OK")])
def test_spot_needs_continuous(account, outcome, answer, expected):
    it = account(spot_needs_continuous=answer)
    assert outcome(it.create, it.group(CapacityRequirements={"Spot": {}})) == expected


@pytest.mark.parametrize(("answer", "expected"), [(True, "ValidationException"), (False, "OK")])
def test_spot_excludes_training_plan(account, outcome, answer, expected):
    it = account(spot_excludes_training_plan=answer)
    plan = "arn:aws:sagemaker:us-west-2:123456789012:training-plan/plan"
    group = it.group(CapacityRequirements={"Spot": {}}, TrainingPlanArn=plan)
    assert outcome(it.create, group, NodeProvisioningMode="Continuous") == expected


@pytest.mark.parametrize("answer", ["ResourceNotFound", "ResourceNotFoundException"])
def test_not_found_code(account, outcome, answer):
    assert outcome(account(not_found_code=answer).describe) == answer


@pytest.mark.parametrize("answer", ["ThrottlingException", "TooManyRequestsException"])
def test_throttling_code(account, outcome, answer):
    it = account(throttling_code=answer, read_burst=1, read_rate=0.001)
    it.aws.list_clusters()
    assert outcome(it.aws.list_clusters) == answer


@pytest.mark.parametrize("answer", [True, False])
def test_shuffle_lists(account, answer):
    it = account(shuffle_lists=answer)
    names = [f"group-{number}" for number in range(9)]
    it.create(*(it.group(name, 0) for name in names))
    assert ([one["InstanceGroupName"] for one in it.describe()["InstanceGroups"]] != names) is answer


@pytest.mark.parametrize("answer", [True, False])
def test_fill_defaults(account, answer):
    it = account(fill_defaults=answer)
    it.create(NodeProvisioningMode="Continuous")
    assert ({"ThreadsPerCore", "MinCount", "CurrentImageReleaseVersion"} <= set(it.groups()["workers"])) is answer


def failed_launch(account, **options):
    it = account(**options)
    it.sim.world.limit_capacity("ml", "workers", 0)
    it.create(it.group(count=1), NodeProvisioningMode="Continuous", seconds=300)
    return it


def events(it, **filters):
    return it.aws.list_cluster_events(ClusterName="ml", **filters)["Events"]


@pytest.mark.parametrize(("answer", "told"), [("metadata", False), ("description", True)])
def test_event_cause(account, answer, told):
    it = failed_launch(account, event_cause=answer)
    failure = next(one for one in events(it) if one["EventLevel"] == "Error")
    assert ("sufficient capacity" in failure["Description"]) is told
    found = it.aws.describe_cluster_event(ClusterName="ml", EventId=failure["EventId"])["EventDetails"]
    assert any(
        "sufficient capacity" in part["FailureMessage"] for part in found["EventDetails"]["EventMetadata"].values()
    )


@pytest.mark.parametrize(("answer", "resources"), [(True, ["Instance", "InstanceGroup"]), (False, ["Instance"])])
def test_paired_events(account, answer, resources):
    it = failed_launch(account, paired_events=answer)
    assert sorted(one["ResourceType"] for one in events(it) if one["EventLevel"] == "Error") == resources


@pytest.mark.parametrize("answer", [True, False])
def test_scaling_noise(account, answer):
    it = account(scaling_noise=answer)
    it.create(it.group(count=1), NodeProvisioningMode="Continuous")
    it.update(it.group(count=3))
    told = [one["Description"] for one in events(it) if one["EventLevel"] == "Warn"]
    assert ("2 node(s) lost orchestration-ready status. Current: 1/3" in told) is answer


def test_kept_events(account):
    it = account(kept_events=5)
    it.create(it.group(count=9), NodeProvisioningMode="Continuous")
    assert len(events(it)) == 5
    assert "is running" in events(it)[0]["Description"]


def test_every_option_has_its_test():
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_simulator_*.py"))
    names = re.findall(r"^def (test_\w+)", text, re.MULTILINE)
    untested = [
        item.name for item in fields(Options) if not any(item.name.replace("_burst", "_rate") in name for name in names)
    ]
    assert untested == []


README = Path(simulator.__file__).parent / "README.md"


@pytest.mark.parametrize("name", [item.name for item in fields(Options)])
def test_the_readme_has_each_option_with_its_default_and_its_source(name):
    (row,) = (line for line in README.read_text().splitlines() if line.startswith(f"| `{name}` |"))
    _, _, default, _, source, meaning, _ = re.split(r"(?<!\\)\|", row)
    value = getattr(Options(), name)
    assert default.strip() == f"`{dict(value) if isinstance(value, Mapping) else value}`"
    assert re.search(r"\b(LIVE|DOC|MODEL|unknown)\b", source)
    assert meaning.strip()
