"""What programs of the sweep's runs said by `run.alert`."""

from typing import Final

from server.pages.sweep.view import SweepView
from server.pages.words.addresses import run_url
from server.pages.words.alerts import Alerts, ShownAlert, alert_shown, alerts_shown
from server.store import alert_queries
from server.store.alert_queries import AlertOfSweep

SHOWN: Final = 5
TEXT_CHARACTERS: Final = 200


def sweep_alerts(view: SweepView) -> Alerts | None:
    """The last alerts of all of its runs; None for none."""
    last = alert_queries.of_sweep(view.connection, view.sweep.id, SHOWN)
    total = alert_queries.count_of_sweep(view.connection, view.sweep.id)
    return alerts_shown([_shown(view, alert) for alert in last], total)


def _shown(view: SweepView, alert: AlertOfSweep) -> ShownAlert:
    url = run_url(view.project, alert.run_name)
    return alert_shown(alert, view.now, TEXT_CHARACTERS, alert.run_title, url)
