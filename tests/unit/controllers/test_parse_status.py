"""A status that cannot be read: it counts as empty, and the log says which member of it is wrong."""

import pytest

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.controllers.parse import parse_status
from hyperpod_operator.core.ports import Key, StoredObject


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
    assert found == HyperPodClusterStatus()
    assert "status.lastApproval.at: " in caplog.text
