"""A key that whoever deploys the server has made: taken from a file, and nothing else taken for one."""

import subprocess
from pathlib import Path

import httpx2
import pytest

from server.keys import KeyFileError, load_keys
from tests.server.real_server import RunningServer, ending, python

FIRST, SECOND = "a" * 40, "b" * 40


def test_a_server_takes_the_key_of_a_file_and_a_new_one_when_it_starts_again(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text(f"{FIRST}\n")

    with ending(RunningServer(tmp_path / "data", "--api-key-file", str(given))) as server:
        answers = [answer(server, FIRST)]
        server.stop()
        given.write_text(SECOND)
        server.start()
        answers += [answer(server, FIRST), answer(server, SECOND)]

    assert answers == [204, 401, 204]
    assert load_keys(tmp_path / "data").api_key == SECOND  # which `server env` prints, and the programs beside it read
    assert (tmp_path / "data/api-key").stat().st_mode & 0o777 == 0o600
    assert not any(key in server.output() for key in (FIRST, SECOND))


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"secret", FIRST[1:].encode(), b"a" * 20 + b" " + b"a" * 20, b"\xff\xfe"]
)
def test_what_is_no_key_is_taken_from_no_file(tmp_path: Path, content: bytes) -> None:
    for name in ("given", "api-key"):
        (tmp_path / name).write_bytes(content)

    for given in (tmp_path / "given", None):
        with pytest.raises(
            KeyFileError, match=r"holds no API key; allowed: 40 or more letters, digits and underscores"
        ):
            load_keys(tmp_path, given)


def test_a_key_file_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    command = [*python(), "-m", "server", "--data", str(tmp_path / "data"), "--port", "0"]

    done = subprocess.run([*command, "--api-key-file", str(tmp_path / "none")], capture_output=True, text=True)

    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {tmp_path / 'none'}: No such file or directory, for user ")
    assert len(done.stderr.splitlines()) == 1


def answer(server: RunningServer, api_key: str) -> int:
    return httpx2.get(f"{server.url}/key", auth=("api", api_key)).status_code
