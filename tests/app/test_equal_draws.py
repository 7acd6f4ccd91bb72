"""A random search may draw the same values twice: these are two points, and each is counted for itself."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from terms.told import told
from tests.app.programs import MakeWorkplace

pytestmark = pytest.mark.slow

# Draws 2, 2, 1, 1: the point that fails has a twin.
SEED = 0

TRIAL = """
import sys, wandb
run = wandb.init()
run.log({"val_accuracy": 0.5})
if run.name.startswith("trial 1"):
    run.summary["_cause"] = "ValueError: no luck"
    run.finish(exit_code=1)
    sys.exit(1)
"""


@dataclass
class Counted:
    """A sweep of four points of which the first failed three times, and what was said of it."""

    code: int
    output: str
    runs: list[Any]
    folder: Path


@pytest.fixture(scope="module")
def counted(make_workplace: MakeWorkplace, warm_environment: dict[str, str]) -> Counted:
    place = make_workplace("equal-draws")
    (place.folder / "trial.py").write_text(TRIAL)
    place.write_sweep(
        [str(place.folder / "trial.py")],
        {"a": {"values": [1, 2]}},
        method="random",
        run_cap=4,
        **{"x-sweep": {"seed": SEED}},
    )
    code, output = place.run("up", AGENTS="2", WARM_SOCKET=warm_environment["WARM_SOCKET"])
    (folder,) = (place.data / "reports").iterdir()
    return Counted(code, output, place.runs(), folder)


def test_a_point_that_failed_is_told_with_its_cause_though_its_twin_finished(counted: Counted) -> None:
    values = {told(run.summary_metrics)["point"]: run.config["a"] for run in counted.runs}
    lines = counted.output.splitlines()

    assert values[1] in [value for point, value in values.items() if point != 1]
    assert counted.code == 1
    assert lines[-1] == "3 of 4 runs finished, 1 failed (exception)"
    assert f"trial 1 attempt 3 failed (a={values[1]}): ValueError: no luck" in lines


def test_any_program_can_tell_which_attempts_are_of_one_point(counted: Counted) -> None:
    points = sorted((told(run.summary_metrics)["point"], run.state) for run in counted.runs)

    assert points == [(1, "failed")] * 3 + [(2, "finished"), (3, "finished"), (4, "finished")]


def test_the_reports_files_tell_the_points_and_the_failure(counted: Counted) -> None:
    document = json.loads((counted.folder / "results.json").read_text())
    with (counted.folder / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    page = (counted.folder / "report.html").read_text()

    assert sorted(run["point"] for run in document["runs"]) == [1, 1, 1, 2, 3, 4]
    assert sorted(row["point"] for row in rows) == ["1", "1", "1", "2", "3", "4"]
    assert "1 run failed." in page
    assert page.count("ValueError: no luck") == 1
