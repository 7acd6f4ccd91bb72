"""Some runs side by side: what they were given, what came of it, and with what they ran."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from charts import format
from server.pages.compare.environment import environment
from server.pages.curves.known import importance
from server.pages.table import fields
from server.pages.table.fields import DIGITS, LONGEST, Known
from server.pages.words.look import Look, run_look
from server.pages.words.sent import INTERNAL, config_values, flattened, read_object, written
from server.run_values import number, unwrapped
from server.store.page_queries import Attempt
from terms.record import PROVENANCE

MOST_ROWS: Final = 200
NOT_FINITE: Final = ("NaN", "Infinity", "-Infinity")
# Of W&B's own entry in a config.
VERSIONS: Final = {"python_version": "python", "cli_version": "wandb", "framework": "framework"}
WHERE: Final = ("host", "agent", "group", "job_type", "tags", "user")

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Head:
    """A run over its column; `id` is W&B's."""

    id: str
    letter: str
    name: str
    url: str
    look: Look


@dataclass(frozen=True)
class Row:
    """What a name stands for in each run; `same` in all of them."""

    name: str
    texts: list[str]
    same: bool


@dataclass(frozen=True)
class Part:
    """Rows under a head; `said` is what its rows leave out."""

    id: str
    title: str
    rows: list[Row]
    said: str


@dataclass(frozen=True)
class Compared:
    """What the template is given; `without_url` is the page without the choice."""

    runs: list[Head]
    parts: list[Part]
    without_url: str


def compared(
    runs: Mapping[str, Attempt],
    known: Known,
    files: Path,
    url: Callable[[str], str],
    without_url: str,
    first: Sequence[str] = (),
    metric: tuple[str, int] | None = None,
) -> Compared | None:
    """Compares runs.

    Args:
        runs: by their letters, in order.
        files: where the files of runs lie.
        url: of a run's page, by W&B's id.
        first: the settings that come first, by dotted name.
        metric: the result that comes first, with its decimals.

    Returns:
        None for fewer than two runs.
    """
    if len(runs) < 2:
        return None
    attempts = list(runs.values())
    parts = [
        _differing("settings", "Parameters and config", [_settings(each, first) for each in attempts]),
        Part("results", "Results", _results(attempts, known, metric), ""),
        _differing("origins", "Host, versions, code", [_origins(each, known, files) for each in attempts]),
    ]
    heads = [_head(letter, each, url) for letter, each in runs.items()]
    return Compared(heads, [part for part in parts if part.rows or part.said], without_url)


def _head(letter: str, attempt: Attempt, url: Callable[[str], str]) -> Head:
    run = attempt.run
    return Head(run.name, letter, run.display_name or run.name, url(run.name), run_look(run))


def _differing(id: str, title: str, values: Sequence[Values]) -> Part:
    rows = list(_rows(values))
    differing = [row for row in rows if not row.same]
    alike = len(rows) - len(differing)
    said = f"{format.count(alike)} {'is' if alike == 1 else 'are'} the same" if alike else ""
    return Part(id, title, differing[:MOST_ROWS], said)


def _rows(values: Sequence[Values]) -> Iterator[Row]:
    for name in dict.fromkeys(name for each in values for name in each):
        found = [each.get(name) for each in values]
        same = len({json.dumps(value, sort_keys=True) for value in found}) == 1
        yield Row(name, _texts(found), same)


def _texts(values: Sequence[Any]) -> list[str]:
    """Short ones, unless these read the same of values that are not."""
    short, whole = ([_text(value, digits) for value in values] for digits in (DIGITS, 17))
    return short if len(set(short)) == len(set(whole)) else whole


def _text(value: Any, digits: int) -> str:
    return format.ABSENT if value is None else written(value, digits, LONGEST)


def _settings(attempt: Attempt, first: Sequence[str]) -> Values:
    config = {name: value for name, value in config_values(attempt.run.config).items() if name != PROVENANCE}
    found = _leaves({**config, **read_object(attempt.params)})
    return {name: found[name] for name in (*first, *found) if name in found}


def _results(attempts: Sequence[Attempt], known: Known, metric: tuple[str, int] | None) -> list[Row]:
    """How each ended, then every metric of the summary: what the runs are for first, then what was validated."""
    first, decimals = metric or (None, 0)
    found = [_metrics(each) for each in attempts]
    names = sorted({name for each in found for name in each if name != first}, key=lambda name: importance(name, None))
    rows = list(_rows([{name: each.get(name) for name in names} for each in found]))[:MOST_ROWS]
    own = [] if first is None else [_row(first, [format.metric(each.run.metric, decimals) for each in attempts])]
    state = _row("State", [run_look(each.run).word for each in attempts])
    return [*own, *rows, state, *_cells(attempts, known, ("cause", "rows", "time"))]


def _metrics(attempt: Attempt) -> Values:
    leaves = _leaves(read_object(attempt.run.summary)).items()
    return {
        name: value
        for name, value in leaves
        if not name.startswith("_") and (number(value) is not None or value in NOT_FINITE)
    }


def _cells(attempts: Sequence[Attempt], known: Known, names: Iterable[str]) -> list[Row]:
    rows = [_row(fields.title(name), [fields.cell(name, each, known).text for each in attempts]) for name in names]
    return [row for row in rows if set(row.texts) != {format.ABSENT}]


def _row(name: str, texts: list[str]) -> Row:
    return Row(name, texts, len(set(texts)) == 1)


def _origins(attempt: Attempt, known: Known, files: Path) -> Values:
    """Where a run was, by whom it was started and of what it was made; what the trainer has recorded of that too."""
    run, config = attempt.run, unwrapped(read_object(attempt.run.config))
    cells = {fields.title(name): fields.cell(name, attempt, known).text for name in WHERE}
    where = {name: text for name, text in cells.items() if text != format.ABSENT}
    internal, recorded = config.get(INTERNAL), config.get(PROVENANCE)
    told = internal if isinstance(internal, dict) else {}
    versions = {name: told[key] for key, name in VERSIONS.items() if key in told} | environment(files, run)
    code = {"program": run.program, "commit": run.commit_sha}
    record = _leaves(recorded) if isinstance(recorded, dict) else {}
    return {name: value for name, value in {**where, **versions, **code, **record}.items() if value is not None}


def _leaves(values: dict[str, Any]) -> dict[str, Any]:
    return {".".join(path): value for path, value in flattened(values)}
