"""The commands that a run's page gives, typed as they stand there: to make the run again, and to fetch its model."""

import html
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.config import TrialConfig
from app.values import parse_flags
from tests.app.programs import ROOT, Trained
from tests.app.test_trial import ended

pytestmark = pytest.mark.slow


@dataclass
class Typed:
    """What the commands on the page of the best run said, and the third of them, which trains by hand."""

    best: Any
    before: list[str]
    replay: tuple[int, str]
    fetch: tuple[int, str]
    train: list[str]


@pytest.fixture(scope="module")
def typed(trained: Trained, warm_environment: dict[str, str]) -> Typed:
    runs = trained.runs()
    best = max(runs, key=lambda run: run.summary["val_accuracy"])
    replay, train, fetch = lines_of(trained, best.id)
    assert [replay[1:3], fetch[1:3]] == [["-m", "app"]] * 2
    assert {ROOT / replay[0], ROOT / train[0], ROOT / fetch[0]} == {Path(sys.executable)}
    ids = sorted(run.id for run in runs)
    # It imports TensorFlow too, and so is started as a trial is.
    fetched = ended(trained.workplace.environment(**warm_environment), *fetch[1:], cwd=ROOT)
    assert "not started warm" not in fetched.stderr
    said = fetched.stdout + fetched.stderr
    return Typed(best, ids, trained.workplace.run(*replay[3:]), (fetched.returncode, said), train)


def lines_of(trained: Trained, run_id: str) -> list[list[str]]:
    """The words of each command on a run's page."""
    server = trained.server
    address = f"{server.url}/local/wandb-sweep-practice/runs/{run_id}"
    page = httpx2.get(address, auth=("api", server.api_key)).text
    panel = page.partition('id="again"')[2].partition("</section>")[0]
    return [shlex.split(html.unescape(re.sub("<[^>]*>", "", line))) for line in re.findall("<code>(.*?)</code>", panel)]


def test_a_replay_on_the_same_machine_is_identical_and_records_nothing(trained: Trained, typed: Typed) -> None:
    code, output = typed.replay

    assert code == 0, output
    assert "identical: weights " in output
    assert "not the same as then" not in output
    assert sorted(run.id for run in trained.runs()) == typed.before


def test_the_best_model_is_fetched_measured_and_told_with_the_command_that_makes_it(
    trained: Trained, typed: Typed
) -> None:
    code, output = typed.fetch

    assert code == 0, output
    model = next((trained.workplace.data / "best").glob("*/*/model.keras"))
    assert f"Model: {model}" in output
    assert model.parent.name == typed.best.id
    assert f": {typed.train[0]} -m app replay local/wandb-sweep-practice/{typed.best.id}" in output
    assert re.search(r"test_accuracy 0\.\d{6}, the same as then", output)
    assert f"Make it again: {shlex.join(typed.train)}" in output.splitlines()
    values = parse_flags(typed.train[typed.train.index("app.train") + 1 :])
    assert TrialConfig.checked(values).layer1_size == typed.best.config["layer1_size"]
