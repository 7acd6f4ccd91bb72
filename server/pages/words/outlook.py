"""What a sweep's state means for the reader: how long still, how long it took, what it waits for."""

from dataclasses import dataclass, replace

from charts import format
from search import time_left
from search.time_left import Stretch
from server.pages.words import coming
from server.pages.words.how_long import epochs_asked, epochs_done
from server.pages.words.look import stopped_itself
from server.pages.words.standing import Standing
from server.pages.words.times import Moment
from server.store import page_queries, queries, table_queries
from server.store.rows import Run
from terms import states


@dataclass(frozen=True)
class Outlook:
    """`main` as "7 m left", "" where there is nothing to say; `done` when it will be over, if that can be told."""

    main: str
    done: Moment | None = None


def outlook(standing: Standing) -> Outlook:
    """Says where a sweep stands."""
    sweep, running = standing.sweep, standing.progress.running
    if sweep.state == states.SWEEP_PENDING:
        return Outlook("no agent yet")
    if sweep.state == states.SWEEP_PAUSED:
        return Outlook(f"{running} still running" if running else "nothing under way")
    return _running(standing) if sweep.state == states.SWEEP_RUNNING else _ended(standing)


def _running(standing: Standing) -> Outlook:
    sweep, progress = standing.sweep, standing.progress
    if not progress.running:
        return Outlook("no run under way" if standing.alive else "no agent alive")
    if progress.waiting is None or sweep.expected is None or sweep.expected <= time_left.LEAST_ENDED:
        return Outlook("")
    agents = max(progress.running, standing.alive)
    asked = coming.epochs(sweep, progress.waiting)
    left_s = time_left.seconds_left(stretches(standing), progress.waiting, agents, asked=asked)
    if left_s is None:
        return Outlook(f"ETA after {time_left.LEAST_ENDED} runs")
    return Outlook(format.time_left(left_s), standing.now.moment(standing.now.now_s + left_s))


def stretches(standing: Standing) -> list[Stretch]:
    """The runs that began last as far as they came, those under way among them."""
    limit = max(time_left.LAST_RUNS, 2 * standing.progress.running)
    runs = page_queries.last_begun(standing.connection, standing.sweep.id, limit)
    first = table_queries.first_epochs(standing.connection, (run.id for run in runs))
    return [_stretch(run, standing.now.now_s, first.get(run.id)) for run in runs]


def _stretch(run: Run, now_s: float, first: tuple[float, float | None] | None) -> Stretch:
    under_way = run.state in states.LIVE
    until_s = now_s if under_way or run.ended_at_s is None else run.ended_at_s
    stretch = Stretch(run.created_at_s, until_s, under_way, epochs_done(run), epochs_asked(run))
    if first is None or first[1] is None or run.started_at_s is None:
        return stretch
    return replace(stretch, first_s=min(run.started_at_s + first[1], until_s), first_epochs=first[0])


def _ended(standing: Standing) -> Outlook:
    sweep, started_at_s = standing.sweep, standing.first_start_s
    if standing.progress.running:
        return Outlook(f"{standing.progress.running} still running")
    if started_at_s is None or sweep.ended_at_s is None:
        runs = queries.run_count_of_sweep(standing.connection, sweep.id)
        return Outlook(f"none of {format.counted(runs, 'run')} began" if runs else "nothing was run")
    whole = sweep.state == states.SWEEP_FINISHED and not stopped_itself(sweep)
    word = "took" if whole else "after"
    return Outlook(f"{word} {format.duration(sweep.ended_at_s - started_at_s)}")
