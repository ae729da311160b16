"""Draw the panels that arrive as JSON on standard input into the file that is named. Run by its path.

It runs in an environment that has matplotlib and nothing of ours, so it imports nothing of ours.
"""

import json
import math
import sys
from typing import Any

import matplotlib.pyplot as plt  # type: ignore[import-not-found]  # in an environment of its own
from matplotlib.patches import FancyBboxPatch  # type: ignore[import-not-found]  # likewise
from matplotlib.ticker import FuncFormatter, MaxNLocator  # type: ignore[import-not-found]  # likewise

WIDTH, UNIT, DPI = 15.0, 0.26, 100
"""Inches of the picture's width and of a row of Grafana's grid, and dots per inch."""
COLUMNS = 24
"""Of Grafana's grid."""
HEAD, GAP = 0.75, 0.1
"""Inches above the panels and between two."""
UNITS = {"s": "s", "d": "days", "reqps": "requests/s", "ops": "passes/s", "short": ""}
MOST_IN_LEGEND = 8
"""Lines; the flattest are left out of the legend, never out of the graph."""
LEGEND = 2.1
"""Inches on the right of a graph."""
PAGE, CARD, EDGE, INK, FAINT = "#eef0f3", "#ffffff", "#d8dce1", "#24292f", "#6b7280"
GOOD, BAD = "#1a7f37", "#cf222e"
COLOURS = (
    "#3274d9", "#e0752d", "#299c46", "#8f3bb8", "#d1478f", "#0ea5a4",
    "#b08d00", "#5c6bc0", "#7f8c8d", "#a0522d", "#6b8e23", "#cc4444",
)  # fmt: skip
SCENE_COLUMNS = 2

Json = dict[str, Any]


