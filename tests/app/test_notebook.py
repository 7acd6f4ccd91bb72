"""The tutorial: run as its reader would, by the program that saves it, and what is saved."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from notebooks.run import TUTORIAL, sources_sha256
from tests.app.programs import ROOT, MakeWorkplace, Workplace, ending, runs
from tests.server.real_server import RunningServer

SECRETS = r"token=\w|[0-9a-f]{32}|[0-9A-Za-z_-]{40}"
PATHS = r"(?<![\w./<:\-])/\w|[A-Z]:\\|file:"
COLOURS = "\x1b"
# Images in pictures are long words without a meaning.
IMAGES = r"data:image/png;base64,[\w+/=]+"


@dataclass
class Executed:
    workplace: Workplace
    code: int
    said: str
    left: dict[int, str]

    def notebook(self) -> NotebookNode:
        assert self.code == 0, self.said
        notebook: NotebookNode = nbformat.read(self.workplace.folder / "tutorial.ipynb", as_version=4)
        return notebook


@pytest.fixture(scope="module")
def executed(make_workplace: MakeWorkplace, prepared_data: Path) -> Executed:
    workplace = make_workplace("notebook")
    (workplace.data / prepared_data.name).unlink()
    (workplace.data / prepared_data.name).symlink_to(prepared_data)  # it says how many images there are
    process = subprocess.Popen(
        [sys.executable, "notebooks/run.py", str(workplace.folder / "tutorial.ipynb")],
        cwd=ROOT,
        env=workplace.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    code, said = ending(process)
    return Executed(workplace, code, said, workplace.left_running())


@pytest.fixture(scope="module")
def saved() -> NotebookNode:
    notebook: NotebookNode = nbformat.read(TUTORIAL, as_version=4)
    return notebook


def outputs(notebook: NotebookNode) -> dict[str, list[NotebookNode]]:
    return {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}


def forms(notebook: NotebookNode) -> dict[str, list[Any]]:
    """By cell, what kinds of output it has."""
    return {
        name: [(each.output_type, each.get("name"), sorted(each.get("data", {}))) for each in made]
        for name, made in outputs(notebook).items()
    }


def texts(notebook: NotebookNode) -> list[str]:
    """All that its cells have put out, images left out."""
    made = [each for outputs_ in outputs(notebook).values() for each in outputs_]
    return [
        re.sub(IMAGES, "", text) for each in made for text in [each.get("text", ""), *each.get("data", {}).values()]
    ]


@pytest.mark.slow
def test_the_tutorial_runs_to_its_end_and_leaves_nothing_running(executed: Executed) -> None:
    assert executed.code == 0, executed.said
    assert executed.left == {}


@pytest.mark.slow
@pytest.mark.feature("WandbMetricsLogger")
def test_the_server_has_as_many_finished_runs_as_the_tutorial_says(executed: Executed) -> None:
    said = re.search(r"(\d+) of (\d+) runs finished", outputs(executed.notebook())["results"][0].text)

    server = RunningServer(executed.workplace.data / "server")
    try:
        finished = [run for run in runs(server, "tutorial") if run.state == "finished"]
    finally:
        server.stop()

    assert said is not None
    assert said[1] == said[2] == str(len(finished))


@pytest.mark.slow
def test_it_chooses_the_run_with_the_best_value_and_measures_it(executed: Executed) -> None:
    made = outputs(executed.notebook())
    rows = re.findall(r"^\| (trial \d+) \| (0\.\d+)", made["results"][1].data["text/markdown"], re.MULTILINE)

    told = re.search(r"(trial \d+): epoch/val_accuracy (0\.\d{4}), test accuracy (0\.\d{4})", made["best"][0].text)

    assert told is not None
    assert told[2] == max(value for _, value in rows)
    assert (told[1], told[2]) in rows
    assert float(told[3]) > 0.5


@pytest.mark.slow
def test_the_saved_output_is_what_a_run_gives(executed: Executed, saved: NotebookNode) -> None:
    now = executed.notebook()

    assert forms(now) == forms(saved)
    assert outputs(now)["data"] == outputs(saved)["data"]


def test_the_saved_output_belongs_to_the_cells_and_is_whole(saved: NotebookNode) -> None:
    code = [cell for cell in saved.cells if cell.cell_type == "code"]

    assert saved.metadata.sources_sha256 == sources_sha256(saved), "run `make notebook` after editing it"
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [each for made in outputs(saved).values() for each in made if each.output_type == "error"]
    assert not [each for made in outputs(saved).values() for each in made if each.get("name") == "stderr"]


@pytest.mark.parametrize("unwanted", [SECRETS, PATHS, COLOURS])
def test_the_saved_output_tells_no_key_no_path_and_nothing_for_a_terminal(saved: NotebookNode, unwanted: str) -> None:
    found = [found for text in texts(saved) for found in re.findall(f".{{,40}}(?:{unwanted}).{{,40}}", text)]

    assert found == []


@pytest.mark.slow
def test_a_run_saves_no_key_of_its_server_and_no_path_of_its_folder(executed: Executed) -> None:
    saved = (executed.workplace.folder / "tutorial.ipynb").read_text()

    assert executed.code == 0, executed.said
    assert (executed.workplace.data / "server" / "api-key").read_text().strip() not in saved
    assert str(executed.workplace.folder) not in saved
    assert str(ROOT) not in saved
