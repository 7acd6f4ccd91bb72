"""What one value of media looks like on a page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from markupsafe import Markup

from charts import format
from charts.histogram import Histogram, checked, histogram
from server.pages.media.boxes import Box, boxes_at
from server.pages.media.drawn import Drawn
from server.pages.media.found import RunFiles
from server.pages.media.plotly import figure_at
from server.pages.media.plots import Spec, plot_of
from server.pages.media.query import TablePart
from server.pages.media.served import IMAGE, kind_of
from server.pages.media.table_page import ShownTable, table_page
from server.pages.media.tables import is_too_large, table_at
from server.pages.media.values import BOXES, HISTOGRAMS, IMAGES, PLOTS, TABLES, MediaKey, Medium, media_of
from server.run_values import number

MOST_COUNTED: Final = 1e15
LARGEST_PIXELS: Final = 1e6

TableUrl = Callable[[TablePart], str]


@dataclass(frozen=True)
class Picture:
    """An image.

    Attributes:
        beside: word and address of what belongs to it.
        size: its width and height, where there are `boxes` to be drawn in it.
    """

    url: str
    alt: str
    caption: str
    beside: list[tuple[str, str]]
    size: tuple[float, float]
    boxes: list[Box]


@dataclass(frozen=True)
class ShownFile:
    """A file to play (`kind` audio or video), to read (page) or to save; `url` is None where it is not uploaded."""

    name: str
    url: str | None
    size: str
    kind: str
    caption: str


@dataclass(frozen=True)
class Shown:
    """A value.

    Attributes:
        more: how many of its files are not shown.
        said: what to know of it.
    """

    pictures: list[Picture] = field(default_factory=list)
    files: list[ShownFile] = field(default_factory=list)
    drawn: Drawn | None = None
    table: ShownTable | None = None
    more: int = 0
    said: str = ""


@dataclass(frozen=True, eq=False)
class Look:
    """How the values of one key of a run are shown.

    Attributes:
        spec: of its plot; None for what is none.
        most: how many files of one value.
        rows: of a table.
        table: which part of it, and the address of another one.
        beside: histograms of other runs.
    """

    key: MediaKey
    files: RunFiles
    spec: Spec | None
    most: int
    rows: int
    table: TablePart
    table_url: TableUrl | None
    beside: Sequence[Histogram] = ()

    def show(self, value: Mapping[str, Any]) -> Shown:
        if self.key.kind == HISTOGRAMS:
            return self._histogram(value)
        if self.key.kind in (PLOTS, TABLES):
            return self._plotly(value) if value.get("_type") == "plotly-file" else self._table(value)
        return self._files(value)

    def _files(self, value: Mapping[str, Any]) -> Shown:
        media = media_of(value)
        shown, more = media[: self.most], max(len(media) - self.most, 0)
        pictured = self.key.kind == IMAGES or (bool(media) and all(kind_of(each.path) == IMAGE for each in media))
        if pictured:
            size = number(value.get("width")) or 0.0, number(value.get("height")) or 0.0
            return Shown(pictures=[self._picture(each, size) for each in shown], more=more)
        said = "" if media else f"[{value.get('_type')}]"
        return Shown(files=[self._file(each) for each in shown], more=more, said=said)

    def _picture(self, medium: Medium, size: tuple[float, float]) -> Picture:
        beside = [(word, self.files.url(path)) for word, path in medium.beside]
        alt = f"{self.key.name}: {medium.caption or medium.name}"
        return Picture(self.files.url(medium.path), alt, medium.caption, beside, size, self._boxes(medium, size))

    def _boxes(self, medium: Medium, size: tuple[float, float]) -> list[Box]:
        if not all(0 < each <= LARGEST_PIXELS for each in size):
            return []
        places = [self.files.place(path) for word, path in medium.beside if word.startswith(BOXES)]
        return [box for place in places if place for box in boxes_at(place, *size)]

    def _file(self, medium: Medium) -> ShownFile:
        stored = self.files.stored(medium.path)
        size, url = (format.size(stored.size_bytes), self.files.url(medium.path)) if stored else ("", None)
        return ShownFile(medium.name, url, size, kind_of(medium.path), medium.caption)

    def _histogram(self, value: Mapping[str, Any]) -> Shown:
        found = histogram_of(value)
        if found is None:
            return Shown(said="empty")
        return Shown(drawn=Drawn(Markup(histogram(found, self.key.name, self.beside)), values_of(found)))

    def _plotly(self, value: Mapping[str, Any]) -> Shown:
        found = self._files(value)
        path = self.files.place(str(value.get("path", "")))
        drawn = figure_at(path) if path else None
        return Shown(drawn=drawn, files=found.files, said="" if drawn else "what it holds is not drawn here")

    def _table(self, value: Mapping[str, Any]) -> Shown:
        path, artifact_id = self.files.table(value)
        table = table_at(path) if path else None
        if path is None or table is None:
            return Shown(
                files=self._files(value).files, said="too large to be shown" if path and is_too_large(path) else ""
            )
        drawn = plot_of(table, self.spec) if self.spec else None
        if drawn is not None:
            return Shown(drawn=drawn)
        said = f"W&B's site draws it as {self.spec.chart}" if self.spec else ""
        return Shown(table=table_page(table, self.rows, self.table, self.table_url, self.files, artifact_id), said=said)


def values_of(found: Histogram) -> str:
    total = found.total
    counted = float(total).is_integer() and total < MOST_COUNTED
    return format.counted(int(total), "value") if counted else f"weights of {total:g} in all"


def histogram_of(value: Mapping[str, Any]) -> Histogram | None:
    """The histogram in a value; None for what is none."""
    counts, edges = value.get("values"), value.get("bins")
    if not isinstance(counts, list) or not isinstance(edges, list):
        return None
    told = [[number(each) for each in side] for side in (counts, edges)]
    if any(None in side for side in told):
        return None
    return checked(*([each for each in side if each is not None] for side in told))
