"""Processes that are started here end with whoever started them, and leave nothing behind."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.commands import agent
from app.commands.crew import Crew
from app.commands.results import Results, RunResult
from app.commands.warm_server import WarmServer
from app.machine.children import Child, Interrupts, Stopped, stop
from tests.app.programs import ROOT
from tests.patience import HANG_S

# Refuses to end, and has started another that does so too.
STUBBORN = "trap '' TERM; sleep 60 & echo $!; wait; sleep 60"

STARTER = """
import os, sys, time
from pathlib import Path
from app.machine.children import Child
print(Child("child", ["sleep", "60"], os.environ, Path(sys.argv[1])).pid, flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def eventually(true: Callable[[], bool], limit_s: float = HANG_S) -> bool:
    deadline_s = time.monotonic() + limit_s
    while not true() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return true()


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    touched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    before = {signum: signal.getsignal(signum) for signum in touched}
    with Interrupts() as entered:
        yield entered
    for signum, handler in before.items():
        signal.signal(signum, handler)


def test_a_child_has_a_session_of_its_own_so_ctrl_c_does_not_reach_it(tmp_path: Path, interrupts: Interrupts) -> None:
    child = Child("child", ["sleep", "60"], os.environ, tmp_path / "log")

    session = os.getsid(child.pid)
    stop([child], 5, interrupts)

    assert session == child.pid
    assert child.exit_code() == 128 + signal.SIGTERM


def test_what_refuses_to_end_is_killed_with_all_that_it_started(tmp_path: Path, interrupts: Interrupts) -> None:
    log = tmp_path / "log"
    child = Child("stubborn", ["sh", "-c", STUBBORN], os.environ, log)
    assert eventually(lambda: log.read_text().strip().isdigit())

    stop([child], 0.2, interrupts)

    assert child.exit_code() == 128 + signal.SIGKILL
    assert eventually(lambda: not alive(int(log.read_text())))


def test_what_a_child_left_behind_is_ended_too(tmp_path: Path, interrupts: Interrupts) -> None:
    log = tmp_path / "log"
    child = Child("forgetful", ["sh", "-c", "sleep 60 & echo $!"], os.environ, log)
    child.wait(HANG_S)

    stop([child], 5, interrupts)

    assert child.exit_code() == 0
    assert eventually(lambda: not alive(int(log.read_text())))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_a_child_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())

    starter.kill()
    starter.communicate()

    assert eventually(lambda: not alive(pid))


def test_the_first_signal_stops_and_the_next_ones_only_hurry(interrupts: Interrupts) -> None:
    with pytest.raises(Stopped) as stopped:
        signal.raise_signal(signal.SIGTERM)
    hurried_before = interrupts.hurry
    signal.raise_signal(signal.SIGINT)

    assert stopped.value.signum == signal.SIGTERM
    assert (hurried_before, interrupts.hurry) == (False, True)


def test_a_second_signal_ends_the_waiting(tmp_path: Path, interrupts: Interrupts) -> None:
    log = tmp_path / "log"
    child = Child("stubborn", ["sh", "-c", STUBBORN], os.environ, log)
    assert eventually(lambda: log.read_text().strip().isdigit())
    interrupts.disarm()
    signal.raise_signal(signal.SIGINT)

    stop([child], 3600, interrupts)

    assert child.exit_code() == 128 + signal.SIGKILL


def test_sigterm_again_does_not_hurry_since_systems_send_it_several_times(interrupts: Interrupts) -> None:
    for _ in range(2):
        with contextlib.suppress(Stopped):
            signal.raise_signal(signal.SIGTERM)

    assert not interrupts.hurry


DROPPED = """
import signal, sys, time
from app.machine import children
children.AGAIN_S = 0.1
class Finalizer:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)
with children.Interrupts():
    try:
        Finalizer()
        time.sleep(600)
    except children.Stopped as stopped:
        sys.exit(128 + stopped.signum)
"""


def test_a_signal_whose_exception_python_drops_stops_all_the_same() -> None:
    ended = subprocess.run([sys.executable, "-c", DROPPED], capture_output=True, text=True, timeout=HANG_S)

    assert "Exception ignored in" in ended.stderr
    assert ended.returncode == 128 + signal.SIGTERM


