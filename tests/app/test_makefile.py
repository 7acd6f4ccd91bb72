"""`make` on a bare machine: one environment, made once, renewed when a lock changes; from any directory name."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Stands for Python: writes down what it is asked to do, and makes an environment whose Python is itself.
RECORDER = """#!/bin/sh
case "$*" in
"-c "*) exit 0 ;;
"--version") echo "Python 3.12.1" ;;
"-m venv --clear .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
*"pip --version") [ -e .venv ] ;;
*) echo "python $* AGENTS=$AGENTS" >> asked ;;
esac
"""


class Checkout:
    """A fresh checkout of what `make` needs, in a directory with a space in its name."""

    def __init__(self, folder: Path, python: str) -> None:
        self.folder = folder / "a fresh checkout"
        shutil.copytree(ROOT / "requirements", self.folder / "requirements")
        shutil.copy(ROOT / "Makefile", self.folder)
        (self.folder / "tests").mkdir()
        shutil.copy(ROOT / "tests/all.sh", self.folder / "tests")
        self._programs = folder / "programs"
        self._programs.mkdir()
        for name in ("python3", "python3.13", "python3.12", "python3.11"):
            (self._programs / name).write_text(python)
            (self._programs / name).chmod(0o755)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self._programs}:{os.environ['PATH']}"}
        return subprocess.run(["make", *arguments], cwd=self.folder, env=environment, capture_output=True, text=True)

    def asked(self) -> list[str]:
        """What Python was asked to do since this was asked last."""
        record = self.folder / "asked"
        lines = record.read_text().splitlines() if record.exists() else []
        record.unlink(missing_ok=True)
        return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path, RECORDER)


def installed(lines: list[str]) -> list[str]:
    """The locks that pip was given, in its order."""
    return [word for line in lines if "--require-hashes" in line for word in line.split() if word.endswith(".txt")]


def test_the_first_time_the_environment_is_made_from_hashed_locks_and_the_program_starts(checkout: Checkout) -> None:
    done = checkout.make("up", "AGENTS=2")

    asked = checkout.asked()
    assert done.returncode == 0, done.stderr
    assert installed(asked)[0] == "requirements/server.txt"
    assert installed(asked)[1] in ("requirements/trainer-cpu.txt", "requirements/trainer-gpu.txt")
    assert asked[-1] == "python -m app up AGENTS=2"


def test_a_second_time_nothing_is_installed(checkout: Checkout) -> None:
    checkout.make("up")
    checkout.asked()

    checkout.make("up")
    checkout.make("prepare")

    assert checkout.asked() == ["python -m app up AGENTS=", "python -m app prepare AGENTS="]


def test_a_changed_lock_is_installed_again(checkout: Checkout) -> None:
    checkout.make("up")
    checkout.asked()
    later_s = (checkout.folder / ".venv/bin/python").stat().st_mtime + 60
    os.utime(checkout.folder / "requirements/server.txt", (later_s, later_s))

    checkout.make("up")

    assert "requirements/server.txt" in installed(checkout.asked())


def test_tests_take_the_tools_too(checkout: Checkout) -> None:
    checkout.make("test")

    asked = checkout.asked()
    assert installed(asked)[-1] == "requirements/dev.txt"
    trained, others = sorted(line for line in asked if line.startswith("python -m pytest"))[::-1]
    assert "pytest tests/training " in trained
    assert "--ignore=tests/training " in others


def test_a_python_that_is_too_old_is_told_with_what_to_do(tmp_path: Path) -> None:
    old = '#!/bin/sh\ncase "$*" in --version) echo "Python 3.9.2" ;; *) exit 1 ;; esac\n'

    done = Checkout(tmp_path, old).make("up")

    assert done.returncode != 0
    assert "Error: Python 3.11, 3.12 or 3.13 with venv is needed; here is Python 3.9.2." in done.stderr
    assert "apt-get install python3-venv" in done.stderr


def test_the_python_asked_for_is_the_one_that_counts(checkout: Checkout) -> None:
    done = checkout.make("up", "PYTHON=/no/such/python")

    assert done.returncode != 0
    assert "here is no /no/such/python (PYTHON=/no/such/python)." in done.stderr
