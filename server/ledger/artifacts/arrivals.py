"""Contents that arrive at the same time, stored in one transaction: of small files, syncing the disk is what costs."""

import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from server.clock import Clock
from server.ledger.artifacts import content
from server.refusal import NotFoundError
from server.store import artifact_queries as queries
from server.store.database import Database
from server.store.scope import EVERYTHING, asked_by, asking


@dataclass
class Arrival:
    """Bytes that are whole and on the disk, under a name of their own.

    Attributes:
        md5: hex, of the bytes.
        whole: where they lie; they are moved away from there, or removed if they are known.
    """

    artifact_id: int
    md5: str
    size_bytes: int
    whole: Path
    is_done: bool = False
    error: Exception | None = None


class Arrivals:
    """Whoever comes while others are being stored waits, and the first of those that wait stores all of them."""

    def __init__(self, database: Database, artifacts: Path, clock: Clock) -> None:
        self._database = database
        self._artifacts = artifacts
        self._clock = clock
        self._waiting: deque[Arrival] = deque()
        self._turn = threading.Lock()

    def store(self, arrival: Arrival) -> None:
        """Returns when the content is stored.

        Raises:
            NotFoundError: no version waits for it any more.
        """
        scope = asking()
        scope.require_writing()
        if scope.entities is not None:
            self._require_wanted(arrival)
        self._waiting.append(arrival)
        with self._turn:
            if not arrival.is_done:
                self._store(self._all_waiting())
        if arrival.error:
            raise arrival.error

    def _require_wanted(self, arrival: Arrival) -> None:
        """Looks as the one who sends it, since whoever stores it may do so for several."""
        with self._database.read() as tx:
            if not queries.is_wanted(tx, arrival.artifact_id, arrival.md5):
                raise NotFoundError(content.NOT_WAITED_FOR)

    def _all_waiting(self) -> list[Arrival]:
        return [self._waiting.popleft() for _ in range(len(self._waiting))]

    def _store(self, arrivals: list[Arrival]) -> None:
        try:
            with asked_by(EVERYTHING), self._database.write() as tx:
                for each in arrivals:
                    each.error = content.store(
                        tx, self._artifacts, each.artifact_id, each.md5, each.size_bytes, each.whole, self._clock()
                    )
                content.sync_folders(self._artifacts, [each.md5 for each in arrivals])
        except Exception as error:
            for each in arrivals:
                each.error = error
        for each in arrivals:
            each.is_done = True
