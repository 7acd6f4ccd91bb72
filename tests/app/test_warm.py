"""What only warm trials have: a server that may refuse, end or be many trials' at once; test_trial.py has the rest."""

import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.app import late_imports
from tests.app.programs import ROOT, Workplace, ending, lines_until
from tests.app.test_trial import command, ended, gone_within, started
from tests.patience import HANG_S
from tests.server.real_server import RunningServer

Make = Callable[..., dict[str, str]]


@pytest.fixture
def make_server(warm_environment: dict[str, str], tmp_path: Path) -> Iterator[Make]:
    """Gives environments with warm servers of a test's own, started warm themselves, which may come to harm."""
    made: list[tuple[subprocess.Popen[bytes], Path]] = []

    def make(*program: str) -> dict[str, str]:
        folder = Path(tempfile.mkdtemp(prefix="warm-"))  # a path there is short enough
        with (tmp_path / "warm.log").open("ab") as log:
            way = warm_environment | {"WARM_SOCKET": str(folder / "socket")}
            arguments = [*(program or ("-m", "app.warm")), way["WARM_SOCKET"]]
            process = subprocess.Popen(command(*arguments), env=warm_environment, stdout=log, stderr=log)
        made.append((process, folder))
        while not Path(way["WARM_SOCKET"]).exists():
            assert process.poll() is None, (tmp_path / "warm.log").read_text()
            time.sleep(0.05)
        return way

    yield make
    for process, folder in made:
        process.terminate()
        process.wait(HANG_S)
        shutil.rmtree(folder)


def server_of(way: Mapping[str, str]) -> int:
    """The process that listens at WARM_SOCKET."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(way["WARM_SOCKET"])
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int(struct.unpack("3i", credentials)[0])


@pytest.mark.slow
def test_a_warm_trial_has_the_weights_and_metrics_of_a_plain_one_and_imports_nothing_of_others(
    warm_environment: dict[str, str], server: RunningServer, fewer_images: Path, tmp_path: Path
) -> None:
    def trained(name: str, *program: str, **variables: str) -> tuple[str, list[dict[str, Any]], list[str]]:
        place = {"WANDB_RUN_ID": name, "WANDB_PROJECT": "warm", "DATA_DIR": str(fewer_images.parent)}
        way = warm_environment | server.env(tmp_path) | place | variables
        program = (*program, "-m", "app.train", "--layer1_size=16", "--epochs=2")
        done = ended(way | {"HOME": warm_environment["HOME"]}, *program)
        assert done.returncode == 0, done.stderr
        assert "not started warm" not in done.stderr
        run = server.api().run(f"local/warm/{name}")
        rows = [{key: row[key] for key in row if not key.startswith("_")} for row in run.scan_history()]
        return run.summary["weights_sha256"], rows, [version.name for version in run.logged_artifacts()]

    late = tmp_path / "late-imports"
    *warm, kept = trained("warm", late_imports.__file__, str(late))
    *plain, not_kept = trained("plain", WARM="0", KEEP_WEIGHTS="0")

    assert warm == plain
    assert late.read_text() == "", late.read_text()
    assert kept == ["model-warm:v0"]  # of a run that belongs to no sweep
    assert not_kept == []


def test_an_edit_counts_from_the_next_trial(warm_environment: dict[str, str], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "app", tmp_path / "app")
    model = tmp_path / "app" / "model.py"
    seen = []

    for line in ("MARK = 1\n", "MARK = 22\n"):
        model.write_text(line)
        seen.append(ended(warm_environment, "-c", "from app import model; print(model.MARK)", cwd=tmp_path).stdout)

    assert seen == ["1\n", "22\n"]


@pytest.mark.parametrize(
    ("variables", "arguments", "told"),
    [
        ({"TF_ENABLE_ONEDNN_OPTS": "0"}, ["-c", "print(5)"], "its TF_ENABLE_ONEDNN_OPTS is '0', the warm server's is "),
        ({}, ["-u", "-c", "print(5)"], "only -m, -c and .py files start warm, not -u"),
        ({"WARM_SOCKET": "/nowhere"}, ["-c", "print(5)"], "the warm server at /nowhere: No such file or directory"),
        ({"WARM_SOCKET": ""}, ["-c", "print(5)"], "WARM_SOCKET is not set"),
    ],
)
def test_where_it_would_not_be_the_same_a_plain_process_runs_and_a_line_says_why(
    warm_environment: dict[str, str], variables: dict[str, str], arguments: list[str], told: str
) -> None:
    done = ended(warm_environment | variables, *arguments)

    assert (done.returncode, done.stdout) == (0, "5\n")
    assert done.stderr.startswith(f"trial: not started warm: {told}")
    assert len(done.stderr.splitlines()) == 1


def test_another_python_is_not_forked(warm_environment: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.symlink_to(sys.executable)

    done = subprocess.run(
        [str(other), *command("-c", "print(5)")[1:]], env=warm_environment, capture_output=True, text=True
    )

    assert done.stdout == "5\n"
    assert f"its Python is {other}, the warm server's is {sys.executable}" in done.stderr


THAT_LISTENS_LATE = """
import os, socket, sys, time
from app.warm import server

