"""MoveClusterNodes: what is moved, what refuses, and what the counts say under either answer."""

import pytest


@pytest.fixture
def two_groups(account, group):
    def make(*, workers=3, spare=1, seconds=1200.0, **options):
        made = account(**options)
        made.create(
            group("workers", workers, MinInstanceCount=1),
            group("spare", spare),
            NodeProvisioningMode="Continuous",
            seconds=seconds,
        )
        return made

    return make


def move(account, **choice):
    arn = account.describe()["ClusterArn"]
    return account.aws.move_cluster_nodes(
        **{
            "SourceClusterArn": arn,
            "SourceInstanceGroupName": "workers",
            "TargetClusterArn": arn,
            "TargetInstanceGroupName": "spare",
            **choice,
        }
    )


def members(account, group="workers"):
    return [one for one in account.nodes(IncludeNodeLogicalIds=True) if one["InstanceGroupName"] == group]


def ids(account, group="workers"):
    return [one["InstanceId"] for one in members(account, group)]


def counts(account):
    return {name: (one["CurrentCount"], one["TargetCount"]) for name, one in account.groups().items()}


def status(account, node_id):
    return next(
        (one["InstanceGroupName"], one["InstanceStatus"]["Status"])
        for one in account.nodes()
        if one["InstanceId"] == node_id
    )


def test_a_node_detaches_in_its_source_and_attaches_in_its_target(two_groups):
    account = two_groups()
    node = members(account)[0]
    assert move(account, NodeIds=[node["InstanceId"]])["Successful"] == [node["InstanceId"]]
    seen = [status(account, node["InstanceId"])]
    for _ in range(12):
        account.sim.clock.advance(60)
        if status(account, node["InstanceId"]) != seen[-1]:
            seen.append(status(account, node["InstanceId"]))
    assert seen == [("workers", "DetachInProgress"), ("spare", "AttachInProgress"), ("spare", "Running")]
    moved = next(one for one in members(account, "spare") if one["InstanceId"] == node["InstanceId"])
    assert (moved["NodeLogicalId"], moved["PrivateDnsHostname"], moved["LaunchTime"]) == (
        node["NodeLogicalId"],
        node["PrivateDnsHostname"],
        node["LaunchTime"],
    )


def test_the_targets_follow_the_nodes(two_groups):
    account = two_groups()
    move(account, NodeIds=ids(account)[:1])
    assert counts(account) == {"workers": (2, 2), "spare": (1, 2)}
    account.sim.clock.advance(3600)
    assert counts(account) == {"workers": (2, 2), "spare": (2, 2)}


def test_move_changes_targets_false_buys_a_node_for_the_source(two_groups):
    account = two_groups(move_changes_targets=False)
    before = set(ids(account))
    move(account, NodeIds=ids(account)[:1])
    account.sim.clock.advance(3600)
    assert counts(account) == {"workers": (3, 3), "spare": (2, 1)}
    assert set(ids(account)) - before


def test_an_update_meanwhile_neither_buys_nor_ends_a_node(two_groups, group):
    account = two_groups()
    before = {one["InstanceId"] for one in account.nodes()}
    move(account, NodeIds=ids(account)[:1])
    account.update(group("workers", 2), group("spare", 2), seconds=3600)
    assert {one["InstanceId"] for one in account.nodes()} == before


def test_each_named_node_is_judged_by_itself(two_groups):
    account = two_groups()
    good, failing, moving = ids(account)
    account.sim.world.fail_node("ml", failing)
    account.aws.batch_reboot_cluster_nodes(ClusterName="ml", NodeIds=[moving])
    answer = move(account, NodeIds=[good, failing, moving, "i-0000000000000dead"])
    assert answer["Successful"] == [good]
    assert {one["NodeId"]: one["Code"] for one in answer["Failed"]} == {
        failing: "InvalidNodeStatus",
        moving: "InvalidNodeStatus",
        "i-0000000000000dead": "NodeIdNotFound",
    }


def test_a_node_of_another_group_is_not_found(two_groups, code):
    account = two_groups()
    assert "NodeIdNotFound" in code(move, account=account, NodeIds=ids(account, "spare"))[1]


def test_a_node_that_moves_already_is_in_use(two_groups):
    account = two_groups(workers=4)
    first, second, *_ = ids(account)
    move(account, NodeIds=[first])
    assert move(account, NodeIds=[first, second])["Failed"][0]["Code"] == "NodeIdInUse"


def test_logical_ids_have_answers_of_their_own(two_groups):
    account = two_groups()
    good = members(account)[0]["NodeLogicalId"]
    answer = move(account, NodeLogicalIds=[good, "nobody"])
    assert answer["SuccessfulNodeLogicalIds"] == [good]
    assert [(one["NodeLogicalId"], one["Code"]) for one in answer["FailedNodeLogicalIds"]] == [
        ("nobody", "NodeIdNotFound")
    ]


def test_an_attached_volume_keeps_a_node_where_it_is(two_groups, connect, code):
    account = two_groups()
    node = ids(account)[0]
    zone = account.aws.describe_cluster_node(ClusterName="ml", NodeId=node)["NodeDetails"]["Placement"]
    ec2 = connect(account.sim, service="ec2")
    volume = ec2.create_volume(AvailabilityZone=zone["AvailabilityZone"], Size=1, ClientToken="v")["VolumeId"]
    account.sim.clock.advance(60)
    arn = account.describe()["ClusterArn"]
    account.aws.attach_cluster_node_volume(ClusterArn=arn, NodeId=node, VolumeId=volume)
    message = code(move, account=account, NodeIds=[node])[1]
    assert "InvalidNodeStatus" in message
    assert "attached EBS volume" in message
    account.aws.detach_cluster_node_volume(ClusterArn=arn, NodeId=node, VolumeId=volume)
    account.sim.clock.advance(60)
    assert move(account, NodeIds=[node])["Successful"] == [node]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"InstanceType": "ml.m5.xlarge"}, "NodeInstanceTypeMismatch"),
        (
            {"OverrideVpcConfig": {"SecurityGroupIds": ["sg-0a"], "Subnets": ["subnet-0f0f0f0f"]}},
            "InvalidNodeStatus",
        ),
    ],
)
def test_a_node_that_does_not_fit_its_target_fails(account, group, code, members, expected):
    made = account()
    made.create(group("workers"), group("spare", 1, **members), NodeProvisioningMode="Continuous")
    assert expected in code(move, account=made, NodeIds=ids(made)[:1])[1]


