"""The objective of each run: W&B's imputation."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from search.evidence import Run, condensed, evidence, needs_history
from search.schema import Metric
from terms import states

RECORD = json.loads(Path(__file__).with_name("oracle.json").read_text())


def objectives(metric: Metric, *runs: Run) -> list[float]:
    return [objective for _, objective in evidence(metric, runs).results]


def run(state: Any, *history: float, summary: float | None = None) -> Run:
    return Run({"x": 0.5}, state, history, summary)


def test_a_finished_run_counts_for_the_best_it_ever_logged() -> None:
    assert objectives(Metric(name="m"), run("finished", 3, 1, 2)) == [1]
    assert objectives(Metric(name="m", goal="maximize"), run("finished", 3, 1, summary=4)) == [-4]


def test_a_failed_run_counts_for_the_worst_of_all_unless_told_otherwise() -> None:
    runs = run("finished", 1, 2), run("failed", 5, 3, 4)

    assert objectives(Metric(name="m"), *runs) == [1, 5]
    assert objectives(Metric(name="m", impute="best"), *runs) == [1, 3]
    assert objectives(Metric(name="m", impute="latest"), *runs) == [1, 4]


def test_a_running_run_is_in_flight_unless_it_is_imputed() -> None:
    runs = run("running", 2, 1), run("pending"), run("preempted", 1)

    assert evidence(Metric(name="m"), runs).in_flight == list(runs)
    assert objectives(Metric(name="m", impute_while_running="latest"), *runs) == [1]


def test_what_is_no_finite_number_is_not_logged() -> None:
    assert objectives(Metric(name="m"), run("finished", float("nan"), 2, float("-inf"))) == [2]


def test_a_run_that_logged_nothing_never_passes_for_a_perfect_one() -> None:
    for impute in ("best", "latest", "worst"):
        metric = Metric(name="m", impute=impute)
        assert objectives(metric, run("finished", 2), run("crashed")) == [2, 2]
        assert evidence(metric, [run("crashed")]).in_flight == [run("crashed")]


def test_objectives_are_those_of_wandbs_engine() -> None:
    ours = [
        objectives(Metric(name="m", **metric), *(run(state, *history, summary=last) for state, history, last in runs))
        for metric, runs, _ in RECORD["objectives"]
    ]

    assert ours == [theirs for *_, theirs in RECORD["objectives"]]


METRICS = st.builds(
    Metric,
    name=st.just("m"),
    goal=st.sampled_from(["minimize", "maximize"]),
    impute=st.sampled_from(get_args(Metric.model_fields["impute"].annotation)),
    impute_while_running=st.sampled_from(get_args(Metric.model_fields["impute_while_running"].annotation)),
)
RUNS = st.builds(
    run,
    st.sampled_from(states.RUN_STATES),
    st.floats(),
    st.floats(),
    st.floats(),
    summary=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)


@given(METRICS, st.lists(RUNS, max_size=6))
def test_three_values_of_the_runs_that_need_any_are_the_same_evidence_as_whole_histories(
    metric: Metric, runs: list[Run]
) -> None:
    def seen(of: list[Run]) -> list[float | None]:
        told = {id(each): objective for each, objective in evidence(metric, of).results}
        return [told.get(id(each)) for each in of]

    histories = [condensed(each.history) if needs_history(metric, each.state) else () for each in runs]
    short = [replace(each, history=history) for each, history in zip(runs, histories, strict=True)]

    assert seen(short) == seen(runs)
