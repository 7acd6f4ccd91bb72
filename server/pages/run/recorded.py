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
# A draw from a range has more than a column has room for.
SETTING_DIGITS: Final = 8
WHOLE: Final = 17


@dataclass(frozen=True)
class Setting:
    """A value of a run's config beside the best run's; `best` is None where there is none to compare with.

    Attributes:
        whole, whole_best: with every digit.
    """

    name: str
    text: str
    best: str | None
    differs: bool
    whole: str
    whole_best: str | None


def settings_of(run: Run, best: Run | None) -> list[Setting]:
    """A run's config without its record of provenance."""
    mine, theirs = _leaves(run), None if best is None else _leaves(best)
    return [_setting(path, mine, theirs) for path in {**mine, **(theirs or {})}][:MAX_VALUES]


def _setting(path: Path, mine: dict[Path, Any], theirs: dict[Path, Any] | None) -> Setting:
    text, whole = _text(mine, path), _text(mine, path, WHOLE)
    if theirs is None:
        return Setting(_name(path), text, None, False, whole, None)
    best, whole_best = _text(theirs, path), _text(theirs, path, WHOLE)
    return Setting(_name(path), text, best, mine.get(path) != theirs.get(path), whole, whole_best)


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


def _text(leaves: dict[Path, Any], path: Path, digits: int = SETTING_DIGITS) -> str:
    return written(leaves[path], digits) if path in leaves else "–"


def _name(path: Path) -> str:
    return ".".join(path)
