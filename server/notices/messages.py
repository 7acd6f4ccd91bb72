"""What is told at NOTIFY_URL: a line for people in `text`, and the same for programs. No secret is in it."""

import sqlite3
from datetime import UTC, datetime
from typing import Any, Final

from charts import format
from server.console import printable
from server.pages.words.addresses import run_url, sweep_url
from server.pages.words.facts import of_expected, stop_reason, title_of
from server.pages.words.look import sweep_look
from server.store import page_queries, queries
from server.store.rows import Alert, Notice, Project, Run, Sweep

Message = dict[str, Any]
TEXT_CHARACTERS: Final = 500


def message(connection: sqlite3.Connection, notice: Notice, base_url: str) -> Message | None:
    """What a notice tells; None if that is deleted.

    Args:
        base_url: the server's own address, for people.
    """
    if notice.sweep_id is not None:
        sweep = queries.one_row(connection, Sweep, "WHERE id = ?", notice.sweep_id)
        return {"event": "sweep", "id": notice.id, **_of_sweep(connection, sweep, base_url)} if sweep else None
    alert = queries.one_row(connection, Alert, "WHERE id = ?", notice.alert_id)
    run = queries.one_row(connection, Run, "WHERE id = ?", alert.run_id) if alert else None
    if alert is None or run is None:
        return None
    return {"event": "alert", "id": notice.id, **_of_alert(connection, alert, run, base_url)}


def _of_sweep(connection: sqlite3.Connection, sweep: Sweep, base_url: str) -> Message:
    project = queries.by_id(connection, Project, sweep.project_id)
    progress, best = queries.progress(connection, sweep), _best(connection, sweep)
    state, reason = sweep_look(sweep).word.lower(), stop_reason(sweep)
    line = f"{title_of(sweep)} {state}{f': {reason}' if reason else ''}"
    outcomes = ", ".join(f"{format.count(number)} {kind}" for kind, number in progress.outcomes.items() if number)
    settled = f"{format.count(progress.settled)}{of_expected(sweep)} trials done{f' ({outcomes})' if outcomes else ''}"
    told = f", best {best['metric']} {best['shown']} by {best['name']}" if best else ""
    url = f"{base_url}{sweep_url(project, sweep)}"
    return {
        "text": f"{line}; {settled}{told}. {url}",
        **_place(project, sweep, url),
        "state": state,
        "reason": reason,
        "points": progress.outcomes,
        "expected": sweep.expected,
        "best": best,
        "at": _iso(sweep.ended_at_s),
    }


def _best(connection: sqlite3.Connection, sweep: Sweep) -> Message | None:
    best = queries.best_run(connection, sweep)
    if best is None or best.metric is None:
        return None
    decimals = format.metric_decimals(page_queries.best_values(connection, sweep))
    shown = format.metric(best.metric, decimals)
    name = best.display_name or best.name
    return {"run": best.name, "name": name, "metric": sweep.metric_name, "value": best.metric, "shown": shown}


def _of_alert(connection: sqlite3.Connection, alert: Alert, run: Run, base_url: str) -> Message:
    project = queries.by_id(connection, Project, run.project_id)
    sweep = queries.one_row(connection, Sweep, "WHERE id = ?", run.sweep_id) if run.sweep_id else None
    name, url = run.display_name or run.name, f"{base_url}{run_url(project, run.name)}"
    title, text = printable(alert.title, TEXT_CHARACTERS), printable(alert.text, TEXT_CHARACTERS)
    return {
        "text": f"{alert.level} {title}{f': {text}' if text else ''} ({name}). {url}",
        **_place(project, sweep, url),
        "run": run.name,
        "run_name": name,
        "alert": {"level": alert.level, "title": title, "text": text},
        "at": _iso(alert.at_s),
    }


def _place(project: Project, sweep: Sweep | None, url: str) -> Message:
    of_sweep = {"sweep": sweep.name, "sweep_name": title_of(sweep)} if sweep else {"sweep": None, "sweep_name": None}
    return {"entity": project.entity, "project": project.name, **of_sweep, "url": url}


def _iso(at_s: float | None) -> str | None:
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds")
