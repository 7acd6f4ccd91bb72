"""What people are shown of a sweep's results: a table of runs, and a line for each that failed."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from app.results import Results, RunResult

BEST_SHOWN = 10


def show(results: Results, console: Console) -> int:
    """Prints the table, the cause of each failure and the count.

    Returns:
        The exit code: 0 if every run of the sweep gave a result.
    """
    console.print(best_runs(results))
    for line in [*failures(results), results.count()]:
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
    drawn = Table(title_justify="left")
    for heading in ("run", *names, "state"):
        drawn.add_column(heading, overflow="fold")
    for heading in ("epoch", results.metric or "metric"):
        drawn.add_column(heading, justify="right")
    for run in runs:
        metric = "" if run.metric is None else f"{run.metric:.4f}"
        drawn.add_row(run.name, *(str(run.values.get(name)) for name in names), run.state, _text(run.epoch), metric)
    return drawn


def failures(results: Results) -> list[str]:
    """A line for each failed run: which, with which values, and why."""
    return [
        f"{run.name} {run.state} ({_in_words(run.values)}): {run.cause or 'it left no cause'}" for run in results.failed
    ]


def _differing(runs: Iterable[RunResult]) -> list[str]:
    seen: dict[str, set[str]] = {}
    for run in runs:
        for name, value in run.values.items():
            seen.setdefault(name, set()).add(str(value))
    return [name for name, values in seen.items() if len(values) > 1] or list(seen)


def _in_words(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _text(value: object) -> str:
    return "" if value is None else str(value)
