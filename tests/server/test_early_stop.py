"""Hyperband: decided on the row that reaches a bracket, told in its reply, the reason kept on the run."""

import json
import math
import random
from typing import Any

import pytest
import yaml

from search import early_termination
from search.config import parse
from search.early_termination import Decision
from server.ledger import early_stop
from tests.server.speaker import Speaker

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


def update(wb: Speaker, sweep: str, config: dict[str, Any]) -> None:
    document = "mutation ($id: ID, $c: String) { upsertSweep(input: {id: $id, config: $c}) { sweep { name } } }"
    wb.ask(document, id=wb.sweep(sweep)["id"], c=yaml.dump(config))


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


@pytest.mark.feature("early_terminate")
def test_the_reason_is_kept_and_the_point_is_settled_as_stopped(wb: Speaker) -> None:
    sweep = wb.register(SWEEP)
    bad = start_with_two_good_rivals(wb, sweep)
    wb.log(bad, 0, {"_step": 0, "acc": 0.1}, {"_step": 1, "acc": 0.2})

    wb.summarise(bad, acc=0.2, _cause="interrupted (SIGINT)")
    wb.finish(bad, 130)

    (stopped,) = wb.runs(sweep, "killed")
    assert stopped["name"] == bad
    assert wb.told(bad)["cause_kind"] == "stopped by early termination"
    assert wb.told(bad)["cause"] == "stopped early: rank 3 of 3 at epoch 2; 2 go on"
    assert wb.beat(wb.agent(sweep))["type"] == "run"


def test_of_very_many_rivals_some_are_kept_from_the_best_to_the_worst(wb: Speaker) -> None:
    values = [0.9 - number / 1000 for number in range(230)]
    sweep = wb.register(SWEEP | {"parameters": {"units": {"values": list(range(300))}}})
    agent = wb.agent(sweep)
    for value in values:
        rival = str(wb.beat(agent)["run_id"])
        wb.begin(rival, sweep)
        wb.log(rival, 0, {"_step": 0, "acc": value}, {"_step": 1, "acc": value})
        wb.summarise(rival, acc=value)
        wb.finish(rival, 0)
    bad = str(wb.beat(agent)["run_id"])
    wb.begin(bad, sweep)
    wb.log(bad, 0, {"_step": 0, "acc": 0.1}, {"_step": 1, "acc": 0.2})
    wb.finish(bad, 255)

    told = wb.told(bad)
    rivals = told["early_stop"]["rivals"]

    assert told["cause"] == "stopped early: rank 231 of 231 at epoch 2; 116 go on"
    assert len(rivals) == 200
    assert rivals == sorted(rivals, reverse=True)
    assert (rivals[0], rivals[-1]) == (values[0], values[-1])


def test_a_program_reads_the_decision_with_its_rivals_from_the_run_s_summary(wb: Speaker) -> None:
    sweep = wb.register(SWEEP)
    bad = start_with_two_good_rivals(wb, sweep)

    wb.log(bad, 0, {"_step": 0, "acc": 0.1}, {"_step": 1, "acc": 0.2})

    wb.finish(bad, 255)  # without a last word

    assert wb.told(bad) == {
        "cause": "stopped early: rank 3 of 3 at epoch 2; 2 go on",
        "cause_kind": "stopped by early termination",
        "early_stop": {"bracket": 2, "rank": 3, "value": 0.2, "rivals": [0.8, 0.8]},
        "point": 3,
    }
    assert wb.sent(bad) == {}