def draw(found: Json, path: str) -> None:
    """`found` has title, start, end, step, marks (moments), scenes (texts) and panels: title, unit, shape, place,
    stacked, alarming, and series of label and points."""
    panels = found["panels"]
    rows = max(panel["place"]["y"] + panel["place"]["h"] for panel in panels)
    foot = 0.5 + 0.2 * -(-len(found["scenes"]) // SCENE_COLUMNS)
    height = HEAD + rows * UNIT + foot
    plt.rcParams.update({"font.size": 8, "text.color": INK, "axes.labelcolor": FAINT, "xtick.color": FAINT,
                         "ytick.color": FAINT, "axes.edgecolor": EDGE})  # fmt: skip
    figure = plt.figure(figsize=(WIDTH, height), dpi=DPI, facecolor=PAGE)
    figure.text(0.012, 1 - 0.3 / height, found["title"], fontsize=15, fontweight="bold", va="center")
    figure.text(0.012, 1 - 0.56 / height, found["caption"], fontsize=9, color=FAINT, va="center")
    for panel in panels:
        _Card(figure, panel, found, height=height).draw()
    _scenes(figure, found["scenes"], height=height)
    figure.savefig(path, facecolor=PAGE)


def _scenes(figure: Any, scenes: list[str], *, height: float) -> None:
    """What the numbers on the graphs are."""
    per = -(-len(scenes) // SCENE_COLUMNS)
    for index, text in enumerate(scenes):
        across, down = index // per, index % per
        figure.text(
            0.012 + across / SCENE_COLUMNS, (0.2 * (per - down) + 0.05) / height, f"{index + 1}   {text}", fontsize=9
        )


class _Card:
    """One panel, on a white card at its place in the grid; lengths are inches."""

    def __init__(self, figure: Any, panel: Json, found: Json, *, height: float) -> None:
        self._figure, self._panel, self._found, self._height = figure, panel, found, height
        place = panel["place"]
        unit = (WIDTH - 2 * GAP) / COLUMNS
        self._left = GAP + place["x"] * unit + GAP / 2
        self._wide = place["w"] * unit - GAP
        self._high = place["h"] * UNIT - GAP
        self._low = height - HEAD - (place["y"] + place["h"]) * UNIT + GAP / 2

    def draw(self) -> None:
        box = self._box(0, 0, self._wide, self._high)
        card = FancyBboxPatch(
            (box[0], box[1]), box[2], box[3], boxstyle="round,pad=0,rounding_size=0.003",
            facecolor=CARD, edgecolor=EDGE, linewidth=0.8, transform=self._figure.transFigure, zorder=-1,
        )  # fmt: skip
        self._figure.add_artist(card)
        unit = UNITS[self._panel["unit"]]
        title = f"{self._panel['title']}  ({unit})" if unit else self._panel["title"]
        self._text(0.14, self._high - 0.17, title, fontsize=9.5, fontweight="bold", va="center")
        {"stat": self._number, "state-timeline": self._states, "timeseries": self._graph}[self._panel["shape"]]()

    def _number(self) -> None:
        """The last value of each series, above the course of the first one."""
        series = self._panel["series"]
        axis = self._axes(0.14, 0.1, self._wide - 0.28, 0.36)
        moments, values = self._line(series[0])
        colour = self._colour(values[-1])
        axis.fill_between(moments, values, color=colour, alpha=0.18, linewidth=0)
        axis.plot(moments, values, color=colour, linewidth=1.2)
        axis.set_axis_off()
        axis.set_xlim(0, self._found["end"] - self._found["start"])
        axis.set_ylim(bottom=0)
        across = 0.14
        for one in series:
            last = one["points"][-1][1]
            words = f"{last:,.0f}" if last == int(last) else f"{last:,.2f}"
            self._text(across, 0.7, words, fontsize=19, fontweight="bold", color=self._colour(last), va="center")
            across += 0.17 * len(words) + 0.1
            self._text(across, 0.66, one["label"], fontsize=9, color=FAINT, va="center")
            across += 0.075 * len(one["label"]) + 0.3

    def _colour(self, value: float) -> str:
        if not self._panel["alarming"]:
            return COLOURS[0]
        return BAD if value > 0 else GOOD

    def _states(self) -> None:
        """A bar for each label, as long as a series of it has points."""
        axis = self._axes(2.35, 0.32, self._wide - 2.5, self._high - 0.72)
        labels = sorted({one["label"].strip() for one in self._panel["series"]})
        for row, label in enumerate(labels):
            for one in self._panel["series"]:
                if one["label"].strip() == label:
                    axis.broken_barh(_spans(one["points"], step=self._found["step"], start=self._found["start"]),
                                     (row - 0.32, 0.64), facecolors=BAD, alpha=0.85, linewidth=0)  # fmt: skip
        axis.set_yticks(range(len(labels)), labels)
        axis.set_ylim(len(labels) - 0.4, -0.6)
        axis.tick_params(axis="y", length=0, labelsize=8.5)
        self._time(axis)

    def _graph(self) -> None:
        axis = self._axes(0.62, 0.32, self._wide - 0.72 - LEGEND, self._high - 0.78)
        series = sorted(self._panel["series"], key=lambda one: -max(value for _, value in one["points"]))
        if self._panel["stacked"]:
            self._stack(axis, series)
        else:
            for index, one in enumerate(series):
                moments, values = self._line(one)
                axis.plot(moments, values, label=one["label"], linewidth=1.5, color=COLOURS[index % len(COLOURS)])
            if len(series) == 1:
                axis.fill_between(*self._line(series[0]), color=COLOURS[0], alpha=0.12, linewidth=0)
        axis.set_ylim(0, max(axis.get_ylim()[1], 1e-3))
        axis.yaxis.set_major_locator(MaxNLocator(nbins=5, min_n_ticks=2, integer=self._panel["unit"] == "short"))
        self._time(axis)
        handles, labels = axis.get_legend_handles_labels()
        shown = [f"{label[:34]}…" if len(label) > 35 else label for label in labels[:MOST_IN_LEGEND]]
        axis.legend(handles[:MOST_IN_LEGEND], shown, fontsize=7.5, loc="upper left", bbox_to_anchor=(1.01, 1.06),
                    frameon=False, handlelength=1.1, labelspacing=0.4)  # fmt: skip
        if len(labels) > MOST_IN_LEGEND:
            self._text(
                self._wide - LEGEND + 0.28, 0.3, f"and {len(labels) - MOST_IN_LEGEND} more", fontsize=7.5, color=FAINT
            )

    def _stack(self, axis: Any, series: list[Json]) -> None:
        """Series that add up; what has no point at a moment adds nothing then."""
        moments = sorted({at for one in series for at, _ in one["points"]})
        values = [[dict(map(tuple, one["points"])).get(at, 0.0) for at in moments] for one in series]
        axis.stackplot([at - self._found["start"] for at in moments], values, labels=[one["label"] for one in series],
                       colors=COLOURS, alpha=0.75, linewidth=0)  # fmt: skip

    def _time(self, axis: Any) -> None:
        """Minutes and seconds, with the scenes on top."""
        length = self._found["end"] - self._found["start"]
        axis.set_xlim(0, length)
        axis.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 3, 6]))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{int(value) // 60}:{int(value) % 60:02d}"))
        axis.tick_params(axis="x", length=0, labelsize=7.5)
        axis.grid(axis="y", alpha=0.35, linewidth=0.6)
        for side in ("top", "right", "left"):
            axis.spines[side].set_visible(False)
        nearest, shown = 0.022 * length, -math.inf
        for number, at in enumerate(self._found["marks"], start=1):
            moment = at - self._found["start"]
            axis.axvline(moment, color="#c3c9d1", linewidth=0.7, linestyle=(0, (3, 3)), zorder=0)
            shown = max(moment, shown + nearest)
            axis.annotate(str(number), (shown, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
                          textcoords="offset points", fontsize=7, color=FAINT, va="bottom", ha="center")  # fmt: skip

    def _line(self, series: Json) -> tuple[list[float], list[float]]:
        moments, values = _with_gaps(series["points"], step=self._found["step"])
        return [at - self._found["start"] for at in moments], values

    def _axes(self, left: float, low: float, wide: float, high: float) -> Any:
        axis = self._figure.add_axes(self._box(left, low, wide, high))
        axis.set_facecolor("none")
        axis.tick_params(axis="y", length=0)
        return axis

    def _text(self, left: float, low: float, words: str, **how: Any) -> None:
        self._figure.text((self._left + left) / WIDTH, (self._low + low) / self._height, words, **how)

    def _box(self, left: float, low: float, wide: float, high: float) -> tuple[float, float, float, float]:
        """Inches on the card as fractions of the figure."""
        return (
            (self._left + left) / WIDTH, (self._low + low) / self._height, wide / WIDTH, high / self._height
        )  # fmt: skip


def _spans(points: list[tuple[float, float]], *, step: float, start: float) -> list[tuple[float, float]]:
    """Begin and length of each time in which a series has points."""
    made: list[list[float]] = []
    for at, _ in points:
        if made and at - made[-1][1] <= 1.5 * step:
            made[-1][1] = at
        else:
            made.append([at, at])
    return [(begin - start, end - begin + step) for begin, end in made]


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
