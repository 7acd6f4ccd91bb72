"""What the documents say to click, to type and to open is there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from app.__main__ import main
from app.settings import VARIABLES
from tests.app.test_trial import command

ROOT = Path(__file__).parents[1]
PLACES = (".", "docs", "bundle", "deploy", "deploy/*")
DOCUMENTS = sorted(path for place in PLACES for path in ROOT.glob(f"{place}/*.md"))
# These tell what was, also of files that have gone since.
OF_NOW = [path for path in DOCUMENTS if path.name not in ("CHANGELOG.md", "decisions.md")]
ROOMS = "app|server|search|charts|docs|benchmarks|notebooks|sweeps|requirements|bundle|deploy"
# The reader's own.
EXAMPLES = {"sweeps/cnn.yaml", "sweeps/x.yaml"}


def id_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    """The names by which a page of the web shows a document's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(document: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = document.parent / name if name else document
    return target.exists() and (not anchor or anchor in anchors(target))


@pytest.mark.parametrize("document", DOCUMENTS, ids=id_of)
def test_every_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)\s]+)\)", document.read_text())

    assert [link for link in links if not leads_somewhere(document, link)] == []


@pytest.mark.parametrize("document", OF_NOW, ids=id_of)
def test_every_file_that_is_named_is_there(document: Path) -> None:
    named = re.findall(rf"(?<![\w/.-])(?:{ROOMS})/[\w/.-]*\w", document.read_text())
    files = [name for name in named if "." in name]

    assert [name for name in files if name not in EXAMPLES and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", OF_NOW, ids=id_of)
def test_every_command_can_be_typed(document: Path) -> None:
    text = document.read_text()
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    programs = re.findall(r"python -m ((?:app|benchmarks)\.\w+)", text)

    assert set(re.findall(r"(?:`|^ *)make ([a-z][\w-]*)", text, re.MULTILINE)) <= set(targets)
    assert set(re.findall(r"python -m app ([a-z]\w*)", text)) <= set(main.commands)
    assert [name for name in programs if not (ROOT / (name.replace(".", "/") + ".py")).exists()] == []


def test_the_task_for_rented_machines_asks_for_what_is_there_and_holds_no_key() -> None:
    task = yaml.safe_load((ROOT / "deploy/sky.yaml").read_text())
    typed = f"{task['setup']} {task['run']}"

    assert task["secrets"] == {"WANDB_API_KEY": None}
    assert set(task["envs"]) <= set(VARIABLES)
    assert set(re.findall(r"python -m app (\w+)", typed)) <= set(main.commands)
    assert all((ROOT / name).exists() for name in [*re.findall(r"requirements/\w+\.sh", typed), task["envs"]["SWEEP"]])


def test_decisions_stand_under_their_days_newest_first() -> None:
    days = re.findall(r"^## (.+)$", (ROOT / "docs/decisions.md").read_text(), re.MULTILINE)

    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in days)
    assert days == sorted(set(days), reverse=True)


def test_the_example_of_ones_own_model_is_a_model_and_a_sweep_over_it(
    tmp_path: Path, warm_environment: dict[str, str]
) -> None:
    for name in ("app", "charts", "search", "terms"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "sweeps").mkdir()
    blocks = re.findall(
        r"^```\w+\n# (\S+)\n(.+?)^```", (ROOT / "docs/own-model.md").read_text(), re.MULTILINE | re.DOTALL
    )
    for name, text in blocks:
        (tmp_path / name).write_text(text)

    checked = run([sys.executable, "-m", "app", "check", "sweeps/cnn.yaml"], tmp_path, PYTHONPATH=str(tmp_path))
    build = "from app import config, model; print(model.build(config.TrialConfig(filters=16)).output_shape)"
    built = run(command("-c", build), tmp_path, **warm_environment)

    assert checked.returncode == 0, checked.stdout
    assert built.stdout.splitlines()[-1:] == ["(None, 10)"], built.stderr


def run(words: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, env=os.environ | variables, capture_output=True, text=True)
