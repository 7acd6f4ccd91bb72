"""What is counted of a sweep is what its runs and points are at that moment."""

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from server.store import (
    kept_answers,
    kept_rows,
    list_queries,
    page_queries,
    queries,
    run_queries,
    sweep_queries,
    table_queries,
)
from tests.server.speaker import Clock, Speaker

SWEEP: dict[str, Any] = {
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": {"x": {"min": 0, "max": 1}},
    "run_cap": 9,
    "x-sweep": {"retries": 0},
}
BY_ROW = (queries.progress, list_queries.improvements, page_queries.best_values)
BY_NUMBER = (
    *(queries.outcomes, queries.run_states, page_queries.first_start_s, sweep_queries.retries),
    *(sweep_queries.points, sweep_queries.results, table_queries.briefs_of_sweep, run_queries.metrics),
)


def counted(wb: Speaker, anew: bool) -> list[Any]:
    def way(query: Callable[..., Any]) -> Callable[..., Any]:
        return getattr(query, "__wrapped__") if anew else query  # noqa: B009

    with sqlite3.connect(wb.settings.database) as connection:
        (sweep,) = queries.sweeps(connection)
        rows = [way(query)(connection, sweep) for query in BY_ROW]
        shifts = way(sweep_queries.shifts)(connection, sweep.id, (1, 2))
        return [*rows, *(way(query)(connection, sweep.id) for query in BY_NUMBER), shifts]


def test_counts_that_are_kept_follow_every_move_of_a_sweep(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(SWEEP)
    agent = wb.agent(sweep)
    delete = "mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }"
    rename = (
        "mutation ($id: String, $to: String) { upsertBucket(input: {id: $id, displayName: $to}) { bucket { name } } }"
    )
    update = "mutation ($id: ID, $config: String) { upsertSweep(input: {id: $id, config: $config}) { sweep { name } } }"

    moves: list[Callable[[], Any]] = [
        lambda: wb.do_trial(agent, sweep, loss=0.5),
        lambda: wb.do_trial(agent, sweep, loss=0.2),
        lambda: wb.do_trial(agent, sweep, exit_code=1),
        lambda: wb.beat(agent),
        lambda: wb.begin(wb.runs(sweep, "pending")[0]["name"], sweep),
        lambda: wb.summarise(wb.runs(sweep, "running")[0]["name"], loss=0.1),
        lambda: wb.finish(wb.runs(sweep, "running")[0]["name"]),
        lambda: wb.ask(rename, id=wb.field(wb.runs(sweep)[0]["name"], "id"), to="renamed"),
        lambda: wb.ask(delete, id=wb.field(wb.runs(sweep)[1]["name"], "id")),
        lambda: wb.ask(update, id=wb.sweep(sweep)["id"], config=json.dumps({**SWEEP, "run_cap": 20})),
        lambda: wb.set_state(sweep, "CANCELED"),
    ]
    for move in moves:
        counted(wb, anew=False)
        clock.pass_s(1)
        move()
        assert counted(wb, anew=False) == counted(wb, anew=True)


def test_of_very_many_counts_only_so_many_are_kept(wb: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_answers, "MOST_KEPT", 1)
    monkeypatch.setattr(kept_rows, "MOST_KEPT", 1)
    sweep = wb.register(SWEEP)
    wb.do_trial(wb.agent(sweep), sweep, loss=0.5)

    assert counted(wb, anew=False) == counted(wb, anew=True)
