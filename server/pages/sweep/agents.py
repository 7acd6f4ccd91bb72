"""The agents of a sweep: what each does now, what it has done, and why it does nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, log2
from typing import Final

from markupsafe import Markup

from charts import format
from charts.timeline import Block, Span, foot, row
from server.pages.sweep.chosen import Chosen
from server.pages.sweep.view import SweepView
from server.pages.words.addresses import run_url
from server.pages.words.times import Moment, Now
from server.store import sweep_queries
from server.store.queries import Progress
from server.store.rows import Sweep
from server.store.sweep_queries import AgentLine, Shift
from terms import states

AGENTS_SHOWN: Final = 20
LEAST_SHOWN_S: Final = 120
STEPS_SHOWN: Final = 200
ROWS_KEPT: Final = 100
CAUSE_LENGTH: Final = 120
# Of a hundred bytes each.
TEXTS_KEPT: Final = 16_384
KINDS: Final = {
    **dict.fromkeys(states.LIVE, "running"),
    **dict.fromkeys(states.FAILURES, "failed"),
    states.PREEMPTED: "killed",
}


@dataclass(frozen=True)
class AgentRow:
    """An agent; `run` and `url` of what it does now, `idle` in words why it does nothing, `svg` its time."""

    name: str
    host: str
    alive: bool
    runs: str
    heard: Moment
    run: str | None
    url: str | None
    idle: str
    svg: Markup


@dataclass(frozen=True)
class SweepAgents:
    """Those shown, the axis under their rows, how many live and how many are left out."""

    rows: list[AgentRow]
    foot: Markup
    alive: int
    more: int


def sweep_agents(view: SweepView) -> SweepAgents:
    """Reads the agents, those alive first."""
    connection, sweep = view.connection, view.sweep
    lines = sweep_queries.agent_lines(connection, sweep.id, view.heard_since_s, AGENTS_SHOWN)
    shifts = sweep_queries.shifts(connection, sweep.id, tuple(sorted(line.agent.id for line in lines)))
    span = _span(sweep, shifts, view.now)
    pauses = tuple(sweep_queries.pauses(connection, sweep.id))
    best = view.best_of_all and view.best_of_all.name
    letters = tuple(view.letters.items())
    of_agent: dict[int, list[Shift]] = {}
    for shift in shifts:
        of_agent.setdefault(shift.agent_id, []).append(shift)
    rows = [
        _row(
            view, line, _time(tuple(of_agent.get(line.agent.id, [])), view.selection.runs, best, span, pauses, letters)
        )
        for line in lines
    ]
    axis = foot(span, "now" if sweep.ended_at_s is None or view.progress.running else "end") if shifts else ""
    return SweepAgents(rows, Markup(axis), view.alive, sweep_queries.agent_count(connection, sweep.id) - len(rows))


def _row(view: SweepView, line: AgentLine, svg: Markup) -> AgentRow:
    alive = line.agent.left_at_s is None and line.agent.heartbeat_at_s >= view.heard_since_s
    return AgentRow(
        name=line.agent.name,
        host=line.agent.host,
        alive=alive,
        runs=format.counted(line.runs, "run"),
        heard=view.now.moment(line.agent.heartbeat_at_s),
        run=line.run_display_name or line.run_name,
        url=None if line.run_name is None else run_url(view.project, line.run_name),
        idle=_idle(line, view.sweep, view.progress) if alive else "",
        svg=svg,
    )


def _span(sweep: Sweep, shifts: Sequence[Shift], now: Now) -> Span:
    """From the first start to now, or to the last end of a sweep that is over; two minutes at least.

    The right end moves in steps under a hundredth of the whole, so that rows can be kept.
    """
    first_s = min((shift.started_at_s for shift in shifts), default=now.now_s)
    live = sweep.ended_at_s is None or any(shift.ended_at_s is None for shift in shifts)
    last_s = now.now_s if live else max((shift.ended_at_s or now.now_s for shift in shifts), default=now.now_s)
    length_s = max(last_s - first_s, LEAST_SHOWN_S)
    step_s = 2.0 ** floor(log2(length_s / STEPS_SHOWN))
    return Span(first_s, first_s + ceil(length_s / step_s) * step_s)


@lru_cache(maxsize=ROWS_KEPT)
def _time(
    shifts: tuple[Shift, ...],
    chosen: Chosen,
    best: str | None,
    span: Span,
    pauses: tuple[tuple[float, float | None], ...],
    letters: tuple[tuple[str, str], ...],
) -> Markup:
    """Kept by what it is made of: of thousands of runs few are new when the page is asked for again."""
    known = dict(letters)
    blocks = [
        _block(shift, chosen is None or shift.run in chosen, shift.run == best, span, known.get(shift.run, ""))
        for shift in shifts
    ]
    return Markup(row(blocks, span, pauses))


def _block(shift: Shift, chosen: bool, best: bool, span: Span, letters: str) -> Block:
    kind, again = KINDS.get(shift.state, shift.state), shift.attempt > 0
    end_s = span.last_s if kind == "running" or shift.ended_at_s is None else shift.ended_at_s
    return Block(shift.started_at_s, end_s, kind, _said(shift), chosen, again, best, shift.run, letters)


@lru_cache(maxsize=TEXTS_KEPT)
def _said(shift: Shift) -> str:
    """Kept, since no filter changes it."""
    kind = KINDS.get(shift.state, shift.state)
    again = f", attempt {shift.attempt + 1}" if shift.attempt else ""
    ended_at_s = None if kind == "running" else shift.ended_at_s
    took = "" if ended_at_s is None else f", {format.duration(ended_at_s - shift.started_at_s)}"
    why = f": {shift.cause[:CAUSE_LENGTH]}" if shift.cause and kind == "failed" else ""
    return f"{shift.name}{again}{took}, {kind}{why}"


def _idle(line: AgentLine, sweep: Sweep, progress: Progress) -> str:
    """Why an agent that is alive has no run; "" for one that has."""
    if line.run_name is not None:
        return ""
    if sweep.state == states.SWEEP_PAUSED:
        return "idle: the sweep is paused"
    if sweep.state in states.SWEEP_OVER:
        return "idle: the sweep is over"
    if progress.waiting == 0:
        return "idle: no run is left to start"
    return "idle: about to ask for a run"
