"""Curves of any metric: which are drawn, in which order, by what, of which runs, and what is said of them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.store import writes
from tests.server.shelf import Seen, Shelf, shelf_at
from tests.server.speaker import Clock, Speaker

SWEEP = "/local/p/sweeps/sweep1"
RUN = "/local/p/runs/run1"
# As W&B's client writes `define_metric("train/*", step_metric="train/step")` and two more into a run's config.
DEFINED = [
    {"1": "train/step", "6": [3]},
    {"2": "train/*", "5": 1, "6": [1, 3]},
    {"1": "secret", "6": [2, 3]},
    {"1": "named", "4": "train/step"},
    {"5": 9},
    "no object",
]


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Iterator[Shelf]:
    with shelf_at(tmp_path / "data", clock) as shelf:
        yield shelf


def panels(page: Seen) -> list[str]:
    """The metrics that are drawn, in order."""
    return re.findall(r'class="curve-figure"><figcaption><b title="([^"]*)"', page.html)


def groups(page: Seen) -> list[str]:
    """The heads of the groups, with what they offer."""
    found = re.findall(r'class="curve-group">\s*<h3>(.*?)</h3>', page.html, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", head).split()) for head in found]


def drawn_by(page: Seen, metric: str) -> str:
    """The words under a metric's drawing at its end, as "epoch 3"."""
    plot = page.html.split(f'<b title="{metric}"')[1].split("</figure>")[0]
    return str(re.findall(r'class="x-label"[^>]*>([^<]*)<', plot)[-1])


