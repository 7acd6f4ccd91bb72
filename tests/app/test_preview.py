"""`make up DRY=1`: what would run, told without running it."""

import re
from pathlib import Path

import pytest
from programs import Workplace

from app import preview
from search.config import parse

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
    assert output.endswith(f"Dry run of {workplace.variables['SWEEP']}: nothing is registered.\nRuns: 4.{GRID}")
    assert not workplace.data.exists()


@pytest.mark.slow
def test_after_a_sweep_it_tells_the_time_and_registers_nothing(workplace: Workplace) -> None:
    workplace.write_quick_sweep(epochs=3, size=[1, 2])
    workplace.run("up", AGENTS="2")
    workplace.write_quick_sweep(epochs=3, size=[1, 2, 3, 4, 5])

    code, output = workplace.run("up", DRY="1", AGENTS="2")

    assert code == 0
    assert re.search(r"Time: about 0:\d\d with 2 at once; a run takes \d+ s \(median of 2 earlier ones\)\.\n$", output)
    assert len(workplace.runs()) == 2


def commands(text: str) -> list[str]:
    return list(preview.lines(parse(text)))


def test_ten_commands_are_shown_at_most() -> None:
    lines = commands("method: grid\ncommand: [a, '${args}']\nparameters: {x: {min: 1, max: 300}}")

    assert lines[:3] == ["Runs: 300.", "The first 10 commands:", "  a --x=1"]
    assert len(lines) == 12


@pytest.mark.parametrize(("extension", "is_certain"), [("", False), ("x-sweep: {seed: 3}\n", True)])
def test_what_the_server_will_draw_itself_is_told_to_be_an_example(extension: str, is_certain: bool) -> None:
    lines = commands(
        f"method: random\nrun_cap: 2\n{extension}command: [a, '${{args}}']\nparameters: {{x: {{min: 1, max: 9}}}}"
    )

    assert lines[0] == "Runs: 2."
    assert ("as an example" in lines[1]) is not is_certain


def test_the_time_is_that_of_the_rounds_that_the_agents_take() -> None:
    assert preview.expected(5, 2, [20.0, 30.0, 90.0]) == (
        "Time: about 1:30 with 2 at once; a run takes 30 s (median of 3 earlier ones)."
    )
