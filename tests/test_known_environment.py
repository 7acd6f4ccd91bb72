"""That no test can depend on what the shell, the editor or the job scheduler around it exports."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

ODD = {
    **{"TERM": "dumb", "COLUMNS": "20", "LINES": "3", "NO_COLOR": "1", "FORCE_COLOR": "1", "CI": "true"},
    **{"LANG": "C", "LC_ALL": "C", "TZ": "Asia/Kathmandu", "HOME": "/nowhere", "XDG_CONFIG_HOME": "/nowhere"},
    **{"http_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "SSL_CERT_FILE": "/nowhere"},
    **{"WANDB_API_KEY": "k" * 40, "WANDB_MODE": "offline", "WANDB_SERVICE": "x", "WANDB_DIR": "/nowhere"},
    **{"DATA_DIR": "/nowhere", "PORT": "1", "SWEEP": "no.yaml", "ENV_FILE": "no.env", "MAKEFLAGS": "PORT=1"},
    **{"PYTHONPATH": "/nowhere", "PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "9"},
    **{"KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "0", "CLICOLOR_FORCE": "1", "PYTEST_ADDOPTS": "-x"},
}

SEEN = """
import json, os, subprocess, time
import tests.conftest
given = subprocess.run(["env", "-0"], capture_output=True, text=True).stdout.split(chr(0))
print(json.dumps([dict(line.split("=", 1) for line in given if line), time.tzname[0], os.getcwd()]))
tests.conftest.pytest_unconfigure()
"""


def seen(folder: Path, **variables: str) -> tuple[dict[str, str], str, str]:
    """Variables of what a test starts, time zone and folder, where tests start in `folder` with these variables."""
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{SEEN}"
    given = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, env=given, capture_output=True, text=True)
    environment, zone, where = json.loads(done.stdout)
    return environment, zone, where


def test_no_variable_zone_or_folder_of_the_shell_reaches_a_test(tmp_path: Path) -> None:
    bare, odd = seen(ROOT), seen(tmp_path, **ODD)

    assert odd[0].keys() == bare[0].keys()
    assert {name for name in bare[0] if odd[0][name] != bare[0][name]} == {"HOME", "DOCKER_CONFIG"}
    assert odd[1:] == bare[1:] == ("UTC", str(ROOT))


def test_the_home_of_the_tests_is_empty_and_goes_with_them(tmp_path: Path) -> None:
    home = Path(seen(ROOT, TMPDIR=str(tmp_path))[0]["HOME"])

    assert home.parent == tmp_path
    assert not home.exists()


def test_daemons_are_found_whatever_the_path_of_the_shell(tmp_path: Path) -> None:
    path = seen(tmp_path, PATH="/usr/bin:/bin")[0]["PATH"].split(":")

    assert path[:2] == ["/usr/bin", "/bin"]
    assert "/usr/sbin" in path
