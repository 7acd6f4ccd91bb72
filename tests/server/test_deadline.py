"""A query ends: what takes too long is broken off and says so, and what stores something is not held up beside it."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.refusal import RefusalError
from server.store.database import Database
from tests.patience import HANG_S
from tests.server.speaker import Clock, speaking

BOUNDED = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500000) SELECT count(*) FROM n"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
NAMES = '{ project(name: "p") { name runs { edges { node { name } } } } }'


def test_a_query_whose_time_is_over_is_refused_in_words_and_the_next_is_answered(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock) as wb:
        wb.begin("r")
    with speaking(tmp_path / "data", clock, query_s=0.0) as wb:
        reply = wb.post(NAMES)

    assert reply.status_code == 400
    assert reply.json()["errors"][0]["message"] == "this takes longer than 0 s: ask for less at once"
    with speaking(tmp_path / "data", clock) as wb:
        assert wb.field("r", "name") == "r"


def test_a_change_whose_time_is_over_is_undone_and_what_is_sent_beside_it_is_stored(
    tmp_path: Path, clock: Clock
) -> None:
    with speaking(tmp_path / "data", clock) as wb:
        wb.begin("r")
    with speaking(tmp_path / "data", clock, query_s=0.0) as wb:
        reply = wb.post('mutation { upsertBucket(input: {name: "s", modelName: "p"}) { inserted } }')
        stored = wb.log("r", 0, {"loss": 1})

    assert (reply.status_code, stored.status_code) == (400, 200)
    assert "this takes longer than 0 s" in reply.text
    with speaking(tmp_path / "data", clock) as wb:
        assert [wb.field("r", "historyLineCount"), wb.ask(NAMES)["project"]["runs"]["edges"]] == [
            1,
            [{"node": {"name": "r"}}],
        ]


def test_a_statement_without_an_end_is_broken_off_and_is_no_trouble_of_the_disk(tmp_path: Path) -> None:
    database = Database(tmp_path / "sweeps.sqlite")
    try:
        with pytest.raises(RefusalError, match="longer than 0"), database.read(0.01) as connection:
            connection.execute(ENDLESS).fetchone()

        assert database.trouble is None
        with database.read() as connection:
            assert connection.execute(BOUNDED).fetchone() == (500_000,)
    finally:
        database.close()


def test_a_statement_that_is_broken_off_by_something_else_says_so(tmp_path: Path) -> None:
    database = Database(tmp_path / "sweeps.sqlite")
    try:
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            break_off(database)
    finally:
        database.close()


def break_off(database: Database) -> None:
    with database.read(60.0) as connection:
        connection.set_progress_handler(lambda: 1, 1)
        connection.execute(ENDLESS).fetchone()


def test_nobody_who_closes_a_database_waits_until_it_was_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "sweeps.sqlite")
    read, at_it = database.read, threading.Event()

    def take_long() -> None:
        at_it.set()
        time.sleep(0.01)

    @contextmanager
    def read_slowly() -> Iterator[sqlite3.Connection]:
        with read() as connection:
            connection.set_progress_handler(take_long, 1)
            yield connection

    monkeypatch.setattr(database, "read", read_slowly)
    looking = threading.Thread(target=database.check)
    looking.start()
    assert at_it.wait(HANG_S)
    database.close()
    looking.join(HANG_S)

    assert not looking.is_alive()
    assert database.trouble is None
