import contextlib
import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app import settings, trial
from app.parent import evidence, patience
from tests.patience import HANG_S

SCRIPT = str(Path(trial.__file__))


@pytest.fixture(params=["warm", "plain"])
def way(request: pytest.FixtureRequest, warm_environment: dict[str, str]) -> dict[str, str]:
    """The environment of a trial that starts so; all else must be the same."""
    return warm_environment | {"WARM": "1" if request.param == "warm" else "0"}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", SCRIPT, *arguments]


def ended(way: Mapping[str, str], *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, env=way, timeout=HANG_S, **options)


@contextlib.contextmanager
def started(way: Mapping[str, str], program: str) -> Iterator[subprocess.Popen[str]]:
    """A trial of a program that says `ready`, once it has; whatever is left of it is killed."""
    with subprocess.Popen(
        command("-c", program), env=way, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


ENDINGS = [
    ("pass", 0, ""),
    ("print('out'); raise SystemExit(3)", 3, ""),
    ("raise SystemExit('text')", 1, "text\n"),
    ("import os; os._exit(255)", 255, ""),
    ("import atexit; atexit.register(print, 'last'); print('first')", 0, ""),
    ("open('/dev/full', 'w').write('x' * 9999)", 1, "OSError: [Errno 28] No space left on device\n"),
    ("def f(): raise ValueError('no')\nf()", 1, "ValueError: no\n"),
    ("import app.nothing", 1, "ModuleNotFoundError: No module named 'app.nothing'\n"),
    ("raise KeyboardInterrupt", 130, "KeyboardInterrupt\ntrial: killed by SIGINT\n"),
    ("import os; os.kill(os.getpid(), 9)", 137, "trial: killed by SIGKILL\n"),
    ("import os; os.abort()", 134, "trial: aborted (SIGABRT)\n"),
    ("import os; os.kill(os.getpid(), 11)", 139, "trial: segmentation fault (SIGSEGV)\n"),
    ("import os; os.kill(os.getpid(), 15)", 143, "trial: killed by SIGTERM\n"),
]


@pytest.mark.parametrize(("program", "code", "told"), ENDINGS)
def test_an_ending_is_the_same_warm_and_plain_and_death_by_a_signal_a_code_above_128(
    warm_environment: dict[str, str], program: str, code: int, told: str
) -> None:
    warm, plain = (ended(warm_environment | {"WARM": switch}, "-c", program) for switch in "10")

    assert (warm.returncode, warm.stdout, warm.stderr) == (plain.returncode, plain.stdout, plain.stderr)
    assert warm.returncode == code
    assert warm.stderr.endswith(told)


ODD_ARGUMENTS = ['--name=it\'s "quoted"', "", "--größe=1", "two words"]

SURROUNDINGS = """
import os, signal, sys, threading
with open("/proc/self/status") as file:
    lines = [line.split() for line in file if line.startswith(("SigIgn", "SigBlk"))]
valid = sum(1 << number - 1 for number in signal.valid_signals())  # two others are the C library's own
masks = [(name, hex(int(mask, 16) & valid)) for name, mask in lines]
signals = {each: signal.getsignal(each) for each in signal.valid_signals()}
own = ("TRIAL_PROGRESS_FILE", "TRIAL_LAST_WORDS_FILE", "WARM", "_")
print(ascii(sys.argv), sys.executable, sys.orig_argv, sys.path, sys.flags, __name__, globals().get("__file__"))
print(sorted((k, v) for k, v in os.environ.items() if k not in own), os.getcwd(), os.umask(0))
print(masks, signals, threading.active_count(), os.getpgid(0) == os.getpid())
print([(n, os.isatty(n), os.fstat(n).st_mode) for n in range(3) if os.path.exists(f"/proc/self/fd/{n}")])
for stream in (sys.stdin, sys.stdout, sys.stderr):
    print(stream and (stream.name, stream.encoding, stream.errors, stream.line_buffering, stream.write_through))
print([name for name in ("app.model", "app.warm", "app.parent.process") if name in sys.modules])
"""


@pytest.mark.parametrize("how", ["-c", "-m", "a file"])
def test_a_warm_trial_finds_itself_where_a_plain_one_does(
    warm_environment: dict[str, str], tmp_path: Path, how: str
) -> None:
    (tmp_path / "look.py").write_text(SURROUNDINGS)
    program = {"-c": ["-c", SURROUNDINGS], "-m": ["-m", "look"], "a file": ["look.py"]}[how]
    odd = {"ODD": "\udcff=ä", "NEW": "1"}

    def look(switch: str) -> str:
        way = warm_environment | odd | {"WARM": switch}
        shell = ["sh", "-c", 'umask 027; trap "" HUP INT; exec "$@" <&-', "sh"]
        done = subprocess.run(
            [*shell, *command(*program, *ODD_ARGUMENTS)], cwd=tmp_path, env=way, capture_output=True, text=True
        )
        assert (done.stderr, done.returncode) == ("", 0)
        return done.stdout

    assert look("1") == look("0")


def test_a_module_is_found_from_the_working_directory_with_its_arguments(way: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "own_trainer.py").write_text("import sys; print(ascii(sys.argv[1:]))")

    done = ended(way, "-m", "own_trainer", *ODD_ARGUMENTS, cwd=tmp_path)

    assert (done.stdout, done.returncode) == (f"{ODD_ARGUMENTS!a}\n", 0)


COUNTING = """
import signal, sys, time
got = []
def count(signum, frame): got.append(signum)
for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2): signal.signal(each, count)
print("ready", flush=True)
while len(set(got)) < 5: time.sleep(.01)
time.sleep(.1)
print(*got)
"""


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["to the parent", "to its whole group"])
def test_each_signal_reaches_the_trial_once(way: dict[str, str], send: Callable[[int, int], None]) -> None:
    signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]

    with started(way, COUNTING) as process:
        for signum in signals:
            send(process.pid, signum)
            time.sleep(0.1)
        output, _ = process.communicate(timeout=HANG_S)

    assert sorted(map(int, output.split())) == sorted(signals)
    assert process.returncode == 0