def test_a_run_that_ends_with_the_row_that_reaches_the_bracket_was_not_stopped(wb: Speaker) -> None:
    sweep = wb.register(SWEEP)
    whole, failing = start_with_two_good_rivals(wb, sweep), start(wb, sweep)
    rows = {"offset": 0, "content": [json.dumps({"_step": step, "acc": 0.1}) for step in range(2)]}

    replies = [
        wb.stream(run, files={"wandb-history.jsonl": rows}, complete=True, exitcode=exit_code).json()
        for run, exit_code in ((whole, 0), (failing, 1))
    ]

    assert replies == [{}, {}]
    assert [wb.field(run, "state") for run in (whole, failing)] == ["finished", "failed"]
    assert (wb.sent(whole), wb.told(whole)) == ({}, {"point": 3})
    late = start(wb, sweep)
    assert wb.log(late, 0, {"_step": 0, "acc": 0.05}, {"_step": 1, "acc": 0.05}).json() == {"stopped": True}
    assert "rank 5 of 5" in wb.told(late)["cause"]


def test_a_run_that_was_asked_to_stop_and_ran_whole_has_no_cause_of_its_end(wb: Speaker) -> None:
    sweep = wb.register(SWEEP)
    run = start_with_two_good_rivals(wb, sweep)
    assert wb.log(run, 0, {"_step": 0, "acc": 0.1}, {"_step": 1, "acc": 0.2}).json() == {"stopped": True}

    wb.stream(run, files={"wandb-summary.json": {"offset": 0, "content": ['{"acc": 0.2}']}}, complete=True, exitcode=0)

    assert wb.field(run, "state") == "finished"
    assert wb.sent(run) == {"acc": 0.2}
    assert wb.told(run).keys() == {"early_stop", "point"}
    assert wb.told(run)["early_stop"]["rank"] == 3


def test_the_run_s_page_says_what_it_would_have_needed(wb: Speaker) -> None:
    bad = start_with_two_good_rivals(wb, wb.register(SWEEP))
    wb.log(bad, 0, {"_step": 0, "acc": 0.1}, {"_step": 1, "acc": 0.2})
    wb.finish(bad, 255)

    page = wb.http.get(f"/local/p/runs/{bad}", headers=wb.headers).text

    assert "It had 0.2, and 0.8 or more was needed." in page


def test_rows_sent_again_and_values_that_are_no_number_reach_no_bracket(wb: Speaker) -> None:
    sweep = wb.register(SWEEP)
    bad = start_with_two_good_rivals(wb, sweep)
    first = [{"_step": 0, "acc": 0.1}, {"_step": 1, "acc": float("nan")}]

    assert [wb.log(bad, 0, *first).json() for _ in range(3)] == [{}] * 3
    assert wb.log(bad, 2, {"_step": 0, "acc": 0.15}).json() == {}
    assert wb.log(bad, 3, {"_step": 2, "acc": 0.1}).json() == {"stopped": True}


def test_early_termination_given_later_counts_what_was_logged_before(wb: Speaker) -> None:
    sweep = wb.register({name: value for name, value in SWEEP.items() if name != "early_terminate"})
    bad = start_with_two_good_rivals(wb, sweep)
    wb.log(bad, 0, {"_step": 0, "acc": 0.1})

    update(wb, sweep, SWEEP)

    assert wb.log(bad, 1, {"_step": 1, "acc": 0.1}).json() == {"stopped": True}


def test_rows_without_the_metric_count_for_no_bracket(wb: Speaker) -> None:
    sweep = wb.register(SWEEP)
    bad = start_with_two_good_rivals(wb, sweep)

    rows = [{"_step": 0, "acc": 0.1}, {"_step": 1, "loss": 3.0}, {"_step": 2, "loss": 3.0}]

    assert wb.log(bad, 0, *rows).json() == {}
    assert wb.log(bad, 3, {"_step": 3, "acc": 0.1}).json() == {"stopped": True}


