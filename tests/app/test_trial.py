import contextlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import trial

SCRIPT = str(Path(trial.__file__))
WAIT_S = 20


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", SCRIPT, *arguments]


def ended(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(command(*arguments), capture_output=True, text=True, env=environment, timeout=60)


@contextlib.contextmanager
def started(program: str) -> Iterator[subprocess.Popen[str]]:
    """A trial of a program that says `ready`, once it has; whatever is left of it is killed."""
    with subprocess.Popen(command("-c", program), stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("pass", 0),
        ("raise SystemExit(3)", 3),
        ("raise SystemExit('text')", 1),
        ("import os; os._exit(255)", 255),
        ("import os; os.kill(os.getpid(), 9)", 137),
        ("import os; os.abort()", 134),
        ("import os; os.kill(os.getpid(), 11)", 139),
        ("import os; os.kill(os.getpid(), 15)", 143),
    ],
)
def test_death_by_a_signal_becomes_a_code_above_128(program: str, code: int) -> None:
    assert ended("-c", program).returncode == code


def test_arguments_reach_python_as_they_are() -> None:
    program = "import sys; print(ascii(sys.argv[1:]))"
    arguments = ['--name=it\'s "quoted"', "", "--größe=1", "two words"]

    assert ended("-c", program, *arguments).stdout.strip() == ascii(arguments)


def test_a_module_is_found_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "own_trainer.py").write_text("print('found')")

    done = subprocess.run(command("-m", "own_trainer"), cwd=tmp_path, capture_output=True, text=True)

    assert (done.stdout, done.returncode) == ("found\n", 0)


COUNTING = """
import signal, sys, time
got = []
def count(signum, frame): got.append(signum)
for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2): signal.signal(each, count)
print("ready", flush=True)
while signal.SIGUSR2 not in got: time.sleep(.01)
time.sleep(.1)
print(*got)
"""


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["to the parent", "to its whole group"])
def test_each_signal_reaches_the_trial_once(send: Callable[[int, int], None]) -> None:
    signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]

    with started(COUNTING) as process:
        for signum in signals:
            send(process.pid, signum)
            time.sleep(0.1)
        output, _ = process.communicate(timeout=WAIT_S)

    assert sorted(map(int, output.split())) == sorted(signals)
    assert process.returncode == 0


def test_a_trial_that_ignores_signals_is_waited_for() -> None:
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(1)"

    with started(program) as process:
        process.terminate()

        assert process.wait(WAIT_S) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_the_trial_dies_with_its_parent() -> None:
    with started("import os, time; print('ready'); print(os.getpid(), flush=True); time.sleep(60)") as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())

        process.kill()

        assert gone_within(WAIT_S, child)


def gone_within(limit_s: float, pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet has ended too."""
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def test_an_inherited_deafness_to_sigint_ends_here() -> None:
    # A shell script's `&` leaves SIGINT ignored, and W&B stops a run by SIGINT.
    program = "import signal; print(signal.getsignal(signal.SIGINT) == signal.default_int_handler)"
    command = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, "-I", "-S", str(SCRIPT), "-c", program]

    assert subprocess.run(command, capture_output=True, text=True).stdout == "True\n"


@pytest.mark.parametrize(
    ("ending", "oom_kills", "cause"),
    [
        (3, 0, "exit code 3"),
        (-signal.SIGKILL, 0, "killed by SIGKILL"),
        (-signal.SIGKILL, 1, "out of memory: the kernel killed it (SIGKILL, oom_kill +1)"),
        (-signal.SIGSEGV, 0, "segmentation fault (SIGSEGV)"),
        (-signal.SIGSEGV, 1, "segmentation fault (SIGSEGV)"),
        (-signal.SIGTERM, 0, "killed by SIGTERM"),
        (-40, 0, "killed by signal 40"),
    ],
)
def test_the_cause_names_the_evidence(ending: int, oom_kills: int, cause: str) -> None:
    assert trial.cause_of(ending, oom_kills) == cause


def test_the_kernels_count_of_oom_kills_is_read_from_cgroups_v2(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/pod/trial\n")
    write(tmp_path / "sys/fs/cgroup/pod/trial/memory.events", "low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\n")

    assert trial.oom_kills(str(tmp_path)) == 2


def test_the_kernels_count_of_oom_kills_is_read_from_cgroups_v1_in_a_container(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "5:cpu:/docker/1f\n4:memory:/docker/1f\n0::/docker/1f\n")
    write(tmp_path / "sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")

    assert trial.oom_kills(str(tmp_path)) == 3


def test_no_cgroup_counts_no_kills(tmp_path: Path) -> None:
    assert trial.oom_kills(str(tmp_path)) == 0


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)


@pytest.mark.parametrize("variables", [{}, {"WANDB_RUN_ID": "abc", "WANDB_MODE": "offline"}])
def test_without_a_run_at_a_server_nothing_is_written(variables: dict[str, str]) -> None:
    done = ended("-c", "import os; os.kill(os.getpid(), 9)", WANDB_BASE_URL="http://127.0.0.1:9", **variables)

    assert (done.returncode, done.stderr) == (137, "trial: killed by SIGKILL\n")


class Refusing(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b'{"data": null, "errors": [{"message": "this key is not known"}]}'
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def refusing_server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run_at(url: str, folder: Path) -> dict[str, str]:
    return {
        "WANDB_BASE_URL": url,
        "WANDB_API_KEY": "0" * 40,
        "WANDB_RUN_ID": "run1",
        "WANDB_DIR": str(folder),
        "WANDB_CONFIG_DIR": str(folder),
        "WANDB_ERROR_REPORTING": "false",
    }


def test_a_server_that_refuses_the_cause_changes_no_exit_code(refusing_server: str, tmp_path: Path) -> None:
    done = ended("-c", "raise SystemExit(3)", **run_at(refusing_server, tmp_path))

    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("trial: the cause could not be written to the run: ")
    assert "this key is not known" in line


def test_a_server_that_does_not_answer_holds_nothing_up(tmp_path: Path) -> None:
    program = "import sys; from app import trial; trial.record(137, 'killed by SIGKILL', limit_s=2); sys.exit(137)"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environment = {**os.environ, **run_at(url, tmp_path)}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)

    assert done.returncode == 137
    assert done.stderr == (
        "trial: the cause could not be written to the run: killed by SIGKILL, after 2 s at the latest\n"
    )


def test_an_interrupted_trial_that_closed_its_run_is_left_alone(tmp_path: Path) -> None:
    for code in (130, 143):
        done = ended("-c", f"raise SystemExit({code})", **run_at("http://127.0.0.1:9", tmp_path))

        assert (done.returncode, done.stderr) == (code, "")
