"""A few of many, evenly."""


def evenly(count: int, most: int) -> list[int]:
    """Places among `count` things: all of them, or `most`, at least two, from the first to the last."""
    if count <= most:
        return list(range(count))
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]
