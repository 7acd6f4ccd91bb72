"""What becomes of a trial when a signal reaches everybody at once, W&B's service too, as systemd sends it."""

import os
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.parent import last_words
from tests.app.programs import ROOT, MakeWorkplace, Workplace, ending, lines_until
from tests.app.test_trial import command
from tests.server.real_server import RunningServer
from tests.server.real_server import ending as running

PROJECT = "local/wandb-sweep-practice"
EPOCHS = 12
TRAINED = {"layer1_size": 16, "epochs": EPOCHS, "batch_size": 40}


@pytest.fixture(scope="module")
def place(make_workplace: MakeWorkplace, server: RunningServer) -> Workplace:
    """Agents of a server that is on another machine, and so not among those that are signalled."""
    made = make_workplace("signal-to-all")
    made.write_env_file(f"WANDB_BASE_URL={server.url}\nWANDB_API_KEY={server.api_key}\n")
    made.write_sweep(["-m", "app.train"], {name: {"values": [value]} for name, value in TRAINED.items()})
    return made


@pytest.fixture(scope="module")
def whole(place: Workplace, server: RunningServer, warm_environment: dict[str, str]) -> Any:
    """The same run, made by hand and interrupted by nobody."""
    flags = [f"--{name}={value}" for name, value in TRAINED.items()]
    variables = {"WANDB_RUN_ID": "uninterrupted", "DATA_DIR": str(place.data), "WANDB_DIR": str(place.folder)}
    environment = server.env(place.folder) | warm_environment | variables
    subprocess.run(command("-m", "app.train", *flags), cwd=ROOT, env=environment, check=True)
    return server.api().run(f"{PROJECT}/uninterrupted")


def signal_all(place: Workplace, signum: int) -> None:
    """Signals every process of a workplace, W&B's services first: they are the quickest to go.

    The commands of `app` are plain here, to be among those that carry the workplace in their environment.
    """
    processes = place.processes()
    for pid in sorted(processes, key=lambda pid: "wandb-core" not in processes[pid]):
        os.kill(pid, signum)


def epochs(run: Any) -> list[int]:
    return [row["epoch"] for row in run.scan_history(keys=["epoch"])]


def losses(run: Any) -> list[float]:
    return [row["val_loss"] for row in run.scan_history(keys=["val_loss"])]


@pytest.mark.slow
@pytest.mark.parametrize("warm", ["1", "0"])
def test_the_same_run_goes_on_after_its_last_epoch_and_ends_the_same(
    place: Workplace, server: RunningServer, whole: Any, warm: str, warm_environment: dict[str, str]
) -> None:
    place.variables |= {"WARM": warm, "NEW": f"warm-{warm}"}
    code, output = place.run("register")
    assert code == 0, output
    first = place.start("agent", plain=True)
    before = lines_until(first, "Epoch 3/")
    signal_all(place, signal.SIGTERM)
    _, after = ending(first)
    (cut,) = runs_of_sweep(server, before)
    assert (cut.state, exit_code(server, cut.id)) == ("preempted", 143), after
    code, output = place.run("agent", WARM="1", WARM_SOCKET=warm_environment["WARM_SOCKET"])
    (run,) = runs_of_sweep(server, before)

    assert cut.summary["_cause"] == "interrupted (SIGTERM)"
    assert code == 0, output
    assert re.search(r"Going on after epoch ([2-9]|\d\d)\.", output)
    assert (run.id, run.state) == (cut.id, "finished")
    assert "_cause" not in run.summary
    assert epochs(run) == list(range(1, EPOCHS + 1))
    assert losses(run) == losses(whole)
    assert run.summary["weights_sha256"] == whole.summary["weights_sha256"]
    assert place.left_running() == {}


