"""A status that cannot be read: it counts as empty, and the log says which member of it is wrong."""

import pytest

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.controllers.parse import parse_status, parse_status_with_lost
from hyperpod_operator.core.ports import Key, StoredObject

ARN = "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl"


def group(name: str) -> dict[str, object]:
    return {"instanceGroupName": name}


def stored(status: object) -> StoredObject:
    return StoredObject(
        key=Key("team", "research"),
        uid="u",
        resource_version="1",
        generation=1,
        deleting=False,
        finalizers=(),
        annotations={},
        body={"spec": {}, "status": status},
    )


def test_a_list_in_place_of_a_time_is_named_as_a_part_of_status(caplog: pytest.LogCaptureFixture) -> None:
    """The API server takes lists for texts of the format date-time."""
    found = parse_status(stored({"lastApproval": {"at": []}, "shortMessage": "x"}), HyperPodClusterStatus)
    assert found.shortMessage == "x"
    assert "status.lastApproval.at: " in caplog.text


@pytest.mark.parametrize(
    ("status", "kept", "lost"),
    [
        ({"shortMessage": "x" * 500, "clusterArn": ARN}, {"clusterArn": ARN}, [("shortMessage",)]),
        (
            {"instanceGroups": [group("a"), {"status": "InService"}, group("c") | {"currentCount": -1}]},
            {"instanceGroups": [group("a"), group("c")]},
            [("instanceGroups", 2, "currentCount"), ("instanceGroups", 1)],
        ),
        ({"operations": "nonsense", "clusterArn": ARN}, {"clusterArn": ARN}, [("operations",)]),
        ({"lastApproval": {"at": []}, "clusterArn": ARN}, {"clusterArn": ARN}, None),
        (["no", "object"], {}, [()]),
        ({}, {}, []),
    ],
)
def test_what_can_be_read_of_a_status_is_kept(status: object, kept: object, lost: list[object] | None) -> None:
    """Without the rest of it a cluster that others deleted looked like one that was never made."""
    found, missing = parse_status_with_lost(stored(status), HyperPodClusterStatus)
    assert found.model_dump(mode="json", exclude_none=True, exclude_defaults=True) == kept or lost is None
    assert found.clusterArn == (ARN if "clusterArn" in kept else None)  # type: ignore[operator]
    assert lost is None or list(missing) == lost
