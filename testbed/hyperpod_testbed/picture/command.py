"""The command `picture`: play the scene, ask Prometheus what the dashboard asks, draw the answers."""

import json
import math
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from hyperpod_testbed.control_plane.build import BuildError
from hyperpod_testbed.control_plane.control_plane import ControlPlaneError
from hyperpod_testbed.environments import ToolEnvironmentError, environment
from hyperpod_testbed.picture.prometheus import Prometheus, PrometheusError
from hyperpod_testbed.picture.scene import MarkedStage, play
from hyperpod_testbed.stack import ROOT, Stack

HERE = Path(__file__).parent
DASHBOARD = ROOT / "helm" / "hyperpod-operator" / "files" / "dashboard.json"
STEP = 2.0
"""Seconds between two points."""
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
            f"{'; '.join(empty)}. Correct their queries in testbed/hyperpod_testbed/chart/dashboard.py."
        )
    subprocess.run([python, HERE / "draw.py", output], input=json.dumps(found), text=True, check=True)
    print(f"{output}: {output.stat().st_size / 1000:.0f} kB")


def _measured(*, speed: float) -> Json:
    """Everything that is drawn."""
    with (
        Stack(speed=speed) as stack,
        tempfile.TemporaryDirectory() as directory,
        Prometheus(scraped_port=stack.operator.metrics_port, directory=Path(directory)) as prometheus,
    ):
        start, stage = time.time(), MarkedStage(stack)
        play(stage)
        time.sleep(AFTERWARDS)
        end = time.time()
        scenes = "   ".join(f"{number}: {text}." for number, (_, text) in enumerate(stage.marks, start=1))
        dashboard = json.loads(DASHBOARD.read_text())
        return {
            "title": f"{dashboard['title']}: a run on the test bed, AWS {speed:.0f} times as fast as it is",
            "caption": f"Real seconds. {_wrapped(scenes)}",
            "start": start,
            "end": end,
            "step": STEP,
            "marks": [at for at, _ in stage.marks],
            "panels": [_panel(prometheus, panel, start=start, end=end) for panel in dashboard["panels"]],
        }


def _panel(prometheus: Prometheus, panel: Json, *, start: float, end: float) -> Json:
    """A panel as Grafana would show it: its title, unit, and the lines that its queries give."""
    lines = [
        {"label": legend(target["legendFormat"], series.labels), "points": finite(series.points)}
        for target in panel["targets"]
        for series in prometheus.series(target["expr"], start=start, end=end, step=STEP)
    ]
    unit = panel["fieldConfig"]["defaults"]["unit"]
    return {"title": panel["title"], "unit": unit, "series": [line for line in lines if line["points"]]}


def finite(points: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """A quantile of nothing is not a number, and the age of a watch before its first word is infinite."""
    return [point for point in points if math.isfinite(point[1])]


def legend(form: str, labels: dict[str, str]) -> str:
    """Grafana's form of a legend, filled in."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), form)


def _wrapped(text: str, *, width: int = 170) -> str:
    lines, line = [], ""
    for word in text.split(" "):
        if len(line) + len(word) > width:
            lines.append(line)
            line = ""
        line += f"{word} "
    return "\n".join([*lines, line])
