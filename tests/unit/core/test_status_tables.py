"""Tables keyed by AWS's words, tried for every word of AWS's own enums: a row that is dropped fails."""

import botocore.session
import pytest
from tests.unit.core.builders import (
    action,
    ago,
    cluster,
    decision,
    group,
    group_spec,
    held,
    recorded,
    resource,
    scaled,
    spec,
    told,
    with_group,
)

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.diagnose import shortfalls
from hyperpod_operator.core.cluster.ending import ending
from hyperpod_operator.core.cluster.guards import SOFTWARE_WENT_BACK, shown_back
from hyperpod_operator.core.cluster.parts import ISOLATED, remembered
from hyperpod_operator.core.cluster.plan import UpdateCluster
from hyperpod_operator.core.engine.journal import PENDING
from hyperpod_operator.core.errors import TREATMENTS, ErrorKind
from hyperpod_operator.core.observed import Observed

MODEL = botocore.session.get_session().get_service_model("sagemaker")


def words(shape: str) -> list[str]:
    return list(MODEL.shape_for(shape).enum)


TRANSITIONS = {
    "Creating": "Creating",
    "Updating": "Updating",
    "RollingBack": "RollingBack",
    "SystemUpdating": "SystemUpdating",
    "Deleting": "Deleting",
}
"""What a cluster with a change to make waits for, by status; in all others the change is sent."""
GROUPS = {
    "InService": None,
    "Creating": ("Scaling", False),
    "Updating": ("Scaling", False),
    "Deleting": ("Scaling", False),
    "Failed": ("GroupFailed", True),
    "Degraded": ("GroupDegraded", False),
    "SystemUpdating": ("UpdatingSoftware", False),
}
"""What a complete group is short of, by status: reason, and whether a person has to act."""
SOFTWARE = {
    "Pending": ("UpdatingSoftware", False, False),
    "InProgress": ("UpdatingSoftware", False, False),
    "RollbackInProgress": ("UpdatingSoftware", False, True),
    "RollbackComplete": (None, False, True),
    "Failed": ("GroupFailed", True, True),
    "Succeeded": (None, False, False),
}
"""By SoftwareUpdateStatus: reason, stalled, and whether it shows that an update went back."""


@pytest.mark.parametrize("status", words("ClusterStatus"))
def test_a_change_waits_in_each_status_that_refuses_it(status: str) -> None:
    owner = resource(spec=scaled(), status=recorded())
    answer = decision(owner, cluster(status=status))
    if status in TRANSITIONS:
        assert held(answer).reason == TRANSITIONS[status]
    else:
        assert isinstance(action(answer), UpdateCluster)


def test_a_status_that_aws_invents_is_waited_for() -> None:
    assert (
        held(decision(resource(spec=scaled(), status=recorded()), cluster(status="New"))).reason == Reason.CLUSTER_BUSY
    )


@pytest.mark.parametrize("status", words("InstanceGroupStatus"))
def test_each_status_of_a_complete_group_has_its_reason(status: str) -> None:
    found = shortfalls(Observed(cluster=with_group(cluster(), group(group_spec(), status=status))), since=None)
    assert [(item.reason, item.stalled) for item in found] == ([GROUPS[status]] if GROUPS[status] else [])


@pytest.mark.parametrize("status", words("SoftwareUpdateStatus"))
def test_each_status_of_a_software_update_has_its_reason(status: str) -> None:
    reason, stalled, back = SOFTWARE[status]
    found = with_group(cluster(), group(group_spec(), software_update_status=status))
    short = shortfalls(Observed(cluster=found), since=None)
    assert [(item.reason, item.stalled) for item in short] == ([(reason, stalled)] if reason else [])
    last = {"operation": "UpdateClusterSoftware", "state": "Accepted"}
    wanted = spec(instanceGroups=[group_spec(imageReleaseVersion="9.9.9")])
    pass_record = told(resource(spec=wanted, status=recorded(last=last)), found)
    called = pass_record.snapshot.resource.status.last
    assert called is not None
    assert shown_back(pass_record.snapshot, called) is back is (status in SOFTWARE_WENT_BACK)


@pytest.mark.parametrize("kind", ErrorKind)
def test_only_refusals_that_can_be_about_one_group_are_put_down_to_groups(kind: ErrorKind) -> None:
    pass_record = told(resource(spec=scaled(), status=recorded()), cluster(), answer=kind)
    end = ending(pass_record)
    of_groups = {ErrorKind.INVALID, ErrorKind.QUOTA}
    assert bool(remembered(pass_record, end)) is (kind in of_groups)
    assert of_groups <= ISOLATED <= set(TREATMENTS)


@pytest.mark.parametrize("outcome", ["Intended", "Accepted", "Rejected", "Unanswered", "Applied", "RolledBack"])
def test_a_new_cluster_is_waited_for_only_while_its_creation_is_pending(outcome: str) -> None:
    last = {"operation": "CreateCluster", "state": outcome, "time": ago(30)}
    answer = decision(resource(status={"last": last}), None)
    waits = getattr(answer, "reason", None) == Reason.AWAITING_VISIBILITY
    assert waits is (outcome in {"Intended", "Accepted", "Unanswered"}) is (outcome in PENDING)
