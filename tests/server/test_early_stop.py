"""Hyperband: decided on the row that reaches a bracket, told in its reply, the reason kept on the run."""

import json
from typing import Any

from speaker import Speaker

SWEEP: dict[str, Any] = {
    "method": "grid",
    "metric": {"name": "acc", "goal": "maximize"},
    "early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 2},
    "parameters": {"units": {"values": list(range(6))}},
}


def start(wb: Speaker, sweep: str) -> str:
    run = wb.beat(wb.agent(sweep))["run_id"]
    wb.begin(run, sweep)
    return str(run)


def start_with_two_good_rivals(wb: Speaker, sweep: str, epochs: int = 2) -> str:
    """Of three runs at a bracket, W&B's rule with eta 2 lets the best two go on."""
    for _ in range(2):
        rival = start(wb, sweep)
        for epoch in range(epochs):
            assert wb.log(rival, epoch, {"_step": epoch, "acc": 0.8}).json() == {}
    return start(wb, sweep)


def test_the_row_that_reaches_the_bracket_stops_a_bad_run_at_once(wb: Speaker) -> None:
    sweep = wb.register(SWEEP)
    bad = start_with_two_good_rivals(wb, sweep)

    before = wb.log(bad, 0, {"_step": 0, "acc": 0.1}).json()
    at_bracket = wb.log(bad, 1, {"_step": 1, "acc": 0.2}).json()

    assert before == {}
    assert at_bracket == {"stopped": True}


def test_a_good_run_goes_on_and_is_compared_again_at_the_next_bracket(wb: Speaker) -> None:
    sweep = wb.register(SWEEP)
    run = start_with_two_good_rivals(wb, sweep, epochs=4)

    at_first = wb.log(run, 0, {"_step": 0, "acc": 0.9}, {"_step": 1, "acc": 0.9}).json()
    between = wb.log(run, 2, {"_step": 2, "acc": 0.1}).json()
    at_second = wb.log(run, 3, {"_step": 3, "acc": 0.1}).json()

    assert (at_first, between, at_second) == ({}, {}, {"stopped": True})


def test_the_reason_is_kept_and_the_point_is_settled_as_stopped(wb: Speaker) -> None:
    sweep = wb.register(SWEEP)
    bad = start_with_two_good_rivals(wb, sweep)
    wb.log(bad, 0, {"_step": 0, "acc": 0.1}, {"_step": 1, "acc": 0.2})

    wb.summarise(bad, acc=0.2, cause="interrupted (SIGINT)")
    wb.finish(bad, 130)

    (stopped,) = wb.runs(sweep, "killed")
    assert stopped["name"] == bad
    assert json.loads(stopped["summaryMetrics"])["cause"] == "stopped early: rank 3 of 3 at epoch 2; 2 go on"
    assert wb.beat(wb.agent(sweep))["type"] == "run"


def test_rows_without_the_metric_count_for_no_bracket(wb: Speaker) -> None:
    sweep = wb.register(SWEEP)
    bad = start_with_two_good_rivals(wb, sweep)

    rows = [{"_step": 0, "acc": 0.1}, {"_step": 1, "loss": 3.0}, {"_step": 2, "loss": 3.0}]

    assert wb.log(bad, 0, *rows).json() == {}
    assert wb.log(bad, 3, {"_step": 3, "acc": 0.1}).json() == {"stopped": True}
