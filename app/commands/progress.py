"""How a sweep is getting on: a live table on a terminal, a line for each change elsewhere."""

from collections import deque
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live

from app.commands.report import table
from app.commands.results import Results, RunResult
from search import time_left
from search.time_left import Stretch
from terms import states

LIVE_RUNS_SHOWN = 15
# An agent that has no run for so few looks is about to begin one.
LOOKS_BETWEEN_RUNS = 10


class Progress:
    """Shows the results that it is given; between `with` and its end, on a terminal, in one place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._busy = deque[int](maxlen=LOOKS_BETWEEN_RUNS)
        self._first: dict[str, tuple[float, int]] = {}
        self._last = ""
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None

    def __enter__(self) -> "Progress":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, line: str | None) -> None:
        """Prints a line, above the live table if there is one."""
        if line:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def show(self, results: Results) -> None:
        """Shows the sweep as it was when it was read."""
        self._busy.append(len(results.busy))
        for run in results.busy:
            if run.epoch:
                self._first.setdefault(run.id, (results.read_at_s, run.epoch))
        line, left = state_line(results), _left(results, max(self._busy), self._first)
        if self._live is not None:
            shown = [*results.running, *results.best()][:LIVE_RUNS_SHOWN]
            unique = {run.id: run for run in shown}.values()
            drawn, _ = table.runs_table(results, list(unique), self._console.width)
            self._live.update(Group(line + left, drawn))
        elif line != self._last:
            self._last = line
            self.say(line + left)


def state_line(results: Results) -> str:
    """The counts and the best figure so far, in one line."""
    parts = [results.count()]
    if results.running:
        parts.append(f"{len(results.running)} running")
    best = next((run for run in results.best() if run.state == states.FINISHED), None)
    if best is not None:
        parts.append(f"best {results.metric} {best.metric:.4f}")
    return ", ".join(parts)


def _left(results: Results, agents: int, first: Mapping[str, tuple[float, int]]) -> str:
    """An estimate, by the formula of the sweep's page; nothing before there is one.

    Args:
        first: of a run, when it was seen to count epochs, and how many it had done.
    """
    counted = [*results.finished, *results.failed, *results.busy]
    waiting = (results.expected or 0) - len(counted)
    begun = [run for run in results.runs if run in counted and run.begin_s is not None]
    last = begun[-max(time_left.LAST_RUNS, 2 * agents) :]
    runs = [_stretch(run, results.read_at_s, *first.get(run.id, (None, 0))) for run in last]
    left_s = time_left.seconds_left(runs, max(waiting, 0), agents)
    if results.expected is None or not left_s:
        return ""
    return f", about {int(left_s) // 60}:{int(left_s) % 60:02} left"


def _stretch(run: RunResult, now_s: float, first_s: float | None, first_epochs: int) -> Stretch:
    begin_s, under_way = run.begin_s or 0.0, run.state in states.LIVE
    until_s = now_s if run.end_s is None else run.end_s
    return Stretch(begin_s, max(begin_s, until_s), under_way, run.epoch, run.epochs_asked, first_s, first_epochs)
