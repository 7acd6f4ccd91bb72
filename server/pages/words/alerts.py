"""What programs said by `run.alert`, as a page shows it."""

from dataclasses import dataclass
from typing import Final

from charts import format
from server.console import printable
from server.pages.words.look import Look
from server.pages.words.times import Moment, Now
from server.store.alert_queries import AlertOfSweep
from server.store.rows import Alert

LOOKS: Final = {
    "INFO": Look("info", "info", "Info"),
    "WARN": Look("stop", "warning", "Warning"),
    "ERROR": Look("bad", "failed", "Error"),
}
TITLE_CHARACTERS: Final = 200


@dataclass(frozen=True)
class ShownAlert:
    """One alert; `run` and its `url` where the page is of several runs."""

    look: Look
    title: str
    text: str
    moment: Moment
    run: str = ""
    url: str = ""


@dataclass(frozen=True)
class Alerts:
    """The last alerts, newest first; `said` of how many."""

    shown: list[ShownAlert]
    said: str


def alerts_shown(shown: list[ShownAlert], total: int) -> Alerts | None:
    """The panel; None where nothing was said."""
    said = f"the last {len(shown)} of {format.count(total)}" if total > len(shown) else format.count(total)
    return Alerts(shown, said) if total else None


def alert_shown(alert: Alert | AlertOfSweep, now: Now, most: int, run: str = "", url: str = "") -> ShownAlert:
    """One alert with so many characters of its text."""
    title, text = printable(alert.title, TITLE_CHARACTERS), printable(alert.text, most)
    return ShownAlert(LOOKS[alert.level], title, text, now.moment(alert.at_s), run, url)
