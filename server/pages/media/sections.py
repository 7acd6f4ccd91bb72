"""The media of a key on a page: what is told of it, and those of one run over its steps."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from markupsafe import Markup

from charts import format
from charts.histogram import MOST_COLUMNS, histograms
from server.ledger.outline import Outline
from server.pages.media.drawn import Drawn
from server.pages.media.found import RunFiles
from server.pages.media.logged import History, Logged
from server.pages.media.plots import Spec, specs
from server.pages.media.query import LAST_STEP, MediaQuery, TablePart
from server.pages.media.shown import Look, Shown, histogram_of
from server.pages.media.values import HISTOGRAMS, IMAGES, ORDER, PLOTS, MediaKey, media_keys
from server.store import media_queries
from server.store.rows import Run

STEPS_SHOWN: Final = 8
IMAGES_A_STEP: Final = 4
FILES_SHOWN: Final = 48
ROWS: Final = 10


@dataclass(frozen=True)
class Cell:
    """What was logged at a step: `title` says when, or whose it is, and leads to `url`."""

    title: str
    url: str
    shown: Shown
    letter: str = ""


@dataclass(frozen=True)
class Section:
    """A key; `said`: how often it was logged, and of that what is shown."""

    title: str
    kind: str
    said: str
    cells: list[Cell]


@dataclass(frozen=True)
class Folded:
    """A key that is not shown, and the address that shows it."""

    title: str
    url: str


@dataclass(frozen=True)
class Source:
    """A run with what it has logged; `letter` on a page of several."""

    files: RunFiles
    outline: Outline
    letter: str = ""

    @property
    def run(self) -> Run:
        return self.files.run

    @cached_property
    def specs(self) -> dict[str, Spec]:
        return specs(self.run.config)

    @cached_property
    def keys(self) -> dict[str, MediaKey]:
        """By name; the tables of plots count as plots."""
        found = (
            replace(key, kind=PLOTS) if key.name in self.specs and key.kind != IMAGES else key
            for key in media_keys(self.outline)
        )
        return {key.name: key for key in found}

    @cached_property
    def history(self) -> History:
        return History(self.files.connection, self.run)

    def last(self, key: str, step: int | None) -> Logged | None:
        return self.history.last(key, LAST_STEP if step is None else step)

    def look(self, key: str, most: int, rows: int, query: MediaQuery, url: Callable[[MediaQuery], str] | None) -> Look:
        def table_url(table: TablePart) -> str:
            return url(query.with_table(key, table)) if url else ""

        told = query.table(key) if url else TablePart()
        return Look(self.keys[key], self.files, self.specs.get(key), most, rows, told, table_url if url else None)

    def title(self, key: str) -> str:
        spec = self.specs.get(key)
        return spec.key if spec else key


def in_order(sources: Iterable[Source]) -> list[MediaKey]:
    """The keys that any of some runs has, by kind and name."""
    found: dict[str, MediaKey] = {}
    for source in sources:
        for name, key in source.keys.items():
            found.setdefault(name, key)
    return sorted(found.values(), key=lambda key: (ORDER.index(key.kind), key.name.lower()))


def opened(keys: Sequence[MediaKey], query: MediaQuery, most: int) -> tuple[list[MediaKey], list[MediaKey]]:
    """The first keys and those that the address names; and the others."""
    named = {*query.open, *dict(query.tables)}
    open = [key for place, key in enumerate(keys) if place < most or key.name in named]
    return open, [key for key in keys if key not in open]


@dataclass(frozen=True)
class OverSteps:
    """The media of one run; `url` gives the address of the page with another query."""

    source: Source
    query: MediaQuery
    url: Callable[[MediaQuery], str]

    def section(self, key: MediaKey) -> Section:
        cells = self._at(key.name) if self.query.step is not None else self._over(key)
        spec = self.source.specs.get(key.name)
        titled = spec.title if spec and spec.title != spec.key else ""
        said = "; ".join(filter(None, [titled, self._said(key, len(cells))]))
        return Section(self.source.title(key.name), key.kind, said, cells)

    def _at(self, key: str) -> list[Cell]:
        found = self.source.last(key, self.query.step)
        return [] if found is None else [self._cell(key, found, FILES_SHOWN)]

    def _over(self, key: MediaKey) -> list[Cell]:
        if key.kind == HISTOGRAMS:
            return self._histograms(key.name)
        if key.kind == IMAGES:
            found = self.source.history.spread(key.name, STEPS_SHOWN)
            most = IMAGES_A_STEP if len(found) > 1 else FILES_SHOWN
            return [self._cell(key.name, each, most) for each in found]
        last = self.source.last(key.name, None)
        return [] if last is None else [self._cell(key.name, last, FILES_SHOWN)]

    def _histograms(self, key: str) -> list[Cell]:
        """All over the steps, then the last one."""
        found = self.source.history.spread(key, MOST_COLUMNS)
        told = [(each.step, histogram_of(each.value)) for each in found]
        drawn = [(float(step), each) for step, each in told if step is not None and each is not None]
        cells = [self._cell(key, found[-1], 1)] if found else []
        if len({step for step, _ in drawn}) < 2:
            return cells
        over = Drawn(Markup(histograms(drawn, key)))
        return [Cell(f"steps {drawn[0][0]:.0f} to {drawn[-1][0]:.0f}", "", Shown(drawn=over)), *cells]

    def _cell(self, key: str, found: Logged, most: int) -> Cell:
        look = self.source.look(key, most, ROWS, self.query, self.url)
        url = "" if found.step is None else self.url(replace(self.query, step=found.step))
        return Cell(step_text(found.step), url, look.show(found.value))

    def _said(self, key: MediaKey, cells: int) -> str:
        some = key.kind == IMAGES and self.query.step is None and 0 < cells < key.count
        steps = format.counted(key.count, "step")
        return f"{cells} of {steps}" if some else steps if key.count > 1 else ""


def steps_beside(
    sources: Sequence[Source], query: MediaQuery, url: Callable[[MediaQuery], str]
) -> list[tuple[str, str]]:
    """The ways from the step that is asked for to those beside it, and back to all; [] where none is asked for."""
    if query.step is None:
        return []
    connection, runs = sources[0].files.connection, [each.run.id for each in sources]
    told = zip(("← {}", "{} →"), media_queries.steps_beside(connection, runs, query.step), strict=True)
    ways = [(word.format(format.count(to)), url(replace(query, step=to))) for word, to in told if to is not None]
    return [*ways, ("all", url(replace(query, step=None)))]


def folded_keys(
    keys: Sequence[MediaKey], sources: Sequence[Source], query: MediaQuery, url: Callable[[MediaQuery], str]
) -> list[Folded]:
    """Ways to open keys."""
    return [Folded(title_of(key, sources), url(replace(query, open=(*query.open, key.name)))) for key in keys]


def title_of(key: MediaKey, sources: Sequence[Source]) -> str:
    """As the programs have called it: a plot's table has another name."""
    return next(each.title(key.name) for each in sources if key.name in each.keys)


def step_text(step: int | None) -> str:
    return "no step" if step is None else f"step {format.count(step)}"
