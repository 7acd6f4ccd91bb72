"""Results of several metrics: which of them are the best in the only sense that there is."""

from collections.abc import Sequence

from search.schema import Metric

Values = tuple[float, ...]


def front(results: Sequence[Values], metrics: Sequence[Metric]) -> list[int]:
    """The places of the results that no other one dominates: is as good in every metric and better in one.

    Args:
        results: a value for each metric, each finite.
        metrics: with their goals, in the order of the values.

    Returns:
        Places in `results`, in its order; equal results are all there, or none of them.
    """
    signs = [-1.0 if metric.goal == "maximize" else 1.0 for metric in metrics]
    costs = [tuple(sign * value for sign, value in zip(signs, result, strict=True)) for result in results]
    kept: list[int] = []
    # In this order whatever dominates a result stands before it, and so does one of the front that does.
    for place in sorted(range(len(costs)), key=costs.__getitem__):
        if not any(_dominates(costs[other], costs[place]) for other in kept):
            kept.append(place)
    return sorted(kept)


def _dominates(one: Values, other: Values) -> bool:
    return one != other and all(mine <= theirs for mine, theirs in zip(one, other, strict=True))
