"""Draw the panels that arrive as JSON on standard input into the file that is named. Run by its path.

It runs in an environment that has matplotlib and nothing of ours, so it imports nothing of ours.
"""

import json
import math
import sys
from typing import Any

import matplotlib.pyplot as plt  # type: ignore[import-not-found]  # in an environment of its own
import numpy as np  # type: ignore[import-not-found]  # likewise

COLUMNS = 2
UNITS = {"s": "seconds", "reqps": "requests per second", "ops": "per second", "short": ""}
MOST_IN_LEGEND = 12
"""Lines; the flattest are left out of the legend, never out of the graph."""


def draw(found: dict[str, Any], path: str) -> None:
    """`found` has title, start, panels (title, unit, series of label and points) and marks (moment, number)."""
    panels = found["panels"]
    rows = -(-len(panels) // COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(13, 2.55 * rows), dpi=80, layout="constrained")
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, panel in zip(axes.flat, panels, strict=False):
        _panel(axis, panel, found)
    figure.suptitle(found["title"], fontsize=12)
    figure.supxlabel(found["caption"], fontsize=8, color="#555555")
    figure.savefig(path)


def _panel(axis: Any, panel: dict[str, Any], found: dict[str, Any]) -> None:
    axis.set_title(panel["title"], fontsize=9, loc="left", fontweight="bold")
    for series in panel["series"]:
        moments, values = _with_gaps(series["points"], step=found["step"])
        axis.plot([at - found["start"] for at in moments], values, label=series["label"], linewidth=1.3)
    for number, at in enumerate(found["marks"], start=1):
        axis.axvline(at - found["start"], color="#bbbbbb", linewidth=0.6, zorder=0)
        axis.annotate(
            str(number), (at - found["start"], 1), xycoords=("data", "axes fraction"),
            fontsize=6, color="#888888", va="bottom", ha="center",
        )  # fmt: skip
    axis.set_xlim(0, found["end"] - found["start"])
    axis.set_ylim(bottom=0)
    axis.set_ylabel(UNITS[panel["unit"]], fontsize=7)
    axis.tick_params(labelsize=7)
    axis.grid(alpha=0.2)
    lines = sorted(axis.get_legend_handles_labels()[0], key=lambda line: -np.nanmax(line.get_ydata()))
    axis.legend(handles=lines[:MOST_IN_LEGEND], fontsize=6, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _with_gaps(points: list[tuple[float, float]], *, step: float) -> tuple[list[float], list[float]]:
    """A line ends where its series had nothing to say."""
    moments: list[float] = []
    values: list[float] = []
    for at, value in points:
        if moments and at - moments[-1] > 1.5 * step:
            moments.append(moments[-1] + step)
            values.append(math.nan)
        moments.append(at)
        values.append(value)
    return moments, values


if __name__ == "__main__":
    draw(json.load(sys.stdin), sys.argv[1])
