"""One sweep: how far it is, how good its best run is and with what, its runs and agents."""

from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup

from charts import format
from charts.progress_bar import progress_bar
from server.pages.compare.groups import letters_of
from server.pages.compare.runs import Compared
from server.pages.curves.panels import CurvePanels, curve_panels
from server.pages.door.buttons import Button, share_buttons, sweep_buttons
from server.pages.media.beside import Beside
from server.pages.rendering import Crumb, Page
from server.pages.sweep.agents import SweepAgents, sweep_agents
from server.pages.sweep.alerts import sweep_alerts
from server.pages.sweep.best import Best, best
from server.pages.sweep.comparison import comparison
from server.pages.sweep.curves import SweepCurves, sweep_curves, sweep_drawing
from server.pages.sweep.discovered import with_parameters
from server.pages.sweep.failures import FailureRow, failure_rows
from server.pages.sweep.first_look import FirstLook, first_look
from server.pages.sweep.groups import groups
from server.pages.sweep.media import sweep_media
from server.pages.sweep.never_logged import instead
from server.pages.sweep.pair.asked import PairQuery
from server.pages.sweep.pareto import Pareto, pareto_front
from server.pages.sweep.plots import SweepPlots, sweep_plots
from server.pages.sweep.scatter import Scatter, Small, scatter_panel, small_multiples
from server.pages.sweep.table_query import STATE_FILTERS
from server.pages.sweep.take_away import TakeAway, take_away
from server.pages.sweep.view import SweepView
from server.pages.table.groups import Groups
from server.pages.words.addresses import project_url, run_url
from server.pages.words.alerts import Alerts
from server.pages.words.facts import Count, counts, kind_of, kinds, of_expected, search_error, stop_reason
from server.pages.words.look import Look, sweep_look
from server.pages.words.notes import rendered
from server.pages.words.outlook import Outlook, outlook
from server.pages.words.times import Moment
from server.settings import Settings
from server.store import queries, suggestion_queries, sweep_queries
from server.store.rows import Sweep

REFRESH_S: Final = 3
PRIOR_SHOWN: Final = 3


@dataclass(frozen=True)
class PriorRuns:
    """Runs of before that the sweep began with: how many, and the first of them by name and address."""

    count: str
    first: list[tuple[str, str]]
    more: int


@dataclass(frozen=True)
class SweepPage(FirstLook):
    """What the template is given.

    Attributes:
        logged_instead: the names that runs have logged, where none has logged the metric.
        reason: why the sweep ended itself.
        search_error: why its agents wait in vain.
        wanted: whether an agent would find work and none is there.
        scheduler_command: what suggests runs for agents; None where this server does, or some are there.
    """

    file: str
    notes: Markup | None
    prior: PriorRuns | None
    look: Look
    pair_url: str
    buttons: list[Button]
    sharing: list[Button]
    kind: str
    by: str | None
    started: Moment | None
    created: Moment
    bar: Markup
    settled: str
    of_expected: str
    ready: str
    counts: list[Count]
    retries: int
    outlook: Outlook
    reason: str | None
    search_error: str | None
    alerts: Alerts | None
    failures: list[FailureRow]
    has_runs: bool
    best: Best | None
    logged_instead: str
    pareto: Pareto | None
    plots: SweepPlots | None
    scatter: Scatter | None
    small: list[Small]
    curves: SweepCurves | None
    curve_panels: CurvePanels | None
    compared: Compared | None
    media: Beside | None
    groups: Groups | None
    agents: SweepAgents
    take_away: TakeAway
    wanted: bool
    agent_command: str
    scheduler_command: str | None


def sweep_detail(view: SweepView, settings: Settings) -> Page:
    file = view.sweep.config
    view = replace(view, sweep=with_parameters(view.connection, view.sweep))
    sweep, progress = view.sweep, view.progress
    place = f"{view.project.entity}/{view.project.name}/{sweep.name}"
    drawing, plots = sweep_drawing(view), sweep_plots(view)
    curves, front = sweep_curves(view, drawing), pareto_front(view)
    seen_first = first_look(view, drawing.strong, front)
    values = SweepPage(
        **vars(seen_first),
        file=file,
        notes=rendered(sweep.description),
        prior=_prior(view),
        look=sweep_look(sweep),
        pair_url=PairQuery((place,)).url,
        buttons=sweep_buttons(sweep, progress),
        sharing=share_buttons(queries.is_shared(view.connection, sweep.id)),
        kind=kind_of(sweep),
        by=sweep.user_name,
        started=view.now.past(view.first_start_s),
        created=view.now.moment(sweep.created_at_s),
        bar=Markup(progress_bar(kinds(progress))),
        settled=format.count(progress.settled),
        of_expected=of_expected(sweep),
        ready=_ready(sweep),
        counts=_counts(view),
        retries=sweep_queries.retries(view.connection, sweep.id),
        outlook=outlook(view),
        reason=stop_reason(sweep),
        search_error=search_error(sweep),
        alerts=sweep_alerts(view),
        failures=failure_rows(view),
        has_runs=view.selection.total > 0,
        best=best(view),
        logged_instead=instead(view),
        pareto=front,
        plots=plots,
        scatter=scatter_panel(view, plots.first) if plots else None,
        small=small_multiples(view, [name for name, _ in plots.mattered.tried]) if plots else [],
        curves=curves,
        curve_panels=curve_panels(drawing.drawing),
        compared=comparison(view, settings),
        media=sweep_media(view, settings, drawing.drawing),
        groups=groups(view, letters_of(drawing.drawing.asked.groups)),
        agents=sweep_agents(view),
        take_away=take_away(view, settings.python),
        wanted=not view.alive and not view.over and progress.waiting != 0,
        agent_command=f"wandb agent {place}",
        scheduler_command=f"wandb sweep-scheduler {place}" if _lacks_suggestions(view) else None,
    )
    crumbs = (Crumb("Sweeps", "/"), Crumb(view.project.name, project_url(view.project)), Crumb(seen_first.title))
    return Page("sweep.html", seen_first.title, vars(values), crumbs, None if view.over else REFRESH_S)


def _prior(view: SweepView) -> PriorRuns | None:
    runs = sweep_queries.prior_runs(view.connection, view.sweep.id)
    shown = [(run.display_name or run.name, run_url(view.project, run.name)) for run in runs[:PRIOR_SHOWN]]
    return PriorRuns(format.counted(len(runs), "prior run"), shown, len(runs) - len(shown)) if runs else None


def _ready(sweep: Sweep) -> str:
    if sweep.engine is not None:
        return "What the scheduler suggests is run by agents."
    if sweep.expected is None:
        return "Runs are ready."
    return f"{format.counted(sweep.expected, 'run')} {'is' if sweep.expected == 1 else 'are'} ready."


def _lacks_suggestions(view: SweepView) -> bool:
    """Whether agents wait for a scheduler on somebody's machine, as far as it can be seen from here."""
    if view.sweep.engine is None or view.over or view.progress.running:
        return False
    return not suggestion_queries.count(view.connection, view.sweep.id)


def _counts(view: SweepView) -> list[Count]:
    """Each kind that the table can show alone is a link."""
    found = counts(view.sweep, view.progress).items()
    return [replace(count, url=_only(view, kind)) if kind in STATE_FILTERS else count for kind, count in found]


def _only(view: SweepView, kind: str) -> str:
    return replace(view.query, state=kind, number=1).url(view.path)
