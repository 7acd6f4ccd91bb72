"""Writes of people, their teams, sessions and acts. Only the ledger calls them."""

import sqlite3


def add_user(connection: sqlite3.Connection, name: str, role: str, key_hash: str, now_s: float) -> None:
    sql = "INSERT INTO user (name, role, key_hash, created_at_s) VALUES (?, ?, ?, ?)"
    connection.execute(sql, (name, role, key_hash, now_s))


def remove_user(connection: sqlite3.Connection, id: int) -> None:
    connection.execute("DELETE FROM user WHERE id = ?", (id,))


def set_key(connection: sqlite3.Connection, id: int, key_hash: str) -> None:
    """Ends the sessions too."""
    connection.execute("UPDATE user SET key_hash = ? WHERE id = ?", (key_hash, id))
    connection.execute("DELETE FROM session WHERE user_id = ?", (id,))


def set_role(connection: sqlite3.Connection, id: int, role: str) -> None:
    connection.execute("UPDATE user SET role = ? WHERE id = ?", (role, id))


def add_member(connection: sqlite3.Connection, team: str, user_id: int) -> None:
    connection.execute("INSERT OR IGNORE INTO team_member (team, user_id) VALUES (?, ?)", (team, user_id))


def remove_member(connection: sqlite3.Connection, team: str, user_id: int) -> None:
    connection.execute("DELETE FROM team_member WHERE team = ? AND user_id = ?", (team, user_id))


def end_session(connection: sqlite3.Connection, id: int, user_id: int | None) -> bool:
    """Ends a session of a user; tells whether there was one."""
    return connection.execute("DELETE FROM session WHERE id = ? AND user_id IS ?", (id, user_id)).rowcount > 0


def drop_expired_sessions(connection: sqlite3.Connection, now_s: float) -> None:
    connection.execute("DELETE FROM session WHERE expires_at_s <= ?", (now_s,))
