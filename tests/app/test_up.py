"""The whole job by one command: real server, real `wandb`, and for the grid real TensorFlow."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import wandb

from terms.told import told
from tests.app.programs import ROOT, MakeWorkplace, Workplace, ending, lines_until, process_of, runs
from tests.server.real_server import RunningServer

SIZES = [32, 64, 96, 128, 256]

# Sets the loopback interface of a new network namespace up, which has no other, and becomes the rest of its arguments.
LOOPBACK_ONLY = """
import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x41))
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass
class Grid:
    """The tutorial's grid in larger batches and fewer epochs, run once for all tests that look at it."""

    workplace: Workplace
    alone: bool
    code: int
    output: str
    left: dict[int, str]


@pytest.fixture(scope="module")
def grid(make_workplace: MakeWorkplace) -> Grid:
    workplace = make_workplace("grid")
    sweep = (ROOT / "sweeps/layer_size.yaml").read_text()
    (workplace.folder / "layer_size.yaml").write_text(
        sweep.replace("parameters:", "parameters:\n  batch_size: {value: 64}\n  epochs: {value: 2}")
    )
    workplace.variables["SWEEP"] = str(workplace.folder / "layer_size.yaml")
    alone = may_unshare()
    wrapper = ("unshare", "-rn", sys.executable, "-c", LOOPBACK_ONLY) if alone else ()
    exported = {"WANDB_API_KEY": "exported" * 5, "WANDB_MODE": "offline"}
    code, output = workplace.run("up", wrapper=wrapper, plain=True, AGENTS="2", **exported)
    return Grid(workplace, alone, code, output, workplace.left_running())


def may_unshare() -> bool:
    """Whether this machine gives a network namespace to one who asks."""
    if not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0


@dataclass
class Job:
    """A job that was begun and is the matter of one test."""

    workplace: Workplace
    process: subprocess.Popen[str]


Jobs = dict[str, Job]


@pytest.fixture(scope="module")
def jobs(make_workplace: MakeWorkplace, server: RunningServer, warm_environment: dict[str, str]) -> Iterator[Jobs]:
    """All jobs of trials that do not train, begun at once: most of the time their agents wait for the next request."""
    names = ("killed", "deserted", "interrupted", "failing", "hopeless", "elsewhere")
    killed, deserted, interrupted, failing, hopeless, elsewhere = places = [make_workplace(name) for name in names]
    for place in (killed, deserted):
        place.write_quick_sweep(size=[1])
        place.hold()
    killed.variables["WARM"] = "0"
    interrupted.write_quick_sweep(size=[1, 2])
    interrupted.hold()
    unchecked = "import sys, app.train; sys.exit(app.train.main(sys.argv[1:]))"  # no program that `check` knows
    failing.write_sweep(["-c", unchecked], {"optimizer": {"values": ["adamm", "rmsprpo"]}})
    hopeless.write_sweep(["-m", "app.nothing"], {"size": {"values": [1, 2, 3, 4, 5, 6, 7, 8]}})
    for name, place in zip(names, places, strict=True):
        if place is not interrupted:  # it has a server of its own
            address = f"WANDB_BASE_URL={server.url}\nWANDB_API_KEY={server.api_key}\n"
            place.write_env_file(f"{address}WANDB_PROJECT={name}\n")
    elsewhere.write_quick_sweep(size=[1])
    hopeless.variables |= {"AGENTS": "3", "WARM": "0"}
    failing.variables |= {"WARM_SOCKET": warm_environment["WARM_SOCKET"]}
    interrupted.variables |= {"AGENTS": "2"}
    starts = {"interrupted": start_by_make}
    yield {name: Job(place, starts.get(name, start_up)(place)) for name, place in zip(names, places, strict=True)}
    assert [place.left_running() for place in places] == [{}] * len(places)


def start_up(workplace: Workplace) -> subprocess.Popen[str]:
    return workplace.start("up")


