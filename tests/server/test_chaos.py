"""The short form of the proof that nothing is lost or doubled when everything is killed; its trials are forked."""

import shlex
import subprocess
import sys

import pytest

from tests.server.warm_programs import CLIENT


@pytest.mark.slow
def test_a_sweep_whose_processes_are_killed_has_each_point_once() -> None:
    command = [sys.executable, "-m", "benchmarks.chaos", "--points", "12", "--agents", "3", "--kills", "6"]

    trials = ["--python", shlex.join(CLIENT.python())]
    done = subprocess.run([*command, *trials, "--limit-s", "240"], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost 0, doubled 0, finished runs without all their rows 0" in done.stdout
    assert "acknowledged history rows missing: 0" in done.stdout
    assert "12 points: 12 finished" in done.stdout
    assert "kills: 6 of 6 (2 servers, 2 agents, 2 trials)" in done.stdout
