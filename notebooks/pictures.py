"""Pictures of the tutorial, each an SVG that stands alone: it looks the same in Jupyter, in editors and on the web."""

import base64
import io
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

REPORT_STYLE: Final = Path(__file__).parents[1] / "app" / "commands" / "report" / "page.css"
FONT: Final = "font-family='system-ui, sans-serif' font-size='12'"
INK, DEEP = "#12161a", "#17285f"

# Room for the labels at the sides of a chart, as on the report's page.
CHART_WIDTH, LEFT, RIGHT, TOP = 860, 72, 84, 8

IMAGE, GAP = 112, 16
ROW, COLUMN, NAMES_WIDTH, NAMES_HEIGHT = 26, 40, 84, 76


def images(pixels: NDArray[np.uint8], captions: Sequence[str]) -> str:
    """Draws a row of images, dark on light.

    Args:
        pixels: uint8[n, 28, 28], 0 for nothing to 255.
        captions: under each.
    """
    parts = []
    for place, (image, caption) in enumerate(zip(pixels, captions, strict=True)):
        x = place * (IMAGE + GAP)
        parts.append(
            f"<image x='{x}' width='{IMAGE}' height='{IMAGE}' style='image-rendering: pixelated' href='{_png(image)}'/>"
            f"<text x='{x + IMAGE / 2}' y='{IMAGE + 20}' text-anchor='middle' fill='{INK}'>{escape(caption)}</text>"
        )
    return _sheet(len(captions) * (IMAGE + GAP) - GAP, IMAGE + 28, parts)


def confusion(labels: NDArray[Any], predicted: NDArray[Any], names: Sequence[str]) -> str:
    """Draws how often each kind was taken for which: a row for what an image shows, a column for what was said.

    Args:
        labels: int[n], numbers of `names`.
        predicted: the same, as a model says.
    """
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (labels, predicted), 1)
    parts = []
    for shown, row in enumerate(counts):
        y = NAMES_HEIGHT + shown * ROW
        parts.append(f"<text x='{NAMES_WIDTH - 8}' y='{y + 17}' text-anchor='end' fill='{INK}'>{names[shown]}</text>")
        for said, count in enumerate(row):
            x, share = NAMES_WIDTH + said * COLUMN, count / max(row.sum(), 1)
            parts.append(
                f"<rect x='{x}' y='{y}' width='{COLUMN - 1}' height='{ROW - 1}' fill='{DEEP}'"
                f" fill-opacity='{0.04 + 0.96 * share:.2f}'/>"
            )
            if count:
                ink = "#ffffff" if share > 0.4 else INK
                parts.append(f"<text x='{x + 20}' y='{y + 17}' text-anchor='middle' fill='{ink}'>{count}</text>")
    for said, name in enumerate(names):
        place = f"translate({NAMES_WIDTH + said * COLUMN + 22} {NAMES_HEIGHT - 8}) rotate(-45)"
        parts.append(f"<text transform='{place}' fill='{INK}'>{name}</text>")
    return _sheet(NAMES_WIDTH + len(names) * COLUMN + 40, NAMES_HEIGHT + len(names) * ROW, parts)


def chart(svg: str) -> str:
    """Gives a drawing of `charts`, which takes colours, width and margins from its page, those of the report."""
    height = int(re.findall(r'height="(\d+)"', svg)[0])
    inside = f"<svg x='{LEFT}' y='{TOP}' width='{CHART_WIDTH - LEFT - RIGHT}' height='{height}' overflow='visible'>"
    return _sheet(CHART_WIDTH, TOP + height, [f"<style>{_style(svg)}</style>", inside, svg, "</svg>"])


def _style(svg: str) -> str:
    """The rules of the report that this drawing needs, on light paper, in words that every SVG viewer knows."""
    style = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}|/\*.*?\*/", "", REPORT_STYLE.read_text(), flags=re.DOTALL)
    tokens = dict(re.findall(r"(--[\w-]+): ([^;]+);", style))
    used = set(" ".join(re.findall('class="([^"]*)"', svg)).split())
    kept = []
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", style):
        classes = {selector.strip(): set(re.findall(r"\.([\w-]+)", selector)) for selector in selectors.split(",")}
        # A program that puts the drawing into its own page must not take these rules for its own.
        inside = [f".sheet {selector}" for selector, named in classes.items() if named and named <= used]
        if inside:
            kept.append(f"{', '.join(inside)} {{{re.sub(r'var[(](.+?)[)]', lambda name: tokens[name[1]], body)}}}")
    return "\n".join(kept)


def _sheet(width: int, height: int, parts: Sequence[str]) -> str:
    """White paper, whatever colours the reader's program has."""
    size = f"width='{width + 2 * GAP}' height='{height + 2 * GAP}'"
    view = f"viewBox='{-GAP} {-GAP} {width + 2 * GAP} {height + 2 * GAP}'"
    paper = f"<rect x='{-GAP}' y='{-GAP}' {size} fill='#ffffff'/>"
    return f"<svg xmlns='http://www.w3.org/2000/svg' class='sheet' {size} {view} {FONT}>{paper}{''.join(parts)}</svg>"


def _png(image: NDArray[np.uint8]) -> str:
    target = io.BytesIO()
    Image.fromarray(255 - np.asarray(image)).save(target, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(target.getvalue()).decode()}"
