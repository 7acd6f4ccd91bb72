"""A sweep's runs, its best config and its file, to be saved; and the commands that do more with it."""

import json
import math
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import yaml

from charts.csv_text import csv_text
from server import causes
from server.pages.sweep.view import SweepView
from server.pages.words.addresses import run_url
from server.pages.words.sent import config_values, read_object
from server.refusal import NotFoundError
from server.store import queries
from server.store.rows import Run
from terms import states
from terms.record import PROVENANCE


@dataclass(frozen=True)
class TakeAway:
    """What the template is given: (word, address) of what can be saved, and (what it does, command)."""

    files: list[tuple[str, str]]
    commands: list[tuple[str, str]]


def take_away(view: SweepView, python: str) -> TakeAway:
    """What a sweep's page offers; runs are those that its address chooses.

    Args:
        python: how this project's programs are called.
    """
    files = [(word, view.query.url(f"{view.path}/take/{name}")) for name, (word, _) in KINDS.items()]
    if view.best is None:
        files = [(word, url) for word, url in files if word != BEST_WORD]
    place = f"{view.project.entity}/{view.project.name}/{view.sweep.name}"
    commands = [
        ("Work for it", f"wandb agent {place}"),
        ("Its report as one HTML page, CSV and JSON", f"{python} -m app report {shlex.quote(place)}"),
        ("Its best model, tested once more", f"{python} -m app best {shlex.quote(place)}"),
    ]
    return TakeAway(files, commands)


def taken(view: SweepView, what: str) -> tuple[str, str]:
    """The text of a file, and its name.

    Raises:
        NotFoundError: there is no such file, or no run has a value yet.
    """
    if what not in KINDS:
        raise NotFoundError(f"A sweep has no file {what!r}; it has {', '.join(KINDS)}.")
    return KINDS[what][1](view), f"{view.sweep.name}-{what}"


def _csv(view: SweepView) -> str:
    return csv_text(map(_row, _runs(view)))


def _row(told: dict[str, Any]) -> dict[str, Any]:
    """One level: a parameter or a logged value with the name of a column is called config.NAME or summary.NAME."""
    row = {name: value for name, value in told.items() if name not in ("config", "summary", "tags", "notes")}
    row["tags"] = ", ".join(told["tags"])
    for kind in ("config", "summary"):
        for name, value in told[kind].items():
            if kind == "config" or isinstance(value, int | float):
                row[f"{kind}.{name}" if name in row else name] = value
    return row


def _json(view: SweepView) -> str:
    sweep = view.sweep
    document = {
        "sweep": {"path": f"{view.project.entity}/{view.project.name}/{sweep.name}", "name": sweep.display_name},
        "state": sweep.state,
        "metric": {"name": sweep.metric_name, "goal": sweep.goal},
        "expected_runs": sweep.expected,
        "runs": list(_runs(view)),
    }
    return json.dumps(_finite(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _best(view: SweepView) -> str:
    if view.best is None:
        raise NotFoundError("No run of this sweep has a value yet.")
    values = read_object(view.best.params) or _values(view.best.run)
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _file(view: SweepView) -> str:
    return view.sweep.config


BEST_WORD: Final = "Best config, YAML"
KINDS: Final[Mapping[str, tuple[str, Callable[[SweepView], str]]]] = {
    "runs.csv": ("Runs, CSV", _csv),
    "runs.json": ("Runs, JSON", _json),
    "best.yaml": (BEST_WORD, _best),
    "sweep.yaml": ("Sweep file", _file),
}


def _runs(view: SweepView) -> Iterator[dict[str, Any]]:
    """The chosen runs, the oldest first."""
    numbers = {trial.id: trial.number + 1 for trial in queries.trials(view.connection, view.sweep.id)}
    chosen = view.selection.runs
    for run in queries.runs_of_sweep(view.connection, view.sweep.id):
        if chosen is None or run.name in chosen:
            yield _told(view, run, numbers.get(run.trial_id or 0))


def _told(view: SweepView, run: Run, point: int | None) -> dict[str, Any]:
    started = None if run.started_at_s is None else datetime.fromtimestamp(run.started_at_s, UTC)
    took = run.started_at_s is not None and run.ended_at_s is not None
    return {
        "run_id": run.name,
        "run_name": run.display_name,
        "point": point,
        "state": _state(run),
        "cause": run.cause,
        "metric": run.metric,
        "started": None if started is None else started.isoformat(timespec="seconds"),
        "took_s": round((run.ended_at_s or 0) - (run.started_at_s or 0), 3) if took else None,
        "page": run_url(view.project, run.name),
        "group": run.group_name,
        "tags": json.loads(run.tags),
        "notes": run.notes,
        "config": _values(run),
        "summary": {name: value for name, value in read_object(run.summary).items() if not name.startswith("_")},
    }


def _state(run: Run) -> str:
    early = run.state == states.KILLED and run.cause_kind == causes.STOPPED_BY_RULE
    return states.STOPPED_EARLY if early else run.state


def _values(run: Run) -> dict[str, Any]:
    """What its program put into its config, without what the trainer records there."""
    return {name: value for name, value in config_values(run.config).items() if name != PROVENANCE}


def _finite(value: Any) -> Any:
    """Without what JSON has not: NaN and the infinities are null."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
