"""Two metrics against each other: what is drawn, what is marked, and which way numbers grow."""

import re

from charts.scatter import MOST_MARKS, Quantity, Spot, scatter

LOSS, SPEED = Quantity("loss", "minimize"), Quantity("speed", "maximize")


def spot(speed: float, loss: float, on_front: bool = False, chosen: bool = True, name: str = "t") -> Spot:
    return Spot(speed, loss, name, f"/runs/{name}", on_front, chosen)


def svg(*spots: Spot, joined: bool = True) -> str:
    drawn = scatter(spots, SPEED, LOSS, joined)
    assert drawn is not None
    return drawn.svg


def marks(text: str) -> list[tuple[float, float]]:
    found = re.findall(r'class="front-mark" cx="(-?[\d.]+)%" cy="([\d.]+)"', text)
    return [(float(x), float(y)) for x, y in found]


def test_numbers_grow_upwards_and_to_the_right_whatever_the_goals_are() -> None:
    fast, small = marks(svg(spot(9.0, 0.4, True), spot(1.0, 0.2, True)))[::-1]
    assert fast[0] > small[0]
    assert fast[1] < small[1]  # pixels from the top

    drawn = scatter([Spot(0.2, 0.2, "a", "/", True), Spot(0.4, 0.4, "b", "/", True)], LOSS, LOSS)
    assert drawn is not None
    better, worse = marks(drawn.svg)
    assert better[0] < worse[0]
    assert better[1] > worse[1]
    assert "loss, lower is better" in drawn.svg


def test_the_front_is_joined_by_steps_that_leave_all_others_on_one_side() -> None:
    text = svg(spot(1.0, 0.1, True), spot(2.0, 0.2, True), spot(1.0, 0.4))
    steps = re.findall(r'class="front-line" d="M([^"]+)"', text)[0].split("L")

    places = [tuple(map(float, step.split())) for step in steps]
    assert len(places) == 3
    assert places[0][0] == places[1][0]
    assert places[1][1] == places[2][1]
    assert "front-line" not in svg(spot(1.0, 0.1, True), joined=False)
    assert "front-line" not in svg(spot(1.0, 0.1))


def test_a_run_of_the_front_is_a_link_with_its_values_and_outside_text_stays_text() -> None:
    text = svg(spot(2.0, 0.5, True, name="<b>&"))

    assert 'href="/runs/&lt;b&gt;&amp;"' in text
    assert 'aria-label="&lt;b&gt;&amp;: loss 0.5, speed 2.0"' in text
    assert "<b>" not in text


def test_what_a_filter_leaves_out_is_drawn_behind_and_not_counted() -> None:
    text = svg(spot(1.0, 0.1), spot(2.0, 0.2, chosen=False))

    assert text.index("context") < text.index("ramp-2")
    assert "loss against speed: 1 result, 0 on the Pareto front" in text


def test_the_front_is_drawn_beyond_the_usual_end_unless_it_is_far_away() -> None:
    usual = [spot(float(n), n / 10) for n in range(1, 20)]

    near = scatter([*usual, spot(50.0, 8.0, True)], SPEED, LOSS)
    far = scatter([*usual, spot(50.0, 1e6, True)], SPEED, LOSS)
    dominated = scatter([*usual, spot(-50.0, 8.0)], SPEED, LOSS)

    assert near is not None
    assert far is not None
    assert dominated is not None
    assert [drawn.out_of_scale for drawn in (near, far, dominated)] == [0, 1, 1]
    assert len(marks(near.svg)) == 1


def test_what_no_axis_can_hold_is_no_drawing() -> None:
    assert scatter([spot(1.0, 1e305), spot(float("inf"), 1.0)], SPEED, LOSS) is None
    assert scatter([], SPEED, LOSS) is None


def test_marks_are_so_many_and_no_more() -> None:
    text = svg(*(spot(float(n), n / 1000, True, name=f"t{n}") for n in range(MOST_MARKS + 50)))

    assert len(marks(text)) == MOST_MARKS
