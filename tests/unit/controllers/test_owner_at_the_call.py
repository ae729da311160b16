"""A call may wait for its turn, and the cluster may have another owner when it has it."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import two
from tests.unit.core.builders import OTHERS

from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.outcome import Again, Gone


def meanwhile(rig: Rig, method: str, happens: Any) -> None:
    """Before this call has its turn for the first time, something happens."""
    clusters = rig.cloud.clusters(region="")
    call = getattr(clusters, method)

    async def later(**fields: Any) -> Any:
        setattr(clusters, method, call)
        happens()
        return await call(**fields)

    setattr(clusters, method, later)


def taken(rig: Rig, tags: Mapping[str, str] = OTHERS) -> Any:
    return lambda: rig.simulator.world.set_tags("research", dict(tags))


async def test_no_cluster_is_deleted_that_others_took_over_before_the_call_had_its_turn(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.objects.delete(KEY)
    meanwhile(rig, "delete", taken(rig))
    assert isinstance(await rig.rest(), Gone)
    assert rig.calls("DeleteCluster") == []


async def test_no_group_is_deleted_of_a_cluster_that_others_took_over(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    one = two()
    one["instanceGroups"] = one["instanceGroups"][:1]  # type: ignore[index]
    rig.apply({**one, "management": {"disruption": {"runningWorkloads": "Ignore"}}})
    meanwhile(rig, "update", taken(rig))
    await rig.until("NotOwned")
    assert rig.calls("UpdateCluster") == []


async def test_an_adoption_takes_no_cluster_from_an_object_that_was_faster(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.world.set_tags("research", {})
    rig.objects.set_status(KEY, {})
    rig.apply(two(management={"adoptionPolicy": "IfUnowned"}))
    meanwhile(rig, "add_tags", taken(rig))
    await rig.until("NotOwned")
    assert rig.calls("AddTags") == []


@pytest.mark.parametrize("kind", [ErrorKind.TRANSIENT, ErrorKind.UNKNOWN_OUTCOME, ErrorKind.INVALID])
async def test_a_call_that_could_not_be_checked_again_was_not_sent(rig: Rig, kind: ErrorKind) -> None:
    rig.apply(two())
    await rig.rest()
    rig.objects.delete(KEY)
    clusters, status = rig.cloud.clusters(region=""), rig.objects.status(KEY)["operations"]
    read = clusters.tags

    async def unread(**fields: Any) -> Any:
        clusters.tags = read
        raise CloudError(kind=kind, operation="ListTags", code="X", message="no")

    meanwhile(rig, "delete", lambda: setattr(clusters, "tags", unread))
    assert isinstance(await rig.once(), Again)
    assert (rig.calls("DeleteCluster"), rig.objects.status(KEY)["operations"]) == ([], status)
    assert isinstance(await rig.rest(), Gone)
    assert len(rig.calls("DeleteCluster")) == 1
