"""Both answers to open questions about events."""

import pytest


@pytest.mark.parametrize(("answer", "expected"), [("error", "ValidationException"), ("empty", "OK")])
def test_events_without_continuous(account, outcome, answer, expected):
    it = account(events_without_continuous=answer)
    it.create()
    assert outcome(it.aws.list_cluster_events, ClusterName="ml") == expected


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
