"""Configs and runs that hardly anybody has: each is answered as any other."""

import pytest
import yaml

from search import bayes
from search.config import ConfigError, SweepConfig, check, parse
from search.early_termination import brackets
from search.evidence import Run
from search.fields import LARGEST_WHOLE


def config(**keys: object) -> SweepConfig:
    usual = {"method": "random", "metric": {"name": "m"}, "parameters": {"x": {"min": 0.0, "max": 1.0}}}
    return parse(yaml.safe_dump({**usual, **keys}))


def test_brackets_that_hardly_grow_are_not_counted_for_ever() -> None:
    found = brackets(config(early_terminate={"type": "hyperband", "min_iter": 5, "eta": 1.001}))

    assert found == (5,)
    assert brackets(config(early_terminate={"type": "hyperband", "min_iter": 5, "eta": 10}))[-1] <= LARGEST_WHOLE


def test_a_bayesian_search_whose_runs_all_have_values_it_cannot_draw_goes_on_as_it_began() -> None:
    bayesian = config(method="bayes")
    foreign = [Run({"y": number / 9}, "finished", (0.5,)) for number in range(9)]

    assert [bayes.suggest(bayesian, index, 0, foreign) for index in range(5)] == [
        bayes.suggest(bayesian, index, 0, []) for index in range(5)
    ]


def test_a_min_iter_that_counts_for_nothing_is_told_where_no_run_is_ever_compared() -> None:
    checked = check(
        "method: random\nmetric: {name: m}\nparameters: {x: {value: 1}}\n"
        "early_terminate: {type: hyperband, min_iter: 3, max_iter: 2, s: 1, eta: 3}"
    )

    assert [each.message for each in checked.warnings if "counts for nothing" in each.message] == [
        "`early_terminate.min_iter` is 3 and counts for nothing beside `max_iter` and `s`, by which runs are never"
        " compared; leave out `min_iter`, or `max_iter` and `s`."
    ]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (f"run_cap: 1{'0' * 101}", "cannot be read as !!int"),
        ("scheduler: {engine: optuna, trials: 5}", "unknown key `scheduler.trials`. Allowed here: engine, source"),
        ("name: {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6}", "`name` is a mapping: text is due."),
        ("name: [1, 2, 3, 4, 5, 6]", "`name` is a list: text is due."),
    ],
)
def test_a_rare_mistake_is_told_like_any_other(lines: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"method: random\nparameters: {{x: {{value: 1}}}}\n{lines}")

    assert told in str(caught.value)
