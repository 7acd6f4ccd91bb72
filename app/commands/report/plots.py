"""The drawn sections of a report; what can be said is said under each in words."""

from collections import Counter
from html import escape
from typing import Any, Final

from app.commands.report import words
from app.commands.report.findings import Findings
from app.commands.results import RunResult
from charts import format, learning_curves
from charts.axis import Axis
from charts.bars import bars
from charts.best_so_far import Result, best_so_far
from charts.icons import icon
from charts.parallel_coordinates import Outcome, ParallelCoordinates, parallel_coordinates
from charts.progress_bar import progress_bar
from search.importance import TooFew
from terms.points import KINDS
from terms.states import FAILED, RUNNING, STOPPED_EARLY

# On a wide page and on a phone: more axes stand too close, and a phone's lines are too thin to be many.
AXES: Final = {"wide": 7, "narrow": 3}
LINES: Final = {"wide": 2000, "narrow": 500}
LEAST_PX: Final = {"wide": 600, "narrow": 230}
ICONS: Final = {STOPPED_EARLY: "stopped"}


def parallel(found: Findings) -> str:
    """The whole section; "" without a result."""
    drawings = {form: _parallel(found, form) for form in AXES}
    wide = drawings["wide"]
    if wide is None:
        return ""
    figures = "".join(
        f'<div class="parallel {form}">{drawing.svg}</div>' for form, drawing in drawings.items() if drawing
    )
    words = [_lines(wide), "Within a value, higher results lie higher.", _order(found)]
    caption = f"<figcaption>{' '.join(words)}</figcaption>"
    return f"<section><h2>Parallel coordinates</h2><figure>{figures}{caption}</figure></section>"


def _parallel(found: Findings, form: str) -> ParallelCoordinates | None:
    names = strongest(found)[-AXES[form] :]
    outcomes = [Outcome(run.name, None if run.id in found.failed else run.metric) for run in found.ended]
    if not names or not outcomes:
        return None
    axes = [_axis(found, name) for name in names]
    return parallel_coordinates(axes, found.results.metric or "", found.goal, outcomes, LINES[form], LEAST_PX[form])


def strongest(found: Findings) -> list[str]:
    """The parameters, the most important last; where that cannot be told, as in the file."""
    return (
        found.parameters
        if isinstance(found.importance, TooFew)
        else [effect.name for effect in reversed(found.importance)]
    )


def _axis(found: Findings, name: str) -> Axis:
    spec: Any = found.config.get("parameters", {}).get(name) or {}
    distribution = spec.get("distribution")
    listed = spec.get("values") or ()
    log = None if distribution is None or listed else "log" in distribution
    values = [run.values.get(name) for run in found.ended]
    return Axis(name, values, listed, log, continuous="min" in spec or bool(distribution and not listed))


def _lines(drawing: ParallelCoordinates) -> str:
    if not drawing.thinned_out:
        return "One line a run, the stronger the better."
    drawn, all_runs = format.count(drawing.drawn), format.count(drawing.drawn + drawing.thinned_out)
    return f"One line a run, the stronger the better: {drawn} of {all_runs}, the best and a sample of the others."


def _order(found: Findings) -> str:
    shown = f" for {AXES['wide']} of {len(found.parameters)} parameters" if len(found.parameters) > AXES["wide"] else ""
    if isinstance(found.importance, TooFew):
        return f"Axes{shown}, the file's last." if shown else ""
    return f"Axes{shown} in order of importance, the strongest beside the result."


def mattered(found: Findings) -> str:
    """What each parameter explains, or that there are too few runs to tell."""
    if not found.best:
        return ""
    if isinstance(found.importance, TooFew):
        needed = f"{format.count(found.importance.runs)} of about {format.count(found.importance.needed)} needed for"
        parameters = format.counted(len(found.parameters), "parameter")
        text = f'<p class="note">{needed} {parameters}. Nothing is shown rather than a false number. Tried so far:</p>'
        rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{_tried(found, name)}</dd></div>" for name in found.parameters)
        return f'<section><h2>What mattered: too few runs</h2>{text}<dl class="tried">{rows}</dl></section>'
    said = f"Share of the variance of ranks, 95 % interval, {format.counted(len(found.best), 'run')}"
    drawn = bars([words.bar(effect) for effect in found.importance])
    return f'<section><h2>What mattered</h2><p class="note">{said}</p>{drawn}</section>'


def _tried(found: Findings, name: str) -> str:
    """ "3 of 5 values" of a list, else how many."""
    listed = (found.config.get("parameters", {}).get(name) or {}).get("values") or ()
    tried = format.count(len({str(run.values.get(name)) for run in found.best}))
    return f"{tried} of {format.counted(len(listed), 'value')}" if listed else f"{tried} different"


def so_far(found: Findings) -> str:
    """Every result in the order of the runs, with the best so far."""
    results = [
        Result(number, None if run.id in found.failed else run.metric, name=run.name)
        for number, run in enumerate(found.ended, start=1)
    ]
    drawing = best_so_far(results, found.results.expected, found.goal) if results else None
    if drawing is None:
        return ""
    left_out = {"▽": (drawing.out_of_scale, "out of scale"), "✕": (drawing.without_value, "without a value")}
    told = ", ".join(f"{glyph} {format.count(count)} {why}" for glyph, (count, why) in left_out.items() if count)
    note = f'<p class="note">Each dot a run, in the order they started{f"; {told}" if told else ""}</p>'
    return f'<section><h2>Best so far</h2>{note}<div class="plain">{drawing.svg}</div></section>'


def curves(found: Findings) -> str:
    """The best runs' curves with their letters."""
    name = found.results.metric or ""
    drawing = learning_curves.learning_curves(name, found.curves, found.unit, found.rungs)
    if not drawing:
        return ""
    count = len(found.curves)
    title = "Curve of the best run" if count == 1 else f"Curves of the best {count}"
    legend = learning_curves.legend(found.curves, decimals(found))
    return f'<section><h2>{title}</h2><div class="lettered">{drawing}</div>{legend}</section>'


def states(found: Findings) -> str:
    """How many runs ended how, as a bar and in words."""
    results = found.results
    counts = Counter(run.ending for run in results.finished)
    counts |= Counter({FAILED: len(results.failed), RUNNING: len(results.running)})
    waiting = 0 if results.over else (results.expected or 0) - counts.total()
    counts["waiting"] = max(waiting, 0)
    words = "".join(
        f'<li class="{ICONS.get(kind, kind)}">{icon(ICONS.get(kind, kind))} <b>{format.count(count)}</b> {kind}</li>'
        for kind in KINDS
        if (count := counts[kind])
    )
    return f'<section><h2>Runs by state</h2>{progress_bar(counts)}<ul class="counts">{words}</ul></section>'


def decimals(found: Findings) -> int:
    """Of a column of the metric."""
    return format.metric_decimals(sorted({run.metric or 0.0 for run in found.best}, reverse=found.results.maximize))


def metric(found: Findings, run: RunResult) -> str:
    return format.metric(run.metric, decimals(found))
