"""What one pass costs, in counts: writes and calls of a creation, and how often the same question is asked."""

from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.core.builders import spec

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.api.members import unknown_members
from hyperpod_operator.controllers.parse import InvalidSpecError, parse_spec, parse_spec_with_unknown
from hyperpod_operator.core.cluster.concerns import RECONCILE
from hyperpod_operator.core.engine import finding
from hyperpod_operator.core.plan import digest, record
from hyperpod_operator.core.ports import StoredObject


async def test_a_creation_costs_three_writes_and_two_calls(rig: Rig) -> None:
    rig.apply(spec())
    await rig.step()
    assert rig.objects.writes == ["finalizer+", "status", "status"]
    assert [call.operation for call in rig.simulator.log.calls()] == ["GetCallerIdentity", "DescribeCluster",
                                                                      "CreateCluster"]  # fmt: skip


async def test_a_pass_asks_its_concerns_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, judge = [], finding.judge

    def counting(concerns: Any, *arguments: Any, **more: Any) -> Any:
        asked.append(concerns is RECONCILE)
        return judge(concerns, *arguments, **more)

    monkeypatch.setattr(finding, "judge", counting)
    rig.apply(spec())
    await rig.step()
    assert asked.count(True) == 1


async def test_a_creation_that_nobody_approves_names_no_changes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    named, names = [], digest.names

    def counting(*arguments: Any, **more: Any) -> Any:
        named.append(arguments)
        return names(*arguments, **more)

    monkeypatch.setattr(record, "names", counting)
    rig.apply(spec())
    await rig.step()
    assert (rig.operations(), named) == (["CreateCluster"], [])


def stored(wanted: Any) -> StoredObject:
    return StoredObject(
        key=KEY,
        uid="",
        resource_version="",
        generation=1,
        deleting=False,
        finalizers=(),
        annotations={},
        body={"spec": wanted},
    )


@pytest.mark.parametrize(
    "wanted", [spec(), {**spec(), "later": 1}, {**spec(), "vpcConfig": {"ipFamily": "ipv6"}}, {}, None], ids=str
)
def test_a_spec_that_is_read_once_is_read_as_in_two_steps(wanted: Any) -> None:
    about = stored(wanted)
    try:
        expected = parse_spec(about, HyperPodClusterSpec), unknown_members(HyperPodClusterSpec, wanted)
    except InvalidSpecError as error:
        with pytest.raises(InvalidSpecError, match=str(error)[:20]):
            parse_spec_with_unknown(about, HyperPodClusterSpec)
        return
    assert parse_spec_with_unknown(about, HyperPodClusterSpec) == expected
