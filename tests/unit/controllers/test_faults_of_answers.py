"""The faults of an answer: all of them, and those of one look of many."""

import copy
from typing import Any

from tests.unit.controllers.wrong_answers import covering, every_fault

ANSWER: dict[str, Any] = {
    "ClusterStatus": "InService",
    "NodeRecovery": "",
    "InstanceGroups": [{"TargetCount": 4, "Names": ["gpu", "cpu"]}],
}


def outcome(change: Any) -> str:
    """The answer with one fault in it."""
    changed = copy.deepcopy(ANSWER)
    change(changed)
    return repr(changed)


def test_a_look_has_each_member_with_one_of_its_faults() -> None:
    members = {name.partition(" ")[0] for name, _ in covering(ANSWER, turn=3)}
    group = {"InstanceGroups[].TargetCount", "InstanceGroups[].Names"}
    assert members == {"ClusterStatus", "NodeRecovery", "InstanceGroups"} | group
    assert len(list(covering(ANSWER, turn=3))) == len(members)


def test_as_many_looks_as_there_are_kinds_of_faults_have_all_of_them() -> None:
    tried = {outcome(change) for turn in range(5) for _, change in covering(ANSWER, turn=turn)}
    assert tried == {outcome(change) for _, change in every_fault(ANSWER)}