class Late(socket.socket):
    def listen(self, *arguments):
        time.sleep(0.5)
        super().listen(*arguments)

socket.socket = Late
server.main(sys.argv[1], os.environ)
"""


def test_a_server_whose_path_is_seen_can_be_reached(make_server: Make) -> None:
    way = make_server("-c", THAT_LISTENS_LATE)

    assert server_of(way) != os.getpid()


WITH_A_SECOND_THREAD = """
import os, sys, threading, time
from app.warm import server
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
server.main(sys.argv[1], os.environ)
"""


def test_a_server_with_a_second_thread_refuses(make_server: Make) -> None:
    way = make_server("-c", WITH_A_SECOND_THREAD)

    done = ended(way, "-c", "print(5)")

    assert done.stdout == "5\n"
    assert "not started warm: the warm server has 2 threads" in done.stderr


STARTED_IN_TURN = """
import pathlib, sys
from app.warm import safety, server
server.preload()
print(safety.unsafe())
gpu = pathlib.Path(sys.argv[1]); (gpu / "7").symlink_to("/dev/nvidia0")
print(safety.unsafe(descriptors=gpu))
import wandb; wandb.setup(wandb.Settings(mode="disabled"))
print(safety.unsafe())
import tensorflow as tf; tf.constant(1)
print(safety.unsafe())
"""


def test_what_runs_in_the_server_is_noticed(warm_environment: dict[str, str], tmp_path: Path) -> None:
    """Also fails when a private name that tells so is gone."""
    done = ended(warm_environment, "-c", STARTED_IN_TURN, str(tmp_path))

    assert done.stdout.splitlines() == [
        "None",
        "the warm server holds a GPU",
        "W&B's client has started in the warm server",
        "TensorFlow has started in the warm server",
    ]


def test_only_its_user_reaches_it(warm_environment: dict[str, str]) -> None:
    path = Path(warm_environment["WARM_SOCKET"])

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_process_list_shows_the_trials_own_command(warm_environment: dict[str, str]) -> None:
    program = "print(open('/proc/self/cmdline').read().split(chr(0))[:2])"

    assert ended(warm_environment, "-c", program).stdout == f"{[sys.executable, '-c']}\n"


TABLES = """
import wandb
run = wandb.init(mode="offline", dir=".")
run.log({"table": wandb.Table(columns=["x"], data=[[1]])})
artifact = wandb.Artifact("tables", "table")
artifact.add(wandb.Table(columns=["x"], data=[[2]]), "table")
run.finish()
print([entry.path for entry in artifact.manifest.entries.values()])
"""


def test_a_trials_end_takes_no_folder_from_the_next(warm_environment: dict[str, str], tmp_path: Path) -> None:
    """W&B's client makes some at its import, for tables and artifacts that are logged, and removes them at its end."""
    done = [ended(warm_environment, "-c", TABLES, cwd=tmp_path) for _ in range(2)]

    assert [each.returncode for each in done] == [0, 0], done[1].stderr
    assert len(list(tmp_path.glob("wandb/offline-run-*/files/media/table/*.json"))) == 2
    assert [each.stdout for each in done] == ["['table.table.json']\n"] * 2


