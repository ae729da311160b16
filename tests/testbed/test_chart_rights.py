"""The chart's rights of a kind follow from its record, whatever kind it is."""

from tests.unit.controllers.toy.kind import TOY

from hyperpod_operator.api.kinds import KINDS
from hyperpod_testbed.chart.rights import template


def test_a_further_kind_gets_its_rights_from_its_record() -> None:
    made = template([*KINDS, TOY])
    for right in TOY.all_rights:
        assert f"  resources: [{right.resource}]" in made
    assert f", {TOY.plural}\n" in made


def test_each_right_of_each_kind_is_in_the_template() -> None:
    made = template()
    wanted = {right.resource for kind in KINDS for right in kind.all_rights} - {"nodes"}
    assert {name for name in wanted if f"resources: [{name}]" not in made} == set()