def test_a_trial_that_ignores_signals_is_waited_for(way: dict[str, str]) -> None:
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(1)"

    with started(way, program) as process:
        process.terminate()

        assert process.wait(HANG_S) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_the_trial_dies_with_its_parent(way: dict[str, str]) -> None:
    with started(way, "import os, time; print('ready'); print(os.getpid(), flush=True); time.sleep(60)") as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())

        process.kill()

        assert gone_within(HANG_S, child)


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


def test_an_inherited_deafness_to_sigint_ends_here(way: dict[str, str]) -> None:
    # A shell script's `&` leaves SIGINT ignored, and W&B stops a run by SIGINT.
    program = "import signal; print(signal.getsignal(signal.SIGINT) == signal.default_int_handler)"
    shell = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]

    done = subprocess.run([*shell, *command("-c", program)], env=way, capture_output=True, text=True)

    assert done.stdout == "True\n"


WORKING = """
import os, sys, time
path = os.environ.get("TRIAL_PROGRESS_FILE")
for _ in range({times}):
    time.sleep(.2)
    path and os.utime(path)
time.sleep({rest_s})
"""


def test_a_trial_that_gets_no_further_is_killed_and_the_cause_says_so(way: dict[str, str]) -> None:
    done = ended(way | {"NO_PROGRESS_MIN": "0.01"}, "-c", WORKING.format(times=1, rest_s=60))

    assert done.returncode == 137
    assert re.fullmatch(r"trial: no progress for 0.01 min: the last was \d+ s after its start\n", done.stderr)


def test_time_in_which_nothing_ran_is_no_lack_of_progress(way: dict[str, str]) -> None:
    ready = "print('ready', os.getpid(), sep='\\n', flush=True)"
    program = WORKING.format(times=5, rest_s=0.8) + ready + WORKING.format(times=5, rest_s=0)

    with started(way | {"NO_PROGRESS_MIN": "0.05"}, program) as process:
        assert process.stdout is not None
        both = (process.pid, int(process.stdout.readline()))
        for each in both:
            os.kill(each, signal.SIGSTOP)
        time.sleep(4)
        for each in both:
            os.kill(each, signal.SIGCONT)
            time.sleep(1)  # the parent looks before its trial can show a sign

        assert process.wait(HANG_S) == 0


def test_what_it_started_is_killed_with_it(way: dict[str, str]) -> None:
    program = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True)"

    done = ended(way | {"NO_PROGRESS_MIN": "0.01"}, "-c", program + WORKING.format(times=1, rest_s=60))

    assert gone_within(HANG_S, int(done.stdout))


@pytest.mark.parametrize(
    ("limit_min", "times", "rest_s"), [("0.1", 35, 0), ("0.01", 0, 1), ("0", 1, 1)], ids=["busy", "unaware", "off"]
)
def test_a_trial_at_work_or_of_unknown_progress_is_left_alone(
    way: dict[str, str], limit_min: str, times: int, rest_s: int
) -> None:
    done = ended(way | {"NO_PROGRESS_MIN": limit_min}, "-c", WORKING.format(times=times, rest_s=rest_s))

    assert (done.returncode, done.stderr) == (0, "")