def test_many_at_once_each_get_their_own_ending_and_leave_nothing(make_server: Make) -> None:
    way = make_server()
    server = server_of(way)
    before = len(os.listdir(f"/proc/{server}/fd"))
    codes = list(range(1, 41))

    trials = [subprocess.Popen(command("-c", f"import os; os._exit({code})"), env=way) for code in codes]
    ended_with = [trial.wait(HANG_S) for trial in trials]

    assert ended_with == codes
    assert len(os.listdir(f"/proc/{server}/fd")) <= before  # an earlier trial's connection may have been counted
    assert Path(f"/proc/{server}/task/{server}/children").read_text() == ""


def test_a_killed_parent_takes_with_it_what_its_trial_started(warm_environment: dict[str, str]) -> None:
    program = "import subprocess, time; print('ready'); print(subprocess.Popen(['sleep', '60']).pid, flush=True)"

    with started(warm_environment, f"{program}; time.sleep(60)") as process:
        assert process.stdout is not None
        grandchild = int(process.stdout.readline())
        process.kill()

        assert gone_within(HANG_S, grandchild)


def test_a_killed_server_interrupts_its_trials_and_the_next_is_plain(make_server: Make) -> None:
    way = make_server()
    program = "import os, time; print('ready'); print(os.getpid(), flush=True); time.sleep(60)"

    with subprocess.Popen(
        command("-c", program), env=way, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        trial = int(process.stdout.readline())
        os.kill(server_of(way), signal.SIGKILL)
        _, told = process.communicate(timeout=HANG_S)

    assert (process.returncode, told) == (143, "trial: interrupted: the warm server ended\n")
    assert gone_within(HANG_S, trial)
    assert ended(way, "-c", "print(5)").stdout == "5\n"


def test_a_server_that_is_asked_to_end_waits_for_its_trials(make_server: Make) -> None:
    way = make_server()

    with started(way, "print('ready', flush=True); import time; time.sleep(1); print('done')") as process:
        server = server_of(way)
        os.kill(server, signal.SIGTERM)
        output, _ = process.communicate(timeout=HANG_S)

    assert (process.returncode, output) == (0, "done\n")
    assert gone_within(HANG_S, server)


@pytest.mark.slow
def test_up_starts_its_trials_warm_and_says_once_when_it_cannot_any_more(workplace: Workplace) -> None:
    workplace.write_quick_sweep(size=[1, 2, 3])
    (workplace.data / "hold").touch()

    up = workplace.start("up", WARM_SOCKET="")
    lines_until(up, "1 running")
    processes = workplace.processes()
    (server,) = (pid for pid, line in processes.items() if "-m app.warm" in line)
    os.kill(server, signal.SIGKILL)
    (workplace.data / "hold").unlink()
    code, output = ending(up)

    told = (workplace.logs / "agent-1.log").read_text()
    interrupted = [(run.state, run.summary.get("_cause")) for run in workplace.runs() if run.state != "finished"]
    assert (code, output.splitlines()[-1]) == (0, "3 of 3 runs finished")
    assert interrupted == [("failed", "interrupted: the warm server ended")]
    assert output.count("The warm server has ended, exit code 137: trials start in plain processes") == 1
    assert told.count("trial: interrupted: the warm server ended") == 1
    assert "trial: not started warm" in told.partition("the warm server ended")[2]
    assert "trial: not started warm" not in told.partition("the warm server ended")[0]
