"""Programs that are forked from a process with all their imports done are those that Python would start."""

import json
import signal
import sys
from pathlib import Path

import pytest

from tests.server import hanging
from tests.server.real_client import start
from tests.server.real_server import RunningServer
from tests.server.warm_programs import APP, CLIENT, SERVER, WarmProgram

SELF = """
import json, os, sys
print(json.dumps([sys.argv, sys.path, os.getcwd(), dict(os.environ), __name__, sys.executable, sys.stdin.read()]))
"""


@pytest.mark.parametrize("warm", [APP, CLIENT, SERVER], ids=lambda warm: str(warm.name))
@pytest.mark.parametrize("code", [0, 3, -signal.SIGTERM])
def test_a_forked_program_finds_what_a_plain_one_finds_and_ends_alike(
    server: RunningServer, tmp_path: Path, code: int, warm: WarmProgram
) -> None:
    end = f"os.kill(os.getpid(), {-code})" if code < 0 else f"sys.exit({code})"
    program = ("-c", f"{SELF}\nsys.stdout.flush(); {end}", "an", "argument")

    own = {"WARM_SOCKET": "its own", "PYTHONPATH": f"modules:{tmp_path}"}
    begun = [start(server, tmp_path, *python, *program, **own) for python in ((sys.executable,), warm.python())]
    plain, forked = (hanging.output(process, tmp_path) for process in begun)

    assert json.loads(forked[0]) == json.loads(plain[0])
    assert [process.returncode for process in begun] == [code, code]


def test_a_forked_program_that_hangs_tells_where(server: RunningServer, tmp_path: Path) -> None:
    program = "import time\ndef waits():\n    print('waits', flush=True)\n    time.sleep(86400)\nwaits()"
    process = start(server, tmp_path, *CLIENT.python(), "-c", program)
    assert process.stdout is not None
    assert process.stdout.readline() == "waits\n"

    hanging.abort(tmp_path)

    assert "in waits" in process.communicate()[1]
    assert process.returncode == -signal.SIGABRT
