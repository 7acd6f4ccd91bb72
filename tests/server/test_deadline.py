"""A query ends: what takes too long is broken off and says so, and what stores something is not held up beside it."""

from pathlib import Path

import pytest

from server.refusal import RefusalError
from server.store.database import Database
from tests.server.speaker import Clock, speaking

BOUNDED = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500000) SELECT count(*) FROM n"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
NAMES = '{ project(name: "p") { name runs { edges { node { name } } } } }'


def test_a_query_whose_time_is_over_is_refused_in_words_and_the_next_is_answered(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock, query_s=0.0) as wb:
        wb.begin("r")  # what changes something has no such limit

        reply = wb.post(NAMES)

    assert reply.status_code == 400
    assert reply.json()["errors"][0]["message"] == "this takes longer than 0 s: ask for less at once"
    with speaking(tmp_path / "data", clock) as wb:
        assert wb.field("r", "name") == "r"


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
