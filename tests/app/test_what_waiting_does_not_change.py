"""Agents end at once for what would never come right, and after WAIT_S for what has not come until then."""

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.commands import waiting
from app.commands.client import BackendError, Refused
from terms.record import INTERRUPTED_EXIT_CODES, NO_ANSWER_EXIT_CODE, WRONG_USAGE_EXIT_CODE
from tests.app import certificates
from tests.app.programs import ROOT, Workplace, ending, lines_until, process_of
from tests.app.test_embedded import Stub
from tests.server.real_server import RunningServer

WRONG_KEY = "local-" + "0123456789" * 4


@pytest.fixture
def there(workplace: Workplace, server: RunningServer) -> Workplace:
    workplace.write_env_file(f"WANDB_BASE_URL={server.url}\nWANDB_API_KEY={server.api_key}\n")
    workplace.write_quick_sweep(size=[1])
    return workplace


@pytest.fixture
def untrusted(tmp_path: Path) -> Iterator[str]:
    """The address of a server whose certificate no CA has signed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    certificates.secure(server, *certificates.make(tmp_path, "IP:127.0.0.1"))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def error(output: str) -> str:
    """The one line that is an error; a traceback would be more."""
    (line,) = [line for line in output.splitlines() if not line.startswith("Backend: ")]
    return line.removeprefix("Error: ")


@pytest.mark.slow
def test_a_wrong_key_ends_an_agent_at_once(there: Workplace, server: RunningServer) -> None:
    there.write_env_file(f"WANDB_BASE_URL={server.url}\nWANDB_API_KEY={WRONG_KEY}\n")

    code, output = there.run("agent")

    assert (code, error(output)) == (
        2,
        f"{server.url}: the API key is missing or not this server's (HTTP 401). "
        "The key is that of WANDB_API_KEY or WANDB_API_KEY_FILE in .env; it is to be this server's.",
    )


@pytest.mark.slow
def test_a_sweep_that_is_not_there_ends_an_agent_at_once_with_the_nearest(
    there: Workplace, server: RunningServer
) -> None:
    there.variables["WANDB_PROJECT"] = "nearest"
    there.run("register")
    (sweep,) = server.api().project("nearest").sweeps()

    agent, register = (there.run(name, SWEEP_ID=f"local/nearest/{sweep.id[:-1]}") for name in ("agent", "register"))

    told = f"local/nearest has no sweep {sweep.id[:-1]}. Did you mean {sweep.id} ({sweep.name})?"
    assert (agent[0], error(agent[1])) == (2, told)
    assert (register[0], error(register[1])) == (2, told)


@pytest.mark.slow
@pytest.mark.parametrize("lines", ["WANDB_BASE_URL={url}\nWANDB_API_KEY={key}\n", "SERVER_URL={url}\n"])
def test_a_certificate_that_is_not_trusted_ends_an_agent_at_once(
    workplace: Workplace, untrusted: str, lines: str
) -> None:
    workplace.write_quick_sweep(size=[1])
    workplace.write_env_file(lines.format(url=untrusted, key=WRONG_KEY))
    (workplace.data / "server").mkdir()
    (workplace.data / "server/api-key").write_text(WRONG_KEY)

    code, output = workplace.run("agent")

    assert code == 2
    assert error(output).startswith(f"{untrusted}: its certificate is not trusted here, ")
    assert error(output).endswith("SSL_CERT_FILE in .env names a file with the certificate of the CA that signed it.")


@pytest.mark.slow
def test_the_address_of_anothers_server_ends_an_agent_at_once(workplace: Workplace, server: RunningServer) -> None:
    workplace.write_quick_sweep(size=[1])
    (workplace.data / "server").mkdir()
    (workplace.data / "server/api-key").write_text(WRONG_KEY)

    code, output = workplace.run("agent", SERVER_URL=server.url)

    assert code == 2
    assert f"{server.url}: what answers there does not know the key in DATA_DIR/server (HTTP 401)." in error(output)


@pytest.mark.slow
@pytest.mark.parametrize(("status", "code"), [(403, 2), (404, 2), (503, 75)])
def test_any_backend_is_told_by_its_status(workplace: Workplace, status: int, code: int) -> None:
    workplace.write_quick_sweep(size=[1])
    backend = Stub([status])
    workplace.write_env_file(f"WANDB_BASE_URL={backend.url}\nWANDB_API_KEY={WRONG_KEY}\nWANDB_HTTP_TIMEOUT=1\n")

    ended, output = workplace.run("agent", plain=True, WAIT_S="0")  # W&B's client reads the time-out when imported
    backend.stop()

    assert ended == code
    assert error(output).startswith(f"{backend.url}: {f'HTTP {status}' if code == 2 else 'no answer in time'}")


@pytest.mark.slow
def test_a_server_that_never_comes_is_given_up_after_the_limit(workplace: Workplace) -> None:
    workplace.write_quick_sweep(size=[1])
    # No program listens on port 1; W&B's client asks there for a second, in place of its 19.
    workplace.write_env_file(f"WANDB_BASE_URL=http://127.0.0.1:1\nWANDB_API_KEY={WRONG_KEY}\nWANDB_HTTP_TIMEOUT=1\n")

    code, output = workplace.run("agent", plain=True, WAIT_S="1")

    assert code == 75
    assert error(output) == "http://127.0.0.1:1: no answer in time. Waited for 1 s, as WAIT_S says."


@pytest.mark.slow
def test_an_agent_that_waits_ends_as_soon_as_it_is_told_to(workplace: Workplace) -> None:
    workplace.write_quick_sweep(size=[1])

    agent = workplace.start("agent")
    lines_until(agent, "Waiting")
    agent.terminate()
    code, output = ending(agent)

    assert (code, output) == (143, "")


@pytest.mark.slow
def test_an_agent_whose_wandb_agent_is_killed_ends_and_says_that_the_sweep_is_not_done(there: Workplace) -> None:
    there.run("register", NEW="killed")
    there.hold()

    agent = there.start("agent", NEW="killed")
    lines_until(agent, "Agent works for")
    os.kill(process_of(there, "wandb agent"), signal.SIGKILL)
    code, output = ending(agent)

    assert (code, output.splitlines()[-1]) == (1, "0 of 1 runs finished")


def test_the_table_of_exit_codes_tells_of_each() -> None:
    table = re.findall(r"^\| (\d+) \|", (ROOT / "docs/agents.md").read_text(), re.MULTILINE)

    assert [int(code) for code in table] == [0, 1, WRONG_USAGE_EXIT_CODE, NO_ANSWER_EXIT_CODE, *INTERRUPTED_EXIT_CODES]


class Clock:
    """Moves only when somebody waits."""

    now_s = 0.0

    def read(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


def answers_after(questions: int) -> Callable[[], str]:
    asked = iter(range(questions))

    def ask() -> str:
        if next(asked, None) is None:
            return "here"
        raise BackendError("http://server: no answer in time")

    return ask


def test_what_comes_within_the_limit_is_waited_for() -> None:
    clock = Clock()
    told: list[str] = []

    assert waiting.for_answer(answers_after(3), 6, told.append, clock.read, clock.wait) == "here"
    assert told == ["Waiting: http://server: no answer in time"] * 3


def test_what_does_not_come_is_asked_for_until_the_limit_and_no_longer() -> None:
    clock = Clock()

    with pytest.raises(waiting.GivenUp, match=r"no answer in time\. Waited for 5 s, as WAIT_S says\.$"):
        waiting.for_answer(answers_after(100), 5, lambda _: None, clock.read, clock.wait)
    assert clock.now_s == 4


def test_without_a_limit_it_is_asked_once() -> None:
    with pytest.raises(waiting.GivenUp, match=r"no answer in time\. WAIT_S=0 waits for nothing\.$"):
        waiting.for_answer(answers_after(1), 0, lambda _: None)


AWAY = BackendError("http://server: no answer in time")
REFUSED = Refused("http://server: HTTP 401")


class Told:
    """Tells one thing after the other, of which errors are raised."""

    def __init__(self, *things: str | BackendError) -> None:
        self._things = iter(things)

    def __call__(self) -> str:
        thing = next(self._things)
        if isinstance(thing, BackendError):
            raise thing
        return thing


def test_one_refusal_while_others_work_may_be_a_slip_and_two_in_a_row_are_none() -> None:
    looks, backend = waiting.Looks(60), Told("a", REFUSED, "b", REFUSED, AWAY, REFUSED, REFUSED)

    found = [looks.look(backend, lambda: True) for _ in range(6)]
    with pytest.raises(Refused):
        looks.look(backend, lambda: True)

    assert found == ["a", None, "b", None, None, None]


def test_work_goes_on_without_an_answer_and_idleness_only_as_long_as_one_waits() -> None:
    clock = Clock()
    looks, backend = waiting.Looks(60, clock.read), Told("a", AWAY, AWAY, AWAY)

    looks.look(backend, lambda: False)
    clock.wait(60)
    first = looks.look(backend, lambda: False)
    clock.wait(1)
    second = looks.look(backend, lambda: True)

    assert (first, second, looks.trouble) == (None, None, AWAY.message)
    with pytest.raises(waiting.GivenUp, match="no answer in time"):
        looks.look(backend, lambda: False)
