"""Plots of `wandb.plot`: a table, and in the run's config what is to be drawn of it.

W&B draws them by Vega on the reader's machine; here the client's own kinds are drawn by the server. A chart that
somebody has made on W&B's site is known there alone: its table is shown.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from charts import format
from charts.scale import drawable
from server.pages.media import drawn
from server.pages.media.drawn import Drawn
from server.pages.media.tables import Table
from server.pages.words.sent import INTERNAL, read_object
from server.run_values import number, unwrapped
from server.sampling import evenly

# W&B's client puts no more into a plot.
MOST_ROWS: Final = 10_000
DRAWINGS_KEPT: Final = 64
SETTINGS: Final = ("fieldSettings", "stringSettings")

Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Spec:
    """What is to be drawn of a table.

    Attributes:
        key: under which the plot was logged.
        chart: its kind, "wandb/line/v0" for the client's own.
        fields: for each part of the drawing the column that it takes.
        texts: titles and the like.
    """

    key: str
    chart: str
    fields: tuple[tuple[str, str], ...]
    texts: tuple[tuple[str, str], ...]

    @property
    def kind(self) -> str:
        """ "line" of "wandb/line/v0"; the whole of what is not the client's own."""
        owner, _, rest = self.chart.partition("/")
        return rest.partition("/")[0] if owner == "wandb" else self.chart

    @property
    def title(self) -> str:
        return dict(self.texts).get("title", "")


def specs(config: str) -> dict[str, Spec]:
    """The plots that a run's config tells of, by the keys of their tables."""
    internal = unwrapped(read_object(config)).get(INTERNAL)
    told = internal.get("visualize") if isinstance(internal, dict) else None
    found = {}
    for key, each in told.items() if isinstance(told, dict) else ():
        panel = each.get("panel_config") if isinstance(each, dict) else None
        if isinstance(panel, dict):
            spec = Spec(key, str(panel.get("panelDefId", "")), *(_texts(panel.get(name)) for name in SETTINGS))
            found[_table_key(panel) or f"{key}_table"] = spec
    return found


def _texts(settings: object) -> tuple[tuple[str, str], ...]:
    known = settings.items() if isinstance(settings, dict) else ()
    return tuple((str(name), str(text)) for name, text in known if text not in (None, ""))


def _table_key(panel: Mapping[str, Any]) -> str | None:
    """The key of the table that a plot's query names, wherever it stands in it."""
    waiting: list[Any] = [panel.get("userQuery")]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict) and one.get("name") == "tableKey" and isinstance(one.get("value"), str):
            return str(one["value"])
        if isinstance(one, dict | list):
            waiting.extend(one.values() if isinstance(one, dict) else one)
    return None


@lru_cache(maxsize=DRAWINGS_KEPT)
def plot_of(table: Table, spec: Spec) -> Drawn | None:
    """Draws a plot; None where its kind is not known or its table has nothing for it."""
    draw = CHARTS.get(spec.kind)
    if draw is None:
        return None
    columns = _Columns(table.columns, table.rows(evenly(table.count, MOST_ROWS)), dict(spec.fields), dict(spec.texts))
    return draw(columns)


@dataclass(frozen=True)
class _Columns:
    names: Sequence[str]
    rows: Rows
    fields: Mapping[str, str]
    texts: Mapping[str, str]

    def of(self, part: str) -> list[Any]:
        """What a part of the drawing takes, a value a row; [] where it takes nothing."""
        name = self.fields.get(part)
        if name not in self.names:
            return []
        place = self.names.index(name)
        return [row[place] if place < len(row) else None for row in self.rows]

    def name(self, part: str, text: str = "") -> str:
        return self.texts.get(text, "") or self.fields.get(part, "")

    def series(self, x: str, y: str, by: str) -> dict[str, list[drawn.Point]]:
        """Points of two parts, each x growing as it was logged, by the text of a third."""
        xs, ys, groups = self.of(x), self.of(y), self.of(by) or [""] * len(self.rows)
        found: dict[str, tuple[list[Any], list[Any]]] = {}
        for x_value, y_value, group in zip(xs, ys, groups, strict=False):
            into = found.setdefault(format.parameter(group), ([], []))
            into[0].append(x_value)
            into[1].append(y_value)
        return {name: drawn.pairs(*each) for name, each in found.items()}


def _line(columns: _Columns) -> Drawn | None:
    series = {name: sorted(points) for name, points in columns.series("x", "y", "stroke").items()}
    return drawn.lines(series, columns.name("x"), columns.name("y"))


def _series(columns: _Columns) -> Drawn | None:
    series = columns.series("step", "lineVal", "lineKey")
    return drawn.lines(series, columns.name("step", "xname"), columns.texts.get("title", "value"))


def _area(columns: _Columns) -> Drawn | None:
    series = columns.series("x", "y", "class")
    return drawn.lines(series, columns.name("x", "x-axis-title"), columns.name("y", "y-axis-title"))


def _scatter(columns: _Columns) -> Drawn | None:
    points = drawn.pairs(columns.of("x"), columns.of("y"))
    return drawn.points(points, columns.name("x"), columns.name("y"))


def _bar(columns: _Columns) -> Drawn | None:
    told = zip(columns.of("label"), map(number, columns.of("value")), strict=False)
    rows = [(format.parameter(label), value) for label, value in told if value is not None]
    return drawn.bars(rows, columns.name("label"), columns.name("value"))


def _histogram(columns: _Columns) -> Drawn | None:
    return drawn.distribution(drawn.numbers(columns.of("value")), columns.name("value"))


def _confusion(columns: _Columns) -> Drawn | None:
    was, said = (list(map(format.parameter, columns.of(part))) for part in ("Actual", "Predicted"))
    counts: dict[tuple[str, str], float] = {}
    for pair, count in zip(zip(was, said, strict=False), columns.of("nPredictions"), strict=False):
        told = number(count)
        counts[pair] = counts.get(pair, 0.0) + (told if told is not None and drawable(told) else 0.0)
    return drawn.matrix(counts, list(_in_order((*was, *said))))


def _in_order(names: Iterable[str]) -> dict[str, None]:
    return dict.fromkeys(names)


CHARTS: Final[Mapping[str, Callable[[_Columns], Drawn | None]]] = {
    "line": _line,
    "lineseries": _series,
    "area-under-curve": _area,
    "scatter": _scatter,
    "bar": _bar,
    "histogram": _histogram,
    "confusion_matrix": _confusion,
}
