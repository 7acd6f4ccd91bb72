"""The page, the report and W&B's Api tell one story of a run's end, and add nothing to what its program logged."""

import base64
import re
import urllib.request
from typing import Any

import pytest

from app.commands.results import Reader
from terms.told import told
from tests.server.real_client import script
from tests.server.real_server import RunningServer

pytestmark = pytest.mark.slow

# Each run ends before the client would send its rows by themselves, so that they come with its end.
SWEEP_OF_SHORT_RUNS = """
import wandb
def train():
    run = wandb.init()
    for _ in range(2):
        run.log({"acc": run.config["acc"]})
    if run.config["acc"] == 0:
        raise ValueError("acc is 0")
sweep = wandb.sweep({
    "method": "grid",
    "metric": {"name": "acc", "goal": "maximize"},
    "early_terminate": {"type": "hyperband", "min_iter": 2, "eta": 2},
    "x-sweep": {"retries": 0},
    "parameters": {"acc": {"values": [0.9, 0.8, 0.1, 0]}},
}, project="truth")
wandb.agent(sweep, function=train)
print(sweep)
"""


@pytest.fixture(scope="module")
def runs(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    home = tmp_path_factory.mktemp("truth")
    said = script(server, home, SWEEP_OF_SHORT_RUNS, WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL="15")
    return list(server.api().sweep(f"local/truth/{said.split()[-1]}").runs)


def page(server: RunningServer, path: str) -> str:
    """What a page says, without its marks."""
    credentials = base64.b64encode(f"api:{server.api_key}".encode()).decode()
    request = urllib.request.Request(f"{server.url}/{path}", headers={"Authorization": f"Basic {credentials}"})
    with urllib.request.urlopen(request) as answer:
        return re.sub(r"<[^>]*>|\s+", " ", answer.read().decode())


@pytest.mark.feature("early_terminate")
def test_a_run_that_ended_before_it_could_be_stopped_is_finished_to_every_reader(
    server: RunningServer, runs: list[Any]
) -> None:
    (whole,) = [run for run in runs if run.config["acc"] == 0.1]
    (read,) = [run for run in Reader(server.api(), "/".join(whole.sweep.path)).read().runs if run.id == whole.id]

    assert (whole.state, told(whole.summary_metrics)) == ("finished", {"point": 3})
    assert (read.ending, read.cause, read.cause_kind) == ("finished", None, None)
    assert "Finished, rank 3 of 3." in page(server, f"local/truth/runs/{whole.id}")


def test_a_run_that_failed_has_one_cause_to_every_reader(server: RunningServer, runs: list[Any]) -> None:
    (failed,) = [run for run in runs if run.config["acc"] == 0]
    (read,) = [run for run in Reader(server.api(), "/".join(failed.sweep.path)).read().runs if run.id == failed.id]

    assert failed.state == "failed"
    assert told(failed.summary_metrics) == {"cause": "ValueError: acc is 0", "cause_kind": "exception", "point": 4}
    assert (read.ending, read.cause, read.cause_kind) == ("failed", "ValueError: acc is 0", "exception")
    assert [run.id for run in server.api().runs("local/truth", {"cause_kind": "exception"})] == [failed.id]
    own_page = page(server, f"local/truth/runs/{failed.id}")
    assert ("ValueError: acc is 0" in own_page, "rank 4 of" in own_page) == (True, False)
    assert "ValueError: acc is 0" in page(server, f"local/truth/sweeps/{failed.sweep.id}")


@pytest.mark.feature("summary, config in data frames")
def test_data_frames_have_the_columns_that_the_program_logged(runs: list[Any]) -> None:
    assert {name for run in runs for name in run.config} == {"acc"}
    assert {name for run in runs for name in dict(run.summary)} == {"acc", "_step", "_runtime", "_timestamp", "_wandb"}


def test_an_edit_through_the_api_neither_takes_nor_keeps_what_the_server_tells(
    server: RunningServer, runs: list[Any]
) -> None:
    (failed,) = [run for run in runs if run.config["acc"] == 0]
    before = told(failed.summary_metrics)

    failed.summary["note"] = "seen"
    failed.config["more"] = 1
    failed.update()

    again = server.api().run("/".join(failed.path))
    assert (told(again.summary_metrics), again.config["more"], again.summary["note"]) == (before, 1, "seen")
