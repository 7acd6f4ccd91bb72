"""Writes of one row. Only the ledger calls them; names of tables and columns come from code, values are bound."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from server.store import slices
from server.store.rows import Run

STREAM_TABLES: Final = {"history": "history_lines", "event": "event_lines", "log": "log_lines"}
PLACED: Final = "writer_id, stream, number"
PLACED_OF_RUN: Final = "writer_id IN (SELECT id FROM writer WHERE run_id = :run)"


def insert(connection: sqlite3.Connection, table: str, **columns: object) -> int:
    """Adds a row and gives its id."""
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    cursor = connection.execute(f"INSERT INTO main.{table} ({names}) VALUES ({marks})", tuple(columns.values()))
    return int(cursor.lastrowid or 0)


def update(connection: sqlite3.Connection, table: str, id: int, **columns: object) -> None:
    """Sets columns of one row; those not named stay as they are. A state is set by `move` alone.

    Raises:
        ValueError: a state is among them.
    """
    if "state" in columns:
        raise ValueError(f"the state of a {table} is set by a move")
    _set(connection, table, id, columns)


def move(connection: sqlite3.Connection, table: str, id: int, state: str, **columns: object) -> None:
    """Sets the state of a run or sweep, and columns that change with it."""
    _set(connection, table, id, {"state": state, **columns})


def _set(connection: sqlite3.Connection, table: str, id: int, columns: dict[str, object]) -> None:
    pairs = ", ".join(f"{name} = ?" for name in columns)
    connection.execute(f"UPDATE main.{table} SET {pairs} WHERE id = ?", (*columns.values(), id))


def put_heard(connection: sqlite3.Connection, at_s: Mapping[int, float]) -> None:
    """Keeps when agents, by their numbers, were heard of."""
    sql = "UPDATE main.agent SET heartbeat_at_s = max(heartbeat_at_s, ?) WHERE id = ?"
    connection.executemany(sql, [(heard_s, id) for id, heard_s in at_s.items()])


def delete(connection: sqlite3.Connection, table: str, id: int) -> None:
    connection.execute(f"DELETE FROM main.{table} WHERE id = ?", (id,))


def drop_notices(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM main.notice")


def enter(
    connection: sqlite3.Connection, kind: str, sweep_id: int, trial_id: int, run_name: str, detail: str, now_s: float
) -> None:
    """Adds an entry to the ledger's record."""
    insert(
        connection,
        "entry",
        at_s=now_s,
        kind=kind,
        sweep_id=sweep_id,
        trial_id=trial_id,
        run_name=run_name,
        detail=detail,
    )


def enter_of_counted(
    connection: sqlite3.Connection, kind: str, sweep_id: int, outcome: str, detail: str, now_s: float
) -> None:
    """Adds an entry for each point of a sweep that is settled so, of the run that settled it."""
    sql = (
        "INSERT INTO entry (at_s, kind, sweep_id, trial_id, run_name, detail) "
        "SELECT ?, ?, trial.sweep_id, trial.id, run.name, ? FROM trial JOIN run ON run.id = trial.counted_run_id "
        "WHERE trial.sweep_id = ? AND trial.outcome = ? ORDER BY trial.number"
    )
    connection.execute(sql, (now_s, kind, detail, sweep_id, outcome))


def open_trials(connection: sqlite3.Connection, sweep_id: int, outcome: str) -> None:
    """Makes each point of a sweep that is settled so one that is not."""
    sql = "UPDATE main.trial SET outcome = NULL, counted_run_id = NULL WHERE sweep_id = ? AND outcome = ?"
    connection.execute(sql, (sweep_id, outcome))


def note_deletion(connection: sqlite3.Connection, kind: str, number: int, name: str, held: str, now_s: float) -> None:
    """Records that a sweep or project is gone."""
    insert(connection, "deletion", at_s=now_s, kind=kind, number=number, name=name, held=held)


def discard(connection: sqlite3.Connection, run_id: int, name: str | None) -> None:
    """Notes that the bytes of a run's file, or of all its files, are to be removed."""
    connection.execute("INSERT OR IGNORE INTO discarded (run_id, name) VALUES (?, ?)", (run_id, name))


