"""What stands between Prometheus's answers and the picture of the dashboard."""

import json
import math

from tools.picture.__main__ import DASHBOARD, RATE, asked, finite, legend


def test_a_legend_is_filled_in_as_grafana_does() -> None:
    labels = {"namespace": "team", "name": "blue", "status": "False"}
    assert legend("{{namespace}}/{{name}} {{status}} {{missing}}", labels) == "team/blue False "


def test_what_cannot_be_drawn_is_no_data() -> None:
    """A quantile of nothing, and the age of a watch before its first word."""
    assert finite(((1.0, math.nan), (2.0, math.inf), (3.0, 0.0))) == [(3.0, 0.0)]


def test_the_interval_of_a_rate_is_filled_in_as_grafana_does() -> None:
    assert asked("rate(x[$__rate_interval])") == f"rate(x[{RATE}])"


def test_no_panel_lies_on_another_and_all_fit_the_grid() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
