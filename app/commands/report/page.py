"""The report as one HTML page that opens from disk: no script, no request, everything written out.

All text from outside, names and causes above all, passes `html.escape` where it enters a fragment; a fragment is HTML.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from app.commands.best import command
from app.commands.report import pareto, plots, words
from app.commands.report.findings import Facts, Findings
from app.commands.results import RunResult
from charts import format
from charts.icons import icon

TEMPLATE: Final = Path(__file__).with_suffix(".html")
STYLE: Final = Path(__file__).with_suffix(".css")
ROWS_SHOWN: Final = 10
DEFAULTS_SHOWN: Final = 12
COLUMNS_SHOWN: Final = 6
CAUSES_SHOWN: Final = 12
FAILURES_SHOWN: Final = 8
CAUSE_LENGTH: Final = 400
DIGITS: Final = 4


def page(found: Findings, written: datetime) -> str:
    """Writes the page.

    Args:
        written: the moment that it tells of.
    """
    sections = [
        _hero(found),
        _recipe(found),
        pareto.section(found),
        plots.parallel(found),
        _pair(plots.mattered(found), plots.so_far(found)),
        _top(found),
        _pair(plots.curves(found), _failures(found)),
        _pair(plots.states(found), _environment(found)),
    ]
    return Template(TEMPLATE.read_text()).substitute(
        title=escape(found.results.name),
        style=STYLE.read_text(),
        mark=icon("mark"),
        written=escape(format.full_time(written)),
        facts=_facts(found),
        sections="\n".join(filter(None, sections)),
    )


def _facts(found: Findings) -> str:
    results = found.results
    method = escape(str(found.config.get("method", "search")).capitalize())
    size = "" if results.expected is None else f" of {format.count(results.expected)}"
    state = "" if results.over else f" It was {results.state.lower()} when this was written."
    return f"{method}{size}: {escape(results.count())}.{state} Sweep {link(results.url, results.path)}."


def _hero(found: Findings) -> str:
    told = f'<p class="words">{words.sentences(found)}</p>'
    if not found.best:
        waiting = escape(found.results.never_logged or "No run has a result yet.")
        why = waiting if found.results.metric else "The sweep file names no metric."
        return f'<div class="hero"><p class="number">–</p><div><p class="words">{why}</p>{told}</div></div>'
    best = found.best[0]
    name = f"best {escape(found.results.metric or '')}, by <b>{link(found.of(best).url, best.name)}</b>"
    lines = [f'<p class="number">{plots.metric(found, best)}</p>', f"<p>{name}</p>", _tested(found.of(best))]
    return f'<div class="hero"><div>{"".join(lines)}</div>{told}</div>'


def _tested(facts: Facts) -> str:
    tests = {name: value for name, value in facts.summary.items() if name.startswith("test_")}
    told = ", ".join(f"{escape(name)} {escape(format.parameter(value, DIGITS))}" for name, value in tests.items())
    return f"<p>{told}, measured once</p>" if told else ""


def _recipe(found: Findings) -> str:
    if not found.best:
        return ""
    best = found.best[0]
    varying = set(found.parameters)
    facts = found.of(best)
    defaults = [(name, value) for name, value in facts.values.items() if name not in best.values]
    rows = sorted([*best.values.items(), *defaults[:DEFAULTS_SHOWN]], key=lambda row: row[0] not in varying)
    shown = _definitions((name, value, name not in varying) for name, value in rows)
    left = f"<section><h2>Recipe of the best run</h2>{shown}</section>"
    return _pair(left, f"<section><h2>Make it again</h2>{_again(found, best, facts)}</section>")


def _again(found: Findings, best: RunResult, facts: Facts) -> str:
    """Commands and what they need; they are this program's, and so only for its own runs."""
    took = "" if facts.took_s is None else f" It took {_unbroken(format.duration(facts.took_s))}."
    if not facts.provenance:
        return f'<p class="note">It records no provenance, so no command is known that repeats it.{took}</p>'
    project = found.results.path.rpartition("/")[0]
    replay = f"{found.python} -m app replay {project}/{best.id}"
    model = f"{found.python} -m app best {found.results.path}"
    return (
        f"<pre>{_wrapping(command(facts.values, found.python))}</pre>"
        f'<p class="note">{escape(_made_of(facts))}{took}</p>'
        f'<p class="note">The same, compared bit for bit; and its model, measured once more:</p>'
        f"<pre>{_wrapping(replay)}\n{_wrapping(model)}</pre>"
    )


def _unbroken(text: str) -> str:
    return text.replace(" ", "\u00a0")


def _wrapping(line: str) -> str:
    """A command that is folded between its words alone, though they hold hyphens."""
    return " ".join(f"<span>{escape(word)}</span>" for word in line.split(" "))


def _made_of(facts: Facts) -> str:
    known = facts.provenance
    commit = known.get("git_commit")
    edited = " with edits" if known.get("git_dirty") else ""
    parts = [
        f"Commit {str(commit)[:12]}{edited}" if commit else f"Code sha256 {_short(known.get('code_sha256'))}",
        f"data sha256 {_short(known.get('data_sha256'))}",
        f"seed {known.get('seed')}",
    ]
    return f"{', '.join(parts)}."


