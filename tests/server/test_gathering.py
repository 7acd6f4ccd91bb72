"""Small writes share a transaction: each is answered when it is stored, and one that fails takes no other with it."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from server.store import queries
from server.store.database import Database
from server.store.scope import EVERYTHING, Scope, asked_by
from server.store.writes import insert
from tests.server.speaker import GRID, Speaker, until

USER = Scope(who="ann", entities=frozenset(("ann",)), may_write=True)


@contextmanager
def held(wb: Speaker) -> Iterator[None]:
    """Another process has the lock for writing, as a backup has."""
    other = sqlite3.connect(wb.settings.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


def at_once(wb: Speaker, requests: list[Callable[[], Any]]) -> list[Any]:
    """The replies to requests that wait for the lock together."""
    replies: dict[int, Any] = {}

    def send(number: int) -> None:
        replies[number] = requests[number]()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(requests))]
    with held(wb):
        for thread in threads:
            thread.start()
        until(lambda: threading.active_count() >= len(threads))
    for thread in threads:
        thread.join()
    return [replies[number] for number in range(len(requests))]


def row(wb: Speaker, run: str, step: int) -> Callable[[], Any]:
    content = {"files": {"wandb-history.jsonl": {"offset": 0, "content": [json.dumps({"_step": step})]}}}
    return lambda: wb.http.post(f"/files/local/p/{run}/file_stream", json=content, headers=wb.headers).status_code


def test_of_requests_that_wait_together_only_the_wrong_ones_fail(wb: Speaker) -> None:
    for run in ("a", "b", "c"):
        wb.begin(run)

    statuses = at_once(
        wb, [row(wb, "a", 1), row(wb, "gone", 1), row(wb, "b", 2), row(wb, "nowhere", 1), row(wb, "c", 3)]
    )

    assert statuses == [200, 404, 200, 404, 200]
    kept = [[json.loads(line) for line in wb.field(run, "history(samples: 9)")] for run in ("a", "b", "c")]
    assert kept == [[{"_step": 1}], [{"_step": 2}], [{"_step": 3}]]


def test_agents_that_ask_at_once_get_a_point_each(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agents = [wb.agent(sweep) for _ in range(4)]
    wb.beat(agents[3], "known")  # a document that was carried out before

    commands = at_once(wb, [lambda agent=agent: wb.beat(agent) for agent in agents])  # type: ignore[misc]

    handed = [command["args"]["units"]["value"] for command in commands if command]
    assert sorted(handed) == [8, 16, 32]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "sweeps.sqlite")
    yield opened
    opened.close()


def add(database: Database, entity: str, name: str) -> None:
    with database.write() as tx:
        insert(tx, "project", entity=entity, name=name, created_at_s=0.0)


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return sorted(project.name for project in queries.projects(connection))


def test_nothing_is_seen_before_all_of_it_is_stored(database: Database) -> None:
    with database.together():
        add(database, "ann", "first")
        add(database, "bob", "second")
        before, changes = names(database), database.changes

    assert (before, changes) == ([], 0)
    assert (names(database), database.changes) == (["first", "second"], 2)


def test_what_goes_with_a_lost_transaction_is_told_to_all_of_it(database: Database) -> None:
    def lose() -> None:
        with database.together():
            add(database, "ann", "first")
            with pytest.raises(sqlite3.Error), database.write() as tx:
                tx.execute("INSERT OR ROLLBACK INTO main.project SELECT * FROM project")
            with pytest.raises(sqlite3.Error, match="UNIQUE"):
                add(database, "ann", "third")

    with pytest.raises(sqlite3.Error, match="UNIQUE"):
        lose()

    assert (names(database), database.changes) == ([], 0)
    add(database, "ann", "after")
    assert names(database) == ["after"]


def test_a_lost_transaction_leaves_nobody_the_rows_of_others(database: Database) -> None:
    def lose() -> None:
        with database.together():
            with asked_by(EVERYTHING):
                add(database, "bob", "hidden")
            with asked_by(USER):
                add(database, "ann", "own")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        lose()

    with asked_by(USER), database.write() as tx:
        seen = [project.name for project in queries.projects(tx)]
    assert seen == []


def test_who_writes_alone_gets_its_turn_beside_who_gathers_without_end(database: Database) -> None:
    ended = threading.Event()

    def gather() -> None:
        while not ended.is_set():
            with database.together():
                add(database, "ann", f"p{database.changes}")

    thread = threading.Thread(target=gather)
    thread.start()
    try:
        until(lambda: database.changes > 0)
        for number in range(5):
            add(database, "bob", f"own{number}")
    finally:
        ended.set()
        thread.join()

    assert [name for name in names(database) if name.startswith("own")] == [f"own{number}" for number in range(5)]


def test_a_large_request_is_stored_in_slices_with_its_end_last(wb: Speaker) -> None:
    wb.begin("r")
    rows = [json.dumps({"_step": step}) for step in range(2_500)]
    files = {
        "wandb-history.jsonl": {"offset": 0, "content": rows},
        "wandb-events.jsonl": {"offset": 0, "content": [json.dumps({"cpu": step}) for step in range(1_200)]},
        "wandb-summary.json": {"offset": 0, "content": ['{"loss": 1}']},
        "output.log": {"offset": 0, "content": [f"line {number}" for number in range(2_001)]},
    }

    assert wb.stream("r", files=files, complete=True, exitcode=0).status_code == 200

    counts = [wb.field("r", name) for name in ("historyLineCount", "eventsLineCount", "logLineCount")]
    assert (counts, wb.field("r", "state"), wb.sent("r")) == ([2_500, 1_200, 2_001], "finished", {"loss": 1})
    last = wb.field("r", "history(minStep: 2498, maxStep: 2500)")
    assert [json.loads(row) for row in last] == [{"_step": 2_498}, {"_step": 2_499}]
