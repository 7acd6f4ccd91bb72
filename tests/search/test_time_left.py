"""How long sweeps still take, asked at many moments of recorded ones (`python -m benchmarks.recorded_sweep`)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from search.time_left import Stretch, seconds_left

RECORDED = Path(__file__).parent / "recorded"
# It is told in whole minutes.
ROUNDING_S = 30.0
# Its run ends after 1 epoch or 27: which, of the last runs, nobody knows before. Half of a whole run.
HALF_A_RUN_S = {"hyperband_waiting": 58.0}


def moments(name: str, times: int = 100) -> Iterator[tuple[float, float, float | None]]:
    """Moments of a sweep's second half: when, how long it took from then, and how long the formula says."""
    recorded = json.loads((RECORDED / f"{name}.json").read_text())
    end_s = max(run["end_s"] for run in recorded["runs"])
    for time in range(times // 2, times):
        now_s = end_s * time / times
        begun = [run for run in recorded["runs"] if run["begin_s"] <= now_s]
        to_come = recorded["runs"][len(begun) :]
        # What the runs to come are asked for, a server knows of a grid and a random search, whoever asks of none.
        asked = [run["asked"] for run in to_come] if name.startswith(("grid", "random")) else []
        runs = [stretch(run, now_s) for run in begun]
        yield now_s, end_s - now_s, seconds_left(runs, len(to_come), recorded["agents"], asked=asked)


def stretch(run: dict[str, Any], now_s: float) -> Stretch:
    done, first_s = sum(at_s <= now_s for at_s in run["epochs_s"]), run["epochs_s"][0]
    seen = (first_s, 1) if done else (None, 0)
    return Stretch(run["begin_s"], min(run["end_s"], now_s), now_s < run["end_s"], done or None, run["asked"], *seen)


@pytest.mark.parametrize("name", [path.stem for path in sorted(RECORDED.glob("*.json"))])
def test_in_the_second_half_of_a_recorded_sweep_the_time_left_is_off_by_a_third_at_most(name: str) -> None:
    off = [
        (round(now_s), round(left_s), told_s)
        for now_s, left_s, told_s in moments(name)
        if told_s is None or abs(told_s - left_s) > max(left_s / 3, HALF_A_RUN_S.get(name, ROUNDING_S))
    ]

    assert off == []


def test_without_a_run_that_has_ended_nothing_is_told() -> None:
    running = Stretch(0, 10, under_way=True, epochs=1, asked=2)

    assert seconds_left([running], 3, 1, least_ended=1) is None
    assert seconds_left([Stretch(0, 10, under_way=False)], 3, 1) is None


def test_nobody_at_work_and_runs_that_wait_are_no_time_at_all() -> None:
    ended = [Stretch(n, n + 1, under_way=False) for n in range(3)]

    assert seconds_left(ended, 3, 0) is None
    assert seconds_left(ended, 0, 0) == 0.0


def test_a_run_goes_as_far_as_those_that_came_so_far() -> None:
    stopped = [Stretch(0, 30, under_way=False, epochs=3, asked=10) for _ in range(3)]
    whole = Stretch(0, 100, under_way=False, epochs=10, asked=10)
    early, late = (Stretch(0, epochs * 10, under_way=True, epochs=epochs, asked=10) for epochs in (2, 5))

    # Of four that came past the second epoch three went on for one, and one for eight.
    assert seconds_left([*stopped, whole, early], 0, 1) == pytest.approx(27.5)
    assert seconds_left([*stopped, whole, late], 0, 1) == pytest.approx(50.0)


def test_a_run_that_tells_of_no_epochs_goes_on_for_as_long_as_those_that_took_longer() -> None:
    ended = [Stretch(0, took_s, under_way=False) for took_s in (10, 40, 60)]

    assert seconds_left([*ended, Stretch(60, 80, under_way=True)], 0, 1) == pytest.approx(30.0)
    assert 0 < (seconds_left([*ended, Stretch(60, 160, under_way=True)], 0, 1) or 0) < 60


def test_a_first_epoch_is_judged_by_the_runs_before_not_by_its_start() -> None:
    ended = [Stretch(0, 30, under_way=False, epochs=10, asked=10) for _ in range(3)]
    silent = Stretch(30, 40, under_way=True, epochs=None, asked=10)
    first = Stretch(30, 40, under_way=True, epochs=1, asked=10)

    assert seconds_left([*ended, silent], 0, 1) == pytest.approx(20.0)
    assert seconds_left([*ended, first], 0, 1) == pytest.approx(27.0)


def test_a_run_that_was_seen_to_count_goes_on_at_its_own_pace_without_its_start() -> None:
    ended = [Stretch(0, 120, under_way=False, epochs=10, asked=10) for _ in range(3)]
    slow = Stretch(120, 200, under_way=True, epochs=4, asked=10, first_s=130, first_epochs=1)

    # Its own pace, 20 s an epoch from the second on, counts for three quarters, that of the others for one.
    assert seconds_left([*ended, slow], 0, 1) == pytest.approx(0.75 * 6 * 20 + 0.25 * 40)


def test_however_long_a_run_took_to_start_its_epochs_are_still_to_do() -> None:
    ended = [Stretch(0, 30, under_way=False, epochs=10, asked=10, first_s=12, first_epochs=1) for _ in range(3)]
    late = Stretch(0, 60, under_way=True, asked=10)

    # Ten of two seconds each, as those before it have done from their first one on.
    assert seconds_left([*ended, late], 0, 1) == pytest.approx(20.0)


def test_runs_to_come_that_are_asked_for_as_much_as_all_others_are_alike() -> None:
    ended = [Stretch(0, epochs * 10, under_way=False, epochs=epochs, asked=10) for epochs in (3, 3, 6, 10)]
    one_for_less = Stretch(0, 30, under_way=False, epochs=3, asked=3)

    assert seconds_left(ended, 2, 2) == pytest.approx(55)
    assert seconds_left([*ended, one_for_less], 2, 2, asked=[10, 3]) == pytest.approx(64)
    assert seconds_left([*ended, one_for_less], 2, 2) == pytest.approx(60)


def test_where_others_tell_of_no_epochs_a_run_takes_as_long_as_they_at_first_and_then_what_it_needs_itself() -> None:
    ended = [Stretch(0, 30, under_way=False) for _ in range(3)]

    assert seconds_left([*ended, Stretch(30, 50, under_way=True, epochs=0, asked=10)], 0, 1) == pytest.approx(10.0)
    assert seconds_left([*ended, Stretch(30, 50, under_way=True, epochs=5, asked=10)], 0, 1) == pytest.approx(15.0)


def test_start_ups_and_epochs_are_told_apart_by_runs_of_unequal_length() -> None:
    ended = [Stretch(0, 30 + epochs, under_way=False, epochs=epochs, asked=epochs) for epochs in (5, 10, 60)]
    silent = Stretch(0, 10, under_way=True, epochs=0, asked=20)

    assert seconds_left([*ended, silent], 0, 1) == pytest.approx(30 + 20 - 10)


def test_short_runs_that_were_slow_and_long_ones_that_were_quick_tell_no_pace_by_epochs() -> None:
    ended = [Stretch(0, 60 - epochs, under_way=False, epochs=epochs, asked=epochs) for epochs in (10, 20, 30)]
    waits = Stretch(0, 10, under_way=True, epochs=0, asked=20)
    quick = [Stretch(0, 2 * epochs - 5, under_way=False, epochs=epochs, asked=epochs) for epochs in (10, 20, 30)]

    assert seconds_left([*ended, waits], 0, 1) == pytest.approx(40 - 10)
    assert seconds_left([*quick, waits], 0, 1) == pytest.approx(20 * 105 / 60 - 10)


def test_the_pause_that_an_agent_makes_between_two_runs_counts() -> None:
    ended = [Stretch(begin_s, begin_s + 50, under_way=False) for begin_s in (0, 60, 120)]

    assert seconds_left([*ended, Stretch(180, 205, under_way=True)], 2, 1) == pytest.approx(25 + 2 * (10 + 50))


def test_runs_to_come_take_as_long_as_the_epochs_that_they_are_asked_for() -> None:
    ended = [Stretch(0, 10 + epochs, under_way=False, epochs=epochs, asked=epochs) for epochs in (10, 20, 30)]

    assert seconds_left(ended, 2, 1, asked=(40, 50)) == pytest.approx(50 + 60)
    assert seconds_left(ended, 3, 1, asked=(40, 50)) == pytest.approx(30 + 40 + 20, abs=10)


def test_thousands_that_wait_take_as_many_rounds_as_there_are() -> None:
    ended = [Stretch(0, 50, under_way=False) for _ in range(3)]

    assert seconds_left(ended, 1_000_000, 10) == pytest.approx(5_000_000)
