"""What is kept of histories as they are written tells the same as all their rows."""

import json
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from server.store import writes
from server.store.migrations import STEPS
from tests.server.speaker import Clock, Speaker, speaking, until

NAN, INFINITY = float("nan"), float("inf")
HISTOGRAM = {"_type": "histogram", "bins": [1, 2]}
VALUES = (1, 2.5, -3, NAN, INFINITY, True, "text", None, [1], HISTOGRAM, {"deep": 1}, {"deep": {"er": 2}})
SPECS = (
    {"keys": ["_step", "a"], "samples": 3},
    {"keys": ["a"], "minStep": 2, "maxStep": 7, "samples": 4},
    {"keys": ["c"], "samples": 3},
    {"keys": ["b.deep"]},
    {"keys": ["b.deep.er", "a"], "minStep": 1},
    {"keys": ['quoted"\\'], "maxStep": 10**40},
    {"keys": ["nowhere"]},
)
ASKED = "history(minStep: {low}, maxStep: {high}, samples: {samples})"


def stored(wb: Speaker, run: str) -> list[str]:
    """All rows of a run in the order of their steps."""
    with sqlite3.connect(wb.settings.database) as connection:
        sql = "SELECT row FROM history JOIN run ON run.id = run_id WHERE name = ? ORDER BY step, line"
        return [row for (row,) in connection.execute(sql, (run,))]


def changed(wb: Speaker, run: str, sql: str) -> None:
    with sqlite3.connect(wb.settings.database, timeout=10) as connection:
        connection.execute(sql, (run,))


def is_outlined(wb: Speaker) -> bool:
    with sqlite3.connect(wb.settings.database) as connection:
        return bool(connection.execute("SELECT text IS NOT NULL AND in_order FROM outline").fetchone()[0])


def places(count: int, most: int) -> list[int]:
    if count <= most:
        return list(range(count))
    return [count - 1] * most if most < 2 else [round(place * (count - 1) / (most - 1)) for place in range(most)]


def at(row: Any, path: str) -> Any:
    head, _, rest = path.partition(".")
    if not isinstance(row, dict):
        return None
    return row.get(path) if path in row or not rest else at(row.get(head), rest)


def strict(value: Any) -> Any:
    if (isinstance(value, float) and value in (INFINITY, -INFINITY)) or value != value:
        return str(value).replace("inf", "Infinity").replace("nan", "NaN")
    return value


def columns(
    rows: list[str], keys: list[str], samples: int = 500, minStep: int | None = None, maxStep: int | None = None
) -> Any:
    picked = []
    for row in map(json.loads, rows):
        step, values = row.get("_step"), {key: at(row, key) for key in keys}
        inside = (
            minStep is maxStep is None
            if step is None
            else (minStep or 0) <= step <= (step if maxStep is None else maxStep)
        )
        if None not in values.values() and inside:
            picked.append({key: strict(value) for key, value in values.items()})
    return [picked[place] for place in places(len(picked), samples)]


