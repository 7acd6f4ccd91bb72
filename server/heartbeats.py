"""Heartbeats that change nothing: answered from memory, their times written now and then.

A thousand agents send two hundred a second, and nearly all say what they said before and hear that they are to go on.
Such an answer is kept, under the very bytes that were asked, until something that it hangs on is written. What is lost
by a crash is when agents were heard of in the last seconds; a server that starts begins all patience anew.
"""

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from server.ledger import agents
from server.ledger.agents import Mark
from server.store import touches
from server.store.database import Database
from server.store.scope import Scope, asking

LONGEST_BYTES: Final = 4096


@dataclass
class Kept:
    """An answer that is given again to the same request of the same asker.

    Attributes:
        marks: what it hangs on.
        is_right: nothing of that has been written since.
    """

    agent_id: int
    marks: tuple[Mark, ...]
    key: tuple[Scope, bytes] | None = None
    answer: bytes = b""
    is_right: bool = True


@dataclass
class Heartbeats:
    """Those of one server; `clock` gives UTC seconds."""

    database: Database
    clock: Callable[[], float]
    _kept: dict[tuple[Scope, bytes], Kept] = field(default_factory=dict)
    _by_mark: dict[Mark, set[int]] = field(default_factory=dict)
    _of_agent: dict[int, Kept] = field(default_factory=dict)
    _heard_s: dict[int, float] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _others: int = -1

    def __post_init__(self) -> None:
        self.database.tell_touches(self._touched)

    def again(self, body: bytes) -> bytes | None:
        """The answer that was kept to a heartbeat, whose agent is heard of by this; None: it is to be carried out."""
        with self._lock:
            kept = self._kept.get((asking(), body))
            if kept is None:
                return None
            self._heard_s[kept.agent_id] = self.clock()
            return kept.answer

    def prepare(self, agent_id: int, marks: tuple[Mark, ...]) -> Kept:
        """Begins to keep an answer, in the transaction that it comes from; its former one goes."""
        with self._lock:
            self._forget(agent_id)
            kept = self._of_agent[agent_id] = Kept(agent_id, marks)
            for mark in marks:
                self._by_mark.setdefault(mark, set()).add(agent_id)
            return kept

    def keep(self, kept: Kept, body: bytes, answer: bytes) -> None:
        """Gives the answer from now on, unless something has been written meanwhile; asked when all is stored."""
        with self._lock:
            if kept.is_right and len(body) <= LONGEST_BYTES:
                kept.key, kept.answer = (asking(), body), answer
                self._kept[kept.key] = kept

    def write(self) -> None:
        """Writes when agents were heard of, if any were."""
        if not self._of_agent and not self._heard_s:
            return
        with self.database.write() as tx:
            written_s = self.write_into(tx)
        with self._lock:
            self._heard_s = {id: at_s for id, at_s in self._heard_s.items() if at_s != written_s.get(id)}

    def write_into(self, tx: sqlite3.Connection) -> dict[int, float]:
        """The same as part of a transaction, which may yet be lost; gives what was written."""
        others = touches.other_writers(tx)
        if others != self._others:  # of their writes nothing is told
            self._others = others
            self._forget_all()
        with self._lock:
            heard_s = dict(self._heard_s)
        agents.heard(tx, heard_s)
        return heard_s

    def _touched(self, kind: str, number: int | None) -> None:
        with self._lock:
            for agent_id in self._by_mark.pop((kind, number or 0), ()):
                self._forget(agent_id)

    def _forget_all(self) -> None:
        with self._lock:
            for agent_id in list(self._of_agent):
                self._forget(agent_id)

    def _forget(self, agent_id: int) -> None:
        kept = self._of_agent.pop(agent_id, None)
        if kept is None:
            return
        kept.is_right = False
        if kept.key is not None:
            self._kept.pop(kept.key, None)
        for mark in kept.marks:
            holders = self._by_mark.get(mark, set())
            holders.discard(agent_id)
            if not holders:
                self._by_mark.pop(mark, None)
