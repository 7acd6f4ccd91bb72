"""Curves of all that a run has logged, the best run's behind them in grey."""

from collections.abc import Sequence

from server.pages.curves.panels import Asked, CurvePanels, Drawing, Shown, curve_panels
from server.pages.curves.query import CurveQuery
from server.pages.curves.series import Reader
from server.store.rows import Run

# More of them are drawn when they are asked for.
PANELS = 12


def run_curves(
    reader: Reader,
    run: Run,
    best: Run | None,
    first: str | None,
    query: CurveQuery,
    path: str,
    others: Sequence[tuple[str, str]],
) -> CurvePanels | None:
    """Draws a run's metrics.

    Args:
        best: whose curves stand behind; None for the best run itself.
        first: the metric that comes first.
        path, others: of the page, and what else its address holds.
    """

    def url(each: CurveQuery) -> str:
        return each.url(path, others)

    rival = [Shown(best, "curve-other")] if best else []
    runs = [Shown(run, "curve"), *rival]
    asked = Asked(runs, len(runs), first, query, url, path, [*others, *query.pairs()], PANELS)
    return curve_panels(Drawing(reader, asked))