def of_keras(number: int) -> dict[str, Any]:
    """A row of Keras' own callback, of a batch or of an epoch."""
    if number % 10 < 9:
        return {"batch/batch_step": number, "batch/learning_rate": 0.01, "batch/loss": 1 / (number + 1)}
    return {"epoch/epoch": number // 10, "epoch/loss": 2 / (number + 1), "epoch/val_loss": 3 / (number + 1)}


def test_a_run_s_page_draws_all_of_its_metrics_what_says_most_first(shelf: Shelf) -> None:
    shelf.history(shelf.run(shelf.project()), [of_keras(number) for number in range(100)])

    page = shelf.look(RUN)
    opened = shelf.look(next(link for link in page.links if "open=counters" in link))

    assert panels(page) == ["epoch/val_loss", "epoch/loss", "batch/loss"]
    assert groups(page) == ["epoch 2", "batch 1", "counters and constants 3 Show of counters and constants"]
    assert panels(opened)[3:] == ["batch/batch_step", "batch/learning_rate", "epoch/epoch"]
    assert RUN in opened.links


def test_of_many_metrics_the_first_are_drawn_and_the_rest_of_a_group_when_asked_for(shelf: Shelf) -> None:
    rows = [{f"a/m{metric:02}": step + metric for metric in range(20)} for step in range(3)]
    shelf.history(shelf.run(shelf.project()), rows)

    page = shelf.look(RUN)
    whole = shelf.look(f"{RUN}?open=a")

    assert (len(panels(page)), groups(page)) == (12, ["a 20 8 more of a"])
    assert (len(panels(whole)), groups(whole)) == (20, ["a 20 Fold of a"])


def test_a_metric_is_drawn_by_what_define_metric_said_unless_the_address_says_otherwise(shelf: Shelf) -> None:
    config = json.dumps({"_wandb": {"value": {"m": DEFINED}}})
    rows = [
        {
            "train/step": 10 * step,
            "train/loss": 3 - step,
            "named": step,
            "other": step,
            "secret": step,
            "lr": 0.5 - step,
        }
        for step in range(3)
    ]
    shelf.history(shelf.run(shelf.project(), config=config), [{**row, "_runtime": 60.0 * row["other"]} for row in rows])

    page = shelf.look(RUN)

    assert drawn_by(page, "train/loss") == "step 20"
    assert drawn_by(page, "named") == "step 20"
    assert drawn_by(page, "other") == "step 2"
    assert "secret" not in panels(page)
    assert "train/step" not in panels(page)
    assert drawn_by(shelf.look(f"{RUN}?curve-x=_step"), "train/loss") == "step 2"
    assert drawn_by(shelf.look(f"{RUN}?curve-x=_runtime"), "train/loss") == "2 m"
    assert drawn_by(shelf.look(f"{RUN}?curve-x=lr"), "train/loss") == "lr 0.5"
    assert "not logged beside nothing" in shelf.look(f"{RUN}?curve-x=nothing").text


def test_how_curves_are_drawn_stands_in_the_address_and_is_said(shelf: Shelf) -> None:
    shelf.history(shelf.run(shelf.project()), [{"loss": 10.0 ** -(step % 3)} for step in range(9)])

    usual, linear = shelf.look(RUN), shelf.look(f"{RUN}?curve-y=linear&smooth=0.9&nonsense=1")

    assert "data-log" in usual.html
    assert "data-log" not in linear.html
    assert "smoothed by 0.9: each value is a mean of those before it" in linear.text
    assert '<option value="linear" selected>' in linear.html
    assert "smoothed" not in shelf.look(f"{RUN}?smooth=7").text


def test_all_runs_of_a_sweep_are_thin_lines_beside_the_strong_ones(shelf: Shelf) -> None:
    project = shelf.project()
    sweep = shelf.sweep(project)
    for number in range(30):
        run = shelf.run(project, sweep, number, metric=number / 100)
        shelf.history(run, [{"val_accuracy": 0.1, "loss": 1.0}, {"val_accuracy": number / 100, "loss": 0.5}])
    shelf.history(shelf.run(project, sweep, 30, metric=0.0), [{"other": 1}, {"other": 2}])

    page = shelf.look(SWEEP)
    some = shelf.look(f"{SWEEP}?m=0.2..")

    assert panels(page) == ["loss", "other"]
    assert page.html.count('<path class="thin"') == 2 * 27 + 1
    assert some.html.count('<path class="thin"') == 2 * 7
    assert "smooth=0.5" in next(link for link in shelf.look(f"{SWEEP}?smooth=0.5").links if "sort=" in link)


def test_of_too_many_runs_some_are_drawn_evenly_by_rank_and_the_page_says_so(shelf: Shelf) -> None:
    project = shelf.project()
    sweep = shelf.sweep(project, expected=210)
    for number in range(210):
        shelf.history(shelf.run(project, sweep, number, metric=float(number)), [{"val_accuracy": float(number)}])

    page = shelf.look(SWEEP)

    assert "63 of 210 runs are drawn, evenly by rank" in page.text
    ends = [float(text) for text in re.findall(r'class="thin" data-run="\w+" data-tip="trial \d+\n([\d.]+)', page.html)]
    assert len(ends) == 60
    assert (min(ends), max(ends)) == (0, 206)


def test_a_project_s_page_draws_its_runs_and_tells_the_chosen_ones_apart(shelf: Shelf) -> None:
    project = shelf.project()
    for number in range(6):
        shelf.history(shelf.run(project), [{"val/loss": number + 1.0}, {"val/loss": number + 0.5}])

    page = shelf.look("/local/p")
    (choose,) = [attrs["href"] for _, attrs in page.tags if attrs.get("aria-label") == "Compare trial 2"]
    chosen = shelf.look(str(choose))

    assert panels(page) == ["val/loss"]
    assert page.html.count('<path class="thin"') == 6
    assert choose == "/local/p?run=run2"
    assert re.findall(r'<path class="(?:thin|curve[^"]*)"', chosen.html).count('<path class="curve tick-a"') == 1
    assert chosen.html.count('<path class="thin"') == 5
    assert "/local/p" in chosen.links


def test_what_is_logged_seldom_is_drawn_of_a_long_history_too_and_a_longer_one_anew(wb: Speaker) -> None:
    def rows(first: int, end: int) -> list[dict[str, Any]]:
        return [{"_step": step, **of_keras(step)} for step in range(first, end)]

    wb.begin("long")
    wb.log("long", 0, *rows(0, 4000))
    before = seen(wb)
    wb.log("long", 4000, *rows(4000, 5000))
    after = seen(wb)

    for page, last in ((before, 399), (after, 499)):
        assert drawn_by(page, "epoch/val_loss") == f"epoch {last}"
        line = page.html.split('<b title="epoch/val_loss"')[1].split(' d="')[1].split('"')[0]
        assert line.count("l") == 299


def test_a_live_line_among_many_follows_its_run_not_at_once_and_one_that_is_told_apart_does(
    shelf: Shelf, clock: Clock
) -> None:
    project = shelf.project()
    run = shelf.run(project, state="running", heartbeat_at_s=clock())
    shelf.history(run, [{"loss": 3.0}, {"loss": 2.0}])
    assert ends(shelf.look("/local/p")) == [2.0]

    hear(shelf, run, clock() + 1)
    soon, strong = ends(shelf.look("/local/p")), ends(shelf.look(RUN))
    hear(shelf, run, clock() + 11)

    assert (soon, strong, ends(shelf.look("/local/p"))) == ([2.0], [1.0], [1.0])


def hear(shelf: Shelf, run: int, at_s: float) -> None:
    """A third row of a run, or the news that it still runs."""
    shelf.history(run, [{"loss": 3.0}, {"loss": 2.0}, {"loss": 1.0}])
    with shelf.database.write() as tx:
        writes.update(tx, "run", run, heartbeat_at_s=at_s)


def ends(page: Seen) -> list[float]:
    """The last values of all lines."""
    return [float(text) for text in re.findall(r' data-run="\w+" data-tip="[^\n]*\n([\d.]+) at', page.html)]


def seen(wb: Speaker) -> Seen:
    return Seen(wb.http.get("/local/p/runs/long", headers=wb.headers).text)
