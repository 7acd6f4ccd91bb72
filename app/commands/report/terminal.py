"""What people are shown of a sweep's results: a table of runs, a line for each that failed, and files to keep."""

from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from app.commands.client import BackendError
from app.commands.report import files, findings
from app.commands.report.table import in_words, runs_table
from app.commands.results import Results

BEST_SHOWN = 10
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
    # A pipe has no width; a terminal that is narrower than the table would break its lines.
    table, no_room = runs_table(results, results.best()[:BEST_SHOWN], console.width if console.is_terminal else None)
    console.print(Text(f"Best runs of {results.name}", style="italic"), soft_wrap=True)
    console.print(table, crop=False, width=WIDEST)
    left_out = f"Not in the table, for want of room: {', '.join(no_room)}." if no_room else ""
    for line in filter(
        None, [left_out, *failures(results), *_stopped(results), results.never_logged, note, results.count()]
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    return 0 if results.complete else 1


def failures(results: Results) -> list[str]:
    """A line for each failed run: which, with which values, and why."""
    return [
        f"{run.name} {run.state} ({in_words(run.values)}): {run.cause or 'it left no cause'}" for run in results.failed
    ]


def _stopped(results: Results) -> list[str]:
    """Why the embedded server ended the sweep before its end, if it did."""
    lines = (results.note or "").splitlines()
    return [f"{line[0].upper()}{line[1:]}" for line in lines if line.startswith("stopped itself: ")]
