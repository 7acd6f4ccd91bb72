"""The panels of curves: a metric each, in groups, of the runs that a page names."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Final

from markupsafe import Markup

from charts import format
from charts.line_panel import TIME, Line, Look, line_panel
from charts.smoothing import smoothed
from server.ledger.outline import Outline
from server.pages.curves.defined import definitions, hidden, step_of, steps
from server.pages.curves.known import Group, groups
from server.pages.curves.means import Band, mean_of, to_the_end
from server.pages.curves.query import LINEAR, LOG, NAMES, SMOOTH, SMOOTHINGS, CurveQuery, X, Y
from server.pages.curves.series import STRONG_POINTS, THIN_POINTS, Pair, Points, Reader
from server.pages.words.sent import written
from server.store.rows import Run

STEP, RUNTIME, EPOCH = "_step", "_runtime", "epoch"
X_NAMES: Final = {STEP: "step", RUNTIME: TIME}
MOST_X: Final = 60
DRAWINGS_KEPT: Final = 64
LAST_DIGITS: Final = 5
HEIGHT: Final = 160


@dataclass(frozen=True)
class Shown:
    """A run as curves show it: "thin", or with a letter, or "best", "curve" and "curve-other"."""

    run: Run
    css: str = "thin"
    letter: str = ""

    @property
    def name(self) -> str:
        return self.run.display_name or self.run.name

    @property
    def points(self) -> int:
        """How many of each metric are drawn."""
        return THIN_POINTS if self.css == "thin" else STRONG_POINTS


@dataclass(frozen=True)
class ShownGroup:
    """Runs that are drawn as their mean; with a letter also how far they lie apart.

    Attributes:
        runs: those that are read, of `of`.
    """

    name: str
    letter: str
    runs: tuple[Shown, ...]
    of: int


@dataclass(frozen=True)
class Mean:
    """A group's line; `said` is of how many runs it is the mean."""

    group: ShownGroup
    points: Points
    band: Band
    said: str


@dataclass(frozen=True)
class Asked:
    """What a page wants drawn.

    Attributes:
        runs: the first on top.
        of: how many runs there are to choose from, of which `runs` are some.
        first: the metric that comes first; None for none.
        query: what the address asks of curves.
        url: the page's address with another such query.
        path, kept: of the page and the rest of its address, for a form.
        open: how many panels are drawn unasked.
        sampled: in words how `runs` were chosen from more.
        groups: if any, their means are drawn in place of the runs; `runs` are theirs, and `of` tells how many groups
            there are.
        by_error: draws how far the runs of a group lie apart as the standard error of their mean.
    """

    runs: Sequence[Shown]
    of: int
    first: str | None
    query: CurveQuery
    url: Callable[[CurveQuery], str]
    path: str
    kept: Sequence[tuple[str, str]]
    open: int
    sampled: str = ""
    without: frozenset[str] = frozenset()
    groups: Sequence[ShownGroup] = ()
    by_error: bool = False


@dataclass(frozen=True)
class DrawnPanel:
    """A metric's drawing; `last` is its last value where only one run is drawn, `said` what to know of the drawing."""

    name: str
    svg: Markup
    last: str
    said: str


@dataclass(frozen=True)
class DrawnGroup:
    """Panels under one prefix; `more` of its metrics are not drawn, and `url` draws or folds them."""

    title: str
    panels: list[DrawnPanel]
    metrics: int
    more: int
    url: str
    opened: bool


@dataclass(frozen=True)
class Choice:
    """One of a field's values."""

    value: str
    text: str
    chosen: bool


@dataclass(frozen=True)
class CurvePanels:
    """What the template is given.

    Attributes:
        said: which runs are drawn, and how.
        fields: of the form that asks for another drawing: (name, label, choices).
    """

    said: str
    groups: list[DrawnGroup]
    path: str
    kept: list[tuple[str, str]]
    fields: list[tuple[str, str, list[Choice]]]


def curve_panels(drawing: "Drawing") -> CurvePanels | None:
    """Draws the metrics that these runs have logged; None if there is none, not even one that the page draws itself."""
    asked, outlines = drawing.asked, list(drawing.outlines.values())
    told = definitions(asked.runs[0].run.config) if asked.runs else []
    steps_told = {step for _, step in drawing.by}
    found = groups(outlines, asked.first, steps_told, hidden(told) | asked.without)
    if not found and not asked.without:
        return None
    return CurvePanels(
        said=_said(asked),
        groups=list(_groups(drawing, found)),
        path=asked.path,
        kept=[(name, text) for name, text in asked.kept if name not in NAMES - {"open"}],
        fields=_fields(asked.query, _names(outlines)),
    )


