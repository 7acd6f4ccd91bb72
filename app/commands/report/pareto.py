"""The runs of a sweep of several metrics that no other one betters: as a table, and drawn."""

from collections.abc import Sequence
from html import escape
from typing import Final

from app.commands.report.findings import Findings
from app.commands.results import RunResult
from charts import format
from charts.scatter import Quantity, Spot, scatter
from search.schema import Metric

ROWS_SHOWN: Final = 12
DIGITS: Final = 5


def section(found: Findings) -> str:
    """HTML; "" for a sweep of one metric, or without a result."""
    if not found.front:
        return ""
    said = f"{format.count(len(found.front))} of {format.counted(len(found.measured), 'result')}"
    note = f'<p class="note">{said}: no other run is as good in every metric and better in one.</p>'
    figures = "".join(_figure(found, other) for other in range(1, len(found.metrics)))
    return f"<section><h2>Pareto front</h2>{note}{_table(found, found.front[:ROWS_SHOWN])}{figures}</section>"


def _table(found: Findings, runs: Sequence[RunResult]) -> str:
    values = {run.id: each for run, each in found.measured}
    columns = [format.column(column, DIGITS) for column in zip(*(values[run.id] for run in runs), strict=True)]
    heads = "".join(f'<th scope="col" class="figure">{escape(_said(metric))}</th>' for metric in found.metrics)
    rows = "".join(_row(found, run, texts) for run, texts in zip(runs, zip(*columns, strict=True), strict=True))
    return f'<table><thead><tr><th scope="col">Run</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _row(found: Findings, run: RunResult, texts: Sequence[str]) -> str:
    cells = "".join(f'<td class="figure">{text}</td>' for text in texts)
    return f'<tr><th scope="row"><a href="{escape(found.of(run).url)}">{escape(run.name)}</a></th>{cells}</tr>'


def _said(metric: Metric) -> str:
    return f"{metric.name}, {'higher' if metric.goal == 'maximize' else 'lower'} is better"


def _figure(found: Findings, other: int) -> str:
    """The first metric against another one."""
    up, across = (Quantity(found.metrics[place].name, found.metrics[place].goal) for place in (0, other))
    front = {run.id for run in found.front}
    spots = [
        Spot(values[other], values[0], run.name, found.of(run).url, run.id in front) for run, values in found.measured
    ]
    drawn = scatter(spots, across, up, joined=len(found.metrics) == 2)
    if drawn is None:
        return ""
    return f'<figure class="scatter">{drawn.svg}<figcaption>{drawn.left_out}</figcaption></figure>'
