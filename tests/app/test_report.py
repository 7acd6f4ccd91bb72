"""The report of a real sweep: its files are written by `up` and by `report`, and hold what the server holds."""

import csv
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.app.programs import MakeWorkplace, Workplace
from tests.server.real_server import RunningServer

pytestmark = pytest.mark.slow

NASTY = "=<script>"
FORMULAS = {"equals": "=1+2", "plus": "+1+2", "minus": "-1+2", "at": "@SUM(1)", "tab": "\t=1"}
RETURNS = {"first": "\r=1", "inside": "a\r=1"}
NUMBERS = {"below": -5, "text": "-5.5", "power": "+1e3"}


@dataclass
class Reported:
    """A sweep of four points that is done, one of which failed, and what was said at its end."""

    workplace: Workplace
    code: int
    output: str

    @property
    def folder(self) -> Path:
        (folder,) = (self.workplace.data / "reports").iterdir()
        return folder

    def rows(self) -> list[dict[str, str]]:
        with (self.folder / "results.csv").open(newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def reported(make_workplace: MakeWorkplace, warm_environment: dict[str, str]) -> Reported:
    place = make_workplace("reported")
    # The program takes whole numbers only, and says what it was given.
    fixed = {name: {"value": value} for name, value in {**FORMULAS, **RETURNS, **NUMBERS}.items()}
    place.write_sweep(["tests/app/quick_trial.py"], {"epochs": {"values": [1, 2, 3, NASTY]}, **fixed}, name="quick")
    return Reported(place, *place.run("up", AGENTS="2", WARM_SOCKET=warm_environment["WARM_SOCKET"]))


@pytest.fixture(scope="module")
def server(reported: Reported) -> Iterator[RunningServer]:
    running = RunningServer(reported.workplace.data / "server")
    yield running
    running.stop()


def test_up_ends_with_the_files_and_says_where_they_are(reported: Reported) -> None:
    assert reported.code == 1, reported.output
    assert reported.output.splitlines()[-2] == f"Report: {reported.folder / 'report.html'}"
    assert re.fullmatch(r"quick-\w+-\w+", reported.folder.name)


def test_the_page_tells_the_best_run_its_curves_and_why_the_other_failed(reported: Reported) -> None:
    text = (reported.folder / "report.html").read_text()

    assert '<p class="number">0.7500</p>' in text
    assert text.count('class="curve tick-') == 3
    assert "epoch 3</text>" in text
    assert "&lt;script&gt;" in text
    assert "<script" not in text


def test_csv_and_json_hold_every_run(reported: Reported) -> None:
    rows = reported.rows()
    document = json.loads((reported.folder / "results.json").read_text())

    finished = {row["epochs"]: float(row["val_accuracy"]) for row in rows if row["state"] == "finished"}
    assert finished == {str(epochs): pytest.approx(1 - 1 / (1 + epochs)) for epochs in range(1, 4)}
    assert {row["epochs"] for row in rows if row["state"] == "failed"} == {f"'{NASTY}"}
    assert len(document["runs"]) == len(rows)
    assert document["too_few_runs"] == {"runs": 3, "needed": 10}


def test_no_cell_of_the_csv_is_a_formula_and_numbers_stay_numbers(reported: Reported) -> None:
    rows = reported.rows()

    assert len(rows) > 1
    for row in rows:
        assert {name: row[name] for name in FORMULAS} == {name: f"'{text}" for name, text in FORMULAS.items()}
        assert {name: row[name] for name in RETURNS} == {"first": "'\n=1", "inside": "a\n=1"}
        assert {name: row[name] for name in NUMBERS} == {name: str(number) for name, number in NUMBERS.items()}


def test_report_writes_them_again_also_for_a_sweep_that_is_named(reported: Reported, server: RunningServer) -> None:
    shutil.rmtree(reported.workplace.data / "reports")

    (code, output), as_users_start_it = (reported.workplace.run("report", plain=plain) for plain in (False, True))

    named = reported.workplace.run("report", reported.folder.name.rpartition("-")[2], SWEEP="sweeps/none.yaml")

    assert (code, output) == as_users_start_it == named
    assert code == 1
    assert output.splitlines()[-2] == f"Report: {reported.folder / 'report.html'}"
    assert output.splitlines()[-1].startswith("3 of 4 runs finished, 1 failed")
    assert len(list(reported.folder.iterdir())) == 3


def test_files_that_cannot_be_written_cost_a_line_and_not_the_table(reported: Reported, server: RunningServer) -> None:
    shutil.rmtree(reported.workplace.data / "reports")
    (reported.workplace.data / "reports").write_text("no folder")

    code, output = reported.workplace.run("report")

    assert code == 1
    assert re.search(r"^Report: not written: .*reports", output, re.MULTILINE)
    assert "0.7500" in output
    assert "Traceback" not in output
