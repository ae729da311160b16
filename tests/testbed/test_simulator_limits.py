"""Read lag, IAM propagation, request rates and quotas, each set as an option of the account."""

import pytest


@pytest.mark.parametrize("answer", [0, 60])
def test_create_lag(account, outcome, answer):
    it = account(create_lag=answer)
    it.create(seconds=0)
    assert outcome(it.describe) == ("ResourceNotFound" if answer else "OK")
    assert len(it.aws.list_clusters()["ClusterSummaries"]) == (0 if answer else 1)
    assert outcome(it.aws.create_cluster, **it.cluster()) == "ResourceInUse"
    it.sim.clock.advance(60)
    assert outcome(it.describe) == "OK"


@pytest.mark.parametrize("answer", [0, 60])
def test_list_lag(account, outcome, answer):
    it = account(list_lag=answer)
    it.create(NodeProvisioningMode="Continuous")
    node = it.nodes()[0]["InstanceId"]
    it.aws.batch_reboot_cluster_nodes(ClusterName="ml", NodeIds=[node])
    statuses = {one["InstanceId"]: one["InstanceStatus"]["Status"] for one in it.nodes()}
    assert statuses[node] == ("Running" if answer else "Pending")
    it.aws.create_cluster(**it.cluster("new"))
    assert len(it.aws.list_clusters()["ClusterSummaries"]) == (1 if answer else 2)
    assert outcome(it.aws.describe_cluster, ClusterName="new") == "OK"
    it.sim.clock.advance(61)
    assert len(it.aws.list_clusters()["ClusterSummaries"]) == 2


@pytest.mark.parametrize("answer", [0, 60])
def test_describe_lag(account, answer):
    it = account(describe_lag=answer)
    it.create()
    it.update(it.group(count=5), seconds=1)
    assert it.describe()["ClusterStatus"] == ("InService" if answer else "Updating")
    it.sim.clock.advance(60)
    assert it.groups()["workers"]["TargetCount"] == 5


@pytest.mark.parametrize("answer", [0, 10])
def test_role_propagation(account, outcome, answer):
    it = account(role_propagation=answer)
    assert outcome(it.create) == ("ValidationException" if answer else "OK")
    it.sim.clock.advance(answer)
    assert outcome(it.create) == ("OK" if answer else "ResourceInUse")


@pytest.mark.parametrize("answer", [0, 3])
def test_role_attempts(account, outcome, answer):
    it = account(role_attempts=answer)
    assert [outcome(it.create) for _ in range(answer)] == ["ValidationException"] * answer
    assert outcome(it.create) == "OK"


@pytest.mark.parametrize("kind", ["read", "write"])
def test_read_rate_and_write_rate(account, outcome, kind):
    it = account(**{f"{kind}_rate": 1000.0, f"{kind}_burst": 1.0})
    call = it.aws.list_clusters if kind == "read" else it.aws.delete_cluster
    parameters = {} if kind == "read" else {"ClusterName": "nobody"}
    for _ in range(5):
        assert outcome(call, **parameters) in {"OK", "ResourceNotFound", "ThrottlingException"}
    it.sim.settings.set_options(**{f"{kind}_rate": 0.0, f"{kind}_burst": 0.0})
    assert outcome(call, **parameters) == "ThrottlingException"


def test_page_size(account):
    it = account(page_size=1)
    it.create()
    assert len(it.nodes()) == 1


def test_instance_quotas(account, outcome):
    it = account(instance_quotas={"ml.g5.8xlarge": 3})
    it.create()
    assert outcome(it.aws.create_cluster, **it.cluster("second")) == "ResourceLimitExceeded"


def test_instances_per_cluster_and_instances_in_total(account, outcome):
    it = account(instances_per_cluster=2, instances_in_total=3)
    it.create()
    assert outcome(it.update, it.group(count=3)) == "ResourceLimitExceeded"
    assert outcome(it.aws.create_cluster, **it.cluster("second")) == "ResourceLimitExceeded"
    assert outcome(it.aws.create_cluster, **it.cluster("second", it.group(count=1))) == "OK"


@pytest.mark.parametrize(("answer", "expected"), [(True, "Running"), (False, "DeepHealthCheckInProgress")])
def test_deep_check_accelerators_only(account, answer, expected):
    it = account(deep_check_accelerators_only=answer)
    it.create(it.group(InstanceType="ml.m5.xlarge", OnStartDeepHealthChecks=["InstanceStress"]))
    assert {node["InstanceStatus"]["Status"] for node in it.nodes()} == {expected}


@pytest.mark.parametrize("answer", [0, 60])
def test_read_lag_of_list_tags(account, answer):
    it = account(read_lag={"ListTags": answer})
    it.create()
    arn = it.describe()["ClusterArn"]
    it.aws.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    assert bool(it.aws.list_tags(ResourceArn=arn)["Tags"]) is not bool(answer)
    it.sim.clock.advance(61)
    assert it.aws.list_tags(ResourceArn=arn)["Tags"]


@pytest.mark.parametrize("answer", [0, 60])
def test_read_lag_of_events(account, answer):
    it = account(read_lag={"ListClusterEvents": answer})
    it.create(NodeProvisioningMode="Continuous")
    before = len(it.aws.list_cluster_events(ClusterName="ml")["Events"])
    it.aws.batch_reboot_cluster_nodes(ClusterName="ml", NodeIds=[it.nodes()[0]["InstanceId"]])
    assert (len(it.aws.list_cluster_events(ClusterName="ml")["Events"]) > before) is not bool(answer)
    it.sim.clock.advance(61)
    assert len(it.aws.list_cluster_events(ClusterName="ml")["Events"]) > before


def test_read_lag_goes_before_the_lag_of_its_group(account):
    it = account(list_lag=60, read_lag={"ListClusterNodes": 0})
    it.create(NodeProvisioningMode="Continuous")
    node = it.nodes()[0]["InstanceId"]
    it.aws.batch_reboot_cluster_nodes(ClusterName="ml", NodeIds=[node])
    assert {one["InstanceId"]: one["InstanceStatus"]["Status"] for one in it.nodes()}[node] == "Pending"


def test_each_change_is_seen_after_its_own_lag(account):
    it = account(describe_lag=60)
    it.create(NodeProvisioningMode="Continuous")
    it.update(it.group(count=3), seconds=40)
    it.update(it.group(count=4), seconds=40)
    assert it.groups()["workers"]["TargetCount"] == 3
    it.sim.clock.advance(21)
    assert it.groups()["workers"]["TargetCount"] == 4


def test_what_aws_does_by_itself_lags_too(account):
    it = account(describe_lag=60)
    it.create(seconds=0)
    it.sim.clock.advance(1)
    while it.sim.settings.dump()["us-west-2"]["ml"]["ClusterStatus"] == "Creating":
        it.sim.clock.advance(10)
    assert it.describe()["ClusterStatus"] == "Creating"
    it.sim.clock.advance(61)
    assert it.describe()["ClusterStatus"] == "InService"
