"""What goes, however much that is, goes in slices: nobody who stores something waits for more than one of them."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.ledger import bin, clearing, retention
from server.ledger.clearing import SLICE
from server.refusal import RefusalError
from server.store import queries
from server.store.database import Database, reading
from server.store.rows import Run
from server.store.scope import Connection
from tests.server.speaker import GRID, Clock, Speaker, speaking

HOUR_S, DAY_S = 3600.0, 24 * 3600.0
LINES = 2 * SLICE + 10
DELETE = "mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }"


@pytest.fixture
def wb(tmp_path: Path, clock: Clock) -> Iterator[Speaker]:
    """A client of an application that looks after its database only when it is told to."""
    with speaking(tmp_path / "data", clock, tick_s=HOUR_S, keep_console_days=1) as speaker:
        yield speaker


def fill(wb: Speaker, run: str) -> None:
    """Gives a run a long console and history."""
    rows = [json.dumps({"_step": step, "_timestamp": 1.0}) for step in range(LINES)]
    files = {"output.log": [f"line {number}" for number in range(LINES)], "wandb-history.jsonl": rows}
    reply = wb.stream(run, files={name: {"offset": 0, "content": content} for name, content in files.items()})
    assert reply.status_code == 200, reply.text


def rows(wb: Speaker) -> int:
    with reading(wb.settings.database) as connection:
        return int(
            connection.execute("SELECT (SELECT count(*) FROM log) + (SELECT count(*) FROM history)").fetchone()[0]
        )


def steps(wb: Speaker, work: Callable[[Connection], bool]) -> list[int]:
    """How many rows each transaction of some work has dropped, which tells whether there is more to do."""
    dropped, more = [], True
    with closing(Database(wb.settings.database)) as database:
        while more:
            before = rows(wb)
            with database.write() as tx:
                more = work(tx)
            dropped.append(before - rows(wb))
    return dropped


def test_a_long_run_goes_for_good_in_slices_and_cannot_be_brought_back_half(wb: Speaker) -> None:
    wb.begin("r")
    wb.rank("one").log("r", 0, {"loss": 1})
    fill(wb, "r")
    wb.ask(DELETE, id=wb.field("r", "id"))
    wb.clock.freeze_s(31 * DAY_S)
    with reading(wb.settings.database) as connection:
        line = bin.due(connection, wb.clock())
    assert line is not None

    with (
        closing(Database(wb.settings.database)) as database,
        pytest.raises(RefusalError, match="deleted for good"),
        database.write() as tx,
    ):
        bin.bring_back(tx, line, wb.clock())
    dropped = steps(wb, lambda tx: bin.empty_some(tx, line, wb.clock()) is None)

    assert max(dropped) == SLICE
    assert sum(dropped) == 2 * LINES + 1
    assert rows(wb) == 0


def test_the_server_empties_what_is_due_by_itself(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    run = wb.do_trial(wb.agent(sweep), sweep)
    fill(wb, run)
    wb.ask(DELETE, id=wb.field(run, "id"))

    wb.clock.freeze_s(31 * DAY_S)
    for _ in range(20):
        wb.look()

    assert rows(wb) == 0


def test_a_long_console_is_thinned_in_slices(wb: Speaker) -> None:
    wb.begin("r")
    fill(wb, "r")
    wb.finish("r")
    with reading(wb.settings.database) as connection:
        (number,) = connection.execute("SELECT id FROM run").fetchone()

    dropped = steps(wb, lambda tx: retention.thin(tx, "log", number))
    edges = wb.field("r", "logLines(first: 1000) { edges { node { line } } }")["edges"]

    assert max(dropped) == SLICE
    assert sum(dropped) == LINES - 501
    assert [edges[place]["node"]["line"].rstrip("\n") for place in (0, 99, 101, -1)] == [
        "line 0",
        "line 99",
        f"line {LINES - 400}",
        f"line {LINES - 1}",
    ]
    assert "9,510 lines" in edges[100]["node"]["line"]


def test_a_long_former_start_makes_way_in_slices_and_keeps_its_first_lines_to_the_end(wb: Speaker) -> None:
    wb.begin("r", jobProgram="train.py")
    fill(wb, "r")
    wb.finish("r")
    wb.begin("r", jobProgram="train.py")

    with reading(wb.settings.database) as connection:
        (number,) = connection.execute("SELECT id FROM run").fetchone()

    dropped = steps(wb, lambda tx: clearing.makes_way(tx, queries.by_id(tx, Run, number)))
    replies = [wb.log("r", 0, {"_step": 0, "_timestamp": 2.0}).status_code for _ in range(2)]

    assert max(dropped) == SLICE
    assert replies == [200, 200]
    assert rows(wb) == 1
    assert (wb.field("r", "historyLineCount"), wb.field("r", "logLineCount")) == (1, 0)


def test_a_start_overwrites_a_long_former_one_with_its_first_lines(wb: Speaker) -> None:
    wb.begin("r", jobProgram="train.py")
    fill(wb, "r")
    wb.finish("r")
    wb.begin("r", jobProgram="train.py")

    reply = wb.log("r", 0, {"_step": 0, "_timestamp": 2.0})

    assert reply.status_code == 200
    assert rows(wb) == 1
    assert (wb.field("r", "historyLineCount"), wb.field("r", "logLineCount")) == (1, 0)
