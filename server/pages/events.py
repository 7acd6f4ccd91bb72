"""Tells open pages that something has changed: one stream of server-sent events a page.

An event says only that there is news; the page fetches itself anew. So nothing can be lost, whatever was missed: a page
that comes back names the state that it shows, and if there is another one it hears so at once.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from server.store.database import Database
from server.store.scope import asking

# At most two events a second to a page; between them, a tick compares two short texts and asks the store nothing.
TICK_S: Final = 0.5
# A line that says nothing keeps proxies from closing a quiet stream, and finds out readers that are gone.
QUIET_TICKS: Final = 30


class Events:
    """All streams of one server.

    Args:
        started_at_s: when this server started, in UTC seconds; tells its states from those of the one before it.
    """

    def __init__(self, database: Database, started_at_s: float) -> None:
        self._database = database
        self._started_at_s = started_at_s
        self._ended = False

    @property
    def state(self) -> str:
        """The name of what is stored now for the one who asks: another name, another state."""
        return f"{self._started_at_s}-{self._database.changes_seen_by(asking())}"

    def end(self) -> None:
        """Ends all streams at their next tick."""
        self._ended = True

    async def stream(self, seen: str) -> AsyncIterator[str]:
        """One page's events, for as long as it listens.

        Args:
            seen: the state that the page shows, "" for none.
        """
        quiet = 0
        while not self._ended:
            state = self.state
            quiet += 1
            if state != seen:
                seen, quiet = state, 0
                yield f"id: {state}\ndata: news\n\n"
            elif quiet == QUIET_TICKS:
                quiet = 0
                yield ":\n\n"
            await asyncio.sleep(TICK_S)