class Judge:
    """What W&B's rule says of each row that reaches a bracket, from all histories as they are then."""

    def __init__(self, wb: Speaker, config: dict[str, Any]) -> None:
        self.wb = wb
        self.compared: dict[str, int] = {}
        self.stopped: dict[str, Decision] = {}
        self.take(config)

    def take(self, config: dict[str, Any]) -> None:
        self.config = parse(yaml.dump(config))

    def begin(self, run: str) -> None:
        self.compared.pop(run, None)
        self.stopped.pop(run, None)

    def curves(self, runs: list[str]) -> dict[str, list[float]]:
        histories = " ".join(f'_{run}: run(name: "{run}") {{ history }}' for run in runs)
        found = self.wb.ask(f'{{ project(name: "p") {{ {histories} }} }}')["project"]
        return {run: self.curve(found[f"_{run}"]["history"]) for run in runs}

    def curve(self, history: list[str]) -> list[float]:
        assert self.config.metric is not None
        values = [json.loads(row).get(self.config.metric.name) for row in history]
        return [value for value in values if value is not None and math.isfinite(value)]

    def look(self, run: str, runs: list[str]) -> None:
        curves = self.curves(runs)
        curve = curves.pop(run)
        bracket = early_termination.reached(self.config, len(curve))
        if run in self.stopped or bracket <= self.compared.get(run, 0):
            return
        self.compared[run] = bracket
        others = [other[bracket - 1] for other in curves.values() if len(other) >= bracket]
        decision = early_termination.decide(self.config, curve, others)
        if decision is not None and decision.stop:
            self.stopped[run] = decision


OFTEN = SWEEP | {"early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 1.2}}
UPDATES: list[dict[str, Any]] = [
    {"metric": {"name": "b", "goal": "minimize"}},
    {"early_terminate": {"type": "hyperband", "max_iter": 30, "s": 9, "eta": 1.3}},
    {},
]


# Each of these goes wrong where one thing is forgotten: rows that are replaced, configs, former starts.
@pytest.mark.parametrize(("seed", "most_read"), [(0, None), (2, None), (6, None), (2, 0)])
def test_decisions_are_those_that_all_histories_give(
    wb: Speaker, monkeypatch: pytest.MonkeyPatch, seed: int, most_read: int | None
) -> None:
    """Rows of any kind, sent again, over steps that stand already, by runs that start again, under other configs.

    Also where all histories count as long, so that each is read beside the work.
    """
    if most_read is not None:
        monkeypatch.setattr(early_stop, "MOST_READ", most_read)
    chance, judge = random.Random(seed), Judge(wb, OFTEN)
    sweep = wb.register(OFTEN)
    runs = [start(wb, sweep) for _ in range(6)]
    sent: dict[str, list[dict[str, Any]]] = {run: [] for run in runs}

    for turn in range(90):
        run = chance.choice(runs)
        if turn % 30 == 29:
            judge.take(OFTEN | UPDATES[turn // 30])
            update(wb, sweep, OFTEN | UPDATES[turn // 30])
        if chance.random() < 0.08 or run in judge.stopped:
            wb.begin(run, sweep, jobProgram="trial.py")
            sent[run] = []
            judge.begin(run)
        again = chance.randint(0, len(sent[run])) if chance.random() < 0.2 else len(sent[run])
        sent[run] += [row_of(chance, turn, len(sent[run]) + more) for more in range(chance.randint(1, 3))]
        told = wb.log(run, again, *sent[run][again:]).json()

        for each in [run] if most_read is None else runs:
            judge.look(each, runs)
        if most_read is not None:
            wb.look()
            told = wb.stream(run).json()
        assert told == ({"stopped": True} if run in judge.stopped else {})
        if run in judge.stopped:
            kept, decision = wb.told(run)["early_stop"], judge.stopped[run]
            assert (kept["bracket"], kept["rank"]) == (decision.bracket, decision.rank)
            assert kept["rivals"] == list(decision.rivals)


def row_of(chance: random.Random, turn: int, place: int) -> dict[str, Any]:
    step = place if chance.random() < 0.8 else chance.randint(0, place)
    values = {"acc": chance.random(), "b": chance.choice([chance.random(), float("nan")]), "c": 1.0}
    return {"_step": step, "_timestamp": turn + place / 100, **dict(chance.sample(sorted(values.items()), 2))}
