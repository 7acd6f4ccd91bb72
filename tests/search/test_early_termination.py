"""Early termination: W&B's decisions, each with its reason."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from search import early_termination
from search.config import SweepConfig, parse
from search.early_termination import Decision, brackets

RECORD = json.loads(Path(__file__).with_name("oracle.json").read_text())


def sweep(goal: str = "minimize", **section: Any) -> SweepConfig:
    data = {
        "method": "random",
        "parameters": {"x": {"values": [1]}},
        "metric": {"name": "m", "goal": goal},
        "early_terminate": {"type": "hyperband", **section},
    }
    return parse(yaml.safe_dump(data))


def decide(config: SweepConfig, curve: list[float], others: list[list[float]]) -> Decision | None:
    """Decides from whole curves: the others' values at the bracket that the curve has reached."""
    bracket = early_termination.reached(config, sum(map(math.isfinite, curve)))
    logged = [[value for value in other if math.isfinite(value)] for other in others]
    there = [other[bracket - 1] for other in logged if len(other) >= bracket > 0]
    return early_termination.decide(config, curve, there)


def test_brackets_grow_from_min_iter_by_eta() -> None:
    assert brackets(sweep(min_iter=3))[:4] == (3, 9, 27, 81)
    assert brackets(sweep(min_iter=2, eta=1.5))[:4] == (2, 3, 4, 6)


def test_brackets_shrink_from_max_iter_s_times_and_win_over_min_iter() -> None:
    assert brackets(sweep(max_iter=27, s=2)) == (3, 9)
    assert brackets(sweep(max_iter=27, s=9, min_iter=5)) == (1, 3, 9)


def test_a_sweep_without_early_termination_has_no_brackets_and_decides_nothing() -> None:
    config = parse("method: random\nmetric: {name: m}\nparameters: {x: {values: [1]}}")

    assert brackets(config) == ()
    assert decide(config, [1.0] * 9, []) is None


def test_nothing_is_decided_before_the_first_bracket() -> None:
    assert decide(sweep(min_iter=3), [9.0, 9.0], [[1.0] * 9]) is None


def test_a_decision_says_rank_bracket_and_rivals() -> None:
    rivals = [[1.0, 0.1], [1.0, 0.5], [1.0, 0.2], [1.0]]

    decision = decide(sweep(min_iter=2), [1.0, 0.3], rivals)

    assert decision == Decision(True, "rank 3 of 4 at epoch 2; 2 go on", 2, 3, (0.1, 0.2, 0.5), 0.2)


def test_the_best_go_on_where_more_is_better() -> None:
    decision = decide(sweep("maximize", min_iter=2), [0.0, 0.9], [[0.0, 0.7], [0.0, 0.8]])

    assert decision == Decision(False, "rank 1 of 3 at epoch 2; 2 go on", 2, 1, (0.8, 0.7), 0.8)


def test_equal_values_go_on_together() -> None:
    decision = decide(sweep(min_iter=1), [0.5], [[0.5], [0.5]])

    assert decision is not None
    assert not decision.stop
    assert decision.reason == "rank 1 of 3 at epoch 1; 3 go on"


def test_a_bracket_counts_values_of_the_metric_and_skips_nan() -> None:
    config = sweep(min_iter=2)

    assert decide(config, [1.0, float("nan")], []) is None
    assert decide(config, [1.0, float("nan"), 2.0], [[0.1, float("inf"), 0.2]]) == Decision(
        True, "rank 2 of 2 at epoch 2; 1 go on", 2, 2, (0.2,), 0.2
    )


def test_a_bracket_far_beyond_any_run_is_left_out() -> None:
    assert brackets(sweep(min_iter=2, eta=1e100)) == (2,)


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_decisions_are_those_of_wandbs_engine(goal: str) -> None:
    cases = [case for case in RECORD["stops"] if case[0] == goal]

    decided = [
        [
            position
            for position, (state, curve) in enumerate(runs)
            if state == "running" and stops(sweep(goal, **section), curve, runs[:position] + runs[position + 1 :])
        ]
        for _, section, runs, _ in cases
    ]

    assert len(cases) > 100
    assert decided == [stopped for *_, stopped in cases]


def stops(config: SweepConfig, curve: list[float], others: list[Any]) -> bool:
    decision = decide(config, curve, [history for _, history in others])
    return decision is not None and decision.stop