def forget_discarded(connection: sqlite3.Connection, run_id: int, name: str | None) -> None:
    connection.execute("DELETE FROM discarded WHERE run_id = ? AND name IS ?", (run_id, name))


def drop_share(connection: sqlite3.Connection, sweep_id: int) -> None:
    connection.execute("DELETE FROM share WHERE sweep_id = ?", (sweep_id,))


def end_pause(connection: sqlite3.Connection, sweep_id: int, now_s: float) -> None:
    connection.execute("UPDATE pause SET until_s = ? WHERE sweep_id = ? AND until_s IS NULL", (now_s, sweep_id))


def put_proposal(connection: sqlite3.Connection, sweep_id: int, index: int, params: str, results: int) -> None:
    """Keeps a suggestion ready, in place of another one of its number."""
    sql = "INSERT OR REPLACE INTO proposal (sweep_id, suggestion, params, results) VALUES (?, ?, ?, ?)"
    connection.execute(sql, (sweep_id, index, params, results))


def drop_proposals(connection: sqlite3.Connection, sweep_id: int, *, below: int = 2**62) -> None:
    """Removes the suggestions that are ready, those with lower numbers."""
    connection.execute("DELETE FROM proposal WHERE sweep_id = ? AND suggestion < ?", (sweep_id, below))


def drop_suggestion(connection: sqlite3.Connection, number: int, run_name: str) -> bool:
    """Removes what a scheduler has queued under this number and id; tells whether it was there."""
    sql = "DELETE FROM main.suggestion WHERE id = (SELECT id FROM suggestion WHERE id = ? AND run_name = ?)"
    return connection.execute(sql, (number, run_name)).rowcount > 0


def drop_suggestions(connection: sqlite3.Connection, sweep_id: int) -> None:
    connection.execute("DELETE FROM main.suggestion WHERE sweep_id = ?", (sweep_id,))


def put_lines(connection: sqlite3.Connection, stream: str, run_id: int, offset: int, rows: list[str]) -> None:
    """Stores lines at their numbers; the same lines again change nothing, other text replaces."""
    sql = f"INSERT INTO {stream} (run_id, line, row) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET row = excluded.row"
    connection.executemany(sql, [(run_id, offset + i, row) for i, row in enumerate(rows)])
    _count_lines(connection, stream, run_id, offset + len(rows))


def drop_some_places(connection: sqlite3.Connection, stream: str, run_id: int, most: int) -> bool:
    """Forgets so many places at most that lines of a shared run were given; whether there may be more."""
    where, given = f"stream = :stream AND {PLACED_OF_RUN}", {"stream": stream, "run": run_id}
    return len(slices.drop_some(connection, "placed", PLACED, where, given, most)) == most


def replace_lines(connection: sqlite3.Connection, stream: str, run_id: int, rows: list[str]) -> None:
    """Stores these lines of a stream in place of all that were there."""
    connection.execute(f"DELETE FROM {stream} WHERE run_id = ?", (run_id,))
    update(connection, "run", run_id, **{STREAM_TABLES[stream]: 0})
    put_lines(connection, stream, run_id, 0, rows)


def drop_some_lines(connection: sqlite3.Connection, run_id: int, most: int, *, first: int = 0) -> bool:
    """Drops so many lines at most that a run has streamed, the last first, none below `first`; whether there were any.

    The counts of lines stay.
    """
    where, given = "run_id = :run AND line >= :first ORDER BY line DESC", {"run": run_id, "first": first}
    return any(
        slices.drop_some(connection, stream, "run_id, line", where, given, most) for stream in STREAM_TABLES
    ) or bool(slices.drop_some(connection, "placed", PLACED, PLACED_OF_RUN, {"run": run_id}, most))


def drop_some_but(connection: sqlite3.Connection, stream: str, run_id: int, kept: Iterable[int], most: int) -> bool:
    """Drops so many lines at most of a run's stream, but those with these numbers; whether there were any."""
    where = "run_id = :run AND line NOT IN (SELECT value FROM json_each(:kept))"
    given = {"run": run_id, "kept": json.dumps(list(kept))}
    return bool(slices.drop_some(connection, stream, "run_id, line", where, given, most))


