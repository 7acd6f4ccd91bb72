"""What is recorded of W&B's engine is what it says; only where `benchmarks/oracle.sh` has installed it."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORACLE = ROOT / "benchmarks" / ".oracle" / "bin" / "python"


@pytest.mark.skipif(not ORACLE.exists(), reason="W&B's engine is not there: sh benchmarks/oracle.sh")
def test_the_record_of_wandbs_engine_is_what_it_says() -> None:
    command = [str(ORACLE), "-m", "benchmarks.oracle_record"]

    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert said == Path(__file__).with_name("oracle.json").read_text()
