"""A sweep or a project goes with all that was its own, and nothing of anybody else's; the record says that it did."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server import verify
from server.store.database import reading
from tests.server.maker import Maker
from tests.server.speaker import GRID, Clock, Speaker, speaking, until
from tests.server.test_backup import done, put, refused

PROJECT = '{ project(name: "p") { name } }'


def over(wb: Speaker, project: str = "p") -> str:
    """A sweep that is over, with a run that has a file."""
    sweep = wb.register(GRID | {"run_cap": 1}, project)
    wb.do_trial(wb.agent(sweep), sweep, loss=1.0) if project == "p" else None
    return sweep


def problems(data: Path) -> tuple[str, ...]:
    with reading(data / "sweeps.sqlite") as connection:
        return verify.verify(connection).problems


def rows_left(data: Path, *tables: str) -> list[int]:
    with closing(sqlite3.connect(data / "sweeps.sqlite")) as connection:
        return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]


def bytes_left(data: Path) -> list[Path]:
    return [path for part in ("files", "artifacts") for path in (data / part).rglob("*") if path.is_file()]


def test_a_sweep_goes_with_its_points_runs_agents_and_files(wb: Speaker) -> None:
    data = wb.settings.data
    sweep, other = over(wb), wb.register(GRID)
    wb.begin("r")
    put(wb, "f", b"kept")
    (run,) = wb.runs(sweep)
    named = wb.field(run["name"], 'files(names: ["f"]) { edges { node { url(upload: true) } } }')
    wb.http.put(named["edges"][0]["node"]["url"], content=b"goes")

    said = done("delete", f"local/p/{sweep}", "--data", data)

    assert said.startswith(f"local/p/{sweep} is gone, with 1 points, 1 runs; ")
    assert [path.read_bytes() for path in bytes_left(data)] == [b"kept"]
    assert rows_left(data, "sweep", "run", "trial", "agent", "entry") == [1, 1, 0, 0, 0]
    assert wb.sweep(other)["state"] == "PENDING"
    assert problems(data) == ()
    assert sweep not in wb.http.get("/local/p", headers=wb.headers).text


def test_a_project_goes_with_its_sweeps_runs_and_artifacts_and_no_other(wb: Speaker) -> None:
    data = wb.settings.data
    over(wb)
    Maker(wb).log({"a": b"goes"})
    wb.begin("r")
    put(wb, "f", b"goes too")
    wb.finish("r")
    wb.begin("r", project="other")

    said = done("delete", "local/p", "--data", data)

    assert said.startswith("local/p is gone, with 1 sweeps, 2 runs, 1 versions of artifacts; ")
    assert bytes_left(data) == []
    assert rows_left(data, "project", "sweep", "run", "artifact", "content") == [1, 0, 1, 0, 0]
    assert problems(data) == ()
    assert wb.ask(PROJECT)["project"] is None


def test_artifacts_of_a_sweeps_runs_stay_unless_they_are_to_go_too(wb: Speaker) -> None:
    first, second = over(wb), over(wb)
    for sweep in (first, second):
        (run,) = wb.runs(sweep)
        Maker(wb, sweep).log({"a": sweep.encode()}, runName=run["name"])

    done("delete", f"local/p/{first}", "--data", wb.settings.data)
    done("delete", f"local/p/{second}", "--data", wb.settings.data, "--artifacts")

    assert [path.read_bytes() for path in bytes_left(wb.settings.data)] == [first.encode()]


def test_what_is_under_way_is_not_deleted(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    run = wb.beat(wb.agent(sweep))["run_id"]

    said = refused("delete", f"local/p/{sweep}", "--data", wb.settings.data)
    of_project = refused("delete", "local/p", "--data", wb.settings.data)

    assert said == of_project
    assert said == (f"Error: sweep {sweep} is RUNNING, run {run} is pending: cancel what is under way, then delete\n")
    assert len(wb.runs(sweep)) == 1


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("local/pp", "there is no project local/pp; the nearest is local/p"),
        ("local/p/NAMEx", "local/p has no sweep NAMEx; the nearest is NAME"),
        ("p", "'p' names nothing; allowed: ENTITY/PROJECT, or ENTITY/PROJECT/SWEEP"),
    ],
)
def test_a_name_that_is_not_there_deletes_nothing(wb: Speaker, path: str, said: str) -> None:
    sweep = over(wb)

    told = refused("delete", path.replace("NAME", sweep), "--data", wb.settings.data)

    assert told == f"Error: {said.replace('NAME', sweep)}\n"
    assert rows_left(wb.settings.data, "sweep") == [1]


@pytest.mark.parametrize("kind", ["sweep", "project"])
def test_verify_finds_what_went_without_a_record(tmp_path: Path, clock: Clock, kind: str) -> None:
    data = tmp_path / "data"
    with speaking(data, clock) as wb:
        wb.register(GRID)
    with closing(sqlite3.connect(data / "sweeps.sqlite")) as connection:
        connection.executescript(f"PRAGMA foreign_keys=ON; DELETE FROM {kind}")

    assert f"{kind} number 1 is gone, and no deletion of it is recorded" in problems(data)


def test_bytes_of_which_no_row_tells_go_at_the_start_and_no_others(tmp_path: Path, clock: Clock) -> None:
    data = tmp_path / "data"
    with speaking(data, clock) as wb:
        wb.begin("r")
        put(wb, "f", b"kept")
        Maker(wb).log({"a": b"kept, too"})
    left = [data / "files" / "1" / "0123", data / "files" / "99" / "0123", data / "artifacts" / "01" / "0123"]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"left")

    with speaking(data, clock):
        until(lambda: len(bytes_left(data)) == 2)

    assert {path.read_bytes() for path in bytes_left(data)} == {b"kept", b"kept, too"}
