"""The checks of GPUs, on a machine that has none: each says that it was not run, and what it would have checked."""

import os
import subprocess
import sys

import pytest

from app.machine import gpu_slots
from benchmarks.gpu_checks import CHECKS
from tests.app.programs import ROOT


def test_without_a_gpu_every_check_says_that_it_was_not_run() -> None:
    if gpu_slots.find(os.environ):
        pytest.skip("there is a GPU here, on which they would run")

    done = subprocess.run([sys.executable, "-m", "benchmarks.gpu_checks"], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"not run, no GPU: {check.__doc__}" for check in CHECKS.values()]


def test_a_check_that_lacks_a_program_says_which_in_place_of_a_result() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu_checks", "mps_helps"],
        cwd=ROOT,
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
    )

    assert done.stdout == "not run, no nvidia-cuda-mps-control: two trials at once are faster with NVIDIA's MPS\n"