@pytest.mark.slow
def test_a_server_that_was_signalled_too_is_told_when_it_is_there_again(
    make_workplace: MakeWorkplace, warm_environment: dict[str, str]
) -> None:
    place = make_workplace("up-and-all")
    place.variables["WARM_SOCKET"] = warm_environment["WARM_SOCKET"]
    place.write_sweep(["-m", "app.train"], {name: {"values": [value]} for name, value in TRAINED.items()})
    first = place.start("up", plain=True)
    wait_for_text(place.logs / "agent-1.log", "Epoch 3/", first)
    signal_all(place, signal.SIGTERM)
    _, output = ending(first)
    assert place.left_running() == {}
    (cut,) = place.runs()
    code, output_again = place.run("up")
    server = RunningServer(place.data / "server")
    (run,) = server.api().runs(PROJECT, lazy=False)
    logged = epochs(run)
    server.stop()

    assert cut.state == "running", output  # nobody has told it yet
    assert code == 0, output_again
    assert "Going on after epoch" in (place.logs / "agent-1.log").read_text()
    assert (run.id, run.state) == (cut.id, "finished")
    assert logged == list(range(1, EPOCHS + 1))


@pytest.mark.slow
def test_a_key_that_is_refused_in_mid_sweep_ends_the_agent_and_its_trial_leaves_its_last_words(
    make_workplace: MakeWorkplace, tmp_path: Path
) -> None:
    place = make_workplace("refused")
    place.variables["WARM"] = "0"
    place.write_sweep(["-m", "app.train"], {name: {"values": [value]} for name, value in TRAINED.items()})
    with running(RunningServer(tmp_path / "server")) as server:
        place.write_env_file(f"WANDB_BASE_URL={server.url}\nWANDB_API_KEY={server.api_key}\n")
        place.run("register")
        agent = place.start("agent", plain=True)
        lines_until(agent, "Epoch 3/")
        with stopped(place, "app.train"):
            change_key(server, "0123456789" * 4)
            said = lines_until(agent, "Stopping")
        code, output = ending(agent)

    assert "Stopping, the trial first: " in said[-1]
    assert code == 2, output
    assert "(HTTP 401)" in output
    (words,) = (place.data / "last-words").iterdir()
    assert last_words.read(str(words)).exit_code == 143
    assert place.left_running() == {}


@contextmanager
def stopped(place: Workplace, program: str) -> Iterator[None]:
    """Holds the trial of a workplace, as a long epoch does."""
    trials = [pid for pid, name in place.processes().items() if program in name and "trial.py" not in name]
    assert trials
    for pid in trials:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in trials:
        os.kill(pid, signal.SIGCONT)


def change_key(server: RunningServer, key: str) -> None:
    server.stop()
    (server.data / "api-key").write_text(key)
    server.start()


def wait_for_text(path: Path, text: str, process: subprocess.Popen[str]) -> None:
    while not path.exists() or text not in path.read_text():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)


@pytest.mark.slow
def test_a_trial_whose_service_alone_is_killed_still_says_why_it_failed(
    place: Workplace, server: RunningServer, warm_environment: dict[str, str]
) -> None:
    flags = [f"--{name}={value}" for name, value in TRAINED.items()]
    variables = {"WANDB_RUN_ID": "bereft", "DATA_DIR": str(place.data), "WANDB_DIR": str(place.folder)}
    trial = subprocess.Popen(
        command("-m", "app.train", *flags),
        cwd=ROOT,
        env=server.env(place.folder) | warm_environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines_until(trial, "Epoch 2/")
    (service,) = (pid for pid, program in place.processes().items() if "wandb-core" in program)
    os.kill(service, signal.SIGKILL)
    code, output = ending(trial)
    run = server.api().run(f"{PROJECT}/bereft")

    assert (code, run.state, exit_code(server, run.id)) == (1, "failed", 1), output
    assert re.match("(ConnectionReset|MailboxClosed)Error:", run.summary["_cause"])
    assert place.left_running() == {}


def runs_of_sweep(server: RunningServer, said: list[str]) -> list[Any]:
    (sweep,) = {found[1] for line in said if (found := re.search(r"Agent works for \S+/(\w+)\.", line))}
    return list(server.api().runs(PROJECT, filters={"sweep": sweep}, lazy=False))


def exit_code(server: RunningServer, run_id: str) -> int | None:
    with sqlite3.connect(server.data / "sweeps.sqlite") as database:
        found: int | None = database.execute("SELECT exit_code FROM run WHERE name = ?", [run_id]).fetchone()[0]
    return found
