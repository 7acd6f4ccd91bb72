"""Names that are cut fit, and are still told apart."""

import pytest

from charts.labels import distinct


@pytest.mark.parametrize("length", [5, 8, 18])
def test_no_two_names_read_the_same_and_none_is_too_long(length: int) -> None:
    names = ["layer1_units", "layer1_activation", "layer2_units", "layer2_activation", "lr", "a" * 30 + "b", "a" * 30]

    cut = distinct(names, length)

    assert len(set(cut)) == len(names)
    assert max(map(len, cut)) <= length
    assert "lr" in cut


def test_names_that_fit_are_left_as_they_are() -> None:
    assert distinct(["learning_rate", "units"], 18) == ["learning_rate", "units"]
    assert distinct(["learning_rate", "units"], 8) == ["learnin…", "units"]
    assert distinct(["layer1_units", "layer1_dropout"], 8) == ["…1_units", "…dropout"]
