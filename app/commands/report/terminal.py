"""What people are shown of a sweep's results: a table of runs, a line for each that failed, and files to keep."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.table import Table

from app.commands.client import BackendError
from app.commands.report import files, findings
from app.commands.results import Results, RunResult
from charts import format

BEST_SHOWN = 10
# Enough to tell values apart; the run's page has every digit.
VALUE_DIGITS = 4
WIDEST = 1000


def finish(api: Any, results: Results, console: Console, data_dir: Path, now: datetime, python: str) -> int:
    """Writes the report's files, and prints what `show` does with where they are.

    Args:
        data_dir: they go to reports/ in it.
        now: the moment of the results.
        python: as in the commands of the report.

    Returns:
        The exit code of `show`; 1 if the files could not be written, with the reason in a line.
    """
    try:
        path = files.write(findings.read(api, results, python), data_dir, now)
    except (BackendError, OSError) as error:
        return show(results, console, f"Report: not written: {error}") or 1
    return show(results, console, f"Report: {path}")


def show(results: Results, console: Console, note: str = "") -> int:
    """Prints the table, the cause of each failure, a note and the count.

    Returns:
        The exit code: 0 if every run of the sweep gave a result.
    """
    table = best_runs(results)
    size = console.measure(table, options=console.options.update_width(WIDEST))
    # A pipe has no width, and a narrow terminal wraps: better than values cut off at the right.
    width = max(size.minimum, min(console.width, size.maximum)) if console.is_terminal else size.maximum
    console.print(table, crop=False, width=width)
    for line in filter(None, [*failures(results), *_stopped(results), results.never_logged, note, results.count()]):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    return 0 if results.complete else 1


def best_runs(results: Results) -> Table:
    """The best runs, best first."""
    drawn = runs_table(results, results.best()[:BEST_SHOWN])
    drawn.title = f"Best runs of {results.name}"
    return drawn


def runs_table(results: Results, runs: Iterable[RunResult]) -> Table:
    """A row for each of `runs`, with those of the sweep's parameters that differ between runs."""
    names = _differing(results.runs)
    headings = ("run", results.metric or "metric", *names, "epoch", "state")
    rows = [
        (run.name, _metric(run), *(_value(run.values.get(name)) for name in names), _epoch(run), run.ending)
        for run in runs
    ]
    drawn = Table(title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading, values in zip_longest(headings, zip(*rows, strict=True), fillvalue=()):
        # A long heading may be folded, a value never: cut off, it would be another.
        widest = max(map(len, values), default=0)
        side: Literal["left", "right"] = "right" if heading in (headings[1], "epoch") else "left"
        drawn.add_column(str(heading), justify=side, min_width=widest, overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    return drawn


def failures(results: Results) -> list[str]:
    """A line for each failed run: which, with which values, and why."""
    return [
        f"{run.name} {run.state} ({_in_words(run.values)}): {run.cause or 'it left no cause'}" for run in results.failed
    ]


def _stopped(results: Results) -> list[str]:
    """Why the embedded server ended the sweep before its end, if it did."""
    lines = (results.note or "").splitlines()
    return [f"{line[0].upper()}{line[1:]}" for line in lines if line.startswith("stopped itself: ")]


def _differing(runs: Iterable[RunResult]) -> list[str]:
    seen: dict[str, set[str]] = {}
    for run in runs:
        for name, value in run.values.items():
            seen.setdefault(name, set()).add(str(value))
    return [name for name, values in seen.items() if len(values) > 1] or list(seen)


def _in_words(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in values.items())


def _value(value: object) -> str:
    return format.parameter(value, VALUE_DIGITS)


def _metric(run: RunResult) -> str:
    return "" if run.metric is None else f"{run.metric:.4f}"


def _epoch(run: RunResult) -> str:
    return "" if run.epoch is None else str(run.epoch)
