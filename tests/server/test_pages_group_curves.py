"""Where runs are grouped, curves are of groups: a mean, a band of how far its runs lie apart, and of how many it is."""

import re
from collections.abc import Iterator
from statistics import fmean, stdev

import pytest

from tests.server.shelf import Seen, Shelf, shelf_at
from tests.server.speaker import Clock

SWEEP = "/local/p/sweeps/sweep1"
SEARCH = """
method: grid
metric: {name: score, goal: maximize}
parameters: {lr: {values: [0.1, 0.2]}, seed: {values: [1, 2, 3]}}
"""
# By rate and seed the values of three epochs; the last one ends early.
CURVES = {
    0.1: ([0.0, 0.2, 0.4], [0.1, 0.4, 0.5], [0.2, 0.3, 0.9]),
    0.2: ([0.0, 0.1, 0.2], [0.0, 0.3, 0.4], [0.3, 0.5]),
}
MOST_GROUPS = 40


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A sweep of two rates by three seeds, the same runs by hand, and a sweep of too many groups of too many runs."""
    with shelf_at(tmp_path_factory.mktemp("groups") / "data", Clock()) as shelf:
        project = shelf.project()
        sweep = shelf.sweep(project, config=SEARCH, metric_name="score", expected=6)
        for rate, curves in CURVES.items():
            for seed, values in enumerate(curves, start=1):
                params = {"lr": rate, "seed": seed}
                rows = [
                    {"epoch": epoch, "score": value, "_runtime": 10 * epoch + seed}
                    for epoch, value in enumerate(values, start=1)
                ]
                number = 3 * (rate == 0.2) + seed
                shelf.history(shelf.run(project, sweep, number, metric=values[-1], params=params), rows)
                shelf.history(shelf.run(project, params=params, summary={"score": values[-1]}), rows)
        many = shelf.sweep(project, "sweep2", config=SEARCH, metric_name="score", expected=None)
        for number in range(6 * (MOST_GROUPS + 1)):
            run = shelf.run(project, many, number, metric=number / 10, params={"lr": number // 6, "seed": number % 6})
            shelf.history(run, [{"score": 0.5}] * 60)
        yield shelf


def of_score(page: Seen, part: str = "curves") -> str:
    """The drawing of the score."""
    return page.html.split(f'id="{part}"')[1].split("</section>")[0]


def band(drawing: str, letter: str) -> list[tuple[float, float]]:
    """The lower and the upper edge of a letter's band, by epoch."""
    ends = re.search(r'data-y="(\S+) (\S+)"', drawing)
    path = re.search(rf'<path class="band tick-{letter}" d="M([^Z]+)Z"', drawing)
    assert ends
    assert path
    low, high = map(float, ends.groups())
    values = [low + (high - low) * (1 - int(place.split()[1]) / 10_000) for place in path[1].split("L")]
    half = len(values) // 2
    return list(zip(reversed(values[half:]), values[:half], strict=True))


def test_groups_are_drawn_as_their_means_which_say_of_how_many_runs(shelf: Shelf) -> None:
    page = shelf.look(f"{SWEEP}?by=p.lr")
    drawing = of_score(page)

    tips = re.findall(r'<path class="curve tick-(\w)" data-tip="([^"]+)"', drawing)
    assert sorted(tips) == [
        ("a", "lr 0.1: mean of 3 runs\n0.6000 at epoch 3"),
        ("b", "lr 0.2: mean of 3 runs, 2 to the end\n0.3000 at epoch 3"),
    ]
    assert "means of groups, those with a letter in a band from the least to the largest run" in page.text
    assert [row[0] for row in page.rows("groups")] == ["A 0.1", "B 0.2"]
    assert f"{SWEEP}?f.lr=0.1" in page.links


def test_the_band_is_from_the_least_to_the_largest_run_or_of_the_standard_error(shelf: Shelf) -> None:
    usual = band(of_score(shelf.look(f"{SWEEP}?by=p.lr")), "a")
    by_error = band(of_score(shelf.look(f"{SWEEP}?by=p.lr&spread=error")), "a")

    by_epoch = list(zip(*CURVES[0.1], strict=True))
    assert usual == [pytest.approx((min(values), max(values)), abs=1e-3) for values in by_epoch]
    errors = [stdev(values) / 3**0.5 for values in by_epoch]
    assert by_error == [
        pytest.approx((fmean(values) - error, fmean(values) + error), abs=1e-3)
        for values, error in zip(by_epoch, errors, strict=True)
    ]


def test_runs_that_logged_at_different_places_are_met_between_them(shelf: Shelf) -> None:
    drawing = of_score(shelf.look(f"{SWEEP}?by=p.lr&curve-x=_runtime"))

    assert "lr 0.1: mean of 3 runs, 1 to the end\n0.9000 at 33 s" in drawing
    # At 11 s there is one run; at 12 s it has come a tenth of the way from 0.0 to 0.2, and the second begins.
    assert band(drawing, "a")[0] == pytest.approx((0.02, 0.1), abs=1e-3)


def test_chosen_runs_come_before_groups_and_the_table_can_choose_them(shelf: Shelf) -> None:
    page = shelf.look(f"{SWEEP}?by=p.lr")
    choose = next(
        str(attrs["href"]) for tag, attrs in page.tags if tag == "a" and attrs.get("aria-label") == "Compare trial 1"
    )
    chosen = shelf.look(choose)

    assert choose == f"{SWEEP}?run=run1&by=p.lr"
    assert "mean of" not in of_score(chosen)
    assert "the chosen runs strong" in chosen.text
    assert [row[0] for row in chosen.rows("groups")] == ["0.1", "0.2"]


def test_a_project_s_groups_have_curves_too(shelf: Shelf) -> None:
    page = shelf.look("/local/p?by=config.lr&of=score")

    assert "lr 0.1: mean of 3 runs\n0.600 at epoch 3" in of_score(page, "curve-panels")
    assert len(band(of_score(page, "curve-panels"), "b")) == 3
    assert [row[0] for row in page.rows("groups")] == ["A 0.1", "B 0.2"]


def test_of_too_many_groups_the_best_are_drawn_by_some_of_their_runs_and_the_page_says_so(shelf: Shelf) -> None:
    page = shelf.look("/local/p/sweeps/sweep2?by=p.lr")
    alone = shelf.look("/local/p/sweeps/sweep2?by=p.lr&by=p.seed&f.lr=1")

    assert f"{MOST_GROUPS} of {MOST_GROUPS + 1} groups are drawn, the best" in page.text
    assert "lr 40: mean of 5 of 6 runs" in of_score(page)
    assert of_score(page).count('<path class="thin"') == MOST_GROUPS - 5
    assert of_score(page).count('<path class="band') == 5
    assert "lr 1, seed 5: 1 run" in of_score(alone)
    assert '<path class="band' not in of_score(alone)


def test_of_many_runs_in_a_group_few_values_are_read_as_of_lines_among_many(shelf: Shelf) -> None:
    drawing = of_score(shelf.look("/local/p/sweeps/sweep2?by=p.seed"))

    (line,) = re.findall(r'<path class="curve tick-a"[^>]* d="([^"]+)"', drawing)
    assert "mean of 33 of 41 runs" in drawing
    assert 30 < line.count("l") <= 40
