"""The fields of runs as people see them: what each is called, and what stands in its cells."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from charts import format
from server.pages.words.how_long import epochs, run_time
from server.pages.words.sent import config_values, flattened, read_object, written
from server.pages.words.times import Now
from server.run_values import at_path, number
from server.store import fields, table_queries
from server.store.page_queries import Attempt
from server.store.rows import Run

DIGITS: Final = 5
LONGEST: Final = 200
# What one knows of a run only when it has begun: a measure of what the settings do must not see it.
RESULTS: Final = frozenset(("metric", "state", "cause", "rows", "time"))
MOMENTS: Final = frozenset(("created",))
TITLES: Final = {
    "name": "Name",
    "id": "Id",
    "state": "State",
    "cause": "Cause",
    "rows": "Epochs",
    "time": "Time",
    "created": "Created",
    "tags": "Tags",
    "group": "Group",
    "job_type": "Job type",
    "host": "Host",
    "agent": "Agent",
    "sweep": "Sweep",
    "user": "User",
    "notes": "Notes",
}
# Beside what programs send; a run's name stands first anyway.
OWN: Final = tuple(name for name in TITLES if name != "rows")
MOST_NAMES: Final = 200
# In one address.
MOST_NAMED: Final = 50


@dataclass(frozen=True)
class Cell:
    """What stands in a column of a row; `same` as in the best run's."""

    text: str
    is_number: bool = False
    same: bool = False


@dataclass(frozen=True)
class Known:
    """What a page knows of the runs that it shows, for the cells that a run's own row cannot tell.

    Attributes:
        agents: names by number; `sweeps` too.
        from_zero: numbers of the runs whose programs call their first epoch 0.
    """

    now: Now
    agents: Mapping[int, str] = field(default_factory=dict)
    sweeps: Mapping[int, str] = field(default_factory=dict)
    from_zero: frozenset[int] = frozenset()

    @classmethod
    def of(cls, connection: sqlite3.Connection, now: Now, attempts: Iterable[Attempt]) -> "Known":
        """What is known of these runs."""
        runs = [each.run for each in attempts]
        first = table_queries.first_epochs(connection, (run.id for run in runs))
        return cls(
            now,
            table_queries.agent_names(connection, (run.agent_id for run in runs)),
            table_queries.sweep_names(connection, (run.sweep_id for run in runs)),
            frozenset(run for run, (epoch, _) in first.items() if epoch == 0),
        )


def resolved(name: str) -> str | None:
    """The field that somebody means who types a name: one of a summary needs no more than its own; None for none."""
    if fields.is_known(name):
        return name
    return f"summary.{name}" if name and fields.is_known(f"summary.{name}") else None


def fields_named(pairs: Iterable[tuple[str, str]], asked: str) -> tuple[str, ...]:
    """The fields that an address names, by names and texts; `asked` is the name."""
    named = (resolved(text.strip()) for name, text in pairs if name == asked)
    return tuple(dict.fromkeys(filter(None, named)))[:MOST_NAMED]


def title(name: str, metric: str | None = None) -> str:
    """A field's name over a column; `metric` is the sweep's own."""
    if name == "metric":
        return metric or "Metric"
    return TITLES.get(name) or name.partition(".")[2]


def is_result(name: str) -> bool:
    """Whether it is known only when a run has begun."""
    return name in RESULTS or name.startswith("summary.")


def value(name: str, attempt: Attempt) -> Any:
    """What a run was given or has sent, by a field of `SENT`."""
    kind, _, path = name.partition(".")
    if kind == "config":
        return at_path(config_values(attempt.run.config), path)
    return at_path(read_object(attempt.run.summary if kind == "summary" else attempt.params), path)


def cell(name: str, attempt: Attempt, known: Known) -> Cell:
    """What stands under a field, in a text that is short enough to stand beside others."""
    if fields.is_sent(name):
        found = value(name, attempt)
        return Cell(format.ABSENT, True) if found is None else of_value(found)
    text = _own(name, attempt.run, known)
    return Cell(text or format.ABSENT, name in ("rows", "time", "created"))


def of_value(found: Any) -> Cell:
    return Cell(written(found, DIGITS, LONGEST), number(found) is not None)


@lru_cache(maxsize=64)
def sent_names(sent: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """The fields that some runs have sent; kept, since a page asks again with each change of a filter.

    Args:
        sent: of each run the config and the summary, as JSON.
    """
    found: dict[str, None] = {}
    for config, summary in sent:
        for kind, values in (("config", config_values(config)), ("summary", read_object(summary))):
            names = (f"{kind}.{'.'.join(path)}" for path, _ in flattened(values) if not path[0].startswith("_"))
            found.update(dict.fromkeys(filter(fields.is_known, names)))
    return tuple(sorted(found)[:MOST_NAMES])


def _own(name: str, run: Run, known: Known) -> str | None:
    match name:
        case "name":
            return run.display_name or run.name
        case "id":
            return run.name
        case "rows":
            return epochs(run, run.id in known.from_zero)
        case "time":
            return run_time(run, known.now)
        case "created":
            return known.now.moment(run.created_at_s).text
        case "tags":
            return ", ".join(tags(run))
        case "agent":
            return known.agents.get(run.agent_id or 0)
        case "sweep":
            return known.sweeps.get(run.sweep_id or 0)
        case "metric":
            return None if run.metric is None else format.parameter(run.metric, DIGITS)
    texts = {
        "cause": run.cause,
        "group": run.group_name,
        "job_type": run.job_type,
        "host": run.host,
        "user": run.user_name,
        "notes": run.notes,
    }
    return (texts.get(name) or "")[:LONGEST]


def tags(run: Run) -> list[str]:
    return [str(tag) for tag in read_object(f'{{"tags": {run.tags}}}').get("tags") or ()]
