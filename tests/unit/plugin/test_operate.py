"""Node operations: what is created for each verb, whose nodes are meant, and how the end is waited for."""

from typing import Any

import pytest
from tests.unit.core.explain.worlds import claim, unready
from tests.unit.plugin.fake import OURS, FakeServer, run, server

from hyperpod_operator.api.names import COMPUTE_TYPE

NODE = "hyperpod-i-0123456789abcdef0"
READY = unready("Scaling")
AT = f"{OURS}/hyperpodnodeoperations"


def created(fake: FakeServer) -> dict[str, Any]:
    ((_, _, body),) = [one for one in fake.sent if one[0] == "POST"]
    return dict(body)


def ended(condition: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "reboot-x"},
        "status": {
            "nodes": [{"name": NODE, "state": "Succeeded" if condition == "Complete" else "Failed", "message": "m"}],
            "conditions": [{"type": condition, "status": "True", "message": "1 of 1"}],
        },
    }


@pytest.mark.parametrize(
    ("words", "spec"),
    [
        (("reboot",), {"operation": "Reboot"}),
        (("replace", "-y"), {"operation": "Replace"}),
        (("delete-node", "-y"), {"operation": "Delete"}),
        (("move", "-y", "--to-group", "spare"), {"operation": "Move", "move": {"instanceGroupName": "spare"}}),
        (("check",), {"operation": "HealthCheck", "healthCheck": {"deepHealthChecks": ["InstanceStress"]}}),
    ],
)
def test_each_verb_is_an_operation(words: tuple[str, ...], spec: dict[str, Any]) -> None:
    fake = server(READY)
    shown = run(fake, *words, NODE)
    assert shown.exit_code == 0, shown.output
    made = created(fake)["spec"]
    made.pop("requestor")
    assert made == {"clusterRef": {"name": "research"}, "nodes": {"names": [NODE]}, **spec}


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (NODE, {"names": [NODE]}),
        ("i-0123456789abcdef0", {"names": [NODE]}),
        ("logical-1", {"nodeLogicalIds": ["logical-1"]}),  # a claim's status says whose it is, which proves nothing
    ],
)
def test_each_name_of_a_node_is_taken(said: str, named: dict[str, list[str]]) -> None:
    volume = claim()
    volume["status"]["attachment"]["nodeLogicalId"] = "logical-1"
    fake = server(READY, claims=(volume,))
    run(fake, "reboot", said)
    assert created(fake)["spec"]["nodes"] == named


@pytest.mark.parametrize("cluster", [(), ("--cluster", "research")])
@pytest.mark.parametrize("other", [NODE, "i-0123456789abcdef0"])
def test_logical_ids_are_not_looked_up_in_claims_because_they_are_among_others(
    other: str, cluster: tuple[str, ...]
) -> None:
    volume = claim()
    volume["status"]["attachment"]["nodeLogicalId"] = "logical-1"
    fake = server(READY, claims=(volume,))
    shown = run(fake, "reboot", "logical-1", other, *cluster)
    assert (shown.exit_code, fake.sent) == (1, [])
    assert "logical-1" in shown.output


@pytest.mark.parametrize("name", ["hyperpod-i-0aaaaaaaaaaaaaaaa", "ip-10-0-0-1"])
def test_a_node_with_the_provider_id_of_another_takes_no_operation_from_it(name: str) -> None:
    """A kubelet chooses its providerID and its labels; its name is what its credentials hold it to."""
    fake = server(READY)
    (node,) = fake.objects["/api/v1/nodes"]
    impostor = {**node, "metadata": {"name": name, "labels": {COMPUTE_TYPE: "hyperpod"}}}
    fake.objects["/api/v1/nodes"] = [impostor, node]
    run(fake, "reboot", "i-0123456789abcdef0")
    assert created(fake)["spec"]["nodes"] == {"names": [NODE]}


def test_an_instance_without_a_node_is_named_with_its_cluster() -> None:
    fake = server(READY)
    run(fake, "reboot", "i-0fffffffffffffff0", "--cluster", "research")
    assert created(fake)["spec"]["nodes"] == {"instanceIds": ["i-0fffffffffffffff0"]}


def test_nodes_of_no_cluster_of_the_namespace_want_a_name() -> None:
    other = unready("Scaling", clusterArn="arn:aws:sagemaker:us-west-2:111122223333:cluster/zzzzzzzzzzzz")
    fake = server(other)
    assert "are of no HyperPodCluster in namespace team" in run(fake, "reboot", NODE).stderr


@pytest.mark.parametrize("verb", ["replace", "delete-node"])
def test_what_loses_data_is_asked_for(verb: str) -> None:
    fake = server(READY)
    assert "needs --yes" in run(fake, verb, NODE).stderr
    assert [one for one in fake.sent if one[0] == "POST"] == []


def test_a_dry_run_is_the_operators() -> None:
    fake = server(READY)
    assert "dry run: the operator changes nothing" in run(fake, "replace", NODE, "--dry-run").output
    assert created(fake)["spec"]["dryRun"] is True


@pytest.mark.parametrize(("said", "stored"), [("2", 2), ("10%", "10%")])
def test_a_number_and_a_percentage_are_told_apart(said: str, stored: object) -> None:
    fake = server(READY)
    run(fake, "reboot", NODE, "--max-in-flight", said)
    assert created(fake)["spec"]["maxInFlight"] == stored


@pytest.mark.parametrize(("condition", "code"), [("Complete", 0), ("Failed", 1)])
def test_waiting_ends_with_the_operation(condition: str, code: int) -> None:
    fake = server(READY)
    fake.made = {"metadata": {"name": "reboot-x"}}
    fake.objects[f"{AT}/reboot-x"] = ended(condition)
    shown = run(fake, "reboot", NODE, "--wait")
    assert shown.exit_code == code
    assert f"{NODE}: " in shown.output


def test_waiting_says_why_no_node_starts() -> None:
    fake = server(READY)
    fake.made = {"metadata": {"name": "reboot-x"}}
    message = "changePolicy of the HyperPodCluster is ApproveAll: Reboot of 1 nodes waits for approval."
    ready = {"type": "Ready", "status": "False", "reason": "WaitingForApproval", "message": message}
    held = {"metadata": {"name": "reboot-x"}, "status": {"conditions": [ready]}}
    fake.objects[f"{AT}/reboot-x"] = {"metadata": {"name": "reboot-x"}}
    fake.watched = [[("MODIFIED", held), ("MODIFIED", ended("Complete"))]]
    shown = run(fake, "reboot", NODE, "--wait").output.splitlines()
    assert shown[1:3] == ["The operator has not reported yet.", f"WaitingForApproval: {message}"]


def test_waiting_does_not_say_twice_what_a_node_says() -> None:
    fake = server(READY)
    fake.made = {"metadata": {"name": "reboot-x"}}
    draining = ended("Complete")
    draining["status"]["nodes"][0] |= {"state": "Draining", "message": "Waits for team/web."}
    message = f"0/1 done. {NODE} is Draining: Waits for team/web."
    draining["status"]["conditions"] = [{"type": "Ready", "status": "False", "reason": "Draining", "message": message}]
    fake.objects[f"{AT}/reboot-x"] = draining
    fake.watched = [[("MODIFIED", ended("Complete"))]]
    assert message not in run(fake, "reboot", NODE, "--wait").output


def test_an_installation_without_the_kind_says_so() -> None:
    fake = server(READY)
    fake.refused = {AT: 404}
    fake.bare = True
    assert "does not know the kind HyperPodNodeOperation" in run(fake, "reboot", NODE).stderr
