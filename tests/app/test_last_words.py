"""What a trial's parent tells a run's backend when W&B's client can tell it nothing more."""

import base64
import contextlib
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from app.parent import last_words
from tests.app import certificates
from tests.app.programs import ROOT, ending, lines_until
from tests.app.test_trial import command, ended, run_at, started
from tests.patience import HANG_S
from tests.server.real_server import RunningServer

LEAVING = """
import os, sys
from app.parent import last_words
words = last_words.LastWords("me", "a project", "run1", 143, "interrupted (SIGTERM)", preempting=True)
last_words.keep(os.environ[last_words.FILE], words)
sys.exit(143)
"""


REFUSAL = {"errors": [{"message": "this key is not known"}]}


class Backend(http.server.BaseHTTPRequestHandler):
    """Any W&B backend, as far as the end of a run goes: it knows one, and keeps what it is told.

    Attributes:
        state: of the run; "" refuses everything.
    """

    state = "running"
    told: ClassVar[list[tuple[str, str, Any]]] = []

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer: dict[str, Any] = {}
        if self.path == "/graphql":
            run = {"state": self.state, "summaryMetrics": '{"loss": NaN, "epoch": 3}'}
            answer = {"data": {"project": {"run": run}}} if self.state else REFUSAL
        else:
            self.told.append((self.path, self.headers["Authorization"], asked))
        self.send_response(401 if answer is REFUSAL else 200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def plain(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a trial that no warm server starts: where it was forked makes no difference here."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "WARM": "0", **variables}


@contextlib.contextmanager
def backend_that_knows(
    state: str, *certificate: Path, host: str = "127.0.0.1"
) -> Iterator[tuple[str, list[tuple[str, str, Any]]]]:
    told: list[tuple[str, str, Any]] = []
    handler = type("Handler", (Backend,), {"state": state, "told": told})
    with serving(handler, *certificate, host=host) as port:
        yield f"http://{host}:{port}", told


@contextlib.contextmanager
def serving(
    handler: type[http.server.BaseHTTPRequestHandler], *certificate: Path, host: str = "127.0.0.1"
) -> Iterator[int]:
    with http.server.ThreadingHTTPServer((host, 0), handler) as server:
        if certificate:
            certificates.secure(server, *certificate)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize("state", ["running", "preempting", "crashed"])
def test_what_wandbs_client_could_not_tell_of_its_end_is_told_by_its_parent(tmp_path: Path, state: str) -> None:
    with backend_that_knows(state) as (url, told):
        done = ended(plain(run_at(url, tmp_path)) | {"TMPDIR": str(tmp_path)}, "-c", LEAVING)

    ((path, credentials, end),) = told
    summary = end["files"]["wandb-summary.json"]
    assert (done.returncode, done.stderr.count("could not be told")) == (143, 0)
    assert path == "/files/me/a%20project/run1/file_stream"
    assert base64.b64decode(credentials.removeprefix("Basic ")) == b"api:" + b"0" * 40
    assert (end["preempting"], end["complete"], end["exitcode"], summary["offset"]) == (True, True, 143, 0)
    assert summary["content"] == ['{"loss": NaN, "epoch": 3, "_cause": "interrupted (SIGTERM)"}']
    assert list(tmp_path.glob("trial-*")) == []


@pytest.mark.parametrize("state", ["finished", "failed", "killed", "preempted", "pending"])
def test_a_run_that_has_ended_or_was_handed_out_anew_is_told_nothing(tmp_path: Path, state: str) -> None:
    with backend_that_knows(state) as (url, told):
        done = ended(plain(run_at(url, tmp_path)), "-c", LEAVING)

    assert (done.returncode, told) == (143, [])
    assert "could not be told" not in done.stderr


TRAINER = """
import os, signal, sys, time
{handle}
print("ready", flush=True)
time.sleep(60)
"""
ENDS = {
    "killed before it could close its run": (
        "signal.signal(15, lambda *_: os.kill(os.getpid(), 9))",
        "killed by SIGKILL",
    ),
    "told before it had a run": ("signal.signal(15, lambda *_: sys.exit(143))", None),
}


@pytest.mark.parametrize("how", ENDS)
def test_for_a_trainer_that_was_asked_to_end_and_left_no_words_its_parent_finds_them(tmp_path: Path, how: str) -> None:
    handle, killed = ENDS[how]
    (tmp_path / "app").mkdir()
    (tmp_path / "app/__init__.py").touch()
    (tmp_path / "app/train.py").write_text(TRAINER.format(handle=handle))
    with backend_that_knows("running") as (url, told):
        names = {"WANDB_ENTITY": "me", "WANDB_PROJECT": "p", "WANDB_RUN_ID": "run1", "WANDB_SWEEP_ID": "s"}
        environment = plain(run_at(url, tmp_path)) | names | {"TMPDIR": str(tmp_path)}
        trial = subprocess.Popen(
            command("-m", "app.train"), cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
        )
        lines_until(trial, "ready")
        trial.terminate()
        code, _ = ending(trial)

    ((_, _, end),) = told
    cause = json.loads(end["files"]["wandb-summary.json"]["content"][0])["_cause"]
    assert (code, end["preempting"], end["complete"], end["exitcode"]) == (143, True, True, 143)
    assert cause == "interrupted (SIGTERM)" + (f", then {killed}" if killed else "")
    assert list(tmp_path.glob("trial-*")) == []


class Proxy(http.server.BaseHTTPRequestHandler):
    """The only way out of a machine; whatever host is asked for, it leads to a port here."""

    port = 0
    asked: ClassVar[list[str]] = []

    def do_CONNECT(self) -> None:
        self.asked.append(self.path)
        with socket.create_connection(("127.0.0.1", self.port)) as there:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=pass_on, args=(there, self.connection))
            back.start()
            pass_on(self.connection, there)
            back.join()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(4096):
            target.sendall(content)
        target.shutdown(socket.SHUT_WR)


def test_a_backend_behind_a_proxy_and_a_ca_of_its_own_is_told_as_wandbs_client_would(tmp_path: Path) -> None:
    certificate, key = certificates.make(tmp_path, "DNS:api.sweeps.internal")
    with backend_that_knows("running", certificate, key) as (url, told):
        asked: list[str] = []
        proxy = type("Handler", (Proxy,), {"port": int(url.rpartition(":")[2]), "asked": asked})
        with serving(proxy) as port:
            way = plain(run_at("https://api.sweeps.internal", tmp_path)) | {"HTTPS_PROXY": f"http://127.0.0.1:{port}"}
            trusting = ended(way | {"SSL_CERT_FILE": str(certificate)}, "-c", LEAVING)
            through = list(asked)
            wary = ended(way, "-c", LEAVING)

    assert (trusting.returncode, trusting.stderr, len(told)) == (143, "", 1)
    assert through == ["api.sweeps.internal:443"] * 2
    assert wary.returncode == 143
    assert "could not be told: its certificate is not trusted: self-signed certificate" in wary.stderr
    assert len(asked) == 3  # it does not ask again for what stays as it is


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
def test_a_network_that_no_proxy_names_is_reached_without_one(tmp_path: Path) -> None:
    # Not an address that every client knows for this machine's own.
    with backend_that_knows("running", host="127.0.0.2") as (url, told):
        way = plain(run_at(url, tmp_path))
        done = ended(way | {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "10.0.0.0/8, 127.0.0.0/8"}, "-c", LEAVING)

    assert (done.returncode, done.stderr, len(told)) == (143, "", 1)


def test_a_server_that_refuses_the_end_of_a_run_changes_no_exit_code(tmp_path: Path) -> None:
    with backend_that_knows("") as (url, _):
        done = ended(plain(run_at(url, tmp_path)), "-c", LEAVING)

    assert done.returncode == 143
    assert done.stderr == "trial: the end of its run could not be told: this key is not known\n"


TELLING = """
import os, sys
from app.parent import last_words
path = os.environ[last_words.FILE]
last_words.keep(path, last_words.LastWords("me", "p", "run1", 1, "ValueError: no", preempting=False))
last_words.note_told(path)
sys.exit(1)
"""


def test_the_server_is_not_asked_for_a_run_whose_trial_has_told_its_cause_itself(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        run = run_at(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path)
        done = ended(plain(run) | {"TMPDIR": str(tmp_path)}, "-c", TELLING)
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()

    assert (done.returncode, done.stderr) == (1, "")
    assert list(tmp_path.glob("trial-*")) == []


def test_a_server_that_does_not_answer_holds_the_end_up_for_a_limited_time(tmp_path: Path) -> None:
    words = tmp_path / "words"
    last_words.keep(str(words), last_words.LastWords("me", "p", "run1", 143, "interrupted (SIGTERM)", preempting=True))
    program = f"import os; from app import trial; trial.announce({str(words)!r}, os.environ, limit_s=2)"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {**os.environ, **run_at(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path)}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)

    assert re.fullmatch(r"trial: the end of its run could not be told: .*\n", done.stderr)


def test_a_second_signal_does_not_end_what_writes_the_cause_of_the_first(server: RunningServer, tmp_path: Path) -> None:
    # A batch system signals the agent and the trial's parent; the agent then passes its own on.
    way = plain(server.env(tmp_path)) | {"WANDB_RUN_ID": "twice", "WANDB_PROJECT": "twice"}
    with started(way, "import time; print('ready', flush=True); time.sleep(60)") as process:
        process.terminate()
        wait_for_child(process.pid, "record_cause")
        process.terminate()
        process.wait(HANG_S)

    assert process.returncode == 143
    assert server.api().run("local/twice/twice").summary["_cause"] == "killed by SIGTERM"


def wait_for_child(pid: int, program: str) -> None:
    deadline_s = time.monotonic() + HANG_S
    while time.monotonic() < deadline_s:
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                if program in Path(f"/proc/{child}/cmdline").read_text():
                    return
        time.sleep(0.02)
    raise AssertionError(f"never a {program}")
