"""The metric of a sweep where no run has logged it: what was logged instead."""

import json
from typing import Final

from search import metric_names
from server.pages.sweep.view import SweepView
from server.store import sweep_queries

LOOKED_AT: Final = 20


def instead(view: SweepView) -> str:
    """A sentence; "" where some run has a value, or none has logged anything."""
    metric = view.sweep.metric_name
    if metric is None or view.best_of_all is not None:
        return ""
    summaries = sweep_queries.last_summaries(view.connection, view.sweep.id, LOOKED_AT)
    logged = (name for summary in summaries for name in metric_names.names(json.loads(summary)))
    return metric_names.instead_of(metric, logged)
