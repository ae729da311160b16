"""Both answers to open questions about clusters and groups: what is refused, kept, and when a cluster is busy."""

import pytest


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


def test_prerequisites_of_a_name_that_does_not_exist(account, outcome):
    it = account()
    role = it.group()["ExecutionRole"]
    it.sim.settings.set_options(prerequisites={"role": {f"{role}-unknown".rpartition("/")[2]: None}})
    unknown = it.group("second", ExecutionRole=f"{role}-unknown")
    assert outcome(it.create, it.group(), unknown) == "ValidationException"
    assert outcome(it.create, it.group()) == "OK"
    assert outcome(it.update, unknown) == "ValidationException"