def _top(found: Findings) -> str:
    runs = found.best[:ROWS_SHOWN]
    if not runs:
        return ""
    names = plots.strongest(found)[::-1][:COLUMNS_SHOWN]
    heads = [("Run", ""), (found.results.metric or "", "figure"), *((name, _side(found, name)) for name in names)]
    head = "".join(
        f'<th scope="col" class="{css}">{escape(text)}</th>'
        for text, css in [*heads, ("Epoch", "figure"), ("Time", "figure")]
    )
    rows = "".join(_row(found, run, names) for run in runs)
    title = f"Top {ROWS_SHOWN}" if len(found.best) > ROWS_SHOWN else "All results"
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    more = len(found.parameters) - len(names)
    note = f'<p class="note">{format.counted(more, "more parameter")} in results.csv.</p>' if more else ""
    return (
        f'<section><h2>{title}</h2><div class="sideways" tabindex="0" role="region" aria-label="{title}">'
        f"{table}</div>{note}</section>"
    )


def _row(found: Findings, run: RunResult, names: Sequence[str]) -> str:
    best, facts = found.best[0], found.of(run)
    star = f"{icon('best', 'best')} " if run is best else ""
    cells = []
    for name in names:
        same = " same" if run is not best and run.values.get(name) == best.values.get(name) else ""
        text = escape(format.parameter(run.values.get(name), DIGITS))
        cells.append(f'<td class="{_side(found, name)}{same}">{text}</td>')
    took = format.ABSENT if facts.took_s is None else format.duration(facts.took_s)
    epoch = format.ABSENT if run.epoch is None else escape(str(run.epoch))
    return (
        f'<tr><th scope="row"{"" if star else " class=other"}>{star}{link(facts.url, run.name)}</th>'
        f'<td class="figure metric">{plots.metric(found, run)}</td>{"".join(cells)}'
        f'<td class="figure same">{epoch}</td><td class="figure same">{took}</td></tr>'
    )


def _side(found: Findings, name: str) -> str:
    """Numbers stand at the right of their column."""
    numbers = all(isinstance(run.values.get(name), int | float) for run in found.results.runs)
    return "figure" if numbers else ""


def _failures(found: Findings) -> str:
    """Each cause once, the most frequent first, with its runs and what they have in common."""
    causes: dict[str, list[RunResult]] = {}
    for run in found.results.failed:
        causes.setdefault(run.cause or "it left no cause", []).append(run)
    if not causes:
        return ""
    ordered = sorted(causes.items(), key=lambda item: -len(item[1]))
    rows = "".join(_failure(found, cause, runs) for cause, runs in ordered[:CAUSES_SHOWN])
    more = len(ordered) - CAUSES_SHOWN
    note = f'<p class="note">{format.counted(more, "more cause")} in results.csv.</p>' if more > 0 else ""
    return f'<section><h2>Failed, and why</h2><ul class="failures">{rows}</ul>{note}</section>'


def _failure(found: Findings, cause: str, runs: Sequence[RunResult]) -> str:
    text = cause if len(cause) <= CAUSE_LENGTH else f"{cause[:CAUSE_LENGTH]}…"
    links = ", ".join(link(found.of(run).url, run.name) for run in runs[:FAILURES_SHOWN])
    more = len(runs) - FAILURES_SHOWN
    others = f" and {format.count(more)} more" if more > 0 else ""
    times = "" if len(runs) == 1 else f" <b>{format.counted(len(runs), 'run')}</b>"
    return (
        f"<li>{icon('failed')}<span>{escape(text)}{times}</span>"
        f"<small>{links}{others}{escape(_in_common(found, runs))}</small></li>"
    )


def _in_common(found: Findings, runs: Sequence[RunResult]) -> str:
    """The values that all of these runs took."""
    first = runs[0].values
    names = [name for name in found.parameters if all(run.values.get(name) == first.get(name) for run in runs)]
    values = ", ".join(f"{name}={format.parameter(first.get(name), DIGITS)}" for name in names)
    return f"; {'all with ' if len(runs) > 1 else ''}{values}" if values else ""


def _environment(found: Findings) -> str:
    """Of the best run; of the last one if there is no best."""
    runs = found.best or found.results.runs[-1:]
    known = found.of(runs[0]).provenance if runs else {}
    if not known:
        return ""
    packages = known.get("packages") or {}
    rows = {
        **packages,
        "Python": known.get("python"),
        "device": known.get("device"),
        "threads": known.get("threads"),
        "data sha256": _short(known.get("data_sha256")),
        "code sha256": _short(known.get("code_sha256")),
        "build": _short(known.get("build_id")),
        "image": known.get("image_digest"),
    }
    shown = _definitions((name, value, False) for name, value in rows.items() if value)
    return f"<section><h2>Environment of the best run</h2>{shown}</section>"


def _definitions(rows: Iterable[tuple[str, object, bool]]) -> str:
    """Names and values; a fixed one is written in grey."""
    written = "".join(
        f"<div{' class=fixed' if fixed else ''}><dt>{escape(name)}</dt><dd>{escape(format.parameter(value))}</dd></div>"
        for name, value, fixed in rows
    )
    return f"<dl>{written}</dl>"


def _pair(left: str, right: str) -> str:
    """Two sections beside one another; one alone has the whole width."""
    return f'<div class="pair">{left}{right}</div>' if left and right else left or right


def link(url: str, text: str) -> str:
    """A link where the address is one of the web: a backend's word is not taken for more."""
    if not url.startswith(("http://", "https://")):
        return escape(text)
    return f'<a href="{escape(url)}" rel="noreferrer">{escape(text)}</a>'


def _short(digest: object) -> str:
    """The first and the last of a long hash; results.json has all of it."""
    text = str(digest or "")
    return text if len(text) <= 20 else f"{text[:8]}…{text[-4:]}"
