"""Sends what waits for NOTIFY_URL, in a thread of its own: no request and no agent waits for a receiver.

A notice is forgotten when its receiver has answered that it has it. Else it is sent again, five times in all, also by a
server that was started again meanwhile; its `id` stays the same.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final

from server.ledger import notices as ledger
from server.notices.messages import message
from server.notices.post import LIMIT_S, post
from server.store import notices as queries
from server.store.database import Database
from server.store.rows import Notice

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0
# So many looks long it rests where nothing can be stored.
REST: Final = 30


class Notices:
    """The notices of one database.

    Args:
        url: where they go; it may hold a secret. None sends none, and lets none wait.
        base_url: the server's own address, for people.
        look_s: how often it is looked for new ones.
    """

    def __init__(
        self, database: Database, url: str | None, base_url: str, clock: Callable[[], float], look_s: float = LOOK_S
    ) -> None:
        self._database, self._url, self._base_url, self._clock = database, url, base_url, clock
        self._look_s = look_s
        self._told: set[int] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="notices", daemon=True)

    def start(self) -> None:
        """Begins to note and to send."""
        if self._url is None:
            with self._database.write() as tx:
                ledger.forget_all(tx)
            return
        self._database.keep_notices()
        self._thread.start()

    def end(self) -> None:
        """Ends; what is under way has its time to be answered."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(LIMIT_S)

    def _work(self) -> None:
        rest_s = self._look_s
        while not self._over.wait(rest_s):
            rest_s = self._look_s
            try:
                self._send_due()
            except Exception:
                rest_s = REST * self._look_s
                log.exception("notices cannot be sent; trying again in %s s", rest_s)

    def _send_due(self) -> None:
        with self._database.read() as connection:
            due = queries.due(connection, self._clock())
        for notice in due:
            if self._over.is_set():
                return
            why = self._send(notice)
            with self._database.write() as tx:
                put_off = ledger.put_off(tx, notice, self._clock()) if why else None
                if not put_off:
                    ledger.forget(tx, notice)
            self._told.discard(notice.id)
            if why:
                what = "it is sent again" if put_off else "given up"
                log.warning("notice %d was not taken: %s; %s", notice.id, why, what)

    def _send(self, notice: Notice) -> str | None:
        """Why a notice was not taken; None if it was, once, or tells of what is deleted."""
        if notice.id in self._told or self._url is None:
            return None
        with self._database.read() as connection:
            told = message(connection, notice, self._base_url)
        why = post(self._url, told) if told else None
        if why is None:
            self._told.add(notice.id)  # also if it cannot be stored that it was
        return why
