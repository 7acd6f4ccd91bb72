"""A few of many, evenly."""


def evenly(count: int, most: int) -> list[int]:
    """Places among `count` things: all of them, or `most`, from the first to the last; the last alone if it is one."""
    if count <= most:
        return list(range(count))
    if most < 2:
        return [count - 1] * most
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]
