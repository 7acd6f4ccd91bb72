"""Named reads of people, their teams, sessions and acts. As all of them: SQL in, typed rows out."""

import sqlite3

from server.store.queries import all_rows, one_row
from server.store.user_rows import Act, Session, User


def users(connection: sqlite3.Connection) -> list[User]:
    return all_rows(connection, User, "ORDER BY name")


def user(connection: sqlite3.Connection, name: str) -> User | None:
    return one_row(connection, User, "WHERE name = ?", name)


def user_numbered(connection: sqlite3.Connection, id: int) -> User | None:
    return one_row(connection, User, "WHERE id = ?", id)


def user_of_key(connection: sqlite3.Connection, key_hash: str) -> User | None:
    return one_row(connection, User, "WHERE key_hash = ?", key_hash)


def are_there_users(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM user LIMIT 1").fetchone() is not None


def teams_of(connection: sqlite3.Connection, user_id: int) -> list[str]:
    sql = "SELECT team FROM team_member WHERE user_id = ? ORDER BY team"
    return [team for (team,) in connection.execute(sql, (user_id,))]


def teams(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """The names of the members of each team."""
    sql = "SELECT team, user.name FROM team_member JOIN user ON user.id = user_id ORDER BY team, user.name"
    found: dict[str, list[str]] = {}
    for team, name in connection.execute(sql):
        found.setdefault(team, []).append(name)
    return found


def session_of(connection: sqlite3.Connection, token_hash: str, now_s: float) -> Session | None:
    return one_row(connection, Session, "WHERE token_hash = ? AND expires_at_s > ?", token_hash, now_s)


def sessions_of(connection: sqlite3.Connection, user_id: int | None, now_s: float) -> list[Session]:
    """Browsers that somebody is signed in with, the last one first; None for the server's own key."""
    return all_rows(connection, Session, "WHERE user_id IS ? AND expires_at_s > ? ORDER BY id DESC", user_id, now_s)


def last_acts(connection: sqlite3.Connection, limit: int) -> list[Act]:
    """The last lines of the audit log, the last one first."""
    return all_rows(connection, Act, "ORDER BY id DESC LIMIT ?", limit)