@pytest.mark.parametrize(("last", "said"), [("time.sleep(600)", ""), ("print('to its end')", "to its end\n")])
def test_a_command_ends_with_its_code_whatever_waits_at_its_end(tmp_path: Path, last: str, said: str) -> None:
    # What Python imports first, of any program.
    lines = ["import atexit, time", "from app.machine import children", f"atexit.register(lambda: {last})"]
    (tmp_path / "sitecustomize.py").write_text("\n".join([*lines, f"children.LEAVE_S = {0.1 if not said else HANG_S}"]))
    environ = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}

    ended = subprocess.run(
        [sys.executable, "-m", "app", "check", str(tmp_path / "none.yaml")],
        env=environ,
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )

    assert ended.returncode == 2
    assert ended.stdout.endswith(said)


WOKEN = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
print("ready", flush=True)
signal.sigwait([signal.SIGCHLD])
"""


def test_a_child_is_woken_as_by_the_end_of_one_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = Child("asleep", [sys.executable, "-c", WOKEN], os.environ, log)
    assert eventually(lambda: "ready" in log.read_text())

    child.wake()

    assert child.wait(HANG_S) == 0
    child.wake()  # one that has ended is left alone


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists its processes as files")
def test_a_child_is_at_work_while_it_runs_another_program_but_not_for_its_service(
    tmp_path: Path, interrupts: Interrupts
) -> None:
    service = tmp_path / "wandb-core"
    service.symlink_to(shutil.which("sleep") or "")
    log = tmp_path / "log"
    script = f"{service} 60 & echo ready; read line; sleep 60 & wait"
    idle = Child("idle", ["sh", "-c", script.replace("read line; sleep 60 & ", "")], os.environ, log)
    busy = Child("busy", ["sh", "-c", script.replace("read line; ", "")], os.environ, log)
    assert eventually(lambda: log.read_text().count("ready") == 2 and busy.at_work())

    at_work = idle.at_work(), busy.at_work()
    stop([idle, busy], 5, interrupts)

    assert at_work == (False, True)
    assert not busy.at_work()


def test_the_tail_of_a_log_is_that_of_this_start(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "server.log"
    log.parent.mkdir()
    log.write_text("from another time\n")
    child = Child("server", ["echo", "port taken"], os.environ, log)

    child.wait(HANG_S)

    assert child.tail() == f"port taken\n(all of it: {log})"


def results(*runs: RunResult, expected: int = 100, state: str = "RUNNING") -> Results:
    return Results("me/p/s", "grid #1", "http://x", state, None, False, expected, runs)


def crew_of(count: int, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crew:
    monkeypatch.setattr(agent, "command", lambda path: command)
    crew = Crew("me/p/s", WarmServer({**os.environ, "WARM": "0"}), tmp_path)
    crew.start(count)
    crew.wait(10)
    return crew


def test_an_agent_that_has_run_its_share_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupts: Interrupts
) -> None:
    crew = crew_of(2, ["true"], tmp_path, monkeypatch)
    before = [child.pid for child in crew.working]
    said: list[str] = []

    crew.look_after(results(), said.append)

    assert [child.name for child in crew.working] == ["agent-1", "agent-2"]
    assert [child.pid for child in crew.working] != before
    assert said == []
    crew.stop(interrupts)


def test_an_agent_that_died_of_a_backend_that_was_away_is_replaced_and_one_that_died_at_once_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupts: Interrupts
) -> None:
    died, killed = (crew_of(1, ["sh", "-c", end], tmp_path, monkeypatch) for end in ("exit 1", "kill -9 $$"))
    said: list[str] = []

    at_once = agent.worth_another(died.working[0], results())
    monkeypatch.setattr(agent, "OUTAGE_S", 0.0)
    died.look_after(results(), said.append)
    died.stop(interrupts)

    assert not at_once
    assert [child.name for child in died.working] == ["agent-1"]
    assert said == [f"agent-1 died, exit code 1, and is started again. Its log: {tmp_path}/agent-1.log"]
    assert not agent.worth_another(killed.working[0], results())


def test_an_agent_with_nothing_left_to_start_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crew = crew_of(1, ["true"], tmp_path, monkeypatch)

    crew.look_after(results(RunResult("r1", "trial 1", "running", {}), expected=1), print)

    assert crew.working == []


def test_agents_that_gave_up_after_failures_are_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crew = crew_of(1, ["true"], tmp_path, monkeypatch)
    failed = [RunResult(f"r{n}", "trial", "failed", {"n": n}, cause="exit code 1") for n in range(5)]

    crew.look_after(results(*failed), print)

    assert crew.working == []
    assert agent.worth_another(crew_of(1, ["true"], tmp_path, monkeypatch).working[0], results(*failed[:4]))
