"""What one who asks may see and change, kept by the database itself: no query can forget it.

A connection knows each table of `HIDDEN` only as a view of the same name, which leaves out what was deleted and can be
brought back. One that has had anybody else than the server itself to serve knows those of `VIEWS` so, too, without what
the one who asks may not see. So a read says `run` and finds what is theirs and is there. A write says `main.run`, the
table, and only what a read has found is written.
"""

import math
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from server.refusal import NotFoundError, RefusalError


@dataclass(frozen=True)
class Scope:
    """What somebody may see and change.

    Attributes:
        who: name of the user, as runs and the audit log tell it; "" for the server and where there are no users.
        entities: their own and their teams'; None for all that there are.
        grant: what the file addresses made for them say of whose they are.
        home: the entity meant where a request names none; "" for the server's own.
    """

    who: str = ""
    entities: frozenset[str] | None = frozenset()
    home: str = ""
    may_write: bool = False
    grant: str = ""

    def allows(self, entity: str) -> bool:
        return self.entities is None or entity in self.entities

    def require(self, entity: str) -> None:
        """Refuses an entity of others as one that is not there.

        Raises:
            NotFoundError: with those that there are.
        """
        if not self.allows(entity):
            own = ", ".join(sorted(self.entities or ())) or "none"
            raise NotFoundError(f"there is no entity {entity!r} for this key; it has {own}")

    def require_writing(self) -> None:
        """Refuses whoever may change nothing.

        Raises:
            RefusalError: 401 for nobody, 403 for a user.
        """
        if not self.may_write:
            if not self.who:
                raise RefusalError("the API key is missing or not this server's", status=401)
            raise RefusalError(f"the key of {self.who} only reads: ask for the role `run`", status=403)


EVERYTHING: Final = Scope(entities=None, may_write=True)
NOBODY: Final = Scope()


def _owned(project: str) -> str:
    return f"EXISTS (SELECT 1 FROM main.project AS owner WHERE owner.id = {project} AND allowed(owner.entity))"


def _through(table: str, id: str, condition: str) -> str:
    return f"EXISTS (SELECT 1 FROM main.{table} AS its_{table} WHERE its_{table}.id = {id} AND {condition})"


def _of_collection(id: str) -> str:
    return _through("collection", id, _owned("its_collection.project_id"))


def _of_artifact(id: str) -> str:
    return _through("artifact", id, _of_collection("its_artifact.collection_id"))


# What can be found by a name or number from outside, and who may find it.
VIEWS: Final = {
    "project": "allowed(entity)",
    "sweep": _owned("sweep.project_id"),
    "run": _owned("run.project_id"),
    "suggestion": _owned("suggestion.project_id"),
    "collection": _owned("collection.project_id"),
    "saved_view": _owned("saved_view.project_id"),
    "agent": _through("sweep", "agent.sweep_id", _owned("its_sweep.project_id")),
    "trial": _through("sweep", "trial.sweep_id", _owned("its_sweep.project_id")),
    "file": _through("run", "file.run_id", _owned("its_run.project_id")),
    "artifact": _of_collection("artifact.collection_id"),
    "alias": _of_artifact("alias.artifact_id"),
    "member": f"{_of_collection('member.collection_id')} AND {_of_artifact('member.artifact_id')}",
    "manifest": _of_artifact("manifest.artifact_id"),
    "bin": "allowed(entity)",
}

_COLLECTIONS: Final = "SELECT id FROM main.collection WHERE project_id IN (SELECT id FROM main.hidden_project)"
_ARTIFACTS: Final = f"SELECT id FROM main.artifact WHERE collection_id IN ({_COLLECTIONS})"
# What of them was not deleted; each asks a table of few rows, by its number.
HIDDEN: Final = {
    "project": "id NOT IN (SELECT id FROM main.hidden_project)",
    "sweep": "id NOT IN (SELECT id FROM main.hidden_sweep)",
    "run": "id NOT IN (SELECT id FROM main.hidden_run)",
    "agent": "sweep_id NOT IN (SELECT id FROM main.hidden_sweep)",
    "file": "run_id NOT IN (SELECT id FROM main.hidden_run)",
    "collection": "project_id NOT IN (SELECT id FROM main.hidden_project)",
    "artifact": f"collection_id NOT IN ({_COLLECTIONS})",
    "alias": f"artifact_id NOT IN ({_ARTIFACTS})",
    "member": f"collection_id NOT IN ({_COLLECTIONS}) AND artifact_id NOT IN ({_ARTIFACTS})",
}
# What is found only by the number of something that was found, or belongs to nobody.
BEHIND: Final = (
    *("history", "event", "log", "passed", "placed", "writer", "usage", "discarded"),
    *(
        "outline",
        "run_change",
        "sweep_mark",
        "entry",
        "proposal",
        "pause",
        "share",
        "deletion",
        "prior_run",
        "prior_passed",
    ),
    *("collection_tag", "artifact_tag", "client_name", "manifest_entry", "described_entry", "merged"),
    *("content", "wanted", "discarded_content"),
    *("user", "team_member", "session", "audit"),
    *("hidden_project", "hidden_sweep", "hidden_run", "used_name"),
    *("alert", "notice"),
)

