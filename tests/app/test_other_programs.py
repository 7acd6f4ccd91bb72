"""Programs and sweep files of other repositories under the unmodified client: what is odd in them runs, or is told."""

import csv
import io
from datetime import datetime
from pathlib import Path

import pytest
from rich.console import Console

from app.commands.report import files, findings
from app.commands.report.terminal import show
from app.commands.results import Reader
from tests.server.real_client import Agents, cli
from tests.server.real_server import RunningServer

# Names as Hydra wants them, a metric logged under another name, a program that dies by itself and says nothing.
PROGRAM = """
import sys, wandb
run = wandb.init()
run.log({"test_acc ": 0.5, "words": " ".join(sorted(word for word in sys.argv[1:]))})
if run.config["++model.width"] == 2:
    raise ValueError("width is 2")
run.finish()
"""
SWEEP = """
program: mine.py
command: ["${env}", python, "${program}", "${args_no_hyphens}"]
method: grid
metric: {name: test_acc, goal: maximize}
parameters:
  ++model.width: {values: [1, 2]}
  trainer/opt/init_args/lr: {distribution: q_uniform, min: 0.3, max: 0.35, q: 0.1}
x-sweep: {retries: 0}
"""


@pytest.fixture(scope="module")
def said(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `wandb sweep` says of the file."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "mine.py").write_text(PROGRAM)
    (folder / "sweep.yaml").write_text(SWEEP)
    return cli(server, folder, "sweep", "--project", "others", str(folder / "sweep.yaml"))


@pytest.fixture(scope="module")
def done(server: RunningServer, said: str, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """The sweep, once a real agent has done all of it."""
    folder = tmp_path_factory.mktemp("agent")
    (folder / "mine.py").write_text(PROGRAM)
    agents = Agents(server, folder, said.split("wandb agent ")[1].split()[0])
    assert agents.exit_codes() == [0]
    return Reader(server.api(), agents.path)


@pytest.mark.slow
def test_names_that_w_b_complains_of_are_warned_of_and_reach_the_program(
    server: RunningServer, said: str, done: Reader
) -> None:
    first = server.api().run(f"{done.path.rpartition('/')[0]}/{done.read().runs[0].id}")

    assert "`parameters.++model.width` is an unusual name" in said
    assert first.config["trainer/opt/init_args/lr"] == 0.3
    assert first.summary["words"] == "++model.width=1 trainer/opt/init_args/lr=0.3"


@pytest.mark.slow
def test_a_program_that_dies_is_told_of_by_its_exception_in_the_table_and_the_files(
    done: Reader, server: RunningServer, tmp_path: Path
) -> None:
    results = done.read()
    console = Console(file=io.StringIO(), width=200)

    page = files.write(findings.read(server.api(), results), tmp_path, datetime.now().astimezone())
    show(results, console)

    rows = list(csv.DictReader(page.with_name("results.csv").read_text().splitlines()))
    assert [row["cause"] for row in rows] == ["", "ValueError: width is 2"]
    assert "ValueError: width is 2" in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_metric_that_never_came_is_told_with_the_nearest_name(done: Reader) -> None:
    assert done.read().never_logged == (
        "No run has logged test_acc. The nearest name that was logged is 'test_acc ' (mind the blanks)."
    )
