"""What a page shows, kept under a name: seen by all who see the project, changed by whoever saved it."""

import sqlite3
from typing import Final

from server.ledger import audit
from server.refusal import NotFoundError, RefusalError
from server.store import view_queries, writes
from server.store.rows import Project, SavedView, Sweep
from server.store.scope import asking

MOST_CHARACTERS: Final = 128
# Of an address; browsers and proxies take no longer ones.
MOST_OF_A_QUERY: Final = 8000
MOST_VIEWS: Final = 50


def save(tx: sqlite3.Connection, project: Project, sweep: Sweep | None, name: str, query: str, now_s: float) -> None:
    """Keeps the query of a page's address under a name; one's own view of this name is replaced.

    Args:
        sweep: whose page it is; None for the project's.

    Raises:
        RefusalError: the name cannot be read, it is another's, or there are too many.
    """
    name = name.strip()
    if not name or not name.isprintable() or len(name) > MOST_CHARACTERS:
        raise RefusalError(f"the name of a view has 1 to {MOST_CHARACTERS} printable characters, not {name[:40]!r}")
    if len(query) > MOST_OF_A_QUERY:
        raise RefusalError(f"a view has at most {MOST_OF_A_QUERY:,} characters, not {len(query):,}")
    sweep_id = sweep.id if sweep else None
    there = view_queries.saved_view(tx, project.id, sweep_id, name)
    if there is not None:
        _require_own(there)
        writes.update(tx, "saved_view", there.id, query=query, saved_at_s=now_s)
        return
    if len(view_queries.saved_views(tx, project.id, sweep_id)) >= MOST_VIEWS:
        raise RefusalError(f"there are {MOST_VIEWS} views already: drop one first")
    who = asking().who or None
    kept = {"project_id": project.id, "sweep_id": sweep_id, "name": name, "query": query}
    writes.insert(tx, "saved_view", **kept, user_name=who, saved_at_s=now_s)


def drop(tx: sqlite3.Connection, project: Project, sweep: Sweep | None, name: str, now_s: float) -> None:
    """Forgets a view.

    Raises:
        NotFoundError: there is none of this name.
        RefusalError: it is another's.
    """
    there = view_queries.saved_view(tx, project.id, sweep.id if sweep else None, name)
    if there is None:
        raise NotFoundError(f"there is no view {name!r} here")
    _require_own(there)
    writes.delete(tx, "saved_view", there.id)
    audit.note_in_project(tx, "dropped view", project.id, f"{sweep.name}: {name}" if sweep else name, now_s)


def may_change(view: SavedView) -> bool:
    """Whether the one who asks saved it, or may do everything."""
    scope = asking()
    return scope.may_write and (scope.entities is None or view.user_name in (None, scope.who))


def _require_own(view: SavedView) -> None:
    if not may_change(view):
        raise RefusalError(f"the view {view.name!r} is {view.user_name}'s: take another name", status=403)