def flat(row: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, value in row.items():
        inner = isinstance(value, dict) and "_type" not in value
        found += flat(value, f"{prefix}{key}.") if inner else [(prefix + key, value)]
    return found


def keys(rows: list[str]) -> Any:
    found: dict[str, Any] = {}
    for row in map(json.loads, rows):
        for key, value in flat(row):
            kind = {bool: "boolean", int: "number", float: "number", str: "string", list: "list", type(None): "nil"}
            name = value["_type"] if isinstance(value, dict) else kind[type(value)]
            told = found.setdefault(key, {"typeCounts": {}, "monotonic": False})
            told["typeCounts"][name] = told["typeCounts"].get(name, 0) + 1
            told["previousValue"] = strict(value)
    for told in found.values():
        told["typeCounts"] = [{"type": name, "count": count} for name, count in told["typeCounts"].items()]
    steps = [step for row in rows if isinstance(step := json.loads(row).get("_step"), int)]
    return {"lastStep": max(steps, default=-1), "keys": found, "sets": []} if found else None


def assert_as_all_rows_tell(wb: Speaker, run: str) -> None:
    rows = stored(wb, run)
    stepped = [(json.loads(row).get("_step"), row) for row in rows]
    between = [row for step, row in stepped if step is not None and 2 <= step < 9]

    assert wb.field(run, "historyKeys") == keys(rows)
    assert wb.field(run, "history(samples: 4)") == [rows[place] for place in places(len(rows), 4)]
    assert wb.field(run, ASKED.format(low=2, high=9, samples=3)) == [
        between[place] for place in places(len(between), 3)
    ]
    specs = json.dumps([json.dumps(spec) for spec in SPECS])
    assert wb.field(run, f"sampledHistory(specs: {specs})") == [columns(rows, **spec) for spec in SPECS]


def row(chance: random.Random, step: int | None) -> dict[str, Any]:
    names = ("b", "c", "b.deep", 'quoted"\\', "ä")
    values = {name: chance.choice(VALUES) for name in names if chance.random() < 0.4}
    return {"a": chance.random(), **values, **({} if step is None else {"_step": step})}


def as_clients_do(chance: random.Random, log: list[dict[str, Any]]) -> tuple[int, list[dict[str, Any]]]:
    """The next lines of a run and where they go: mostly after all others, now and then again, or over others."""
    step = max((each["_step"] for each in log if "_step" in each), default=-1)
    rows = [row(chance, step + 1 + place) for place in range(chance.randint(1, 4))]
    case = chance.random()
    if case < 0.5 or not log:
        return len(log), rows
    if case < 0.6:
        return 0, log
    start = chance.randrange(len(log))
    if case < 0.75:
        return start, [*log[start:], *rows]
    if case < 0.85:
        return start, [row(chance, log[start].get("_step")), *rows]
    if case < 0.95:
        return len(log), [row(chance, step), *rows]
    return len(log) + chance.choice([0, 2]), [row(chance, None), *rows]


@pytest.mark.parametrize("seed", range(4))
def test_kept_histories_tell_what_all_their_rows_tell(wb: Speaker, seed: int) -> None:
    chance = random.Random(seed)
    wb.begin("r")
    log: list[dict[str, Any]] = []

    for _ in range(12):
        offset, rows = as_clients_do(chance, log)
        assert wb.log("r", offset, *rows).status_code == 200
        log = [*log[:offset], *({} for _ in range(offset - len(log))), *rows]
        assert_as_all_rows_tell(wb, "r")


def test_rows_that_an_answer_does_not_show_are_not_read(wb: Speaker) -> None:
    wb.begin("r")
    for first in range(0, 100, 10):
        wb.log("r", first, *({"_step": step, "loss": 1 / (step + 1)} for step in range(first, first + 10)))
    whole = keys(stored(wb, "r"))

    # What is no JSON cannot have been read.
    broken = "UPDATE history SET row = 'broken' WHERE run_id = (SELECT id FROM run WHERE name = ?)"
    changed(wb, "r", f"{broken} AND line NOT BETWEEN 50 AND 59")

    assert wb.field("r", "historyKeys") == whole
    spec = json.dumps(json.dumps({"keys": ["_step", "loss"], "minStep": 50, "maxStep": 59}))
    page = wb.field("r", f"sampledHistory(specs: [{spec}])")[0]
    assert [each["_step"] for each in page] == list(range(50, 60))


def test_an_outline_in_doubt_is_made_anew_by_the_server_itself(wb: Speaker) -> None:
    wb.begin("r")
    wb.log("r", 0, *({"_step": step, "loss": step} for step in range(5)))
    wb.log("r", 3, {"_step": 3, "loss": 7})

    until(lambda: is_outlined(wb))
    whole = keys(stored(wb, "r"))
    changed(wb, "r", "UPDATE history SET row = 'broken' WHERE run_id = (SELECT id FROM run WHERE name = ?)")
    assert wb.field("r", "historyKeys") == whole


def test_a_history_of_too_many_names_is_told_by_its_rows(wb: Speaker) -> None:
    wb.begin("r")
    for step in range(3):
        wb.log("r", step, {"_step": step, **{f"{'name' * 20}{step}.{place}": 1 for place in range(2_000)}})

    assert_as_all_rows_tell(wb, "r")


def test_histories_of_an_older_server_are_outlined_at_its_start(tmp_path: Path, clock: Clock) -> None:
    before = next(number for number, step in enumerate(STEPS) if "CREATE TABLE outline" in str(step))
    with sqlite3.connect(tmp_path / "sweeps.sqlite") as connection:
        for script in STEPS[:before]:
            connection.executescript(script if isinstance(script, str) else script(connection))
        connection.execute(f"PRAGMA user_version={before}")
        project = writes.insert(connection, "project", entity="local", name="p", created_at_s=0.0)
        at_s = dict.fromkeys(("created_at_s", "updated_at_s", "heartbeat_at_s"), 0.0)
        named = {"project_id": project, "name": "r", "state": "finished", "display_name": "r"}
        run = writes.insert(connection, "run", **named, **at_s, history_lines=5)
        for step in range(5):
            text = json.dumps({"_step": step, "loss": step})
            writes.insert(connection, "history", run_id=run, line=step, step=step, row=text)

    with speaking(tmp_path, clock) as wb:
        wb.log("r", 5, {"_step": 5, "loss": 9})
        assert_as_all_rows_tell(wb, "r")
        until(lambda: is_outlined(wb))
        wb.log("r", 6, {"_step": 6, "loss": 9})
        assert_as_all_rows_tell(wb, "r")


def test_the_console_is_paged_by_its_own_numbers(wb: Speaker) -> None:
    wb.begin("r")
    for offset, lines in ((0, ["a", "b", "c"]), (7, ["h", "i"])):
        wb.stream("r", files={"output.log": {"offset": offset, "content": lines}})

    def page(arguments: str) -> tuple[list[str], str, bool]:
        asked = f"logLines({arguments}) {{ edges {{ node {{ line }} }} pageInfo {{ endCursor hasNextPage }} }}"
        told = wb.field("r", asked)
        info = told["pageInfo"]
        return [edge["node"]["line"] for edge in told["edges"]], info["endCursor"], info["hasNextPage"]

    assert page("first: 2") == (["a", "b"], "1", True)
    assert page('first: 2, after: "1"') == (["c", "h"], "7", True)
    assert page('first: 2, after: "7"') == (["i"], "8", False)
    assert page("last: 3") == (["c", "h", "i"], "8", False)
    assert page('last: 3, first: 1, after: "2"') == (["h"], "7", True)