def test_the_trainer_is_known_to_renew_its_file_and_none_is_left(way: dict[str, str], tmp_path: Path) -> None:
    package = tmp_path / "app"
    package.mkdir()
    (package / "train.py").write_text("import time; time.sleep(60)")

    done = ended(way | {"NO_PROGRESS_MIN": "0.01", "TMPDIR": str(tmp_path)}, "-m", "app.train", cwd=tmp_path)

    assert done.returncode == 137
    assert done.stderr.endswith("trial: no progress for 0.01 min: none since its start\n")
    assert list(tmp_path.glob("trial-*")) == []


def test_the_limit_is_the_settings_own_where_none_is_given() -> None:
    assert settings.VARIABLES["NO_PROGRESS_MIN"][0] == patience.DEFAULT_MIN


@pytest.mark.parametrize(
    ("number", "oom_kills", "code", "cause"),
    [
        (3, 0, 3, "exit code 3"),
        (-signal.SIGKILL, 0, 137, "killed by SIGKILL"),
        (-signal.SIGKILL, 1, 137, "out of memory: the kernel killed it (SIGKILL, oom_kill +1)"),
        (-signal.SIGSEGV, 0, 139, "segmentation fault (SIGSEGV)"),
        (-signal.SIGSEGV, 1, 139, "segmentation fault (SIGSEGV)"),
        (-signal.SIGTERM, 0, 143, "killed by SIGTERM"),
        (-40, 0, 168, "killed by signal 40"),
        (None, 0, 143, "interrupted: the warm server ended"),
        (None, 1, 137, "out of memory: the kernel killed it (SIGKILL, oom_kill +1)"),
    ],
)
def test_the_cause_names_the_evidence(number: int | None, oom_kills: int, code: int, cause: str) -> None:
    assert evidence.ending_of(number, oom_kills)[:2] == (code, cause)


def test_a_signal_from_its_parent_is_told_by_its_reason_and_a_trial_that_ended_before_is_not() -> None:
    killed, ended_before = (evidence.ending_of(number, 0, "no progress for 30 min: ...") for number in (-9, 3))

    assert (killed.code, killed.cause) == (137, "no progress for 30 min: ...")
    assert (ended_before.code, ended_before.cause) == (3, "exit code 3")


def test_the_kernels_count_of_oom_kills_is_read_from_cgroups_v2(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/pod/trial\n")
    write(tmp_path / "sys/fs/cgroup/pod/trial/memory.events", "low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\n")

    assert evidence.oom_kills(str(tmp_path)) == 2


def test_the_kernels_count_of_oom_kills_is_read_from_cgroups_v1_in_a_container(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "5:cpu:/docker/1f\n4:memory:/docker/1f\n0::/docker/1f\n")
    write(tmp_path / "sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")

    assert evidence.oom_kills(str(tmp_path)) == 3


def test_no_cgroup_counts_no_kills(tmp_path: Path) -> None:
    assert evidence.oom_kills(str(tmp_path)) == 0


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)


@pytest.mark.parametrize("variables", [{}, {"WANDB_RUN_ID": "abc", "WANDB_MODE": "offline"}])
def test_without_a_run_at_a_server_nothing_is_written(way: dict[str, str], variables: dict[str, str]) -> None:
    environment = way | variables | {"WANDB_BASE_URL": "http://127.0.0.1:9"}

    done = ended(environment, "-c", "import os; os.kill(os.getpid(), 9)")

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


def test_a_server_that_refuses_the_cause_changes_no_exit_code(
    way: dict[str, str], refusing_server: str, tmp_path: Path
) -> None:
    done = ended(way | run_at(refusing_server, tmp_path), "-c", "raise SystemExit(3)")

    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("trial: the cause could not be written to the run: ")
    assert "this key is not known" in line


def test_a_server_that_does_not_answer_holds_nothing_up(tmp_path: Path) -> None:
    record = "trial.record(137, 'killed by SIGKILL', os.environ, limit_s=2)"
    program = f"import os, sys; from app import trial; {record}; sys.exit(137)"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environment = {**os.environ, **run_at(url, tmp_path)}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)

    assert done.returncode == 137
    assert done.stderr == (
        "trial: the cause could not be written to the run: killed by SIGKILL, after 2 s at the latest\n"
    )


def test_an_interrupted_trial_that_closed_its_run_is_left_alone(way: dict[str, str], tmp_path: Path) -> None:
    for code in (130, 143):
        done = ended(way | run_at("http://127.0.0.1:9", tmp_path), "-c", f"raise SystemExit({code})")

        assert (done.returncode, done.stderr) == (code, "")
