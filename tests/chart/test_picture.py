"""What stands between Prometheus's answers and the picture of the dashboard."""

import math

from hyperpod_testbed.picture.command import finite, legend


def test_a_legend_is_filled_in_as_grafana_does() -> None:
    labels = {"namespace": "team", "name": "blue", "status": "False"}
    assert legend("{{namespace}}/{{name}} {{status}} {{missing}}", labels) == "team/blue False "


def test_what_cannot_be_drawn_is_no_data() -> None:
    """A quantile of nothing, and the age of a watch before its first word."""
    assert finite(((1.0, math.nan), (2.0, math.inf), (3.0, 0.0))) == [(3.0, 0.0)]
