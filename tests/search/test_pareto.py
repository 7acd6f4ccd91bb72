"""The Pareto front: held against its definition, pair by pair."""

from hypothesis import given
from hypothesis import strategies as st

from search.pareto import front
from search.schema import Metric

GOALS = st.lists(st.sampled_from(["minimize", "maximize"]), min_size=1, max_size=4)
# A few whole numbers are often equal; floats are not.
VALUE = st.integers(-2, 2).map(float) | st.floats(allow_nan=False, allow_infinity=False)


def metrics(goals: list[str]) -> list[Metric]:
    return [Metric.model_validate({"name": f"m{place}", "goal": goal}) for place, goal in enumerate(goals)]


@given(st.data(), GOALS)
def test_the_front_is_what_no_other_result_dominates(data: st.DataObject, goals: list[str]) -> None:
    results = data.draw(st.lists(st.tuples(*[VALUE] * len(goals)), max_size=25))

    def as_good(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
        pairs = zip(one, other, goals, strict=True)
        return all(a >= b if goal == "maximize" else a <= b for a, b, goal in pairs)

    def dominated(one: tuple[float, ...]) -> bool:
        return any(as_good(other, one) and not as_good(one, other) for other in results)

    assert front(results, metrics(goals)) == [place for place, one in enumerate(results) if not dominated(one)]


def test_of_one_metric_the_front_is_its_best_result() -> None:
    assert front([(1.0,), (3.0,), (2.0,), (3.0,)], metrics(["maximize"])) == [1, 3]
