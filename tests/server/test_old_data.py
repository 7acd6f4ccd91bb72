"""What earlier versions have written is brought up to date, and goes on; `schemas/` has a database of each form.

Each was written by the version itself, with one sweep of three points: one finished, one that failed once, one free.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server import verify
from server.store.copies import keep_former
from server.store.database import Database, reading
from tests.server.real_server import RunningServer, ending
from tests.server.speaker import Clock, Speaker, speaking

SCHEMAS = sorted((Path(__file__).parent / "schemas").glob("*.sql"))
OLD = SCHEMAS[-2]  # the last one may be of today's form


def written(schema: Path, data: Path) -> Path:
    data.mkdir()
    with closing(sqlite3.connect(data / "sweeps.sqlite")) as connection:
        connection.executescript(schema.read_text())
    return data


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda path: path.stem)
def test_data_of_an_earlier_version_goes_on_where_it_was(schema: Path, tmp_path: Path, clock: Clock) -> None:
    with speaking(written(schema, tmp_path / "data"), clock) as wb:
        sweep = wb.ask('{ project(name: "p") { sweeps { edges { node { name } } } } }')["project"]["sweeps"]
        (name,) = (edge["node"]["name"] for edge in sweep["edges"])
        before = told(wb, name)
        agent = wb.agent(name)
        for loss in (0.4, 0.3):
            wb.do_trial(agent, name, loss=loss)
        after = wb.beat(agent)
        with reading(wb.settings.database) as connection:
            verdict = verify.verify(connection)

    assert before == {("finished", 3, 0.5), ("failed", 3, 0.5)}
    assert after == {"type": "exit"}
    assert verdict.problems == ()
    assert verdict.points == {"finished": 3}


def told(wb: Speaker, sweep: str) -> set[tuple[str, int, float]]:
    """State, rows and last loss of each run of a sweep."""
    runs = wb.runs(sweep)
    return {
        (
            run["state"],
            wb.field(run["name"], "historyLineCount"),
            json.loads(wb.field(run["name"], "history(samples: 10)")[-1])["loss"],
        )
        for run in runs
    }


def test_data_of_an_earlier_version_is_copied_before_it_is_changed(tmp_path: Path) -> None:
    data = written(OLD, tmp_path / "data")
    (data / "sweeps.sqlite.schema-3").touch()
    number = int(OLD.stem)

    with ending(RunningServer(data)) as server:
        said = server.output()
        kept = data / f"sweeps.sqlite.schema-{number}"
        with closing(sqlite3.connect(kept)) as connection:
            copied = "\n".join(connection.iterdump())
        server.stop()
        server.start()
        again = server.output()[len(said) :]

    assert f"the database is of a newer form now; as it was, it is kept in {kept}" in said
    assert [*copied.splitlines(), f"PRAGMA user_version={number};"] == OLD.read_text().splitlines()
    assert not (data / "sweeps.sqlite.schema-3").exists()
    assert "newer form" not in again


def test_only_the_newest_of_such_copies_is_kept_and_none_is_made_for_nothing(tmp_path: Path) -> None:
    database = written(OLD, tmp_path / "data") / "sweeps.sqlite"
    (database.parent / "sweeps.sqlite.schema-3").touch()

    kept = keep_former(database)
    Database(database).close()

    assert kept == database.with_name(f"sweeps.sqlite.schema-{int(OLD.stem)}")
    assert [path.name for path in database.parent.glob("*.schema-*")] == [kept.name]
    assert keep_former(database) is None
    assert keep_former(tmp_path / "none.sqlite") is None


def test_a_database_of_another_program_is_never_touched(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "sweeps.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE invoice (number); PRAGMA user_version=3;")
    before = path.read_bytes()

    with pytest.raises(sqlite3.DatabaseError, match="it is another program's: it has the table 'invoice'"):
        speaking(tmp_path / "data", clock).__enter__()

    assert path.read_bytes() == before
