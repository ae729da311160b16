"""Other installations, by their Leases."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from hyperpod_operator.api.names import LABEL_LEADER_ELECTION, SERVED_NAMESPACES, Reason
from hyperpod_operator.app.neighbours import looking
from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.core.ports import Event, Events, KubernetesError, StoredObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.leadership.neighbours import MOST, Neighbours

EVERYWHERE = "/apis/coordination.k8s.io/v1/leases"
OURS = ("ours", "hyperpod-operator")


class Leases:
    """An API server with the Leases of operators, which are renewed unless they are `ended`."""

    address = "https://here"

    def __init__(self, *leases: tuple[str, str, str | None], ended: bool = False, status: int = 0) -> None:
        self._leases, self._ended, self._status, self._looks = leases, ended, status, 0
        self.asked: list[str] = []

    async def get(self, path: str, *, query: Mapping[str, str], accept: str) -> dict[str, Any]:
        assert query["labelSelector"] == LABEL_LEADER_ELECTION
        self.asked.append(path)
        self._looks += 1
        if self._status:
            raise KubernetesError(status=self._status, message="no")
        return {"items": [self._lease(*one) for one in self._leases]}

    def _lease(self, namespace: str, name: str, serves: str | None) -> dict[str, Any]:
        annotations = {} if serves is None else {SERVED_NAMESPACES: serves}
        renewed = f"2026-01-01T00:00:{0 if self._ended else self._looks:02}.000000Z"
        return {
            "metadata": {"namespace": namespace, "name": name, "annotations": annotations},
            "spec": {"holderIdentity": "pod-1", "renewTime": renewed},
        }


async def found(leases: Leases, *serves: str) -> list[tuple[str, ...]]:
    """Which namespaces those serve, too, that the second look finds."""
    lease = LeaseSettings(namespace=OURS[0], name=OURS[1], serves=serves)
    neighbours = Neighbours(cast(ApiServer, leases), lease=lease)
    assert await neighbours.look() == ()
    return [one.both for one in await neighbours.look()]


@pytest.mark.parametrize(
    ("ours", "theirs", "both"),
    [
        ((), "", [()]),
        ((), "a,b", [("a", "b")]),
        (("a",), "", [("a",)]),
        (("a", "b", "c"), "c,d,b", [("b", "c")]),
        (("a",), "b", []),
        (("a",), None, []),
        ((), None, []),
    ],
)
async def test_one_that_serves_a_namespace_of_ours_is_found(
    ours: tuple[str, ...], theirs: str | None, both: list[tuple[str, ...]]
) -> None:
    assert await found(Leases((*OURS, ""), ("theirs", OURS[1], theirs)), *ours) == both
    assert await found(Leases((*OURS, ""), (OURS[0], "other", theirs)), *ours) == both


async def test_one_whose_lease_is_not_renewed_has_ended() -> None:
    assert await found(Leases(("theirs", "other", ""), ended=True)) == []


async def test_what_anybody_can_write_on_leases_fills_no_log() -> None:
    """Who may write Leases in a namespace can make them look like those of operators."""
    crowd = Leases(*((f"n{number}", "x" * 200, ",".join(["y" * 10_000] * 20)) for number in range(500)))
    neighbours = Neighbours(cast(ApiServer, crowd), lease=LeaseSettings(namespace=OURS[0], name=OURS[1]))
    await neighbours.look()
    told = [str(one) for one in await neighbours.look()]
    assert len(told) == MOST
    assert max(map(len, told)) < 1500


async def test_an_operator_for_chosen_namespaces_looks_in_its_own_alone() -> None:
    chosen, every = Leases(), Leases()
    await found(chosen, "a")
    await found(every)
    assert {*chosen.asked} == {"/apis/coordination.k8s.io/v1/namespaces/ours/leases"}
    assert {*every.asked} == {EVERYWHERE}


async def test_without_the_right_nothing_is_found_and_nothing_fails() -> None:
    assert await found(Leases(status=403)) == []
    with pytest.raises(KubernetesError):
        await found(Leases(status=500))


async def test_it_is_told_in_the_log_and_in_an_event(caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[StoredObject, Event]] = []

    class Recorded:
        def publish(self, *, about: StoredObject, event: Event) -> None:
            told.append((about, event))

    lease = LeaseSettings(namespace=OURS[0], name=OURS[1], serves=())
    neighbours = Neighbours(cast(ApiServer, Leases(("theirs", "other", "a"))), lease=lease)
    periodic = looking(neighbours, events=cast(Events, Recorded()), random=lambda: 0.5)
    await periodic.work()
    assert told == []
    await periodic.work()
    ((about, event),) = told
    assert (about.key.name, event.reason) == ("hyperpodclusters.hyperpod-operator.dev", Reason.SERVED_TWICE)
    assert "reconciles the namespaces a, too: pod-1 leads by the Lease other in namespace theirs" in event.message
    assert event.message in caplog.text
