"""What `make slurm` tells: the lines for a cluster, with this checkout, this machine and this sweep in them."""

import shlex
from pathlib import Path

import pytest

from app.commands import slurm
from app.commands.setup import Setup
from app.settings import SettingError

HERE = ["10.0.0.5", "172.17.0.1"]


def told(folder: Path, env_file: str = "", **variables: str) -> list[str]:
    """The lines for these settings, without the comments."""
    (folder / ".env").write_text(env_file)
    setup = Setup.read({"ENV_FILE": str(folder / ".env"), **variables})
    return [line for line in slurm.lines(setup, "/shared/tf-sweeps", HERE) if not line.startswith("#")]


def test_a_sweep_on_the_embedded_server_takes_six_lines(tmp_path: Path) -> None:
    assert told(tmp_path, "DATA_DIR=/shared/data") == [
        "cd /shared/tf-sweeps",
        ".venv/bin/python -m app prepare",
        "(umask 077; nohup .venv/bin/python -m app serve --host 10.0.0.5 --insecure > /shared/data/serve.log 2>&1 &)",
        "timeout 60 sh -c 'until grep -s server.at /shared/data/serve.log; do sleep 1; done'",
        ".venv/bin/python -m app register",
        "sbatch --array=1-5%5 deploy/slurm/agents.sbatch",
    ]


def test_the_cloud_needs_no_server(tmp_path: Path) -> None:
    lines = told(tmp_path, "WANDB_API_KEY=secret")

    assert not any("serve" in line or "secret" in line for line in lines)
    assert ".venv/bin/python -m app register" in lines


def test_a_sweep_that_is_there_is_not_registered(tmp_path: Path) -> None:
    lines = told(tmp_path, SWEEP_ID="me/p/abc")

    assert ".venv/bin/python -m app register" not in lines
    assert lines[-1] == "sbatch --array=1-20%8 deploy/slurm/agents.sbatch"


def test_what_was_set_for_this_command_alone_is_set_for_the_lines(tmp_path: Path) -> None:
    label = "it's new"

    lines = told(tmp_path, "PORT=9000", SWEEP="sweeps/random.yaml", NEW=label, PORT="9000", HOST="10.0.0.7")

    assert lines[1:3] == ["export SWEEP=sweeps/random.yaml", f"export NEW={shlex.quote(label)}"]
    assert "--host 10.0.0.7 --insecure " in lines[4]
    assert lines[-1] == "sbatch --array=1-20%8 deploy/slurm/agents.sbatch"


def test_a_mistake_in_the_sweep_file_is_told_in_place_of_the_lines(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"Did you mean sweeps/random\.yaml"):
        told(tmp_path, SWEEP="sweeps/randm.yaml")
