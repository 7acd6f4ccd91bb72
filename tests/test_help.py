"""Every program says what it is for, to `-h` as to `--help`, and nothing else."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from app.__main__ import main as app
from server.__main__ import main as server

ROOT = Path(__file__).parents[1]
SCRIPTS = ("app/trial.py", "deploy/vm/render.py", "deploy/vm/spot.py", "deploy/vm/run.sh", "bundle/make.sh")


def commands(group: click.Group, *words: str) -> list[list[str]]:
    """The words of the group and of all that is in it."""
    found = [list(words)]
    for name, each in group.commands.items():
        found += commands(each, *words, name) if isinstance(each, click.Group) else [[*words, name]]
    return found


@pytest.mark.parametrize("group", [app, server], ids=["app", "server"])
def test_every_command_says_how_it_is_used(group: click.Group) -> None:
    for words in commands(group):
        long, short = (CliRunner().invoke(group, [*words, option]) for option in ("--help", "-h"))

        assert (long.exit_code, short.exit_code) == (0, 0), words
        assert long.stdout.startswith("Usage: ")
        assert (short.stdout, short.stderr, long.stderr) == (long.stdout, "", ""), words


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_says_what_it_is_for(script: str) -> None:
    program = [sys.executable] if script.endswith(".py") else ["bash"]

    for option in ("--help", "-h"):
        done = subprocess.run([*program, script, option], cwd=ROOT, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) >= 1
