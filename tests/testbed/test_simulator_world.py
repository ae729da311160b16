"""World events: what others do to clusters."""

import pytest


@pytest.fixture
def counts(aws):
    def find():
        groups = aws.describe_cluster(ClusterName="ml")["InstanceGroups"]
        return {one["InstanceGroupName"]: one["TargetCount"] for one in groups}

    return find


@pytest.fixture
def ready(in_service, cluster):
    in_service(cluster())


@pytest.mark.usefixtures("ready")
def test_someone_scales_a_group(sim, counts):
    sim.world.scale_out_of_band("ml", "workers", 5)
    assert counts() == {"workers": 5}


@pytest.mark.usefixtures("ready")
def test_someone_adds_and_deletes_groups(sim, counts, group):
    sim.world.add_group_out_of_band("ml", group("surprise", 1))
    sim.clock.advance(1200)
    assert counts() == {"workers": 2, "surprise": 1}
    sim.world.delete_group_out_of_band("ml", "surprise")
    sim.clock.advance(1200)
    assert counts() == {"workers": 2}


@pytest.mark.usefixtures("ready")
def test_someone_replaces_the_tags(sim, aws):
    sim.world.set_tags("ml", {"owner": "someone else"})
    arn = aws.describe_cluster(ClusterName="ml")["ClusterArn"]
    assert aws.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "owner", "Value": "someone else"}]


@pytest.mark.usefixtures("ready")
def test_someone_deletes_the_cluster(sim, aws, code):
    sim.world.delete_out_of_band("ml")
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "Deleting"
    sim.clock.advance(1200)
    assert code(aws.describe_cluster, ClusterName="ml")[0] == "ResourceNotFound"


@pytest.mark.usefixtures("ready")
def test_the_cluster_is_gone_at_once(sim, aws, code):
    sim.world.delete_out_of_band("ml", at_once=True)
    assert code(aws.describe_cluster, ClusterName="ml")[0] == "ResourceNotFound"


@pytest.mark.usefixtures("ready")
def test_world_events_are_in_no_log(sim):
    before = sim.log.size()
    sim.world.scale_out_of_band("ml", "workers", 5)
    assert sim.log.size() == before


def test_a_foreign_cluster_is_complete_at_once(sim, aws):
    sim.world.create_foreign_cluster("ml", tags={"team": "b"})
    answer = aws.describe_cluster(ClusterName="ml")
    assert (answer["ClusterStatus"], answer["InstanceGroups"][0]["CurrentCount"]) == ("InService", 1)
    node = aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"][0]
    assert node["InstanceStatus"] == {"Status": "Running"}


def test_a_foreign_cluster_may_take_its_time(sim, aws, cluster):
    sim.world.create_foreign_cluster("ml", request=cluster(), in_service=False)
    assert aws.describe_cluster(ClusterName="ml")["ClusterStatus"] == "Creating"


def test_a_foreign_cluster_may_be_as_large_as_clusters_get(sim, aws, cluster, group):
    sim.world.create_foreign_cluster("ml", request=cluster("ml", group(count=5000)))
    assert aws.describe_cluster(ClusterName="ml")["InstanceGroups"][0]["CurrentCount"] == 5000


def test_what_does_not_exist_is_named(sim):
    with pytest.raises(ValueError, match="no cluster nobody"):
        sim.world.delete_out_of_band("nobody")


@pytest.mark.usefixtures("ready")
def test_a_group_that_does_not_exist_is_named(sim):
    with pytest.raises(ValueError, match=r"no group nobody; it has \['workers'\]"):
        sim.world.scale_out_of_band("ml", "nobody", 1)


@pytest.mark.parametrize("name", ["subnet-0123456789abcdef0", "sg-0123456789abcdef0"])
def test_a_network_that_is_gone_is_refused(sim, aws, cluster, code, name):
    sim.world.remove_network(name)
    error, message = code(aws.create_cluster, **cluster())
    assert (error, f"'{name}' does not exist" in message) == ("ValidationException", True)
    sim.world.restore_network(name)
    aws.create_cluster(**cluster())


@pytest.mark.parametrize(
    ("problem", "words"), [("missing", "does not exist"), ("creating", "ACTIVE"), ("authentication", "API")]
)
def test_an_eks_cluster_that_cannot_be_used_is_refused(sim, aws, cluster, code, problem, words):
    arn = cluster()["Orchestrator"]["Eks"]["ClusterArn"]
    sim.world.break_eks(arn, problem)
    error, message = code(aws.create_cluster, **cluster())
    assert (error, words in message) == ("ValidationException", True)
    sim.world.restore_eks(arn)
    aws.create_cluster(**cluster())