def _groups(drawing: "Drawing", found: Iterable[Group]) -> Iterable[DrawnGroup]:
    """Each with its first panels while there is room, and with all where it is open."""
    asked, left = drawing.asked, drawing.asked.open
    for group in found:
        opened = group.name in asked.query.open
        shown = group.metrics if opened else [] if group.folded else group.metrics[:left]
        left -= 0 if opened else len(shown)
        panels = [panel for metric in shown if (panel := drawing.panel(metric))]
        query = asked.query
        others = tuple(name for name in query.open if name != group.name)
        turned = replace(query, open=others if opened else (*others, group.name))
        more = len(group.metrics) - len(shown)
        yield DrawnGroup(group.name, panels, len(group.metrics), more, asked.url(turned), opened)


@dataclass(frozen=True, eq=False)
class Drawing:
    """What is read of the runs for the panels of one page: each outline and each line once."""

    reader: Reader
    asked: Asked
    _read: dict[tuple[int, Pair], Points] = field(default_factory=dict)

    @cached_property
    def outlines(self) -> dict[int, Outline]:
        return self.reader.outlines([(each.run, each.points) for each in self.asked.runs])

    @cached_property
    def by(self) -> list[tuple[str, str]]:
        """By what metrics are to be drawn, as the run on top has said it."""
        return steps(definitions(self.asked.runs[0].run.config)) if self.asked.runs else []

    def panel(
        self, metric: str, height: int = HEIGHT, rungs: tuple[int, ...] = (), needed: tuple[tuple[int, float], ...] = ()
    ) -> DrawnPanel | None:
        """Draws one metric; the last two are as `line_panel` wants them. None if nothing can be drawn."""
        runs = [each for each in self.asked.runs if metric in self.outlines[each.run.id].keys]
        x, lines = self.lines(runs, metric)
        look = Look(X_NAMES.get(x, x), self.asked.query.log, height)
        drawn = _drawn(metric, tuple(self._drawn_lines(lines)), look, rungs, needed)
        if drawn is None:
            beside = f"not logged beside {X_NAMES.get(x, x)}"
            return DrawnPanel(metric, Markup(""), "", beside) if runs and self.asked.query.x else None
        svg, out, log = drawn
        single = [] if self.asked.groups else lines
        alone = [points for each, points in single if each.css == "curve" and not each.letter]
        last = written(alone[0][-1][1], LAST_DIGITS) if len(alone) == 1 and alone[0] else ""
        return DrawnPanel(metric, svg, last, _about(out, log))

    def lines(self, runs: Sequence[Shown], metric: str) -> tuple[str, list[tuple[Shown, Points]]]:
        """By the first of what it may be drawn by that all of them have logged beside it."""
        candidates = self._candidates(metric)
        by_x = {x: [(each, self._points(each, metric, x, candidates)) for each in runs] for x in candidates}
        with_points = {x: sum(bool(points) for _, points in lines) for x, lines in by_x.items()}
        most = max(with_points.values(), default=0)
        x = next(x for x in candidates if with_points[x] == most)
        return x, by_x[x]

    def _drawn_lines(self, lines: Sequence[tuple[Shown, Points]]) -> list[Line]:
        if not self.asked.groups:
            return [_line(each, points, self.asked.query.smooth) for each, points in lines]
        return [_mean_line(mean) for mean in self._means(lines)]

    def means(self, metric: str) -> list[Mean]:
        """The line of each group of which a run has logged a metric."""
        runs = [each for each in self.asked.runs if metric in self.outlines[each.run.id].keys]
        return self._means(self.lines(runs, metric)[1])

    def _means(self, lines: Sequence[tuple[Shown, Points]]) -> list[Mean]:
        smooth = self.asked.query.smooth
        points = {each.run.id: list(smoothed(found, smooth) if smooth else found) for each, found in lines if found}
        found = []
        for group in self.asked.groups:
            curves = [points[each.run.id] for each in group.runs if each.run.id in points]
            if curves:
                mean, band = mean_of(curves, self.asked.by_error)
                found.append(Mean(group, mean, band if group.letter else [], _of(curves, group)))
        return found

    def _candidates(self, metric: str) -> tuple[str, ...]:
        asked = self.asked.query.x
        prefix, slash, _ = metric.rpartition("/")
        own = f"{prefix}{slash}{EPOCH}"
        if asked:
            return (own, EPOCH) if asked == EPOCH and own != EPOCH else (asked,)
        usual = (step_of(self.by, metric), own, EPOCH, STEP)
        return tuple(x for x in dict.fromkeys(usual) if x and (x == STEP or self._logged(x)))

    def _logged(self, name: str) -> bool:
        return any(name in outline.keys for outline in self.outlines.values())

    def _points(self, each: Shown, metric: str, x: str, candidates: Sequence[str]) -> Points:
        key = each.run.id, (metric, x)
        if key not in self._read:
            pairs = [(metric, candidate) for candidate in candidates]
            found = self.reader.points(each.run, self.outlines[each.run.id], pairs, each.points)
            self._read.update({(each.run.id, pair): points for pair, points in found.items()})
        return self._read[key]


