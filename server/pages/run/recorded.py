"""A run's settings and results as lists of names and texts."""

from dataclasses import dataclass
from typing import Any, Final

from server.pages.words.sent import Path, Value, config_values, flattened, listed, read_object, written
from server.store.rows import Run
from terms.record import OLDER_CAUSE, PROVENANCE
from terms.told import EARLY_STOP

# A page that lists thousands of values helps nobody; the run's files have them all.
MAX_VALUES: Final = 200
SUMMARY_DIGITS: Final = 5


@dataclass(frozen=True)
class Setting:
    """A value of a run's config beside the best run's; `best` is None where there is none to compare with."""

    name: str
    text: str
    best: str | None
    differs: bool


def settings_of(run: Run, best: Run | None) -> list[Setting]:
    """A run's config without its record of provenance."""
    mine = _leaves(run)
    if best is None:
        return [Setting(_name(path), written(value), None, False) for path, value in mine.items()][:MAX_VALUES]
    theirs = _leaves(best)
    return [
        Setting(_name(path), _text(mine, path), _text(theirs, path), mine.get(path) != theirs.get(path))
        for path in {**mine, **theirs}
    ][:MAX_VALUES]


def provenance(run: Run) -> list[Value]:
    """What a run recorded of its origins: seed, hashes, versions, device."""
    record = config_values(run.config).get(PROVENANCE)
    if not isinstance(record, dict):
        return []
    return listed(record)[:MAX_VALUES]


def summary_of(run: Run, without: str | None) -> list[Value]:
    """The last values that a run logged, but for why it ended and the metric that stands elsewhere."""
    values = read_object(run.summary)
    left_out = {*_told_before(run, values), without}
    shown = {name: value for name, value in values.items() if not name.startswith("_") and name not in left_out}
    return listed(shown, SUMMARY_DIGITS)[:MAX_VALUES]


def _told_before(run: Run, values: dict[str, Any]) -> set[str]:
    """What older servers and trainers wrote here of how a run ended, which the story of its end tells."""
    cause = {OLDER_CAUSE} if values.get(OLDER_CAUSE) == run.cause else set()
    return cause | ({EARLY_STOP} if run.early_stop is not None else set())


def _leaves(run: Run) -> dict[Path, Any]:
    values = {name: value for name, value in config_values(run.config).items() if name != PROVENANCE}
    return dict(flattened(values))


def _text(leaves: dict[Path, Any], path: Path) -> str:
    return written(leaves[path]) if path in leaves else "–"


def _name(path: Path) -> str:
    return ".".join(path)
