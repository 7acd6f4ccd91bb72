"""Draws what `speed --json` measured; wants the environment of `rivals.sh`.

    benchmarks/.rivals/bin/python -m benchmarks.picture FILE OUT.png

A part for each sweep, the longest last. Bars are seconds to its end, a line the smallest and largest of the rounds; the
number beside one is how many times as long it takes as `make up`.
"""

import json
import statistics
import sys
from math import prod
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import yaml

OURS = "`make up`"
COLOUR, OTHERS, INK = "#0b6e99", "#b8bfc6", "#24292f"


def main(measured: str, output: str) -> None:
    """Draws all sweeps of a file into one picture."""
    plt.rcParams.update({"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "ytick.color": INK})
    charts = sorted((runs_of(sweep), prices) for sweep, prices in json.loads(Path(measured).read_text()).items())
    heights = [len(prices) for _, prices in charts]
    figure, axes = plt.subplots(len(charts), 1, figsize=(8, 0.36 * sum(heights) + 0.7 * len(charts)), squeeze=False)
    axes[0][0].get_gridspec().set_height_ratios(heights)
    for axis, (runs, prices) in zip(axes[:, 0], charts, strict=True):
        bars(axis, f"{runs} runs", prices)
    figure.tight_layout()
    figure.savefig(output, dpi=150)


def runs_of(sweep: str) -> int:
    """How many runs a grid has."""
    parameters = yaml.safe_load(Path(sweep).read_text())["parameters"]
    return prod(len(each.get("values", ["fixed"])) for each in parameters.values())


def bars(axis: Any, name: str, prices: dict[str, list[dict[str, float]]]) -> None:
    """One bar a side, the slowest on top."""
    times = {side: [row["end_s"] for row in rows] for side, rows in prices.items()}
    sides = sorted(times, key=lambda side: statistics.median(times[side]))
    ours = statistics.median(times[OURS])
    for position, side in enumerate(sides):
        middle = statistics.median(times[side])
        axis.barh(position, middle, color=COLOUR if side == OURS else OTHERS, height=0.62)
        axis.plot([min(times[side]), max(times[side])], [position, position], color=INK, linewidth=1)
        told = f"  {middle:,.0f} s" + ("" if side == OURS else f"  ×{middle / ours:.1f}")
        axis.text(max(times[side]), position, told, va="center", color=INK)
    axis.set_yticks(range(len(sides)), [side.strip("`") for side in sides])
    axis.set_xlim(0, 1.25 * max(max(times[side]) for side in sides))
    axis.set_title(name, loc="left", fontsize=11, fontweight="bold")
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.tick_params(left=False, bottom=False, labelbottom=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