def test_the_minimum_of_the_source_holds_for_the_whole_call(two_groups, code):
    account = two_groups()
    assert "MinInstanceCount" in code(move, account=account, NodeIds=ids(account))[1]
    assert counts(account)["workers"] == (3, 3)


def test_a_count_moves_as_many_or_none(two_groups, code):
    account = two_groups(workers=4)
    account.sim.world.fail_node("ml", ids(account)[0])
    account.sim.world.fail_node("ml", ids(account)[1])
    assert "2 nodes that can be moved" in code(move, account=account, InstanceCount=3)[1]
    assert counts(account)["workers"][1] == 4
    assert len(move(account, InstanceCount=2)["Successful"]) == 2


@pytest.mark.parametrize("choice", [{}, {"InstanceCount": 1, "NodeIds": ["i-0123456789abcdef0"]}])
def test_exactly_one_choice_is_needed(two_groups, code, choice):
    assert "Exactly one" in code(move, account=two_groups(), **choice)[1]


def test_a_client_token_moves_once(two_groups, code):
    account = two_groups(workers=4)
    first = move(account, InstanceCount=1, ClientToken="t")
    assert move(account, InstanceCount=1, ClientToken="t")["Successful"] == first["Successful"]
    assert counts(account)["workers"][1] == 3
    assert "ClientToken" in code(move, account=account, InstanceCount=2, ClientToken="t")[1]
    account.sim.clock.advance(9 * 3600)
    move(account, InstanceCount=1, ClientToken="t")
    assert counts(account)["workers"][1] == 2


def test_source_and_target_are_different_groups(two_groups, code):
    assert "different" in code(move, account=two_groups(), InstanceCount=1, TargetInstanceGroupName="workers")[1]


def test_a_group_that_does_not_exist_is_not_found(two_groups, code):
    account = two_groups()
    refused = code(move, account=account, InstanceCount=1, TargetInstanceGroupName="nobody")
    assert refused[0] == "ResourceNotFound"


def test_clusters_that_are_not_continuous_cannot_move(account, group, code):
    made = account()
    made.create(group("workers"), group("spare"))
    assert "Continuous" in code(move, account=made, InstanceCount=1)[1]


def test_a_group_below_its_minimum_blocks_a_move(two_groups, code):
    account = two_groups(seconds=130)
    assert code(move, account=account, InstanceCount=1)[0] == "ValidationException"


def test_a_move_to_another_cluster_leaves_the_first(two_groups, cluster, group):
    account = two_groups()
    account.aws.create_cluster(**other_cluster(cluster, group))
    account.sim.clock.advance(1200)
    node = ids(account)[0]
    arn = account.aws.describe_cluster(ClusterName="other")["ClusterArn"]
    move(account, NodeIds=[node], TargetClusterArn=arn, TargetInstanceGroupName="workers")
    account.sim.clock.advance(3600)
    there = account.aws.list_cluster_nodes(ClusterName="other")["ClusterNodeSummaries"]
    assert node in {one["InstanceId"] for one in there}
    assert node not in ids(account)


def test_move_compatible_clusters_refuses_another_network(two_groups, cluster, group, code):
    account = two_groups(move_compatible="clusters")
    network = {"SecurityGroupIds": ["sg-0f0f0f0f"], "Subnets": ["subnet-0123456789abcdef0"]}
    account.aws.create_cluster(**other_cluster(cluster, group, VpcConfig=network))
    account.sim.clock.advance(1200)
    arn = account.aws.describe_cluster(ClusterName="other")["ClusterArn"]
    refused = code(move, account=account, InstanceCount=1, TargetClusterArn=arn, TargetInstanceGroupName="workers")
    assert "compatible" in refused[1]


def other_cluster(cluster, group, **members):
    eks = {"Eks": {"ClusterArn": "arn:aws:eks:us-west-2:123456789012:cluster/other"}}
    return cluster("other", group("workers", 1), NodeProvisioningMode="Continuous", Orchestrator=eks, **members)


def test_a_target_that_is_deleted_meanwhile_ends_the_node(two_groups):
    account = two_groups()
    node = ids(account)[0]
    move(account, NodeIds=[node])
    account.aws.update_cluster(ClusterName="ml", InstanceGroupsToDelete=["spare"])
    account.sim.clock.advance(3600)
    assert node not in {one["InstanceId"] for one in account.nodes()}
    assert counts(account) == {"workers": (2, 2)}


def test_somebody_else_moves_nodes(two_groups):
    account = two_groups()
    account.sim.world.move_out_of_band("ml", "workers", "spare", count=2)
    assert counts(account) == {"workers": (1, 1), "spare": (1, 3)}
    assert not account.sim.log.calls("MoveClusterNodes")


def test_a_move_is_told_in_events(two_groups):
    account = two_groups()
    node = ids(account)[0]
    move(account, NodeIds=[node])
    account.sim.clock.advance(3600)
    events = account.aws.list_cluster_events(ClusterName="ml", NodeId=node)["Events"]
    assert any("is being moved to instance group spare" in one["Description"] for one in events)
