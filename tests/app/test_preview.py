"""`make up DRY=1`: what would run, told without running it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.commands import preview
from search.config import parse
from search.time_left import Stretch
from tests.app.programs import Workplace
from tests.patience import HANG_S
from tests.server.real_server import RunningServer

GRID = """
The first 4 commands:
  /usr/bin/env python -I -S app/trial.py tests/app/quick_trial.py --epochs=1 --size=1
  /usr/bin/env python -I -S app/trial.py tests/app/quick_trial.py --epochs=1 --size=2
  /usr/bin/env python -I -S app/trial.py tests/app/quick_trial.py --epochs=1 --size=3
  /usr/bin/env python -I -S app/trial.py tests/app/quick_trial.py --epochs=1 --size=4
Time: unknown until a trial has run.
"""


def test_it_tells_runs_and_commands_and_leaves_nothing_behind(tmp_path: Path) -> None:
    workplace = Workplace(tmp_path)
    workplace.write_quick_sweep(size=[1, 2, 3, 4])

    code, output = workplace.run("up", "--dry-run")

    assert code == 0
    assert output.endswith(
        f"Dry run of {workplace.variables['SWEEP']}: nothing is registered, and no agent starts.\nRuns: 4.{GRID}"
    )
    assert not workplace.data.exists()


def test_from_earlier_runs_it_tells_the_time_and_registers_nothing(workplace: Workplace) -> None:
    server = RunningServer(workplace.data / "server")
    log_a_run(server, workplace)
    server.stop()
    workplace.write_quick_sweep(size=[1, 2, 3, 4, 5])

    code, output = workplace.run("up", DRY="1", AGENTS="2")

    assert code == 0
    assert re.search(r"Time: about 0:\d\d with 2 at once; a run takes \d+ s \(as the one before\)\.\n$", output)
    assert [run.sweep for run in workplace.runs()] == [None]


def test_in_containers_a_dry_run_ends_every_service_before_it_does_anything(
    workplace: Workplace, server: RunningServer
) -> None:
    project = workplace.variables["WANDB_PROJECT"] = "dry"
    workplace.write_env_file(f"WANDB_BASE_URL={server.url}\nWANDB_API_KEY={server.api_key}\n")
    workplace.write_quick_sweep(size=[1, 2])
    log_a_run(server, workplace)

    registered, agent, report = (
        workplace.run(*command, DRY="1") for command in (["register"], ["agent"], ["report", "--wait"])
    )

    assert "nothing is registered, and no agent starts.\nRuns: 2.\n" in registered[1]
    assert "with 1 at once; a run takes" in registered[1]
    assert agent[1].endswith("\nDry run: no agent starts.\n")
    assert report[1].endswith("\nDry run: there is nothing to wait for.\n")
    assert [registered[0], agent[0], report[0]] == [0, 0, 0]
    assert list(server.api().project(project).sweeps()) == []


def log_a_run(server: RunningServer, workplace: Workplace) -> None:
    """Runs no trial of a sweep, but any W&B program, in the workplace's project."""
    project = workplace.variables.get("WANDB_PROJECT", "wandb-sweep-practice")
    program = f"import wandb; wandb.init(project={project!r}).finish()"
    environment = server.env(workplace.folder)
    subprocess.run([sys.executable, "-c", program], cwd=workplace.folder, env=environment, check=True, timeout=HANG_S)


def commands(text: str) -> list[str]:
    return list(preview.lines(parse(text)))


def test_ten_commands_are_shown_at_most() -> None:
    lines = commands("method: grid\ncommand: [a, 5, '${args}']\nparameters: {x: {min: 1, max: 300}}")

    assert lines[:3] == ["Runs: 300.", "The first 10 commands:", "  a 5 --x=1"]
    assert len(lines) == 12


def test_what_a_scheduler_suggests_is_not_foretold() -> None:
    text = "method: custom\nscheduler: {engine: optuna}\nrun_cap: 9\nprogram: a.py\nparameters: {x: {min: 1, max: 300}}"

    assert commands(text) == [
        "Runs: 9.",
        "Commands: `wandb sweep-scheduler`, which you start, suggests them, by optuna.",
    ]


@pytest.mark.parametrize(("extension", "is_certain"), [("", False), ("x-sweep: {seed: 3}\n", True)])
def test_what_the_server_will_draw_itself_is_told_to_be_an_example(extension: str, is_certain: bool) -> None:
    lines = commands(
        f"method: random\nrun_cap: 2\n{extension}command: [a, '${{args}}']\nparameters: {{x: {{min: 1, max: 9}}}}"
    )

    assert lines[0] == "Runs: 2."
    assert ("as an example" in lines[1]) is not is_certain


def test_the_time_is_that_of_the_rounds_that_the_agents_take() -> None:
    earlier = [Stretch(0.0, took_s, False) for took_s in (20.0, 30.0, 40.0)]

    assert preview.expected(5, 2, earlier) == (
        "Time: about 1:30 with 2 at once; a run takes 30 s (mean of 3 earlier ones)."
    )


def test_runs_with_more_epochs_than_those_of_before_are_told_to_take_longer() -> None:
    text = "method: grid\nprogram: a.py\nparameters: {epochs: {values: [8, 16]}, size: {values: [1, 2]}}"
    earlier = [Stretch(0.0, 20.0, False, epochs=5, asked=5), Stretch(0.0, 12.0, False, epochs=3, asked=3)]

    asked = preview.epochs(parse(text))

    assert preview.expected(4, 2, earlier, asked) == (
        "Time: about 1:36 with 2 at once; a run takes 48 s (mean of 2 earlier ones, by epochs)."
    )