def drop_lines(connection: sqlite3.Connection, run_id: int) -> None:
    """Drops all that a run has streamed."""
    connection.execute("DELETE FROM outline WHERE run_id = ?", (run_id,))
    for stream, column in STREAM_TABLES.items():
        connection.execute(f"DELETE FROM {stream} WHERE run_id = ?", (run_id,))
        update(connection, "run", run_id, **{column: 0})


def put_outline(
    connection: sqlite3.Connection, run_id: int, row_count: int, *, in_order: bool, too_long: bool, text: str | None
) -> None:
    """Keeps what a run's history holds."""
    sql = (
        "INSERT INTO outline (run_id, row_count, in_order, too_long, text) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET row_count = excluded.row_count, in_order = excluded.in_order, "
        "too_long = excluded.too_long, text = excluded.text"
    )
    connection.execute(sql, (run_id, row_count, in_order, too_long, text))


def settle_outline(connection: sqlite3.Connection, run_id: int, doubt: int, **columns: object) -> None:
    """The same, unless there is another doubt by now."""
    pairs = ", ".join(f"{name} = ?" for name in columns)
    sql = f"UPDATE outline SET {pairs} WHERE run_id = ? AND doubt = ?"
    connection.execute(sql, (*columns.values(), run_id, doubt))


def doubt_outline(connection: sqlite3.Connection, run_id: int) -> None:
    """Notes that what is kept of a run's history is to be made of its rows anew."""
    sql = (
        "INSERT INTO outline (run_id, doubt) VALUES (?, random()) ON CONFLICT DO UPDATE "
        "SET doubt = excluded.doubt, too_long = 0, text = NULL"
    )
    connection.execute(sql, (run_id,))


def put_places(connection: sqlite3.Connection, writer_id: int, stream: str, places: dict[int, int]) -> None:
    """Keeps where in its run the lines of a writer stand, by the numbers that it gives them."""
    sql = "INSERT INTO placed (writer_id, stream, number, line) VALUES (?, ?, ?, ?)"
    connection.executemany(sql, [(writer_id, stream, number, line) for number, line in places.items()])


def put_places_as_they_are(connection: sqlite3.Connection, writer_id: int, run_id: int, most: int) -> bool:
    """Keeps that a writer numbers lines as its run does, of so many in each stream; whether there may be more."""
    placed = []
    for stream in STREAM_TABLES:
        last = f"SELECT coalesce(max(number), -1) FROM placed WHERE writer_id = :writer AND stream = '{stream}'"
        sql = (
            "INSERT INTO placed (writer_id, stream, number, line) "
            f"SELECT :writer, '{stream}', line, line FROM {stream} WHERE run_id = :run AND line > ({last}) "
            "ORDER BY line LIMIT :most"
        )
        placed.append(connection.execute(sql, {"writer": writer_id, "run": run_id, "most": most}).rowcount)
    return max(placed) == most


def cut_some_lines(connection: sqlite3.Connection, stream: str, run_id: int, first: int, most: int) -> bool:
    """Drops so many of a stream's lines from a number on, the last first; whether there may be more."""
    if stream == "history":
        doubt_outline(connection, run_id)
    last = f"SELECT line FROM {stream} WHERE run_id = :run AND line >= :first ORDER BY line DESC LIMIT :most"
    sql = f"DELETE FROM {stream} WHERE run_id = :run AND line IN ({last})"
    more = connection.execute(sql, {"run": run_id, "first": first, "most": most}).rowcount == most
    left = connection.execute(f"SELECT max(line) + 1 FROM {stream} WHERE run_id = ?", (run_id,)).fetchone()[0]
    update(connection, "run", run_id, **{STREAM_TABLES[stream]: left if more else first})
    return more


def drop_writers(connection: sqlite3.Connection, run_id: int) -> None:
    connection.execute("DELETE FROM writer WHERE run_id = ?", (run_id,))


def append_history(
    connection: sqlite3.Connection, run_id: int, offset: int, rows: list[tuple[int | None, str]]
) -> None:
    """Stores (step, row) lines that come after all that are there, by line and by step: nothing is looked for."""
    sql = "INSERT INTO history (run_id, line, step, row) VALUES (?, ?, ?, ?)"
    connection.executemany(sql, [(run_id, offset + i, step, row) for i, (step, row) in enumerate(rows)])
    _count_lines(connection, "history", run_id, offset + len(rows))