def _line(each: Shown, points: Points, smooth: float) -> Line:
    return Line(each.name, tuple(smoothed(points, smooth) if smooth else points), each.css, each.letter, each.run.name)


def _mean_line(mean: Mean) -> Line:
    group = mean.group
    css = "curve" if group.letter else "thin"
    points, band = tuple(mean.points), tuple(mean.band)
    return Line(f"{group.name}: {mean.said}", points, css, group.letter, answers=True, band=band)


def _of(curves: Sequence[Points], group: ShownGroup) -> str:
    """ "mean of 5 runs, 3 to the end"."""
    of = f" of {format.count(group.of)}" if len(group.runs) < group.of else ""
    said = "1 run" if len(curves) == 1 else f"mean of {format.count(len(curves))}{of} runs"
    last = to_the_end(curves)
    return said if last == len(curves) else f"{said}, {format.count(last)} to the end"


@lru_cache(maxsize=DRAWINGS_KEPT)
def _drawn(
    metric: str, lines: tuple[Line, ...], look: Look, rungs: tuple[int, ...], needed: tuple[tuple[int, float], ...]
) -> tuple[Markup, int, bool] | None:
    """Kept by what it is made of: a page is asked for every few seconds."""
    panel = line_panel(metric, lines, look, rungs, dict(needed))
    return None if panel is None else (Markup(panel.svg), panel.out_of_scale, panel.log)


def _about(out_of_scale: int, log: bool) -> str:
    parts = ["log"] if log else []
    if out_of_scale:
        parts.append(f"▽ {format.counted(out_of_scale, 'run')} out of scale")
    return ", ".join(parts)


def _said(asked: Asked) -> str:
    drawn, kind = (len(asked.groups), "group") if asked.groups else (len(asked.runs), "run")
    some = f"{format.count(drawn)} of {format.counted(asked.of, kind)} are drawn{asked.sampled}"
    smooth = asked.query.smooth
    far = "of the standard error" if asked.by_error else "from the least to the largest run"
    parts = [
        f"means of groups, those with a letter in a band {far}" if asked.groups else "",
        some if asked.of > drawn else "",
        f"smoothed by {smooth:g}: each value is a mean of those before it" if smooth else "",
    ]
    return "; ".join(filter(None, parts))


def _names(outlines: Iterable[Outline]) -> list[str]:
    """What else curves can be drawn by."""
    names = dict.fromkeys(name for outline in outlines for name, key in outline.keys.items() if "number" in key.types)
    return [name for name in names if not name.startswith("_") and name != EPOCH][:MOST_X]


def _fields(query: CurveQuery, names: Sequence[str]) -> list[tuple[str, str, list[Choice]]]:
    xs = {"": "as defined", STEP: "step", EPOCH: "epoch", RUNTIME: "time", **{name: name for name in names}}
    ys = {"": "as it suits", LINEAR: LINEAR, LOG: LOG}
    y = "" if query.log is None else LOG if query.log else LINEAR
    weights = {"": "off", **{f"{weight:g}": f"{weight:g}" for weight in SMOOTHINGS}}
    smooth = f"{query.smooth:g}" if query.smooth else ""
    return [
        (X, "By", _choices(xs, query.x)),
        (Y, "Scale", _choices(ys, y)),
        (SMOOTH, "Smoothing", _choices(weights, smooth)),
    ]


def _choices(texts: Mapping[str, str], chosen: str) -> list[Choice]:
    return [Choice(value, text, value == chosen) for value, text in texts.items()]
