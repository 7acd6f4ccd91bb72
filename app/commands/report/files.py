"""The report's files: a page to read, and every run as CSV and JSON for other programs."""

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from app.commands.report.findings import Findings
from app.commands.report.page import page
from app.commands.results import RunResult
from charts.csv_text import csv_text
from search.importance import TooFew


def write(found: Findings, data_dir: Path, written: datetime) -> Path:
    """Writes report.html, results.csv and results.json; those of an earlier report of the sweep are replaced.

    Args:
        data_dir: they go to reports/<name>-<id> in it.
        written: the moment that the report tells of.

    Returns:
        The page's path.

    Raises:
        OSError: if they cannot be written.
    """
    folder = data_dir / "reports" / folder_name(found)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"results.csv": as_csv(found), "results.json": as_json(found, written), "report.html": page(found, written)}
    for name, text in texts.items():
        fresh = folder / f".{name}.new"
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, folder / name)
    return folder / "report.html"


def folder_name(found: Findings) -> str:
    """The sweep's name, as a file's may be, and its id, which tells sweeps of one name apart."""
    name = re.sub(r"[^\w.-]+", "-", found.results.name).strip("-.")
    sweep = found.results.path.rpartition("/")[2]
    return "-".join(filter(None, [name, sweep]))


def as_csv(found: Findings) -> str:
    """A row a run, the oldest first: what it took, what it logged last, and how it ended.

    A parameter or a logged value that has the name of a column before it is called config.NAME or summary.NAME.
    """
    return csv_text(_row(found, run) for run in found.results.runs)


def _row(found: Findings, run: RunResult) -> dict[str, Any]:
    facts = found.of(run)
    row: dict[str, Any] = {"run_id": run.id, "run_name": run.name, "point": run.point}
    row |= {"state": run.ending, "cause": run.cause}
    row |= {"pareto_front": run in found.front} if found.metrics else {}
    row |= {"started": facts.started, "took_s": facts.took_s, "url": facts.url}
    for kind, values in (("config", run.values), ("summary", facts.summary)):
        for name, value in values.items():
            if kind == "config" or isinstance(value, int | float):
                row[f"{kind}.{name}" if name in row else name] = value
    return row


def as_json(found: Findings, written: datetime) -> str:
    """All that the report is made of. What is no number, NaN or an infinity, is null."""
    results, effects = found.results, found.importance
    document = {
        "written": written.isoformat(),
        "sweep": {"path": results.path, "name": results.name, "url": results.url, "state": results.state},
        "metric": {"name": results.metric, "goal": found.goal},
        "metrics": [{"name": metric.name, "goal": metric.goal} for metric in found.metrics],
        "pareto_front": [run.id for run in found.front],
        "expected_runs": results.expected,
        "config": found.config,
        "best_run": found.best[0].id if found.best else None,
        "too_few_runs": asdict(effects) if isinstance(effects, TooFew) else None,
        "importance": None if isinstance(effects, TooFew) else [asdict(each) for each in effects],
        "runs": [_run(found, run) for run in results.runs],
    }
    return json.dumps(_finite(document), indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def _run(found: Findings, run: RunResult) -> dict[str, Any]:
    facts = found.of(run)
    return {
        "id": run.id,
        "name": run.name,
        "point": run.point,
        "url": facts.url,
        "state": run.ending,
        "metric": run.metric,
        "epoch": run.epoch,
        "cause": run.cause,
        "started": facts.started,
        "took_s": facts.took_s,
        "values": facts.values or run.values,
        "summary": facts.summary,
        "provenance": facts.provenance,
    }


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