# Of SQLite's machine; a million take some 20 ms.
STEPS_BETWEEN_LOOKS: Final = 100_000

_asking: ContextVar[Scope] = ContextVar("asking", default=EVERYTHING)


def asking() -> Scope:
    """Of the one whose request this is; everything outside of requests, where the server works by itself."""
    return _asking.get()


def ask_as(scope: Scope) -> None:
    """Sets whose request this is, to its end."""
    _asking.set(scope)


@contextmanager
def asked_by(scope: Scope) -> Iterator[None]:
    """Sets it for a while."""
    token = _asking.set(scope)
    try:
        yield
    finally:
        _asking.reset(token)


_HasLeft = Callable[[], bool]
_left: ContextVar[_HasLeft] = ContextVar("left", default=lambda: False)


def has_left() -> bool:
    """Whether the one whose request this is waits for its answer no more."""
    return _left.get()()


@contextmanager
def ending_with(has_left: _HasLeft) -> Iterator[None]:
    """Lets what is read in it end when whoever asks has left; what is written does not."""
    token = _left.set(has_left)
    try:
        yield
    finally:
        _left.reset(token)


class Connection(sqlite3.Connection):
    """A connection that serves one after another."""

    scope = EVERYTHING
    _hides = _is_guarded = False
    _limit_s = _end_s = math.inf

    def end_after(self, limit_s: float) -> None:
        """Lets nothing run after so many seconds, or when whoever asks has left; `inf` for no end."""
        self._limit_s, self._end_s = limit_s, time.monotonic() + limit_s
        self.set_progress_handler(self.is_late if limit_s < math.inf else None, STEPS_BETWEEN_LOOKS)

    @contextmanager
    def ending(self, limit_s: float) -> Iterator[None]:
        """Lets no statement begin after so many seconds, of a part that is undone alone; none is broken off."""
        self._limit_s, self._end_s = limit_s, time.monotonic() + limit_s
        try:
            yield
        finally:
            self._limit_s = self._end_s = math.inf

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        """Begins a statement, if there is time for it.

        Raises:
            RefusalError: its time is over.
        """
        self.refuse_late()
        return super().execute(*statement)

    def is_late(self) -> bool:
        """Whether its time is over, or nobody waits for it any more."""
        now_s = time.monotonic()
        return now_s > self._end_s or (self._end_s < math.inf and has_left())

    def refuse_late(self) -> None:
        """Ends what does not ask the database, between two of its steps.

        Raises:
            RefusalError: its time is over.
        """
        if self.is_late():
            raise RefusalError(f"this takes longer than {self._limit_s:g} s: ask for less at once")

    def serve(self, scope: Scope) -> None:
        """Lets the next transaction see what is in a scope."""
        self.scope = scope
        if not self.is_new_to(scope):
            return
        if scope.entities is None:
            self._see(HIDDEN)
        else:
            self._guard()
            self._is_guarded = True
        self._hides = True

    def is_new_to(self, scope: Scope) -> bool:
        """Whether it has yet to be made ready for whoever asks."""
        return not self._is_guarded and (scope.entities is not None or not self._hides)

    def _guard(self) -> None:
        # Deterministic: the same in all of one statement, which is what SQLite needs to ask once for all rows.
        self.create_function("everything", 0, lambda: self.scope.entities is None, deterministic=True)
        self.create_function("allowed", 1, lambda entity: self.scope.allows(entity), deterministic=True)
        guarded = {table: f"(everything() OR {condition})" for table, condition in VIEWS.items()}
        self._see({table: f"{HIDDEN.get(table, True)} AND {condition}" for table, condition in guarded.items()})

    def _see(self, conditions: Mapping[str, str]) -> None:
        """Puts a view in the place of each of these tables."""
        for table, condition in conditions.items():
            self.execute(f"DROP VIEW IF EXISTS temp.{table}")
            self.execute(f"CREATE TEMP VIEW {table} AS SELECT * FROM main.{table} WHERE {condition}")
