"""Draws what `main_job --json` and `rivals --json` measured; wants the environment of `rivals.sh`.

    benchmarks/.rivals/bin/python -m benchmarks.picture MAIN.json RIVALS.json OUT.png

Bars are seconds to the end of the same points, a tick the smallest and largest of the rounds; the number beside one is
how many times as long it takes as this project's shortest.
"""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

OURS, OTHERS, INK = "#0b6e99", "#b8bfc6", "#24292f"


def main(main_job: str, rivals: str, output: str) -> None:
    """Draws both comparisons into one picture."""
    plt.rcParams.update({"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "ytick.color": INK})
    charts = [(title(path), json.loads(Path(path).read_text())) for path in (main_job, rivals)]
    heights = [len(prices) for _, prices in charts]
    figure, axes = plt.subplots(2, 1, figsize=(8, 0.42 * sum(heights) + 1.6), height_ratios=heights)
    for axis, (name, prices) in zip(axes, charts, strict=True):
        bars(axis, name, prices)
    figure.tight_layout()
    figure.savefig(output, dpi=150)


def title(path: str) -> str:
    return Path(path).stem.replace("_", " ")


def bars(axis: Any, name: str, prices: dict[str, list[dict[str, float]]]) -> None:
    """One bar a side, the slowest on top."""
    times = {side: [row["end_s"] for row in rows] for side, rows in prices.items()}
    sides = sorted(times, key=lambda side: statistics.median(times[side]))
    fastest = min(statistics.median(times[side]) for side in sides if side.startswith("make up"))
    for position, side in enumerate(sides):
        middle = statistics.median(times[side])
        axis.barh(position, middle, color=OURS if side.startswith("make up") else OTHERS, height=0.62)
        axis.plot([min(times[side]), max(times[side])], [position, position], color=INK, linewidth=1)
        axis.text(
            max(times[side]), position, f"  {middle:.0f} s" + (f"  ×{middle / fastest:.1f}"), va="center", color=INK
        )
    axis.set_yticks(range(len(sides)), sides)
    axis.set_xlim(0, 1.25 * max(max(times[side]) for side in sides))
    axis.set_title(name, loc="left", fontsize=11, fontweight="bold")
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.tick_params(left=False, bottom=False, labelbottom=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
