"""The chosen runs of a sweep side by side."""

from dataclasses import replace

from server.pages.compare.runs import Compared, compared
from server.pages.sweep.search_space import searched
from server.pages.sweep.view import SweepView
from server.pages.table.fields import Known
from server.pages.words.addresses import run_url
from server.settings import Settings


def comparison(view: SweepView, settings: Settings) -> Compared | None:
    """None where the address chooses fewer than two."""
    metric = view.sweep.metric_name
    return compared(
        view.lettered,
        Known.of(view.connection, view.now, view.lettered.values()),
        settings.files,
        lambda run: run_url(view.project, run),
        replace(view.query, runs=()).url(view.path),
        [".".join(path) for path in searched(view.sweep.config)],
        None if metric is None else (metric, view.decimals),
    )
