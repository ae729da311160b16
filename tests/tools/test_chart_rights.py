"""The chart's rights of a kind follow from its record."""

from tools.chart.rights import template

from hyperpod_operator.api.kinds import KINDS


def test_each_right_of_each_kind_is_in_the_template() -> None:
    made = template(KINDS)
    wanted = {right.resource for kind in KINDS for right in kind.all_rights} - {"nodes"}
    assert {name for name in wanted if f"resources: [{name}]" not in made} == set()