def put_history(connection: sqlite3.Connection, run_id: int, offset: int, rows: list[tuple[int | None, str]]) -> None:
    """Stores (step, row) lines at their numbers.

    A step that stands at another line already keeps its place there with the new row: a resumed run that repeats an
    epoch tells it once, in its last words.
    """
    again = "UPDATE history SET row = :row WHERE run_id = :run AND step = :step AND line != :line"
    sql = (
        "INSERT INTO history (run_id, line, step, row) SELECT :run, :line, :step, :row WHERE :step IS NULL OR NOT "
        "EXISTS (SELECT 1 FROM history WHERE run_id = :run AND step = :step AND line != :line) "
        "ON CONFLICT DO UPDATE SET step = excluded.step, row = excluded.row"
    )
    values = [{"run": run_id, "line": offset + i, "step": step, "row": row} for i, (step, row) in enumerate(rows)]
    connection.executemany(again, values)
    connection.executemany(sql, values)
    _count_lines(connection, "history", run_id, offset + len(rows))


def put_file(
    connection: sqlite3.Connection, run_id: int, name: str, size_bytes: int, md5: str, mimetype: str, now_s: float
) -> None:
    """Records a stored file; the same name again replaces it."""
    connection.execute(
        "INSERT INTO main.file (run_id, name, size_bytes, md5, mimetype, updated_at_s) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (run_id, name) DO UPDATE SET size_bytes = excluded.size_bytes, md5 = excluded.md5, "
        "mimetype = excluded.mimetype, updated_at_s = excluded.updated_at_s, former = 0",
        (run_id, name, size_bytes, md5, mimetype, now_s),
    )


def mark_files_former(connection: sqlite3.Connection, run_id: int) -> None:
    """Notes that the files of a run were stored before its present start; storing one again ends this."""
    connection.execute("UPDATE main.file SET former = 1 WHERE run_id = ?", (run_id,))


def doubt_curves(connection: sqlite3.Connection, sweep_id: int) -> None:
    """Notes that the metric's values in the histories of a sweep's runs are to be counted and kept anew."""
    connection.execute("UPDATE main.run SET curve_length = history_lines WHERE sweep_id = ?", (sweep_id,))
    connection.execute("DELETE FROM passed WHERE run_id IN (SELECT id FROM run WHERE sweep_id = ?)", (sweep_id,))
    connection.execute("DELETE FROM prior_passed WHERE sweep_id = ?", (sweep_id,))


def put_passed(connection: sqlite3.Connection, run_id: int, values: dict[int, float]) -> None:
    """Keeps the values of the metric that a run has at brackets."""
    sql = "INSERT OR REPLACE INTO passed (run_id, bracket, value) VALUES (?, ?, ?)"
    connection.executemany(sql, [(run_id, bracket, value) for bracket, value in values.items()])


def put_prior_passed(
    connection: sqlite3.Connection, sweep_id: int, bracket: int, run: Run, value: float | None
) -> None:
    """Keeps what a sweep's metric is at a bracket in a run of before, as that is now; None: it has not come so far."""
    sql = "INSERT OR REPLACE INTO prior_passed (sweep_id, bracket, run_id, value, heard_at_s) VALUES (?, ?, ?, ?, ?)"
    connection.execute(sql, (sweep_id, bracket, run.id, value, run.heartbeat_at_s))


def drop_passed(connection: sqlite3.Connection, run_id: int) -> None:
    connection.execute("DELETE FROM passed WHERE run_id = ?", (run_id,))


def _count_lines(connection: sqlite3.Connection, stream: str, run_id: int, end: int) -> None:
    column = STREAM_TABLES[stream]
    connection.execute(f"UPDATE main.run SET {column} = max({column}, ?) WHERE id = ?", (end, run_id))


def attach_prior_run(tx: sqlite3.Connection, sweep_id: int, run_id: int) -> None:
    """Lets a run of before belong to a sweep; once is enough."""
    tx.execute("INSERT OR IGNORE INTO prior_run (sweep_id, run_id) VALUES (?, ?)", (sweep_id, run_id))
