"""What was deleted in the last 30 days, and can be brought back."""

import math
import sqlite3
from dataclasses import dataclass
from typing import Final

from server.ledger.bin import KEPT_S, place_of
from server.pages.rendering import Crumb, Page
from server.pages.words.addresses import restore_url
from server.pages.words.times import Moment, Now
from server.store import bin_queries
from server.store.rows import Deleted

SHOWN: Final = 500
DAY_S: Final = 24 * 3600


@dataclass(frozen=True)
class DeletedRow:
    """A run, sweep or project; `days` are left until it is gone for good."""

    kind: str
    name: str
    place: str
    by: str
    at: Moment
    days: int
    url: str


def deleted_list(connection: sqlite3.Connection, now: Now) -> Page:
    rows = [_row(line, now) for line in bin_queries.deleted(connection, SHOWN)]
    return Page("deleted.html", "Deleted", {"rows": rows}, (Crumb("Sweeps", "/"), Crumb("Deleted")))


def _row(line: Deleted, now: Now) -> DeletedRow:
    days = max(math.ceil((line.at_s + KEPT_S - now.now_s) / DAY_S), 0)
    return DeletedRow(
        line.kind, line.display_name, place_of(line), line.who, now.moment(line.at_s), days, restore_url(line.id)
    )
