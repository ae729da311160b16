"""`python -m tools.picture`: play the scene, ask Prometheus what the dashboard asks, draw the answers."""

import json
import math
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from tools.picture.prometheus import Prometheus, PrometheusError
from tools.picture.scene import MarkedStage, play

from hyperpod_testbed.control_plane import ControlPlaneError
from hyperpod_testbed.control_plane.build import BuildError
from hyperpod_testbed.environments import ToolEnvironmentError, environment
from hyperpod_testbed.stack import FAST, ROOT, Stack

HERE = Path(__file__).parent
DASHBOARD = ROOT / "helm" / "hyperpod-operator" / "files" / "dashboard.json"
LIMITS = ("--aws-reads-per-second=20", "--aws-writes-per-second=5")
"""FAST has no limit; here is one to be drawn, that the faster clock does not reach."""
STEP = 1.0
"""Seconds between two points."""
RATE = "20s"
"""Interval of a rate; Prometheus scrapes each second here."""
AFTERWARDS = 15.0
"""Seconds that are shown after the last scene."""

Json = dict[str, Any]


@click.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=ROOT / "docs" / "dashboard.png",
              help="Where the picture goes; .png or .svg.")  # fmt: skip
@click.option("--speed", type=click.FloatRange(min=1), default=12.0, show_default=True,
              help="How many of AWS's seconds pass in one.")  # fmt: skip
def picture(output: Path, speed: float) -> None:
    """Draw the dashboard from a run of the operator (a few minutes; builds Prometheus once)."""
    try:
        python = environment(HERE / "matplotlib.lock") / "python"
        found = _measured(speed=speed)
    except (BuildError, ControlPlaneError, PrometheusError, ToolEnvironmentError) as error:
        raise click.ClickException(str(error)) from error
    empty = [panel["title"] for panel in found["panels"] if not panel["series"]]
    if empty:
        raise click.ClickException(
            f"{DASHBOARD.relative_to(ROOT)} has panels without data in a scene that has data for all: "
            f"{'; '.join(empty)}. Correct their queries in tools/chart/dashboard.py."
        )
    subprocess.run([python, HERE / "draw.py", output], input=json.dumps(found), text=True, check=True)
    print(f"{output}: {output.stat().st_size / 1000:.0f} kB")


def _measured(*, speed: float) -> Json:
    """Everything that is drawn."""
    with (
        Stack(speed=speed, flags=(*FAST, *LIMITS)) as stack,
        tempfile.TemporaryDirectory() as directory,
        Prometheus(scraped_port=stack.operator.metrics_port, directory=Path(directory)) as prometheus,
    ):
        start, stage = time.time(), MarkedStage(stack)
        play(stage)
        time.sleep(AFTERWARDS)
        end = time.time()
        dashboard = json.loads(DASHBOARD.read_text())
        return {
            "title": f"{dashboard['title']}: a run on the test bed",
            "caption": f"Minutes and seconds; the simulated AWS runs {speed:.0f} times as fast as the real one. "
            "Numbers are the scenes below.",
            "scenes": [text for _, text in stage.marks],
            "start": start,
            "end": end,
            "step": STEP,
            "marks": [at for at, _ in stage.marks],
            "panels": [_panel(prometheus, panel, start=start, end=end) for panel in dashboard["panels"]],
        }


def _panel(prometheus: Prometheus, panel: Json, *, start: float, end: float) -> Json:
    """A panel as Grafana would show it: how and where, and the lines that its queries give."""
    lines = [
        {"label": legend(target["legendFormat"], series.labels), "points": finite(series.points)}
        for target in panel["targets"]
        for series in prometheus.series(asked(target["expr"]), start=start, end=end, step=STEP)
    ]
    defaults = panel["fieldConfig"]["defaults"]
    return {
        "title": panel["title"],
        "unit": defaults["unit"],
        "shape": panel["type"],
        "place": panel["gridPos"],
        "stacked": "stacking" in defaults["custom"],
        "alarming": "thresholds" in defaults,
        "series": [line for line in lines if line["points"]],
    }


def asked(query: str) -> str:
    """A query as Grafana sends it: the interval of a rate is one that the scrapes of this run fill."""
    return query.replace("$__rate_interval", RATE)


def finite(points: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """A quantile of nothing is not a number, and the age of a watch before its first word is infinite."""
    return [point for point in points if math.isfinite(point[1])]


def legend(form: str, labels: dict[str, str]) -> str:
    """Grafana's form of a legend, filled in."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), form)


if __name__ == "__main__":
    picture()
