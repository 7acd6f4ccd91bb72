"""What is recorded of W&B's engine is what it says; only where `benchmarks/oracle.sh` has installed it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ORACLE = ROOT / "benchmarks" / ".oracle" / "bin" / "python"
RECORD = json.loads(Path(__file__).with_name("oracle.json").read_text())
PARAMETERS = {"x": {"min": 0.0, "max": 1.0}}

pytestmark = pytest.mark.skipif(not ORACLE.exists(), reason="W&B's engine is not there: sh benchmarks/oracle.sh")


def answers(questions: list[dict[str, Any]]) -> list[Any]:
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    program = ROOT / "benchmarks" / "oracle.py"
    told = subprocess.run([ORACLE, program], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in told.stdout.splitlines()]


def test_recorded_stops_are_wandbs() -> None:
    questions = [
        {
            "ask": "stop",
            "config": {
                "method": "random",
                "metric": {"name": "m", "goal": goal},
                "parameters": PARAMETERS,
                "early_terminate": {"type": "hyperband", **section},
            },
            "runs": [{"params": {"x": 0.5}, "state": state, "history": history} for state, history in runs],
        }
        for goal, section, runs, _ in RECORD["stops"]
    ]

    assert answers(questions) == [stopped for *_, stopped in RECORD["stops"]]


def test_recorded_objectives_are_wandbs() -> None:
    questions = [
        {
            "ask": "objectives",
            "config": {"method": "bayes", "metric": {"name": "m", **metric}, "parameters": PARAMETERS},
            "runs": [
                {"params": {"x": 0.5}, "state": state, "history": history, "summary": summary}
                for state, history, summary in runs
            ],
        }
        for metric, runs, _ in RECORD["objectives"]
    ]

    assert answers(questions) == [objectives for *_, objectives in RECORD["objectives"]]
