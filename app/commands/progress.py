"""How a sweep is getting on: a live table on a terminal, a line for each change elsewhere."""

from types import TracebackType

from rich.console import Console, Group
from rich.live import Live

from app.commands.report import terminal
from app.commands.results import Results
from terms import states

LIVE_RUNS_SHOWN = 15


class Progress:
    """Shows the results that it is given; between `with` and its end, on a terminal, in one place."""

    def __init__(self, console: Console, started_s: float) -> None:
        self._console = console
        self._started_s = started_s
        self._done_before: int | None = None
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

    def show(self, results: Results, now_s: float) -> None:
        """Shows the sweep as it is at `now_s`, on the clock of `started_s`."""
        if self._done_before is None:
            self._done_before = len(results.finished)
        line = state_line(results)
        left = _left(results, len(results.finished) - self._done_before, now_s - self._started_s)
        if self._live is not None:
            shown = [*results.running, *results.best()][:LIVE_RUNS_SHOWN]
            unique = {run.id: run for run in shown}.values()
            self._live.update(Group(line + left, terminal.runs_table(results, unique)))
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


def _left(results: Results, done: int, elapsed_s: float) -> str:
    """An estimate from the pace so far; nothing before the first run has ended."""
    if not results.expected or done <= 0:
        return ""
    left_s = (results.expected - len(results.finished)) * elapsed_s / done
    return f", about {int(left_s) // 60}:{int(left_s) % 60:02} left" if left_s > 0 else ""