def start_by_make(workplace: Workplace) -> subprocess.Popen[str]:
    """`make up`, with this Python."""
    makefile = workplace.folder / "Makefile"
    makefile.write_text(f'up:\n\t@exec "{sys.executable}" -m app up\n')
    return subprocess.Popen(
        ["make", "-f", str(makefile), "up"],
        cwd=ROOT,
        env=workplace.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
def test_one_command_runs_the_grid_to_its_end(grid: Grid) -> None:
    assert grid.code == 0, grid.output
    assert grid.output.splitlines()[-1] == "5 of 5 runs finished"
    assert grid.left == {}


def test_it_says_first_which_backend_and_why_and_that_an_exported_key_changes_nothing(grid: Grid) -> None:
    first, second = grid.output.splitlines()[:2]

    assert first == "Backend: the embedded server: .env sets no WANDB_API_KEY, so no account and no network."
    assert second == "WANDB_API_KEY of the shell has no effect: only .env chooses the backend."


def test_it_gives_a_link_that_opens_the_dashboard(grid: Grid) -> None:
    assert re.search(r"Dashboard: http://127\.0\.0\.1:\d+/\S+ \(opens once\)", grid.output)


def test_progress_is_told_in_plain_lines_where_there_is_no_terminal(grid: Grid) -> None:
    assert "0 of 5 runs finished" in grid.output
    assert re.search(r"[234] of 5 runs finished, .*best val_accuracy 0\.\d{4}", grid.output)
    assert "\x1b" not in grid.output


def test_it_needs_no_network_but_loopback(grid: Grid) -> None:
    if not grid.alone:
        pytest.skip("this machine allows no network namespaces (unshare -rn)")

    assert grid.code == 0, grid.output


@pytest.mark.slow
def test_a_second_time_it_says_that_all_is_done_and_shows_the_table_again(grid: Grid) -> None:
    code, output = grid.workplace.run("up", WARM="0")

    assert code == 0
    assert re.search(r"Sweep layer_size #\w{6} is finished already\. NEW=label starts another\.", output)
    assert re.search(r"^trial 5 +0\.8\d{3} +256 +2 +finished$", output, re.MULTILINE), output
    assert output.splitlines()[-1] == "5 of 5 runs finished"
    assert "Agents:" not in output
    assert grid.workplace.left_running() == {}


@pytest.mark.slow
def test_the_server_alone_shows_what_was_done_to_any_program_that_takes_its_two_lines(grid: Grid) -> None:
    process = grid.workplace.start("serve")
    said = "".join(lines_until(process, "dashboard (opens once)"))
    (command,) = re.findall("For W&B programs, in any folder of this machine: (.+)", said)
    shell = ["sh", "-c", f"{command} && env"]
    exported = subprocess.run(shell, cwd="/", capture_output=True, text=True, check=True).stdout
    exports = dict(re.findall(r"^(WANDB_\w+)=(\S+)", exported, re.MULTILINE))

    found = kept_runs(exports["WANDB_BASE_URL"], exports["WANDB_API_KEY"])
    process.terminate()
    ending(process)

    assert sorted(run.config["layer1_size"] for run in found) == SIZES
    assert {run.state for run in found} == {"finished"}
    assert all(run.summary["test_accuracy"] > 0.7 for run in found)
    assert all(run.config["provenance"]["seed"] == 0 for run in found)


@pytest.mark.slow
def test_a_killed_trial_is_a_failed_run_with_its_cause_and_its_point_is_tried_again(
    jobs: Jobs, server: RunningServer
) -> None:
    workplace, up = jobs["killed"].workplace, jobs["killed"].process

    lines_until(up, "1 running")
    os.kill(process_of(workplace, r"python \S*quick_trial"), signal.SIGKILL)
    workplace.hold(False)
    code, output = ending(up)
    killed, again = runs(server, "killed")

    assert (killed.state, told(killed.summary_metrics)["cause"]) == ("failed", "killed by SIGKILL")
    assert again.state == "finished"
    assert (code, output.splitlines()[-1]) == (0, "1 of 1 runs finished")


@pytest.mark.slow
def test_when_the_last_agent_dies_it_says_so_and_waits_no_longer(jobs: Jobs) -> None:
    workplace, up = jobs["deserted"].workplace, jobs["deserted"].process

    lines_until(up, "1 running")
    os.kill(process_of(workplace, "wandb agent"), signal.SIGKILL)
    code, output = ending(up)

    assert code == 1
    assert "agent-1 ended early, exit code 137; 0 go on." in output
    assert "Error: no agent is left, and the sweep is not done" in output
    assert f"logs/{socket.gethostname()}/agent-1.log" in output  # other machines may share the disk
    assert workplace.left_running() == {}


@pytest.mark.slow
def test_ctrl_c_ends_everything_and_the_next_time_goes_on(jobs: Jobs) -> None:
    workplace, make = jobs["interrupted"].workplace, jobs["interrupted"].process

    lines_until(make, "2 running")
    os.killpg(make.pid, signal.SIGINT)  # as a terminal does: to make and all that it started in its group
    stopped = ending(make)[1]
    left = workplace.left_running()
    workplace.hold(False)
    code, output = workplace.run("up")

    assert "Stopped: 0 of 2 runs finished. The next `make up` goes on." in stopped
    assert "Error 130" in stopped
    assert left == {}
    assert re.search(r"Sweep sweep #\w{6} goes on: 0 of 2 runs finished\.", output)
    assert (code, output.splitlines()[-1]) == (0, "2 of 2 runs finished")


@pytest.mark.slow
def test_runs_that_fail_end_the_job_with_the_cause_of_each(jobs: Jobs) -> None:
    code, output = ending(jobs["failing"].process)

    assert code == 1
    allowed = "Allowed: adam, rmsprop."
    assert f"trial 1 failed (optimizer=adamm): `optimizer` is 'adamm'. Did you mean `adam`? {allowed}" in output
    assert f"trial 2 failed (optimizer=rmsprpo): `optimizer` is 'rmsprpo'. Did you mean `rmsprop`? {allowed}" in output
    assert output.splitlines()[-1] == "0 of 2 runs finished, 2 failed (wrong configuration)"


@pytest.mark.slow
def test_a_sweep_that_cannot_work_stops_itself_and_says_so(jobs: Jobs) -> None:
    code, output = ending(jobs["hopeless"].process)

    assert code == 1
    assert "Stopped itself: the first 3 trials all failed for one cause: exit code 1" in output
    assert re.search(r"0 of 8 runs finished, [345] failed", output.splitlines()[-1])


@pytest.mark.slow
def test_an_address_in_the_env_file_sends_everything_there(jobs: Jobs, server: RunningServer) -> None:
    code, output = ending(jobs["elsewhere"].process)

    assert code == 0
    assert output.startswith(f"Backend: {server.url}: .env sets WANDB_BASE_URL.\n")
    assert [run.state for run in runs(server, "elsewhere")] == ["finished"]
    data = jobs["elsewhere"].workplace.data
    assert not (data / "server").exists()
    assert "server.log" not in os.listdir(jobs["elsewhere"].workplace.logs)


def test_a_taken_port_is_one_clear_error(workplace: Workplace) -> None:
    workplace.write_quick_sweep(size=[1])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code, output = workplace.run("up", PORT=str(port))

    assert code == 1
    assert f"Error: port {port} is taken by another program. `make up PORT={port + 1}` uses another." in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("variables", "code", "told"),
    [
        ({"AGENTS": "two"}, 2, "Error: AGENTS is 'two'; allowed: auto, or a whole number from 1 to 1000."),
        ({"SWEEP": "sweeps/layersize.yaml"}, 2, "Did you mean sweeps/layer_size.yaml?"),
        ({"ENV_FILE": "no.env"}, 2, "Error: ENV_FILE is 'no.env': there is no such file."),
        ({"DATA_DIR": "/dev/null/x"}, 2, "Error: DATA_DIR is '/dev/null/x': Not a directory. Agents write there."),
        (
            {"FASHION_MNIST_DIR": "no-such-folder", "WARM": "0"},
            66,
            "Error: Fashion-MNIST was not found (FASHION_MNIST_DIR=",
        ),
    ],
)
def test_a_wrong_value_ends_it_with_one_clear_line(
    tmp_path: Path, variables: dict[str, Any], code: int, told: str
) -> None:
    workplace = Workplace(tmp_path / "place")

    ended, output = workplace.run("up", **variables)

    assert (ended, told in output) == (code, True), output
    assert "Traceback" not in output
    assert workplace.left_running() == {}


def kept_runs(url: str, api_key: str) -> list[Any]:
    api = wandb.Api(overrides={"base_url": url}, api_key=api_key)
    return list(api.runs("local/wandb-sweep-practice", lazy=False))
